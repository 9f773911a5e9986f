//! What a run looks at: the team, its measures, and the collections that they and its steps are about.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    binding::BoundStep,
    dataset::{InputHeader, Source},
    evaluator::Evaluator,
    measure::{MeasureSet, with_parts},
    population::ACCOUNT_MANAGERS,
    run_error::RunError,
    target,
};
use crate::{
    model::{
        name::{Id, Name},
        rejection::Rejection,
    },
    proto::v1,
    store::WriteError,
};

/// The team and its measures, as they are now.
pub type Definitions = (v1::Team, BTreeMap<Name, v1::Measure>);

/// The team and its measures, as they are now.
///
/// # Errors
/// `NOT_FOUND`; when the store fails.
pub fn definitions(evaluator: &Evaluator, team: &Id) -> Result<Definitions, RunError> {
    let message: v1::Team = evaluator.resources().get(&Name::of_team(team.clone()))?;
    Ok((message, team_measures(evaluator, team)?))
}

/// The measures of a team.
fn team_measures(evaluator: &Evaluator, team: &Id) -> Result<BTreeMap<Name, v1::Measure>, WriteError> {
    let all: Vec<v1::Measure> = evaluator.resources().list_all(team, "measures")?;
    let named = all.into_iter().map(|measure| Ok((Name::parse(&measure.name)?, measure)));
    Ok(named.collect::<Result<_, Rejection>>()?)
}

/// The measures that inputs take, and those that they are made of.
///
/// # Errors
/// `INVALID_FIELD` where they are made of too many.
pub fn measured(
    steps: &[BoundStep],
    measures: &BTreeMap<Name, v1::Measure>,
) -> Result<Vec<v1::Measure>, Rejection> {
    let taken = |source: &Source| match source {
        Source::Measure(id) => Some(id.clone()),
        _ => None,
    };
    of_sources(steps, measures, taken)
}

/// The measures that inputs take or are targets of, and those that they are made of.
///
/// # Errors
/// `INVALID_FIELD` where they are made of too many.
pub fn named(
    steps: &[BoundStep],
    measures: &BTreeMap<Name, v1::Measure>,
) -> Result<Vec<v1::Measure>, Rejection> {
    let taken = |source: &Source| match source {
        Source::Measure(id) | Source::Target(id) => Some(id.clone()),
        _ => None,
    };
    of_sources(steps, measures, taken)
}

fn of_sources(
    steps: &[BoundStep],
    measures: &BTreeMap<Name, v1::Measure>,
    taken: impl Fn(&Source) -> Option<String>,
) -> Result<Vec<v1::Measure>, Rejection> {
    let inputs = steps.iter().flat_map(|bound| &bound.header.inputs);
    let ids: BTreeSet<String> = inputs.filter_map(|input| taken(&input.source)).collect();
    let wanted = measures.keys().filter(|name| ids.contains(name.id().as_str()));
    with_parts(wanted.cloned().collect(), |name| Ok(measures.get(name).cloned()))
}

/// The collections that a run looks at.
#[must_use]
pub fn collections(steps: &[BoundStep], measures: &MeasureSet) -> BTreeSet<String> {
    let mut collections: BTreeSet<String> = measures.collections().into_iter().map(str::to_owned).collect();
    collections.insert(ACCOUNT_MANAGERS.to_owned());
    for bound in steps {
        collections.extend(bound.lines.iter().map(|lines| lines.collection.clone()));
        let target = |input: &InputHeader| matches!(input.source, Source::Target(_));
        if !bound.quotas.is_empty() || bound.header.inputs.iter().any(target) {
            collections.insert(target::GOALS.to_owned());
        }
    }
    collections
}
