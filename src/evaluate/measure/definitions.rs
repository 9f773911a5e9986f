//! Compiled measures by name, with the measures that ratios are made of.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::{self, ACCOUNT_MANAGERS, Definition, Formula};
use crate::{
    model::{
        name::Name,
        rejection::{Rejection, ResourceReason},
    },
    proto::v1,
};

/// Compiled measures by name.
#[derive(Debug)]
pub(super) struct Definitions(BTreeMap<Name, Definition>);

// === impl Definitions ===

impl Definitions {
    /// See `MeasureSet::compile`.
    pub(super) fn compile(measures: &[v1::Measure]) -> Result<Self, Rejection> {
        let mut definitions = BTreeMap::new();
        for measure in measures {
            definitions.insert(Name::parse(&measure.name)?, Definition::compile(measure)?);
        }
        definition::check_references(&definitions)?;
        Ok(Self(definitions))
    }

    /// The collections that they are of: `accountManagers` always.
    pub(super) fn collections(&self) -> BTreeSet<&str> {
        let aggregated = self.0.values().filter_map(|definition| match &definition.formula {
            Formula::Aggregate(aggregate) => Some(aggregate.collection.as_str()),
            Formula::Ratio { .. } => None,
        });
        aggregated.chain([ACCOUNT_MANAGERS]).collect()
    }

    /// The definition of a measure; `NOT_FOUND` where there is none.
    pub(super) fn get(&self, measure: &Name) -> Result<&Definition, Rejection> {
        self.0.get(measure).ok_or_else(|| {
            Rejection::resource(ResourceReason::NotFound, format!("there is no measure {measure}"))
                .with("resource", measure.to_string())
        })
    }
}
