//! Targets: what account managers are to reach on a measure, from their goals.

use std::sync::Arc;

use merit_expression::{Column, Unscaled, Values};

use super::{column::count_u32, measure::Figures};
use crate::{
    model::{name::Name, period::Period, rejection::Rejection},
    view::{Snapshot, View, day_number},
};

/// The collection that a snapshot has to have for targets, besides `accountManagers`.
pub const GOALS: &str = "goals";

/// The states in which a goal counts: in force, or over.
const STATES: [&str; 3] = ["ACTIVE", "ACHIEVED", "MISSED"];

/// The targets of account managers on a measure.
pub struct Targets {
    /// One per row of the account managers' view.
    pub figures: Figures,
    /// The goals that they are the sums of: row of the owner, row of the goal; by owner, then by first day, ties by name.
    pub goals: Vec<(u32, u32)>,
}

/// The sum of the targets of each account manager's own goals on a measure: those that are active, achieved or missed
/// and whose period lies within `period`. So the quotas of three months make that of their quarter, while the goal of
/// a year says nothing of its first quarter. A goal that is a part of one that counts, of the same owner and measure, is
/// in that: it does not count besides. Where two goals that count have days in common, nobody can say which is meant, and
/// the row is faulted. Missing where there is none. A sales manager's target is the own one: it does not roll up.
///
/// # Errors
/// `NOT_FOUND` where the snapshot lacks a collection.
pub fn targets(measure: &Name, snapshot: &Snapshot, period: Period) -> Result<Targets, Rejection> {
    let rows = super::measure::view(snapshot, super::measure::ACCOUNT_MANAGERS)?.rows();
    let goals = Goals::of(snapshot)?;
    let counting = goals.counting(measure, snapshot, period)?;
    let mut figures = Figures {
        scale: goals.scale(),
        unscaled: vec![0; rows],
        missing: vec![true; rows],
        records: vec![0; rows],
        faults: Vec::new(),
    };
    for of_owner in counting.chunk_by(|a, b| a.owner == b.owner) {
        let owner = of_owner[0].owner as usize;
        figures.records[owner] = of_owner.len() as u64;
        match goals.sum(of_owner) {
            Ok(sum) => (figures.unscaled[owner], figures.missing[owner]) = (sum, false),
            Err(why) => figures.faults.push((owner, format!("target of {}: {why}", measure.id()))),
        }
    }
    Ok(Targets { figures, goals: counting.iter().map(|counted| (counted.owner, counted.goal)).collect() })
}

/// The view of goals.
struct Goals<'a> {
    view: &'a Arc<View>,
    targets: Arc<Column>,
}

/// A goal that counts, its first day and the day after its last; in the order in which goals are told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Counted {
    owner: u32,
    start: i32,
    goal: u32,
    end: i32,
}

// === impl Goals ===

impl<'a> Goals<'a> {
    fn of(snapshot: &'a Snapshot) -> Result<Self, Rejection> {
        let view = super::measure::view(snapshot, GOALS)?;
        Ok(Self { view, targets: column(view, "target")? })
    }

    /// The goals that count.
    fn counting(
        &self,
        measure: &Name,
        snapshot: &Snapshot,
        period: Period,
    ) -> Result<Vec<Counted>, Rejection> {
        let account_managers = super::measure::view(snapshot, super::measure::ACCOUNT_MANAGERS)?;
        let owner_rows = self.view.rows_in("owner", account_managers).unwrap_or_default();
        let owners = column(self.view, "owner")?;
        let (measures, states) = (column(self.view, "measure")?, column(self.view, "state")?);
        let (starts, ends) = (column(self.view, "period_start")?, column(self.view, "period_end")?);
        let (start, end) = (day_number(period.start()), day_number(period.end()));
        let measure = measure.to_string();
        let counted = |row: usize| {
            let within = Counted {
                owner: reference(&owners, &owner_rows, row)?,
                start: day(&starts, row).filter(|day| start <= *day)?,
                goal: count_u32(row),
                end: day(&ends, row).filter(|day| *day <= end)?,
            };
            let counts = text(&measures, row) == Some(&*measure)
                && text(&states, row).is_some_and(|state| STATES.contains(&state))
                && self.target(row).is_some();
            counts.then_some(within)
        };
        let mut counting: Vec<Counted> = (0..self.view.rows()).filter_map(counted).collect();
        let mut whose = vec![None; self.view.rows()];
        counting.iter().for_each(|counted| whose[counted.goal as usize] = Some(counted.owner));
        let parents = self.view.rows_in("parent_goal", self.view).unwrap_or_default();
        let above = column(self.view, "parent_goal")?;
        let parent = |goal: &u32| reference(&above, &parents, *goal as usize);
        counting.retain(|counted| {
            // Goals do not stand above themselves; were it so, the way up has an end all the same.
            let ancestors = std::iter::successors(parent(&counted.goal), parent).take(whose.len());
            ancestors.into_iter().all(|ancestor| whose[ancestor as usize] != Some(counted.owner))
        });
        counting.sort_unstable();
        Ok(counting)
    }

    /// What the goals of an owner come to.
    fn sum(&self, of_owner: &[Counted]) -> Result<i128, String> {
        // By first day: what meets any of those before meets the next to it.
        if let Some([one, other]) = of_owner.array_windows().find(|[one, other]| other.start < one.end) {
            let name = |counted: &Counted| self.view.name(counted.goal as usize);
            return Err(format!(
                "{} and {} both count, and have days in common: make one the parent_goal of the other, or cancel one",
                name(one),
                name(other)
            ));
        }
        let targets = of_owner.iter().map(|counted| self.target(counted.goal as usize).unwrap_or_default());
        let sum = targets.into_iter().try_fold(0i128, i128::checked_add);
        sum.ok_or_else(|| "the sum is too large".to_owned())
    }

    /// Decimals of targets.
    fn scale(&self) -> u8 {
        match &self.targets.values {
            Values::Number { scale, .. } => *scale,
            _ => 0,
        }
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

/// The row that a reference means, where it means one of that view.
fn reference(column: &Column, rows: &[Option<u32>], row: usize) -> Option<u32> {
    match &column.values {
        Values::Text { codes, .. } if present(column, row) => rows[codes[row] as usize],
        _ => None,
    }
}

fn column(view: &View, path: &str) -> Result<Arc<Column>, Rejection> {
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

    /// A goal on a measure: who owns it, what it is a part of.
    #[derive(Clone, Copy)]
    struct Goal {
        id: &'static str,
        owner: &'static str,
        measure: &'static str,
        parent: &'static str,
        period: (&'static str, &'static str),
        state: v1::GoalState,
        target: &'static str,
    }

    fn snapshot(goals: &[Goal]) -> Snapshot {
        let mut organisation = Organisation::default();
        organisation.account_manager("anna", "");
        organisation.account_manager("ben", "anna");
        let name = |collection: &str, id: &str| match id {
            "" => String::new(),
            id => Organisation::name(collection, id),
        };
        for goal in goals {
            let record = v1::Goal {
                measure: name("measures", goal.measure),
                target: goal.target.into(),
                period_start: goal.period.0.into(),
                period_end: goal.period.1.into(),
                owner: name("accountManagers", goal.owner),
                parent_goal: name(GOALS, goal.parent),
                state: goal.state.into(),
                ..Default::default()
            };
            organisation.put(GOALS, goal.id, &record);
        }
        organisation.snapshot(&["accountManagers", GOALS])
    }

    const JANUARY: (&str, &str) = ("2026-01-01", "2026-02-01");
    const FEBRUARY: (&str, &str) = ("2026-02-01", "2026-03-01");
    const MARCH: (&str, &str) = ("2026-03-01", "2026-04-01");
    const FIRST_QUARTER: (&str, &str) = ("2026-01-01", "2026-04-01");
    const SECOND_QUARTER: (&str, &str) = ("2026-04-01", "2026-07-01");
    const YEAR: (&str, &str) = ("2026-01-01", "2027-01-01");

    fn goal(id: &'static str, target: &'static str, period: (&'static str, &'static str)) -> Goal {
        let (owner, measure, state) = ("ben", "revenue", v1::GoalState::Active);
        Goal { id, owner, measure, parent: "", period, state, target }
    }

    fn revenue() -> Name {
        Name::parse(&Organisation::name("measures", "revenue")).unwrap()
    }

    /// The targets of anna and ben over a period, and the goals that make ben's; `!` and what is said for a fault.
    fn found(goals: &[Goal], period: Period) -> ([String; 2], Vec<String>) {
        let snapshot = snapshot(goals);
        let Targets { figures, goals } = targets(&revenue(), &snapshot, period).unwrap();
        let mut shown: [String; 2] = shown(&figures).try_into().unwrap();
        for (row, why) in &figures.faults {
            shown[*row] = why.clone();
        }
        let view = snapshot.view(GOALS).unwrap();
        let of_ben = goals.iter().filter(|(owner, _)| *owner == 1);
        let ids: Vec<String> = of_ben.map(|(_, goal)| view.ids[*goal as usize].to_string()).collect();
        assert_eq!(figures.records[1], ids.len() as u64);
        (shown, ids)
    }

    #[test]
    fn goals_that_count_add_up() {
        let check = |goals: &[Goal], expected: [&str; 2], ids: &[&str]| {
            let (shown, found) = found(goals, quarter());
            assert_eq!(
                (shown, found),
                (expected.map(str::to_owned), ids.iter().map(|id| (*id).to_owned()).collect())
            );
        };
        let one = goal("g-1", "10", FIRST_QUARTER);
        let in_state = |state| Goal { state, ..one };
        let in_period = |start, end| Goal { period: (start, end), ..one };
        check(&[], ["-", "-"], &[]);
        check(&[goal("g-1", "10.5", FIRST_QUARTER)], ["-", "10.500000"], &["g-1"]);
        check(&[goal("g-1", "0", FIRST_QUARTER)], ["-", "0.000000"], &["g-1"]);
        check(
            &[goal("g-2", "10.5", JANUARY), goal("g-1", "0.25", FEBRUARY)],
            ["-", "10.750000"],
            &["g-2", "g-1"],
        );
        check(&[Goal { id: "g-0", owner: "anna", ..one }, one], ["10.000000", "10.000000"], &["g-1"]);
        check(&[Goal { owner: "", ..one }], ["-", "-"], &[]);
        check(&[Goal { measure: "deals", ..one }], ["-", "-"], &[]);
        check(&[in_state(v1::GoalState::Achieved)], ["-", "10.000000"], &["g-1"]);
        check(&[in_state(v1::GoalState::Missed)], ["-", "10.000000"], &["g-1"]);
        check(&[in_state(v1::GoalState::Draft)], ["-", "-"], &[]);
        check(&[in_state(v1::GoalState::Cancelled)], ["-", "-"], &[]);
        check(&[in_period("2026-01-01", "2026-02-01")], ["-", "10.000000"], &["g-1"]);
        check(&[in_period("2026-03-31", "2026-04-01")], ["-", "10.000000"], &["g-1"]);
        check(&[in_period("2026-01-01", "2027-01-01")], ["-", "-"], &[]);
        check(&[in_period("2025-12-31", "2026-04-01")], ["-", "-"], &[]);
        check(&[in_period("2026-03-31", "2026-04-02")], ["-", "-"], &[]);
    }

    #[test]
    fn what_is_a_part_of_a_goal_that_counts_is_in_it() {
        let part = |id, target, period, parent| Goal { parent, ..goal(id, target, period) };
        let year = Period::parse(YEAR.0, YEAR.1).unwrap();
        // A year of two quarters, the first of three months.
        let goals = [
            goal("year", "400", YEAR),
            part("q-1", "100", FIRST_QUARTER, "year"),
            part("q-2", "150", SECOND_QUARTER, "year"),
            part("m-1", "33", JANUARY, "q-1"),
            part("m-2", "33", FEBRUARY, "q-1"),
            part("m-3", "33", MARCH, "q-1"),
        ];
        let check = |goals: &[Goal], period: Period, expected: &str, ids: &[&str]| {
            let ([_, ben], found) = found(goals, period);
            assert_eq!((ben.as_str(), found), (expected, ids.iter().map(|id| (*id).to_owned()).collect()));
        };
        let half = Period::parse("2026-01-01", "2026-07-01").unwrap();
        let months = Period::parse("2026-01-01", "2026-03-01").unwrap();
        check(&goals, year, "400.000000", &["year"]);
        check(&goals, half, "250.000000", &["q-1", "q-2"]);
        check(&goals, quarter(), "100.000000", &["q-1"]);
        check(&goals, months, "66.000000", &["m-1", "m-2"]);
        // A quarter that does not count, or is another's, does not stand for its months; the year above it does.
        let with_quarter = |change: fn(&mut Goal)| {
            let mut goals = goals;
            change(&mut goals[1]);
            goals
        };
        let drafted = with_quarter(|quarter| quarter.state = v1::GoalState::Draft);
        check(&drafted, quarter(), "99.000000", &["m-1", "m-2", "m-3"]);
        check(&drafted, year, "400.000000", &["year"]);
        let of_others = with_quarter(|quarter| quarter.owner = "anna");
        check(&of_others, quarter(), "99.000000", &["m-1", "m-2", "m-3"]);
        let of_another_measure = with_quarter(|quarter| quarter.measure = "deals");
        check(&of_another_measure, quarter(), "99.000000", &["m-1", "m-2", "m-3"]);
        // Neither is a part of the other: nobody can say which is meant.
        let names = |one: &str, other: &str| {
            format!(
                "target of revenue: teams/acme/goals/{one} and teams/acme/goals/{other} both count, and have days in \
                 common: make one the parent_goal of the other, or cancel one"
            )
        };
        let loose = with_quarter(|quarter| quarter.parent = "");
        check(&loose, year, &names("q-1", "year"), &["q-1", "year"]);
        let again = [goals[1], part("q-9", "5", MARCH, "")];
        check(&again, quarter(), &names("q-1", "q-9"), &["q-1", "q-9"]);
        check(&again, months, "-", &[]);
    }

    #[test]
    fn a_sum_that_cannot_be_held_is_a_fault() {
        // 38 digits with their decimals: twice the first fits 127 bits, twice the second does not.
        let check = |target: &'static str, expected: &[(usize, String)]| {
            let goals = [goal("g-1", target, JANUARY), goal("g-2", target, MARCH)];
            let figures = targets(&revenue(), &snapshot(&goals), quarter()).unwrap().figures;
            assert_eq!(
                (&figures.faults[..], figures.missing[1]),
                (expected, !expected.is_empty()),
                "{target}"
            );
        };
        check("80000000000000000000000000000000", &[]);
        let told = "target of revenue: the sum is too large".to_owned();
        check("90000000000000000000000000000000", &[(1, told)]);
    }
}
