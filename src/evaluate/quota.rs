//! What the input `quota` is where it is not bound: the target on the only money measure that somebody has a goal on.

use std::collections::BTreeMap;

use super::{
    binding::BoundStep,
    binding_rules::invalid_binding,
    dataset::{InputHeader, Source},
    target,
};
use crate::{
    model::{name::Name, period::Period, rejection::Rejection},
    proto::v1,
    view::Snapshot,
};

/// Finds what quotas are that no step binds.
///
/// # Errors
/// `INVALID_BINDING` where nobody has a goal on a money measure in the period, or there are goals on several.
pub fn find_quotas(
    steps: &mut [BoundStep],
    measures: &BTreeMap<Name, v1::Measure>,
    snapshot: &Snapshot,
    period: Period,
) -> Result<(), Rejection> {
    if steps.iter().all(|bound| bound.quotas.is_empty()) {
        return Ok(());
    }
    let mut with_goals = Vec::new();
    for (name, _) in measures.iter().filter(|(_, measure)| measure.money) {
        if !target::targets(name, snapshot, period)?.goals.is_empty() {
            with_goals.push(name);
        }
    }
    for bound in steps {
        for &place in &bound.quotas {
            let step = bound.header.step.clone();
            let input: &mut InputHeader = &mut bound.header.inputs[place];
            input.source = match with_goals[..] {
                [measure] => Source::Target(measure.id().to_string()),
                [] if !bound.loaded.manifest.inputs[place].required => Source::Nothing,
                [] => {
                    return Err(invalid_binding(
                        &step,
                        &input.name,
                        "is not bound, and nobody has a goal on a money measure in the period: bind it to the target \
                         of a measure",
                    ));
                }
                [..] => {
                    let names: Vec<String> = with_goals.iter().map(ToString::to_string).collect();
                    let what = format!(
                        "is not bound, and there are goals on several money measures: bind it to the target of one \
                         of {}",
                        names.join(", ")
                    );
                    return Err(invalid_binding(&step, &input.name, &what));
                }
            };
        }
    }
    Ok(())
}
