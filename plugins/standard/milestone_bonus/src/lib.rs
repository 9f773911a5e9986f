//! A bonus for milestones (management by objectives): each with a weight or an amount, achieved or not, or by degree. `MANUAL.md`
//! beside this crate says what the parameters mean.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod milestone;

use alloc::{format, string::String, vec::Vec};
use core::cmp::Ordering;

use merit_sdk::{
    Answer, Context, Decimal, Fraction, Manifest, ParameterError, Parameters, Problems, Row, Scorer, manifest,
};

use milestone::Milestone;

/// A bonus for milestones.
pub struct MilestoneBonus {
    milestones: Vec<Milestone>,
    /// Milestones have weights, and share a bonus; else amounts of their own.
    weighted: bool,
    /// The bonus that weights share; without it the input `target_pay`.
    bonus: Option<Decimal>,
    missing: Missing,
    gate: Option<Decimal>,
    cap: Option<Decimal>,
}

/// What becomes of a milestone without a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Fault,
    NotAchieved,
    Rescale,
}

// === impl MilestoneBonus ===

impl Scorer for MilestoneBonus {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        problems.read(parameters.only(&["milestones", "weights", "bonus", "missing", "gate", "cap"]));
        let milestones = problems.read(milestones(parameters));
        let weighted = milestones.first().is_none_or(|milestone| milestone.amount.is_none());
        let bonus = problems.read(parameters.optional_not_negative("bonus"));
        problems.check(weighted || bonus.is_none(), || {
            parameters
                .error("bonus", "milestones have amounts of their own: leave it out, or give them weights")
        });
        let missing = match problems.read(parameters.choice("missing", &["fault", "not_achieved", "rescale"]))
        {
            "not_achieved" => Missing::NotAchieved,
            "rescale" => Missing::Rescale,
            _ => Missing::Fault,
        };
        problems.check(weighted || missing != Missing::Rescale, || {
            parameters.error("missing", "amounts cannot be rescaled: give fault or not_achieved, or weights")
        });
        let gate = problems.read(parameters.optional_share("gate"));
        let cap = problems.read(parameters.optional_not_negative("cap"));
        problems.finish()?;
        Ok(Self { milestones, weighted, bonus, missing, gate, cap })
    }

    fn manifest(&self) -> Manifest {
        let mut manifest = manifest("Pays a bonus for milestones, achieved or by degree.");
        for milestone in &self.milestones {
            manifest = milestone.input(manifest, self.missing == Missing::Fault);
        }
        if self.weighted && self.bonus.is_none() {
            manifest = manifest.number("target_pay");
        }
        manifest.payout("bonus").score("achievement").build()
    }

    fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer<'_>) -> Result<(), String> {
        let mut counted: Vec<(&Milestone, Decimal, Fraction)> = Vec::new();
        let (mut worth, mut achieved) = (Decimal::ZERO, Fraction::ZERO);
        for milestone in &self.milestones {
            let degree = match milestone.degree(row)? {
                Some(degree) => degree,
                None if self.missing == Missing::Fault => {
                    return Err(format!("{} is missing", milestone.name));
                }
                None if self.missing == Missing::NotAchieved => Decimal::ZERO,
                None => {
                    answer.remark(&milestone.name, Decimal::ZERO, "no value: the other weights are rescaled");
                    continue;
                }
            };
            worth = worth.plus(milestone.worth())?;
            let part = Fraction::from(milestone.worth()).times(degree)?;
            achieved = achieved.plus(part)?;
            counted.push((milestone, degree, part));
        }
        if counted.is_empty() {
            return Ok(());
        }
        if worth > Decimal::ZERO {
            let note = format_args!("100 × {achieved} of {worth}");
            answer.step("achievement", "achieved", achieved.times(Decimal::new(100, 0))?.over(worth)?, note);
        }
        if let Some(gate) = self.gate
            && achieved.compare(gate.times(worth)?) == Ordering::Less
        {
            let note = format_args!("{achieved} of {worth} is below {gate}");
            answer.step("bonus", "gate", Decimal::ZERO, note);
            return Ok(());
        }
        let bonus = match self.bonus {
            Some(bonus) => bonus,
            None if self.weighted => row.number("target_pay")?,
            None => Decimal::ONE,
        };
        for (milestone, degree, part) in counted {
            let worth_here = milestone.worth();
            if self.weighted {
                let note = format_args!("{bonus} × {worth_here} of {worth} × {degree}");
                answer.step("bonus", &milestone.name, part.times(bonus)?.over(worth)?, note);
            } else {
                answer.step("bonus", &milestone.name, part, format_args!("{worth_here} × {degree}"));
            }
        }
        if let Some(cap) = self.cap {
            answer.at_most("bonus", "cap", cap, format_args!("at most {cap}"));
        }
        Ok(())
    }
}

fn milestones(parameters: &Parameters<'_>) -> Result<Vec<Milestone>, ParameterError> {
    let mut problems = Problems::new();
    let percent = problems.read(parameters.choice("weights", &["relative", "percent"])) == "percent";
    let mut names: Vec<String> = Vec::new();
    let mut with_amounts = None;
    let milestones = problems.read(parameters.each("milestones", |item| {
        let milestone = Milestone::read(item)?;
        let amount = milestone.amount.is_some();
        if *with_amounts.get_or_insert(amount) != amount {
            let key = if amount { "amount" } else { "weight" };
            return Err(item.error(key, "give all milestones weights, or all of them amounts"));
        }
        if names.contains(&milestone.name) {
            return Err(item.error("name", "is used by a milestone before"));
        }
        names.push(milestone.name.clone());
        Ok(milestone)
    }));
    if percent && problems.none() {
        let sum = milestones.iter().try_fold(Decimal::ZERO, |sum, milestone| sum.plus(milestone.worth()));
        let sum = sum.unwrap_or(Decimal::ZERO);
        let what = format!("the weights add up to {sum}; in percent they have to add up to 100");
        problems.check(sum == Decimal::new(100, 0), || parameters.error("milestones", &what));
    }
    problems.finish()?;
    Ok(milestones)
}

merit_sdk::export!(MilestoneBonus);

#[cfg(test)]
mod tests;
