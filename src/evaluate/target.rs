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

#[cfg(test)]
mod tests {
    use super::{
        super::measure::tests::{Organisation, quarter, shown},
        *,
    };
    use crate::proto::v1;

    struct Goal {
        id: &'static str,
        owner: &'static str,
        measure: &'static str,
        period: (&'static str, &'static str),
        state: v1::GoalState,
        target: &'static str,
    }

    fn snapshot(goals: &[Goal]) -> Snapshot {
        let mut organisation = Organisation::default();
        organisation.account_manager("anna", "");
        organisation.account_manager("ben", "anna");
        for goal in goals {
            let owner = Organisation::name("accountManagers", goal.owner);
            let record = v1::Goal {
                measure: Organisation::name("measures", goal.measure),
                target: goal.target.into(),
                period_start: goal.period.0.into(),
                period_end: goal.period.1.into(),
                owner: if goal.owner.is_empty() { String::new() } else { owner },
                state: goal.state.into(),
                ..Default::default()
            };
            organisation.put(GOALS, goal.id, &record);
        }
        organisation.snapshot(&["accountManagers", GOALS])
    }

    const FIRST_QUARTER: (&str, &str) = ("2026-01-01", "2026-04-01");

    fn goal(id: &'static str, target: &'static str) -> Goal {
        let (owner, measure, state) = ("ben", "revenue", v1::GoalState::Active);
        Goal { id, owner, measure, period: FIRST_QUARTER, state, target }
    }

    fn revenue() -> Name {
        Name::parse(&Organisation::name("measures", "revenue")).unwrap()
    }

    #[test]
    fn goals_that_count_add_up() {
        let check = |goals: &[Goal], expected: [&str; 2], records: u64| {
            let figures = targets(&revenue(), &snapshot(goals), quarter()).unwrap();
            assert_eq!(shown(&figures), expected);
            assert_eq!(figures.records[1], records);
        };
        let in_state = |state| Goal { state, ..goal("g-1", "10") };
        let in_period = |start, end| Goal { period: (start, end), ..goal("g-1", "10") };
        check(&[], ["-", "-"], 0);
        check(&[goal("g-1", "10.5")], ["-", "10.5000"], 1);
        check(&[goal("g-1", "0")], ["-", "0.0000"], 1);
        check(&[goal("g-1", "10.5"), goal("g-2", "0.25")], ["-", "10.7500"], 2);
        check(&[Goal { owner: "anna", ..goal("g-1", "7") }, goal("g-2", "1")], ["7.0000", "1.0000"], 1);
        check(&[Goal { owner: "", ..goal("g-1", "7") }], ["-", "-"], 0);
        check(&[Goal { measure: "deals", ..goal("g-1", "7") }], ["-", "-"], 0);
        check(&[in_state(v1::GoalState::Achieved)], ["-", "10.0000"], 1);
        check(&[in_state(v1::GoalState::Missed)], ["-", "10.0000"], 1);
        check(&[in_state(v1::GoalState::Draft)], ["-", "-"], 0);
        check(&[in_state(v1::GoalState::Cancelled)], ["-", "-"], 0);
        check(&[in_period("2026-01-01", "2026-02-01")], ["-", "10.0000"], 1);
        check(&[in_period("2026-03-31", "2026-04-01")], ["-", "10.0000"], 1);
        check(&[in_period("2026-01-01", "2027-01-01")], ["-", "-"], 0);
        check(&[in_period("2025-12-31", "2026-04-01")], ["-", "-"], 0);
        check(&[in_period("2026-03-31", "2026-04-02")], ["-", "-"], 0);
    }

    #[test]
    fn a_sum_that_cannot_be_held_is_a_fault() {
        // 38 digits with their decimals: twice the first fits 127 bits, twice the second does not.
        let check = |target: &'static str, faults: usize| {
            let goals = [goal("g-1", target), goal("g-2", target)];
            let figures = targets(&revenue(), &snapshot(&goals), quarter()).unwrap();
            assert_eq!((figures.faults.len(), figures.missing[1]), (faults, faults > 0), "{target}");
        };
        check("8000000000000000000000000000000000", 0);
        check("9000000000000000000000000000000000", 1);
    }

    #[test]
    fn sources_are_the_goals_that_count() {
        let goals = [
            goal("g-3", "1"),
            Goal { state: v1::GoalState::Draft, ..goal("g-2", "1") },
            goal("g-1", "1"),
            Goal { owner: "anna", ..goal("g-0", "1") },
        ];
        let snapshot = snapshot(&goals);
        let check = |row: usize, limit: usize, count: u64, expected: &[&str]| {
            let (found, names) = target_sources(&revenue(), &snapshot, quarter(), row, limit).unwrap();
            let ids: Vec<&str> = names.iter().map(|name| name.id().as_str()).collect();
            assert_eq!((found, &ids[..]), (count, expected));
        };
        check(0, 10, 1, &["g-0"]);
        check(1, 10, 2, &["g-1", "g-3"]);
        check(1, 1, 2, &["g-1"]);
    }
}
