//! Commission by tiers: each slice of the amount at its own rate, all of it at the rate reached, or the whole overage at the
//! rate reached; on the total or deal by deal. `MANUAL.md` beside this crate says what the parameters mean.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod deals;
mod gate;
mod plan;
mod rates;
mod tiers;

use alloc::{format, string::String};

use merit_sdk::{
    Answer, Context, Decimal, Fraction, Manifest, ParameterError, Parameters, Row, Scorer, manifest,
};

use gate::Closed;
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
        let unit = if self.by_attainment { quota.unwrap_or(Decimal::ONE) } else { Decimal::ONE };
        let bounds = self.schedule.bounds(unit)?;
        let pay = match (self.of_target_pay, quota) {
            (true, Some(quota)) => Some((row.number("target_pay")?, quota)),
            _ => None,
        };
        let position = Position::after(&self.schedule, &bounds, before);
        let gate = self.gates.closed(total, before, quota)?;
        let mut walk = Walk { bounds: &bounds, position, pay, gate };
        if self.per == Per::Total {
            self.pay_total(row, amount, &mut walk, answer)?;
        } else {
            self.pay_deals(row, &mut walk, answer)?;
        }
        if walk.gate.is_some() {
            return Ok(());
        }
        if let Some(floor) = self.floor {
            answer.at_least("commission", "floor", floor, format_args!("at least {floor}"));
        }
        if let Some(cap) = self.cap {
            answer.at_most("commission", "cap", cap, format_args!("at most {cap}"));
        }
        self.details(amount, total, &bounds, answer)
    }
}

/// The way through the tiers, as far as it has gone.
struct Walk<'b> {
    /// Where the tiers begin, as amounts.
    bounds: &'b [Decimal],
    position: Position,
    /// Target pay and quota, where rates are shares of the target pay.
    pay: Option<(Decimal, Decimal)>,
    /// The gate that was not reached.
    gate: Option<Closed>,
}

impl TieredCommission {
    /// Pays for the total unless a gate is closed.
    fn pay_total(
        &self,
        row: &Row<'_>,
        amount: Decimal,
        walk: &mut Walk<'_>,
        answer: &mut Answer<'_>,
    ) -> Result<(), String> {
        let base_rate = self.base_rate.of_row(row)?;
        let stretch = Stretch { label: "", length: amount, share: Decimal::ONE, base_rate, pay: walk.pay };
        self.schedule.pay(&stretch, walk.bounds, &mut walk.position, answer)?;
        if let Some(gate) = &walk.gate {
            gate.hold_back(answer);
        }
        Ok(())
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
        let earned = answer.so_far("commission").unwrap_or(Fraction::ZERO);
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
