//! What plugins may use when they work for a team: what it says of itself, or what everybody gets, up to the operator's
//! ceilings.

use super::evaluator::{Evaluator, RunOptions};
use crate::{
    model::{finding::Findings, name::Name, rejection::Rejection},
    proto::v1::{self, PluginLimits},
    sandbox::{AtCeiling, Limits},
    store::WriteError,
};

/// A limit, as a team says it and as the operator does.
struct Said {
    /// The field of `plugin_limits`, and the key of `plugins.ceilings`.
    field: &'static str,
    /// 0 where the team says nothing.
    own: u64,
    usual: u64,
    ceiling: u64,
}

// === impl Said ===

impl Said {
    /// What holds, and whether it is all that the operator allows. A ceiling that was lowered since holds at once.
    fn holds(&self) -> (u64, bool) {
        let wanted = if self.own == 0 { self.usual } else { self.own };
        (wanted.min(self.ceiling), wanted >= self.ceiling)
    }
}

fn said(own: &PluginLimits, options: &RunOptions) -> [Said; 4] {
    let (usual, ceilings) = (&options.limits, &options.ceilings);
    let said = |field, own: i64, usual, ceiling| Said {
        field,
        own: u64::try_from(own).unwrap_or(0),
        usual,
        ceiling,
    };
    [
        said("fuel_per_call", own.fuel_per_call, usual.fuel_per_call, ceilings.fuel_per_call),
        said("fuel_per_row", own.fuel_per_row, usual.fuel_per_row, ceilings.fuel_per_row),
        said("memory_bytes", own.memory_bytes, usual.memory_bytes as u64, ceilings.memory_bytes as u64),
        said("output_bytes", own.output_bytes, usual.output_bytes as u64, ceilings.output_bytes as u64),
    ]
}

/// What plugins may use when they work for a team. A setting above a ceiling, which was lowered after it was written, is
/// held to the ceiling.
#[must_use]
pub fn team_limits(team: &v1::Team, options: &RunOptions) -> Limits {
    let own = team.plugin_limits.unwrap_or_default();
    let [call, row, memory, output] = said(&own, options).map(|said| said.holds());
    let bytes = |(bytes, _): (u64, bool)| usize::try_from(bytes).unwrap_or(usize::MAX);
    Limits {
        fuel_per_call: call.0,
        fuel_per_row: row.0,
        memory_bytes: bytes(memory),
        output_bytes: bytes(output),
        wall_time: options.limits.wall_time,
        fuel_ns: options.limits.fuel_ns,
        at_ceiling: AtCeiling {
            fuel_per_call: call.1,
            fuel_per_row: row.1,
            memory_bytes: memory.1,
            output_bytes: output.1,
        },
    }
}

// === impl Evaluator ===

impl Evaluator {
    /// What stands against a team that is to be created.
    #[must_use]
    pub fn objection_to_new_team(&self, request: &v1::CreateTeamRequest) -> Option<Rejection> {
        let wanted = request.team.as_ref()?.plugin_limits?;
        above_ceilings(&wanted, &PluginLimits::default(), |_| true, self.options())
    }

    /// What stands against a team as it is to be: settings above the operator's ceilings. What it has already may stay, as a
    /// ceiling may have been lowered since.
    ///
    /// # Errors
    /// When the store fails.
    pub fn objection_to_team(
        &self,
        request: &v1::UpdateTeamRequest,
    ) -> Result<Option<Rejection>, WriteError> {
        let Some(v1::Team { name, plugin_limits: Some(wanted), .. }) = &request.team else { return Ok(None) };
        let paths = request.update_mask.as_ref().map_or(&[][..], |mask| &mask.paths);
        let changes = |field: &str| {
            let covers = |path: &String| match path.strip_prefix("plugin_limits") {
                Some(rest) => rest.is_empty() || rest.strip_prefix('.') == Some(field),
                None => path == "*",
            };
            paths.is_empty() || paths.iter().any(covers)
        };
        let Ok(name) = Name::parse(name) else { return Ok(None) };
        let now = match self.resources().get::<v1::Team>(&name) {
            Ok(team) => team.plugin_limits.unwrap_or_default(),
            Err(WriteError::Rejected(_)) => PluginLimits::default(),
            Err(error) => return Err(error),
        };
        Ok(above_ceilings(wanted, &now, changes, self.options()))
    }
}

/// Refuses every setting that is changed to something above its ceiling.
fn above_ceilings(
    wanted: &PluginLimits,
    now: &PluginLimits,
    changes: impl Fn(&str) -> bool,
    options: &RunOptions,
) -> Option<Rejection> {
    let mut findings = Findings::default();
    for (wanted, now) in said(wanted, options).iter().zip(said(now, options)) {
        let Said { field, own, ceiling, .. } = wanted;
        if own > ceiling && *own != now.own && changes(field) {
            let what = format!(
                "{own} is more than the {ceiling} that this server allows: give at most that, or have its operator raise \
                 plugins.ceilings.{field} in the configuration"
            );
            findings.field(format!("team.plugin_limits.{field}"), what);
        }
    }
    findings.refuse().err()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const USUAL: Limits = Limits {
        fuel_per_call: 100,
        fuel_per_row: 10,
        memory_bytes: 1_000,
        output_bytes: 500,
        wall_time: Duration::from_secs(1),
        fuel_ns: 1,
        at_ceiling: AtCeiling {
            fuel_per_call: false,
            fuel_per_row: true,
            memory_bytes: false,
            output_bytes: true,
        },
    };

    fn options() -> RunOptions {
        RunOptions {
            chunk_rows: 1,
            threads: 1,
            limits: USUAL,
            ceilings: Limits { fuel_per_call: 1_000, memory_bytes: 2_000, ..USUAL },
            try_out: Duration::ZERO,
            compiles: 2,
            compile_longest: Duration::ZERO,
            compile_wait: Duration::ZERO,
            concurrent_runs: 2,
        }
    }

    fn own(change: impl Fn(&mut PluginLimits)) -> PluginLimits {
        let mut own = PluginLimits::default();
        change(&mut own);
        own
    }

    #[test]
    fn a_team_has_its_own_limits_up_to_the_ceilings() {
        let check = |plugin_limits, wanted: Limits| {
            let team = v1::Team { plugin_limits, ..Default::default() };
            assert_eq!(team_limits(&team, &options()), wanted, "{plugin_limits:?}");
        };
        let at_call = AtCeiling { fuel_per_call: true, ..USUAL.at_ceiling };
        let at_memory = AtCeiling { memory_bytes: true, ..USUAL.at_ceiling };
        check(None, USUAL);
        check(Some(own(|_| {})), USUAL);
        for given in [1_000, 1_001, i64::MAX] {
            let wanted = Limits { fuel_per_call: 1_000, at_ceiling: at_call, ..USUAL };
            check(Some(own(|own| own.fuel_per_call = given)), wanted);
        }
        check(Some(own(|own| own.fuel_per_call = 1)), Limits { fuel_per_call: 1, ..USUAL });
        let wanted = Limits { memory_bytes: 2_000, at_ceiling: at_memory, ..USUAL };
        check(Some(own(|own| own.memory_bytes = 2_000)), wanted);
    }

    #[test]
    fn what_is_above_the_ceilings_is_refused_whole() {
        let check = |wanted: &PluginLimits, now: &PluginLimits, changes: fn(&str) -> bool, keys: &[&str]| {
            let rejection = above_ceilings(wanted, now, changes, &options());
            let violations = rejection.map_or_else(Vec::new, |rejection| rejection.violations);
            assert_eq!(violations.len(), keys.len(), "{violations:?}");
            for (violation, key) in violations.iter().zip(keys) {
                assert!(violation.description.contains(&format!("plugins.ceilings.{key} ")), "{violation:?}");
                assert!(violation.field.starts_with("team.plugin_limits."), "{violation:?}");
            }
        };
        let most =
            PluginLimits { fuel_per_call: 1_000, fuel_per_row: 10, memory_bytes: 2_000, output_bytes: 500 };
        let more =
            PluginLimits { fuel_per_call: 1_001, fuel_per_row: 11, memory_bytes: 2_001, output_bytes: 501 };
        let nothing = PluginLimits::default();
        check(&nothing, &nothing, |_| true, &[]);
        check(&most, &nothing, |_| true, &[]);
        let all = ["fuel_per_call", "fuel_per_row", "memory_bytes", "output_bytes"];
        check(&more, &nothing, |_| true, &all);
        check(&more, &more, |_| true, &[]);
        check(
            &more,
            &own(|own| *own = PluginLimits { output_bytes: 502, ..more }),
            |_| true,
            &["output_bytes"],
        );
        check(&more, &nothing, |field| field == "output_bytes", &["output_bytes"]);
    }
}
