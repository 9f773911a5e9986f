//! Commission by tiers: each slice of the amount at its own rate, or all of it at the rate reached.
//!
//! Parameters:
//!
//! | parameter | meaning |
//! | --- | --- |
//! | `tiers` | `[{"from": 0, "rate": "5%", "flat": 0}, …]`, ascending; the first from 0. A value exactly on a bound belongs to the tier that begins there. `flat` is paid once when the tier is reached. |
//! | `basis` | `amount` (the bounds are amounts) or `attainment` (the bounds are shares of `quota`, `1` is 100 %) |
//! | `mode` | `graduated` (each slice at its own rate) or `volume` (the whole amount at the rate of the tier reached) |
//! | `gate` | attainment below which nothing is paid |
//! | `floor`, `cap` | the least and the most that is paid, once the gate is passed |
//!
//! Inputs: `amount`; with `basis` attainment or a `gate` also `quota`, which has to be above 0. Outputs: the payout
//! `commission`, and with a quota the detail `attainment`.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

use alloc::{format, string::String, vec::Vec};

use merit_sdk::{Answer, Context, Decimal, Manifest, ParameterError, Parameters, Row, Scorer, manifest};

/// Commission by tiers.
pub struct TieredCommission {
    tiers: Vec<Tier>,
    by_attainment: bool,
    volume: bool,
    gate: Option<Decimal>,
    floor: Option<Decimal>,
    cap: Option<Decimal>,
}

struct Tier {
    from: Decimal,
    rate: Decimal,
    flat: Decimal,
}

// === impl TieredCommission ===

impl Scorer for TieredCommission {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        parameters.only(&["tiers", "basis", "mode", "gate", "floor", "cap"])?;
        let (floor, cap) = (parameters.optional_decimal("floor")?, parameters.optional_decimal("cap")?);
        if let (Some(least), Some(most)) = (floor, cap)
            && most < least
        {
            return Err(parameters.error("cap", "is below the floor"));
        }
        Ok(Self {
            tiers: tiers(parameters)?,
            by_attainment: parameters.choice("basis", &["amount", "attainment"])? == "attainment",
            volume: parameters.choice("mode", &["graduated", "volume"])? == "volume",
            gate: parameters.optional_decimal("gate")?,
            floor,
            cap,
        })
    }

    fn manifest(&self) -> Manifest {
        let manifest = manifest("Pays commission by tiers.").number("amount");
        if self.needs_quota() {
            return manifest.number("quota").payout("commission").detail("attainment").build();
        }
        manifest.payout("commission").build()
    }

    fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer) -> Result<(), String> {
        let amount = row.number("amount")?;
        let quota = if self.needs_quota() { Some(row.number("quota")?) } else { None };
        if let Some(quota) = quota {
            if quota <= Decimal::ZERO {
                return Err(format!("quota is {quota}; attainment needs one above 0"));
            }
            let attainment = amount.over(quota)?;
            answer.step("attainment", "attainment", attainment, &format!("{amount} / {quota}"));
            if let Some(gate) = self.gate
                && attainment < gate
            {
                answer.step("commission", "gate", Decimal::ZERO, &format!("{attainment} is below {gate}"));
                return Ok(());
            }
        }
        let unit = if self.by_attainment { quota.unwrap_or(Decimal::ONE) } else { Decimal::ONE };
        let earned = self.tiered(amount, unit, answer)?;
        self.bounded(earned, answer)
    }
}

impl TieredCommission {
    fn needs_quota(&self) -> bool {
        self.by_attainment || self.gate.is_some()
    }

    /// Adds a step per slice (or one for the whole), and answers what they add up to.
    fn tiered(&self, amount: Decimal, unit: Decimal, answer: &mut Answer) -> Result<Decimal, String> {
        let mut earned = Decimal::ZERO;
        let mut pay = |label: &str, amount: Decimal, note: &str| {
            answer.step("commission", label, amount, note);
            earned.plus(amount).map(|sum| earned = sum)
        };
        let mut bounds = Vec::with_capacity(self.tiers.len());
        for tier in &self.tiers {
            bounds.push(tier.from.times(unit)?);
        }
        // Below the first bound only what is negative: it is paid back at the first rate.
        let reached = bounds.iter().rposition(|bound| *bound <= amount).unwrap_or(0);
        for (index, tier) in self.tiers.iter().enumerate().take(reached + 1) {
            let label = format!("tier {}", index + 1);
            if self.volume && index < reached {
                continue;
            }
            let slice = if self.volume {
                amount
            } else {
                let top = if index == reached { amount } else { bounds[index + 1] };
                top.minus(bounds[index])?
            };
            pay(&label, slice.times(tier.rate)?, &format!("{slice} × {}", tier.rate))?;
            if tier.flat != Decimal::ZERO && amount >= bounds[index] {
                pay(&format!("{label}, flat"), tier.flat, &format!("{} reached", bounds[index]))?;
            }
        }
        Ok(earned)
    }

    fn bounded(&self, earned: Decimal, answer: &mut Answer) -> Result<(), String> {
        if let Some(floor) = self.floor
            && earned < floor
        {
            answer.step("commission", "floor", floor.minus(earned)?, &format!("at least {floor}"));
        }
        if let Some(cap) = self.cap
            && earned > cap
        {
            answer.step("commission", "cap", cap.minus(earned)?, &format!("at most {cap}"));
        }
        Ok(())
    }
}

fn tiers(parameters: &Parameters<'_>) -> Result<Vec<Tier>, ParameterError> {
    let mut tiers: Vec<Tier> = Vec::new();
    for item in parameters.list("tiers")? {
        item.only(&["from", "rate", "flat"])?;
        let from = item.decimal("from")?;
        match tiers.last() {
            None if from != Decimal::ZERO => {
                return Err(item
                    .error("from", "the first tier has to begin at 0: nothing may be left without a rate"));
            }
            Some(before) if from <= before.from => {
                let what = format!("has to be above {}, where the tier before begins", before.from);
                return Err(item.error("from", &what));
            }
            _ => {}
        }
        let flat = item.optional_decimal("flat")?.unwrap_or(Decimal::ZERO);
        tiers.push(Tier { from, rate: item.decimal("rate")?, flat });
    }
    Ok(tiers)
}

merit_sdk::export!(TieredCommission);

#[cfg(test)]
mod tests;
