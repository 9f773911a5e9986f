//! Targets: what account managers are to reach on a measure, from their goals.

use merit_expression::{Column, Unscaled, Values};

use super::measure::Figures;
use crate::{
    model::{name::Name, period::Period, rejection::Rejection, schema::DEFAULT_SCALE},
    view::{Snapshot, View, day_number},
};

/// The collection that a snapshot has to have for targets, besides `accountManagers`.
pub const GOALS: &str = "goals";

/// The states in which a goal counts: in force, or over.
const STATES: [&str; 3] = ["ACTIVE", "ACHIEVED", "MISSED"];

/// The sum of the targets of each account manager's own goals on a measure: those that are active, achieved or missed
/// and whose period lies within `period`. So the quotas of three months make that of their quarter, while the goal of
/// a year says nothing of its first quarter. Missing where there is none. A sales manager's target is the own one: it
/// does not roll up.
///
/// # Errors
/// `NOT_FOUND` where the snapshot lacks a collection.
pub fn targets(measure: &Name, snapshot: &Snapshot, period: Period) -> Result<Figures, Rejection> {
    let account_managers = super::measure::view(snapshot, super::measure::ACCOUNT_MANAGERS)?;
    let rows = account_managers.rows();
    let mut figures = Figures {
        scale: DEFAULT_SCALE,
        unscaled: vec![0; rows],
        missing: vec![true; rows],
        records: vec![0; rows],
        faults: Vec::new(),
    };
    let goals = Goals::of(snapshot)?;
    for (goal, owner) in goals.counting(measure, snapshot, period)? {
        let Some(target) = goals.target(goal) else { continue };
        figures.records[owner] += 1;
        match figures.unscaled[owner].checked_add(target) {
            Some(sum) => (figures.unscaled[owner], figures.missing[owner]) = (sum, false),
            None => figures.faults.push((owner, format!("target of {}: the sum is too large", measure.id()))),
        }
    }
    figures.faults.sort();
    figures.faults.dedup_by_key(|(row, _)| *row);
    for (row, _) in &figures.faults {
        (figures.unscaled[*row], figures.missing[*row]) = (0, true);
    }
    Ok(figures)
}

/// How many goals the target of a row comes from, and the names of the first `limit`.
///
/// # Errors
/// As `targets`.
pub fn target_sources(
    measure: &Name,
    snapshot: &Snapshot,
    period: Period,
    row: usize,
    limit: usize,
) -> Result<(u64, Vec<Name>), Rejection> {
    let goals = Goals::of(snapshot)?;
    let mut counting = goals.counting(measure, snapshot, period)?;
    counting.retain(|&(goal, owner)| owner == row && goals.target(goal).is_some());
    let names = counting.iter().take(limit).map(|&(goal, _)| goals.view.name(goal)).collect();
    Ok((counting.len() as u64, names))
}

/// The view of goals.
struct Goals<'a> {
    view: &'a View,
    targets: std::sync::Arc<Column>,
}

// === impl Goals ===

impl<'a> Goals<'a> {
    fn of(snapshot: &'a Snapshot) -> Result<Self, Rejection> {
        let view = super::measure::view(snapshot, GOALS)?;
        Ok(Self { view, targets: column(view, "target")? })
    }

    /// The goals that count, in the order of names, and the row of the owner.
    fn counting(
        &self,
        measure: &Name,
        snapshot: &Snapshot,
        period: Period,
    ) -> Result<Vec<(usize, usize)>, Rejection> {
        let account_managers = super::measure::view(snapshot, super::measure::ACCOUNT_MANAGERS)?;
        let owner_rows = self.view.rows_in("owner", account_managers).unwrap_or_default();
        let owners = column(self.view, "owner")?;
        let (measures, states) = (column(self.view, "measure")?, column(self.view, "state")?);
        let (starts, ends) = (column(self.view, "period_start")?, column(self.view, "period_end")?);
        let (start, end) = (day_number(period.start()), day_number(period.end()));
        let measure = measure.to_string();
        let counts = |goal: &usize| {
            text(&measures, *goal) == Some(&*measure)
                && text(&states, *goal).is_some_and(|state| STATES.contains(&state))
                && day(&starts, *goal).is_some_and(|day| start <= day)
                && day(&ends, *goal).is_some_and(|day| day <= end)
        };
        let owner = |goal: usize| match &owners.values {
            Values::Text { codes, .. } if present(&owners, goal) => owner_rows[codes[goal] as usize],
            _ => None,
        };
        let counting = (0..self.view.rows()).filter(counts);
        Ok(counting.filter_map(|goal| Some((goal, owner(goal)? as usize))).collect())
    }

    fn target(&self, goal: usize) -> Option<i128> {
        match &self.targets.values {
            Values::Number { unscaled, .. } if present(&self.targets, goal) => Some(match unscaled {
                Unscaled::Narrow(cells) => cells[goal].into(),
                Unscaled::Wide(cells) => cells[goal],
            }),
            _ => None,
        }
    }
}

fn column(view: &View, path: &str) -> Result<std::sync::Arc<Column>, Rejection> {
    view.column(path).ok_or_else(|| Rejection::field(path, "the collection has no such field"))
}

fn present(column: &Column, row: usize) -> bool {
    column.missing.as_ref().is_none_or(|missing| !missing[row])
}

fn text(column: &Column, row: usize) -> Option<&str> {
    match &column.values {
        Values::Text { dictionary, codes } if present(column, row) => Some(&dictionary[codes[row] as usize]),
        _ => None,
    }
}

fn day(column: &Column, row: usize) -> Option<i32> {
    match &column.values {
        Values::Date(days) if present(column, row) => Some(days[row]),
        _ => None,
    }
}
