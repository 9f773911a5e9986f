//! Measures over a snapshot of views: compiled once, one figure per account manager, exact until the very end. Pure
//! functions; where measures are read from and where figures go is elsewhere.

mod definition;
mod definitions;
mod exact;
mod fold;
mod reckoning;
mod selection;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use definition::ACCOUNT_MANAGERS;
use definition::roll_up;
use definitions::Definitions;
use reckoning::Reckoning;
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

/// One figure per row of the account managers' view, in its order of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Decimals of the figures.
    pub scale: u8,
    /// The figure of row i is unscaled\[i\] × 10^-scale; 0 in a missing row.
    pub unscaled: Vec<i128>,
    /// True where there is no figure: no records to aggregate, nothing to divide by, or a fault.
    pub missing: Vec<bool>,
    /// From how many records the figure comes.
    pub records: Vec<u64>,
    /// The rows that have no figure because it cannot be reckoned, with the reason; by row, at most one for each.
    pub faults: Vec<(usize, String)>,
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

    /// The figures of a measure in a period; `above` overrides what measures say of rolling up, as that of a ratio overrides
    /// that of its parts.
    ///
    /// # Errors
    /// `NOT_FOUND` where the set has no such measure, or the snapshot lacks a collection.
    pub fn figures(
        &self,
        measure: &Name,
        snapshot: &Snapshot,
        period: Period,
        above: v1::RollUp,
    ) -> Result<Figures, Rejection> {
        let definition = self.definitions.get(measure)?;
        let mut reckoning = Reckoning::new(&self.definitions, snapshot, period)?;
        let figures = reckoning.figures(measure, roll_up(above))?;
        let records = reckoning.records(measure, roll_up(above))?;
        Ok(Figures::rounded(&figures, records, definition.scale, measure))
    }

    /// How many records the figure of a row comes from, and the names of the first `limit`: by collection and name. A
    /// record that both parts of a ratio count is one.
    ///
    /// # Errors
    /// As `figures`.
    pub fn sources(
        &self,
        measure: &Name,
        snapshot: &Snapshot,
        period: Period,
        above: v1::RollUp,
        row: usize,
        limit: usize,
    ) -> Result<(u64, Vec<Name>), Rejection> {
        Reckoning::new(&self.definitions, snapshot, period)?.sources(measure, roll_up(above), row, limit)
    }
}

// === impl Figures ===

impl Figures {
    /// Whether the row has a figure, and which.
    ///
    /// # Panics
    /// Beyond the last row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<i128> {
        (!self.missing[row]).then(|| self.unscaled[row])
    }

    fn rounded(figures: &[fold::Figure], records: Vec<u64>, scale: u8, measure: &Name) -> Self {
        let mut rounded = Self {
            scale,
            unscaled: vec![0; figures.len()],
            missing: vec![true; figures.len()],
            records,
            faults: Vec::new(),
        };
        for (row, figure) in figures.iter().enumerate() {
            let figure = match figure {
                Ok(None) => continue,
                Ok(Some(exact)) => exact.round(scale).ok_or(fold::TOO_LARGE),
                Err(message) => Err(message.as_str()),
            };
            match figure {
                Ok(unscaled) => (rounded.unscaled[row], rounded.missing[row]) = (unscaled, false),
                Err(message) => rounded.faults.push((row, format!("measure {}: {message}", measure.id()))),
            }
        }
        rounded
    }
}

#[cfg(test)]
pub(super) mod tests;
