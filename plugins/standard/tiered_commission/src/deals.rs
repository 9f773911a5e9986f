//! Deal by deal: each deal in its tier, and refunds at the rate that the deal was paid at.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use merit_sdk::{Answer, Decimal, Input, Kind, Line, ManifestBuilder, Row};

use crate::{
    TieredCommission,
    plan::Per,
    tiers::{Position, Stretch},
};

/// Decimals of a deal's share.
const SHARE_SCALE: u8 = 12;

/// A deal that was paid for.
struct Paid<'a> {
    deal: &'a str,
    amount: Decimal,
    commission: Decimal,
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

    /// Pays for every deal, then takes back what was refunded.
    pub(crate) fn pay_deals(
        &self,
        row: &Row<'_>,
        bounds: &[Decimal],
        position: &mut Position,
        pay: Option<(Decimal, Decimal)>,
        answer: &mut Answer<'_>,
    ) -> Result<(), String> {
        let mut paid = Vec::new();
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
            let stretch = Stretch {
                label: &label,
                length: amount,
                share: if self.shares { share(&line)? } else { Decimal::ONE },
                base_rate: self.base_rate.of_deal(&line)?,
                pay,
            };
            if self.per == Per::Deal {
                *position = Position::start();
            }
            let earned = self.schedule.pay(&stretch, bounds, position, answer)?;
            let commission = self.bounded(&label, self.deal_floor, self.deal_cap, Some(earned), answer)?;
            if self.refunds_at_original_rate {
                paid.push(Paid { deal, amount, commission, refunded: Decimal::ZERO });
            }
        }
        refunds.iter().try_for_each(|line| take_back(line, &mut paid, answer))
    }
}

fn share(line: &Line<'_>) -> Result<Decimal, String> {
    let share = line.optional_number("share").unwrap_or(Decimal::ONE);
    if share < Decimal::ZERO {
        return Err(format!("share is {share}; a share is 0 or above"));
    }
    Ok(share)
}

/// A refund takes back what was paid for as much of the deal.
fn take_back(line: &Line<'_>, paid: &mut [Paid<'_>], answer: &mut Answer<'_>) -> Result<(), String> {
    let of = line.text("refund_of")?;
    let amount = line.number("amount")?;
    if amount > Decimal::ZERO {
        return Err(format!("the refund of {of} is {amount}; a refund is below 0"));
    }
    let label = if answer.explaining() { format!("refund of {of}") } else { String::new() };
    let Some(deal) = paid.iter_mut().find(|paid| paid.deal == of) else {
        let rate = line.optional_number("original_rate").ok_or_else(|| {
            format!("{of}, which is refunded, is not among the deals, and there is no original_rate")
        })?;
        answer.step("commission", label, amount.times(rate)?, format_args!("{amount} × {rate}"));
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
