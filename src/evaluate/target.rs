//! Targets: what account managers are to reach on a measure, from their goals.

use super::measure::Figures;
use crate::{
    model::{name::Name, period::Period, rejection::Rejection},
    view::Snapshot,
};

/// The collection that a snapshot has to have for targets, besides `accountManagers`.
pub const GOALS: &str = "goals";

/// The sum of the targets of each account manager's own goals on a measure: those that are active, achieved or missed
/// and whose period lies within `period` (the quotas of three months make that of their quarter; the goal of a year
/// says nothing of its first quarter). Missing where there is none. Scale 4.
///
/// # Errors
/// `NOT_FOUND` where the snapshot lacks a collection.
pub fn targets(_measure: &Name, _snapshot: &Snapshot, _period: Period) -> Result<Figures, Rejection> {
    todo!()
}

/// How many goals the target of a row comes from, and the names of the first `limit`.
///
/// # Errors
/// As `targets`.
pub fn target_sources(
    _measure: &Name,
    _snapshot: &Snapshot,
    _period: Period,
    _row: usize,
    _limit: usize,
) -> Result<(u64, Vec<Name>), Rejection> {
    todo!()
}
