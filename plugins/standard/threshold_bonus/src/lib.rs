//! A bonus for reaching thresholds: an amount, or a share of what was achieved, per level. `MANUAL.md` beside this crate says
//! what the parameters mean.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

use alloc::{format, string::String, vec::Vec};

use merit_sdk::{
    Answer, Context, Decimal, Manifest, ParameterError, Parameters, Problems, Row, Scorer, manifest,
};

/// A bonus for reaching thresholds.
pub struct ThresholdBonus {
    levels: Vec<Level>,
    by_attainment: bool,
    /// Every level reached is paid, not only the highest.
    each: bool,
    rate_of: RateOf,
    without_target_nothing: bool,
    cap: Option<Decimal>,
}

struct Level {
    at: Decimal,
    bonus: Option<Decimal>,
    rate: Option<Decimal>,
}

/// What a level's rate is a share of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RateOf {
    Actual,
    Excess,
    Target,
    TargetPay,
}

// === impl ThresholdBonus ===

impl Scorer for ThresholdBonus {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        problems.read(parameters.only(&["levels", "basis", "pay", "rate_of", "without_target", "cap"]));
        let by_attainment = problems.read(parameters.choice("basis", &["attainment", "amount"])) != "amount";
        let levels = problems.read(levels(parameters, by_attainment));
        let each = problems.read(parameters.choice("pay", &["highest", "each"])) == "each";
        let rate_of = parameters.choice("rate_of", &["actual", "excess", "target", "target_pay"]);
        let rate_of = match problems.read(rate_of) {
            "excess" => RateOf::Excess,
            "target" => RateOf::Target,
            "target_pay" => RateOf::TargetPay,
            _ => RateOf::Actual,
        };
        let without_target_nothing =
            problems.read(parameters.choice("without_target", &["fault", "nothing"])) == "nothing";
        problems.check(by_attainment || rate_of != RateOf::Target, || {
            parameters.error(
                "rate_of",
                "there is no target where thresholds are amounts: give actual, excess or target_pay",
            )
        });
        let cap = problems.read(parameters.optional_not_negative("cap"));
        problems.finish()?;
        Ok(Self { levels, by_attainment, each, rate_of, without_target_nothing, cap })
    }

    fn manifest(&self) -> Manifest {
        let mut manifest = manifest("Pays a bonus for reaching thresholds.").number("actual");
        if self.by_attainment {
            manifest = match self.without_target_nothing {
                true => manifest.optional_number("target"),
                false => manifest.number("target"),
            };
        }
        if self.rate_of == RateOf::TargetPay {
            manifest = manifest.number("target_pay");
        }
        manifest = manifest.payout("bonus").detail("level");
        if self.by_attainment { manifest.detail("attainment").build() } else { manifest.build() }
    }

    fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer<'_>) -> Result<(), String> {
        let actual = row.number("actual")?;
        let mut unit = Decimal::ONE;
        if self.by_attainment {
            let target = row.optional_number("target");
            match target.filter(|target| *target > Decimal::ZERO) {
                Some(target) => {
                    let note = format_args!("{actual} / {target}");
                    answer.step("attainment", "attainment", actual.over(target)?, note);
                    unit = target;
                }
                None if self.without_target_nothing => {
                    answer.step("bonus", "no target", Decimal::ZERO, "nothing is paid without one");
                    answer.step("level", "level reached", Decimal::ZERO, "none");
                    return Ok(());
                }
                None => {
                    let target = target.unwrap_or(Decimal::ZERO);
                    return Err(format!("target is {target}; attainment needs one above 0"));
                }
            }
        }
        let mut reached = 0_usize;
        for level in &self.levels {
            if actual < level.at.times(unit)? {
                break;
            }
            reached += 1;
        }
        answer.step("level", "level reached", Decimal::new(reached as i128, 0), "");
        let paid = if self.each { 0..reached } else { reached.saturating_sub(1)..reached };
        if paid.is_empty() {
            let note = format_args!("{actual} is below {}", self.levels[0].at.times(unit)?);
            answer.step("bonus", "no level", Decimal::ZERO, note);
        }
        for index in paid {
            self.pay(index, actual, unit, row, answer)?;
        }
        if let Some(cap) = self.cap {
            answer.at_most("bonus", "cap", cap, format_args!("at most {cap}"));
        }
        Ok(())
    }
}

impl ThresholdBonus {
    fn pay(
        &self,
        index: usize,
        actual: Decimal,
        unit: Decimal,
        row: &Row<'_>,
        answer: &mut Answer<'_>,
    ) -> Result<(), String> {
        let level = &self.levels[index];
        let label = format_args!("level {}", index + 1);
        let at = level.at.times(unit)?;
        if let Some(bonus) = level.bonus {
            answer.step("bonus", label, bonus, format_args!("{at} reached"));
        }
        if let Some(rate) = level.rate {
            let base = match self.rate_of {
                RateOf::Actual => actual,
                RateOf::Excess => actual.minus(at)?,
                RateOf::Target => unit,
                RateOf::TargetPay => row.number("target_pay")?,
            };
            answer.step("bonus", label, base.times(rate)?, format_args!("{base} × {rate}"));
        }
        Ok(())
    }
}

fn levels(parameters: &Parameters<'_>, by_attainment: bool) -> Result<Vec<Level>, ParameterError> {
    let mut before: Option<Decimal> = None;
    parameters.each("levels", |item| {
        let mut problems = Problems::new();
        problems.read(item.only(&["at", "bonus", "rate"]));
        let at = problems.read(if by_attainment { item.share("at") } else { item.decimal("at") });
        if let Some(before) = before
            && problems.none()
        {
            problems.check(at > before, || {
                item.error("at", &format!("has to be above {before}, where the level before is"))
            });
        }
        before = Some(at);
        let bonus = problems.read(item.optional_not_negative("bonus"));
        let rate = problems.read(item.optional_not_negative("rate"));
        problems.check(item.has("bonus") || item.has("rate"), || {
            item.error("bonus", "is missing: give a bonus, a rate, or both")
        });
        problems.finish()?;
        Ok(Level { at, bonus, rate })
    })
}

merit_sdk::export!(ThresholdBonus);

#[cfg(test)]
mod tests;
