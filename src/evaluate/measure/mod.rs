//! Measures over a snapshot of views: compiled once, one figure per account manager, exact until the very end. Pure
//! functions; where measures are read from and where figures go is elsewhere.

use std::collections::BTreeSet;

use crate::{
    model::{name::Name, period::Period, rejection::Rejection},
    proto::v1,
    view::Snapshot,
};

/// Measures by name, with the measures that ratios are made of, compiled.
#[derive(Debug)]
pub struct MeasureSet {
    collections: BTreeSet<String>,
}

/// One figure per row of the account managers' view, in its order of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Decimals of the figures.
    pub scale: u8,
    /// The figure of row i is unscaled\[i\] × 10^-scale; what stands in a missing row means nothing.
    pub unscaled: Vec<i128>,
    /// True where there is no figure: no records to aggregate, nothing to divide by, or a fault.
    pub missing: Vec<bool>,
    /// From how many records the figure comes.
    pub records: Vec<u64>,
    /// The rows that have no figure because it cannot be reckoned, with the reason; by row, at most one for each.
    pub faults: Vec<(usize, String)>,
}

// === impl MeasureSet ===

impl MeasureSet {
    /// Compiles the wanted measures and, among `measures`, those that they refer to, transitively.
    ///
    /// # Errors
    /// `INVALID_EXPRESSION`, `INVALID_FIELD`, `REFERENCE_NOT_FOUND`, `MEASURE_CYCLE`.
    pub fn compile(_measures: &[v1::Measure]) -> Result<Self, Rejection> {
        todo!()
    }

    /// The collections that a snapshot has to have: `accountManagers` always.
    #[must_use]
    pub fn collections(&self) -> BTreeSet<&str> {
        self.collections.iter().map(String::as_str).collect()
    }

    /// The figures of a measure in a period; `roll_up` overrides the measure's own.
    ///
    /// # Errors
    /// `NOT_FOUND` where the set has no such measure, or the snapshot lacks a collection.
    pub fn figures(
        &self,
        _measure: &Name,
        _snapshot: &Snapshot,
        _period: Period,
        _roll_up: Option<v1::RollUp>,
    ) -> Result<Figures, Rejection> {
        todo!()
    }

    /// How many records the figure of a row comes from, and the names of the first `limit`.
    ///
    /// # Errors
    /// As `figures`.
    pub fn sources(
        &self,
        _measure: &Name,
        _snapshot: &Snapshot,
        _period: Period,
        _roll_up: Option<v1::RollUp>,
        _row: usize,
        _limit: usize,
    ) -> Result<(u64, Vec<Name>), Rejection> {
        todo!()
    }
}
