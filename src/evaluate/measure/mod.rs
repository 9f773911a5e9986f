//! Measures over a snapshot of views: compiled once, one figure per account manager, exact until the very end. Pure
//! functions; where measures are read from and where figures go is elsewhere.

mod definition;
mod definitions;
mod exact;
mod figures;
mod fold;
mod reckoning;
mod selection;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use definition::ACCOUNT_MANAGERS;
use definitions::Definitions;
pub use figures::Figures;
pub(super) use reckoning::Reckoning;
pub(super) use selection::view;

use crate::{
    model::{name::Name, period::Period, rejection::Rejection},
    proto::v1,
    view::Snapshot,
};

/// Measures by name, with the measures that ratios are made of, compiled.
#[derive(Debug)]
pub struct MeasureSet {
    definitions: Definitions,
}

/// The most measures that those asked for may be made of.
const PARTS_MAX: usize = 1000;

/// Measures, and those that they are ratios of; a name for which `find` finds nothing is left out.
///
/// # Errors
/// `INVALID_FIELD` where they are made of too many; what `find` answers.
pub fn with_parts<E: From<Rejection>>(
    wanted: Vec<Name>,
    mut find: impl FnMut(&Name) -> Result<Option<v1::Measure>, E>,
) -> Result<Vec<v1::Measure>, E> {
    let (mut found, mut waiting) = (BTreeMap::new(), wanted);
    while let Some(name) = waiting.pop() {
        if found.contains_key(&name) {
            continue;
        }
        if found.len() == PARTS_MAX {
            let description = format!("they are made of more than {PARTS_MAX} measures");
            return Err(Rejection::field("measures", description).into());
        }
        let Some(measure) = find(&name)? else { continue };
        if let Some(v1::measure::Definition::Ratio(ratio)) = &measure.definition {
            waiting.extend([Name::parse(&ratio.numerator)?, Name::parse(&ratio.denominator)?]);
        }
        found.insert(name, measure);
    }
    Ok(found.into_values().collect())
}

// === impl MeasureSet ===

impl MeasureSet {
    /// Compiles measures: the wanted ones and, transitively, those that they are ratios of.
    ///
    /// # Errors
    /// `INVALID_EXPRESSION`, `INVALID_FIELD`, `REFERENCE_NOT_FOUND` for a measure of a ratio that is not among them,
    /// `MEASURE_CYCLE`.
    pub fn compile(measures: &[v1::Measure]) -> Result<Self, Rejection> {
        Definitions::compile(measures).map(|definitions| Self { definitions })
    }

    /// The collections that a snapshot has to have: `accountManagers` always.
    #[must_use]
    pub fn collections(&self) -> BTreeSet<&str> {
        self.definitions.collections()
    }

    /// What reckons them for a period.
    ///
    /// # Errors
    /// `NOT_FOUND` where the snapshot has no account managers.
    pub(in crate::evaluate) fn reckoning<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        period: Period,
    ) -> Result<Reckoning<'a>, Rejection> {
        Reckoning::new(&self.definitions, snapshot, period)
    }
}

#[cfg(test)]
pub(super) mod tests;
