//! States: in which a record may begin, and which changes its methods allow.

use super::{
    path::Path,
    plan::{CollectionPlan, StatePlan},
    record::{Record, Value},
};
use crate::model::{
    finding::Findings,
    name::Name,
    rejection::{Rejection, ResourceReason},
};

/// Gives a new record its state: the one that it comes with, where that is allowed, or the first.
pub(crate) fn begin(
    record: &mut Record,
    collection: &CollectionPlan,
    path: Path<'_>,
    findings: &mut Findings,
) {
    let Some(state) = &collection.state else { return };
    let given = current(record, state);
    match state.initial.first() {
        Some(&first) if given == 0 || !state.given => {
            record.set(state.number, Value::Number(i64::from(first) as u64));
        }
        // A number that is no state at all is found where fields are checked.
        Some(_)
            if state.names.iter().any(|(known, _)| *known == given) && !state.initial.contains(&given) =>
        {
            findings.field(
                path.field(&state.field).to_string(),
                format!(
                    "a record cannot begin as {}: accepted are {}",
                    state.short(given),
                    shorts(state, &state.initial)
                ),
            );
        }
        _ => {}
    }
}

/// The state that a record is in.
pub(crate) fn current(record: &Record, state: &StatePlan) -> i32 {
    i32::try_from(record.get(state.number).map_or(0, Value::number)).unwrap_or(0)
}

/// The change is not allowed: says what the state is, and from which ones it would be.
pub(crate) fn forbids(name: &Name, state: &StatePlan, now: i32, wanted: &str, allowed: &[i32]) -> Rejection {
    let allowed = shorts(state, allowed);
    let allowed = if allowed.is_empty() { "no state".to_owned() } else { allowed };
    Rejection::resource(
        ResourceReason::StateForbids,
        format!("{name} is {}: {wanted} is allowed from {allowed}", state.short(now)),
    )
    .with("resource", name.to_string())
    .with("state", state.short(now).to_owned())
    .with("allowed", allowed)
}

/// States by their short names.
pub(crate) fn shorts(state: &StatePlan, states: &[i32]) -> String {
    states.iter().map(|&number| state.short(number)).collect::<Vec<_>>().join(", ")
}
