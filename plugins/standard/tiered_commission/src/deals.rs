//! Deal by deal: each deal in its tier, and refunds at the rate that the deal was paid at.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::cmp::Ordering;

use merit_sdk::{Answer, Decimal, Fraction, Input, Kind, Line, ManifestBuilder, Row, share};

use crate::{
    TieredCommission, Walk,
    plan::Per,
    tiers::{Position, Stretch},
};

/// Decimals of a deal's share.
const SHARE_SCALE: u8 = 12;

/// A deal that was paid for: all lines of its id.
#[derive(Default)]
struct Paid {
    amount: Decimal,
    commission: Fraction,
    refunded: Decimal,
}

// === impl TieredCommission ===

impl TieredCommission {
    /// The inputs of deals.
    pub(crate) fn deal_inputs(&self, manifest: ManifestBuilder) -> ManifestBuilder {
        let mut manifest = self.base_rate.input(manifest.line_number("amount"), true);
        if self.shares {
            let share =
                Input { name: "share".into(), kind: Kind::Number, scale: SHARE_SCALE, required: false };
            manifest = manifest.line_input(share);
        }
        if self.refunds_at_original_rate {
            manifest = manifest
                .line_text("deal")
                .optional_line_text("refund_of")
                .optional_line_number("original_rate");
        }
        manifest
    }

    /// Pays for every deal unless a gate is closed, and takes back what was refunded all the same.
    pub(crate) fn pay_deals(
        &self,
        row: &Row<'_>,
        walk: &mut Walk<'_>,
        answer: &mut Answer<'_>,
    ) -> Result<(), String> {
        let mut paid: BTreeMap<&str, Paid> = BTreeMap::new();
        let mut refunds = Vec::new();
        for (index, line) in row.lines().enumerate() {
            if self.refunds_at_original_rate && line.optional_text("refund_of").is_some() {
                refunds.push(line);
                continue;
            }
            let deal = if self.refunds_at_original_rate { line.text("deal")? } else { "" };
            let label = match (answer.explaining(), deal) {
                (false, _) => String::new(),
                (true, "") => format!("deal {}, ", index + 1),
                (true, deal) => format!("{deal}, "),
            };
            let amount = line.number("amount")?;
            let commission = self.pay_deal(&line, amount, &label, walk, answer)?;
            if !self.refunds_at_original_rate {
                continue;
            }
            let all = paid.entry(deal).or_default();
            all.amount = all.amount.plus(amount)?;
            all.commission = all.commission.plus(commission)?;
        }
        if let Some(gate) = &walk.gate {
            gate.hold_back(answer);
            paid.values_mut().for_each(|paid| paid.commission = Fraction::ZERO);
        }
        refunds.iter().try_for_each(|line| self.take_back(line, &mut paid, answer))
    }

    /// Pays for a deal, within what a single one may come to.
    fn pay_deal(
        &self,
        line: &Line<'_>,
        amount: Decimal,
        label: &str,
        walk: &mut Walk<'_>,
        answer: &mut Answer<'_>,
    ) -> Result<Fraction, String> {
        let stretch = Stretch {
            label,
            length: amount,
            share: self.share(line)?,
            base_rate: self.base_rate.of_deal(line)?,
            pay: walk.pay,
        };
        if self.per == Per::Deal {
            walk.position = Position::start();
        }
        let earned = self.schedule.pay(&stretch, walk.bounds, &mut walk.position, answer)?;
        let (bound, what, note) = match (self.deal_floor, self.deal_cap) {
            (Some(floor), _) if earned.compare(floor) == Ordering::Less => (floor, "floor", "at least"),
            (_, Some(cap)) if earned.compare(cap) == Ordering::Greater => (cap, "cap", "at most"),
            _ => return Ok(earned),
        };
        let difference = Fraction::from(bound).minus(earned)?;
        answer.step("commission", format_args!("{label}{what}"), difference, format_args!("{note} {bound}"));
        Ok(bound.into())
    }

    /// A refund takes back what was paid for as much of the deal.
    fn take_back(
        &self,
        line: &Line<'_>,
        paid: &mut BTreeMap<&str, Paid>,
        answer: &mut Answer<'_>,
    ) -> Result<(), String> {
        let of = line.text("refund_of")?;
        let amount = line.number("amount")?;
        if amount > Decimal::ZERO {
            return Err(format!("the refund of {of} is {amount}; a refund is below 0"));
        }
        let label = if answer.explaining() { format!("refund of {of}") } else { String::new() };
        let Some(deal) = paid.get_mut(of) else {
            let rate = line.optional_number("original_rate").ok_or_else(|| {
                format!("{of}, which is refunded, is not among the deals, and there is no original_rate")
            })?;
            if rate < Decimal::ZERO {
                return Err(format!("original_rate is {rate}; a rate is 0 or above"));
            }
            let share = self.share(line)?;
            let back = Fraction::from(amount).times(share)?.times(rate)?;
            match share == Decimal::ONE {
                true => answer.step("commission", label, back, format_args!("{amount} × {rate}")),
                false => {
                    answer.step("commission", label, back, format_args!("{amount} × {rate}, {share} of it"));
                }
            }
            return Ok(());
        };
        deal.refunded = deal.refunded.plus(amount)?;
        if deal.refunded.negated() > deal.amount {
            let (refunded, whole) = (deal.refunded.negated().to_string(), deal.amount);
            return Err(format!("{of} was {whole}, and {refunded} of it is refunded"));
        }
        let back = match amount.negated() == deal.amount {
            true => deal.commission.negated(),
            false => deal.commission.times(amount)?.over(deal.amount)?,
        };
        let note = format_args!("{amount} of {}, for which {} was paid", deal.amount, deal.commission);
        answer.step("commission", label, back, note);
        Ok(())
    }

    /// The part of a line that is paid for.
    fn share(&self, line: &Line<'_>) -> Result<Decimal, String> {
        let given = if self.shares { line.optional_number("share") } else { None };
        given.map_or(Ok(Decimal::ONE), |given| share(given).map_err(|what| format!("share {what}")))
    }
}
