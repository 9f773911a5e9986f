//! What plugins see of a team: its currency, and how payouts are rounded. What they may use is in `plugin_limits`.

use super::dataset::StoredRounding;
use crate::{
    model::period::Period,
    proto::v1,
    sandbox::{Context, Rounding},
};

/// What plugins see of a team and a period.
#[must_use]
pub fn team_context(team: &v1::Team, period: Period) -> Context {
    Context {
        period_start: period.start().to_string(),
        period_end: period.end().to_string(),
        currency: team.currency.clone(),
        currency_scale: currency_scale(team),
        rounding: match stored_rounding(team) {
            StoredRounding::HalfUp => Rounding::HalfUp,
            StoredRounding::HalfEven => Rounding::HalfEven,
        },
    }
}

/// How a team's payouts are rounded: half up, unless it says otherwise.
#[must_use]
pub fn stored_rounding(team: &v1::Team) -> StoredRounding {
    match team.payout_rounding() {
        v1::Rounding::HalfEven => StoredRounding::HalfEven,
        v1::Rounding::HalfUp | v1::Rounding::Unspecified => StoredRounding::HalfUp,
    }
}

/// Decimals of an amount in the team's currency.
#[must_use]
pub fn currency_scale(team: &v1::Team) -> u8 {
    // The team was refused when its currency was not one; two is what most have.
    crate::model::currency::decimals(&team.currency).unwrap_or(2)
}
