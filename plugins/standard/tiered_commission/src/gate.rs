//! Gates: what has to be reached for anything new to be paid.

use alloc::{format, string::String};

use merit_sdk::{Answer, Decimal, ParameterError, Parameters, Problems};

/// The parameters `gate_amount` and `gate_attainment`.
#[derive(Clone, Copy, Default)]
pub struct Gates {
    amount: Option<Decimal>,
    attainment: Option<Decimal>,
}

/// A gate that was not reached.
pub struct Closed {
    why: String,
    /// What was sold before did not reach it either: of that nothing has been paid.
    nothing_paid_before: bool,
}

// === impl Gates ===

impl Gates {
    pub fn read(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        let amount = problems.read(parameters.optional_not_negative("gate_amount"));
        let attainment = problems.read(parameters.optional_share("gate_attainment"));
        problems.finish()?;
        Ok(Self { amount, attainment })
    }

    /// Whether the quota is asked for.
    pub fn need_quota(self) -> bool {
        self.attainment.is_some()
    }

    /// The gate that a total does not reach, if there is one; `before` of it was sold earlier.
    pub fn closed(
        self,
        total: Decimal,
        before: Decimal,
        quota: Option<Decimal>,
    ) -> Result<Option<Closed>, String> {
        let Some(why) = self.why_closed(total, quota)? else { return Ok(None) };
        let nothing_paid_before = before > Decimal::ZERO && self.why_closed(before, quota)?.is_some();
        Ok(Some(Closed { why, nothing_paid_before }))
    }

    fn why_closed(self, total: Decimal, quota: Option<Decimal>) -> Result<Option<String>, String> {
        if let Some(gate) = self.amount.filter(|gate| total < *gate) {
            return Ok(Some(format!("{total} is below {gate}")));
        }
        if let (Some(gate), Some(quota)) = (self.attainment, quota)
            && total < gate.times(quota)?
        {
            return Ok(Some(format!("{total} is below {gate} of the quota {quota}")));
        }
        Ok(None)
    }
}

// === impl Closed ===

impl Closed {
    /// Holds back what would be paid. What is below 0 stays: it takes back what was paid earlier, if anything was.
    pub fn hold_back(&self, answer: &mut Answer<'_>) {
        if self.nothing_paid_before {
            answer.at_least("commission", "gate", Decimal::ZERO, &self.why);
        }
        answer.at_most("commission", "gate", Decimal::ZERO, &self.why);
        if answer.so_far("commission").is_none() {
            answer.step("commission", "gate", Decimal::ZERO, &self.why);
        }
    }
}
