//! Commission by tiers: each slice of the amount at its own rate, all of it at the rate reached, or the whole overage at the
//! rate reached; on the total or deal by deal. `MANUAL.md` beside this crate says what the parameters mean.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod deals;
mod plan;
mod rates;
mod tiers;

use alloc::{format, string::String};

use merit_sdk::{Answer, Context, Decimal, Manifest, ParameterError, Parameters, Row, Scorer, manifest};

use plan::Per;
pub use plan::TieredCommission;
use tiers::{Position, Stretch};

impl Scorer for TieredCommission {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        Self::read(parameters)
    }

    fn manifest(&self) -> Manifest {
        let mut manifest = manifest("Pays commission by tiers.");
        if self.per == Per::Total {
            manifest = self.base_rate.input(manifest.number("amount"), false);
        } else {
            manifest = self.deal_inputs(manifest);
        }
        if self.needs_quota() {
            manifest = manifest.number("quota");
        }
        if self.of_target_pay {
            manifest = manifest.number("target_pay");
        }
        if self.before {
            manifest = manifest.optional_number("before");
        }
        manifest = manifest.payout("commission").detail("effective_rate");
        if self.needs_quota() {
            manifest = manifest.detail("attainment");
        }
        if self.per != Per::Deal {
            manifest = manifest.detail("tier");
        }
        manifest.build()
    }

    fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer<'_>) -> Result<(), String> {
        let amount = match self.per {
            Per::Total => row.number("amount")?,
            _ => row.lines().try_fold(Decimal::ZERO, |sum, line| sum.plus(line.number("amount")?))?,
        };
        let before = if self.before { row.optional_number("before") } else { None };
        let before = before.unwrap_or(Decimal::ZERO);
        let total = before.plus(amount)?;
        let quota = if self.needs_quota() { Some(quota(row)?) } else { None };
        if let Some(quota) = quota {
            let note = format_args!("{total} / {quota}");
            answer.step("attainment", "attainment", total.over(quota)?, note);
        }
        if !self.passes_gates(total, quota, answer)? {
            return Ok(());
        }
        let unit = if self.by_attainment { quota.unwrap_or(Decimal::ONE) } else { Decimal::ONE };
        let bounds = self.schedule.bounds(unit)?;
        let pay = match (self.of_target_pay, quota) {
            (true, Some(quota)) => Some((row.number("target_pay")?, quota)),
            _ => None,
        };
        let mut position = Position::after(&self.schedule, &bounds, before);
        if self.per == Per::Total {
            let base_rate = self.base_rate.of_row(row)?;
            let stretch = Stretch { label: "", length: amount, share: Decimal::ONE, base_rate, pay };
            self.schedule.pay(&stretch, &bounds, &mut position, answer)?;
        } else {
            self.pay_deals(row, &bounds, &mut position, pay, answer)?;
        }
        self.bounded("", self.floor, self.cap, answer.so_far("commission"), answer)?;
        self.details(amount, total, &bounds, answer)
    }
}

impl TieredCommission {
    /// Whether anything is paid; says why not.
    fn passes_gates(
        &self,
        total: Decimal,
        quota: Option<Decimal>,
        answer: &mut Answer<'_>,
    ) -> Result<bool, String> {
        if let Some(gate) = self.gate_amount
            && total < gate
        {
            answer.step("commission", "gate", Decimal::ZERO, format_args!("{total} is below {gate}"));
            return Ok(false);
        }
        if let (Some(gate), Some(quota)) = (self.gate_attainment, quota)
            && total < gate.times(quota)?
        {
            let note = format_args!("{total} is below {gate} of the quota {quota}");
            answer.step("commission", "gate", Decimal::ZERO, note);
            return Ok(false);
        }
        Ok(true)
    }

    /// Adds what lifts the amount to the floor, or cuts it to the cap.
    fn bounded(
        &self,
        label: &str,
        floor: Option<Decimal>,
        cap: Option<Decimal>,
        earned: Option<Decimal>,
        answer: &mut Answer<'_>,
    ) -> Result<Decimal, String> {
        let earned = earned.unwrap_or(Decimal::ZERO);
        match (floor, cap) {
            (Some(floor), _) if earned < floor => {
                let lift = floor.minus(earned)?;
                answer.step(
                    "commission",
                    format_args!("{label}floor"),
                    lift,
                    format_args!("at least {floor}"),
                );
                Ok(floor)
            }
            (_, Some(cap)) if earned > cap => {
                let cut = cap.minus(earned)?;
                answer.step("commission", format_args!("{label}cap"), cut, format_args!("at most {cap}"));
                Ok(cap)
            }
            _ => Ok(earned),
        }
    }

    fn details(
        &self,
        amount: Decimal,
        total: Decimal,
        bounds: &[Decimal],
        answer: &mut Answer<'_>,
    ) -> Result<(), String> {
        if answer.so_far("commission").is_none() {
            answer.step("commission", "no deals", Decimal::ZERO, "nothing to pay for");
        }
        let earned = answer.so_far("commission").unwrap_or(Decimal::ZERO);
        if amount != Decimal::ZERO {
            let note = format_args!("{earned} / {amount}");
            answer.step("effective_rate", "effective rate", earned.over(amount)?, note);
        }
        if self.per != Per::Deal {
            let reached = self.schedule.reached(bounds, total);
            let note = format_args!("begins at {}", bounds[reached]);
            answer.step("tier", "tier reached", Decimal::new(reached as i128 + 1, 0), note);
        }
        Ok(())
    }
}

fn quota(row: &Row<'_>) -> Result<Decimal, String> {
    let quota = row.number("quota")?;
    if quota > Decimal::ZERO {
        return Ok(quota);
    }
    Err(format!("quota is {quota}; attainment needs one above 0"))
}

merit_sdk::export!(TieredCommission);

#[cfg(test)]
mod tests;
