//! What plugins see of a team, its currency and how payouts are rounded; and what they may use when they work for it.

use std::time::Duration;

use super::{dataset::StoredRounding, evaluator::RunOptions};
use crate::{
    model::{period::Period, rejection::Rejection},
    proto::v1,
    sandbox::{Context, Limits, Rounding},
};

/// What plugins may use when they work for a team: its own settings, or what everybody gets.
///
/// # Errors
/// `INVALID_FIELD` for a setting above the operator's ceiling.
pub fn team_limits(team: &v1::Team, options: &RunOptions) -> Result<Limits, Rejection> {
    let Some(own) = &team.plugin_limits else { return Ok(options.limits) };
    let (usual, ceilings) = (&options.limits, &options.ceilings);
    let set = |field: &str, own: i64, usual: u64, ceiling: u64| match u64::try_from(own) {
        Ok(0) | Err(_) => Ok(usual),
        Ok(own) if own <= ceiling => Ok(own),
        Ok(own) => {
            let what = format!(
                "{} has {own}, and this server allows {ceiling} at most: lower it, or have the operator raise \
                 plugins.ceilings.{} in the configuration",
                team.name,
                field.replace("wall_time", "wall")
            );
            Err(Rejection::field(format!("team.plugin_limits.{field}"), what))
        }
    };
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let (usual_wall, most_wall) = (milliseconds(usual.wall_time), milliseconds(ceilings.wall_time));
    Ok(Limits {
        fuel_per_call: set("fuel_per_call", own.fuel_per_call, usual.fuel_per_call, ceilings.fuel_per_call)?,
        fuel_per_row: set("fuel_per_row", own.fuel_per_row, usual.fuel_per_row, ceilings.fuel_per_row)?,
        memory_bytes: bytes(set(
            "memory_bytes",
            own.memory_bytes,
            usual.memory_bytes as u64,
            ceilings.memory_bytes as u64,
        )?),
        output_bytes: bytes(set(
            "output_bytes",
            own.output_bytes,
            usual.output_bytes as u64,
            ceilings.output_bytes as u64,
        )?),
        wall_time: Duration::from_millis(set("wall_time_ms", own.wall_time_ms, usual_wall, most_wall)?),
    })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Limits = Limits {
        fuel_per_call: 100,
        fuel_per_row: 10,
        memory_bytes: 1_000,
        output_bytes: 500,
        wall_time: Duration::from_secs(1),
    };

    /// What a team with these settings gets, or what it is told.
    fn check(own: Option<v1::PluginLimits>, wanted: Result<Limits, &str>) {
        let ceilings = Limits { fuel_per_call: 1_000, memory_bytes: 2_000, ..USUAL };
        let options = RunOptions {
            chunk_rows: 1,
            threads: 1,
            limits: USUAL,
            ceilings,
            try_out: Duration::ZERO,
            compiles: 1,
            concurrent_runs: 1,
        };
        let team = v1::Team { name: "teams/t".to_owned(), plugin_limits: own, ..Default::default() };
        match (team_limits(&team, &options), wanted) {
            (Ok(limits), Ok(wanted)) => assert_eq!(limits, wanted),
            (Err(rejection), Err(words)) => {
                assert!(rejection.message.contains(words), "{words:?} is not in {:?}", rejection.message);
            }
            (limits, wanted) => panic!("{limits:?}, wanted {wanted:?}"),
        }
    }

    #[test]
    fn a_team_has_its_own_limits_up_to_the_ceilings() {
        let own = |change: fn(&mut v1::PluginLimits)| {
            let mut own = v1::PluginLimits::default();
            change(&mut own);
            Some(own)
        };
        check(None, Ok(USUAL));
        check(own(|_| {}), Ok(USUAL));
        check(own(|own| own.fuel_per_call = 1_000), Ok(Limits { fuel_per_call: 1_000, ..USUAL }));
        check(own(|own| own.fuel_per_call = 1), Ok(Limits { fuel_per_call: 1, ..USUAL }));
        check(own(|own| own.memory_bytes = 2_000), Ok(Limits { memory_bytes: 2_000, ..USUAL }));
        check(own(|own| own.wall_time_ms = 10), Ok(Limits { wall_time: Duration::from_millis(10), ..USUAL }));
        check(
            own(|own| own.fuel_per_call = 1_001),
            Err("team.plugin_limits.fuel_per_call: teams/t has 1001, and this server allows 1000 at most"),
        );
        check(own(|own| own.fuel_per_row = 11), Err("raise plugins.ceilings.fuel_per_row"));
        check(own(|own| own.memory_bytes = i64::MAX), Err("plugins.ceilings.memory_bytes"));
        check(own(|own| own.output_bytes = 501), Err("plugins.ceilings.output_bytes"));
        check(own(|own| own.wall_time_ms = 1_001), Err("plugins.ceilings.wall_ms"));
    }
}
