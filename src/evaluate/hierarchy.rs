//! Who reports to whom on a day, and who is below whom.

use jiff::civil::Date;

use crate::view::View;

/// The reporting lines of a day, over the rows of the account managers' view.
///
/// The model allows nobody to report to themselves, directly or through others. Were it so all the same, the first
/// in the circle by name would count as its top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// The row of the one reported to, if there is one; one per row.
    pub manager: Vec<Option<u32>>,
    /// All rows, each before those below it, which follow it without a gap.
    order: Vec<u32>,
    /// Where in `order` a row is, by row.
    place: Vec<u32>,
    /// How many are below a row, itself included, by row.
    size: Vec<u32>,
}

// === impl Hierarchy ===

impl Hierarchy {
    /// The reporting lines of a day, from the account managers' view. A manager who is not in the view is nobody.
    #[must_use]
    pub fn as_of(view: &View, day: Date) -> Self {
        let Some(lines) = &view.reporting_lines else { return Self::of(vec![None; view.rows()]) };
        let rows: Vec<Option<u32>> = lines.managers().iter().map(|name| view.row_of_name(name)).collect();
        Self::of((0..view.rows()).map(|row| rows[lines.manager(row, day)?]).collect())
    }

    /// The hierarchy in which each row reports to the row named.
    #[must_use]
    pub fn of(manager: Vec<Option<u32>>) -> Self {
        let rows = manager.len();
        let mut walk = Walk {
            reports: Reports::of(&manager),
            order: Vec::with_capacity(rows),
            place: vec![NOWHERE; rows],
            size: vec![1; rows],
        };
        let mut manager = manager;
        for row in (0..rows).filter(|&row| manager[row].is_none()) {
            walk.from(row);
        }
        for (row, above) in manager.iter_mut().enumerate() {
            if walk.place[row] == NOWHERE {
                *above = None;
                walk.from(row);
            }
        }
        let Walk { order, place, mut size, .. } = walk;
        for &row in order.iter().rev() {
            if let Some(above) = manager[row as usize] {
                size[above as usize] += size[row as usize];
            }
        }
        Self { manager, order, place, size }
    }

    /// Everybody below the row, direct and through others, and the row itself; ascending.
    ///
    /// # Panics
    /// Beyond the last row.
    #[must_use]
    pub fn team_of(&self, row: usize) -> Vec<u32> {
        let (from, to) = self.span(row);
        let mut team = self.order[from..to].to_vec();
        team.sort_unstable();
        team
    }

    /// All rows, each before those below it, which follow it without a gap: see `span`.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Where in `order` a row and those below it are: from the first to before the second.
    ///
    /// # Panics
    /// Beyond the last row.
    #[must_use]
    pub fn span(&self, row: usize) -> (usize, usize) {
        let place = self.place[row] as usize;
        (place, place + self.size[row] as usize)
    }

    /// Adds to each row's value those of everybody below, each once.
    pub fn roll_up<T: Clone>(&self, values: &mut [T], mut add: impl FnMut(&mut T, &T)) {
        // Backwards, everybody comes before the one reported to.
        for &row in self.order.iter().rev() {
            if let Some(above) = self.manager[row as usize] {
                let value = values[row as usize].clone();
                add(&mut values[above as usize], &value);
            }
        }
    }
}

const NOWHERE: u32 = u32::MAX;

/// Who reports to a row, by row, in one vector.
struct Reports {
    starts: Vec<usize>,
    rows: Vec<u32>,
}

/// A walk from the top down.
struct Walk {
    reports: Reports,
    order: Vec<u32>,
    place: Vec<u32>,
    size: Vec<u32>,
}

// === impl Reports ===

impl Reports {
    fn of(manager: &[Option<u32>]) -> Self {
        let mut starts = vec![0_usize; manager.len() + 1];
        for above in manager.iter().flatten() {
            starts[*above as usize + 1] += 1;
        }
        for row in 0..manager.len() {
            starts[row + 1] += starts[row];
        }
        let mut rows = vec![0; starts[manager.len()]];
        let mut next = starts.clone();
        for (row, above) in manager.iter().enumerate() {
            if let Some(above) = above {
                rows[next[*above as usize]] = u32::try_from(row).expect("rows fit their numbers");
                next[*above as usize] += 1;
            }
        }
        Self { starts, rows }
    }

    fn to(&self, row: u32) -> &[u32] {
        &self.rows[self.starts[row as usize]..self.starts[row as usize + 1]]
    }
}

// === impl Walk ===

impl Walk {
    fn from(&mut self, row: usize) {
        let mut waiting = vec![u32::try_from(row).expect("rows fit their numbers")];
        while let Some(row) = waiting.pop() {
            // Only in a circle is somebody met twice.
            if self.place[row as usize] != NOWHERE {
                continue;
            }
            self.place[row as usize] = u32::try_from(self.order.len()).expect("rows fit their numbers");
            self.order.push(row);
            waiting.extend(self.reports.to(row).iter().rev());
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::{model::name::Id, proto::v1};

    #[test]
    fn lines_hold_from_their_first_day_until_before_the_day_after_their_last() {
        let line = |manager: &str, from: &str, until: &str| v1::ReportingLine {
            manager: format!("teams/acme/accountManagers/{manager}"),
            effective_from: from.into(),
            effective_until: until.into(),
        };
        let ben = v1::AccountManager {
            reporting_line: vec![line("zoe", "2026-04-01", ""), line("anna", "", "2026-03-01")],
            ..Default::default()
        };
        let ben = ben.encode_to_vec();
        let team = Id::parse("acme").unwrap();
        let records: [(&str, &[u8]); 3] = [("anna", &[]), ("ben", &ben), ("zoe", &[])];
        let view = View::of(&team, "accountManagers", &records).unwrap();
        let check = |day: Date, expected: Option<u32>| {
            assert_eq!(Hierarchy::as_of(&view, day).manager, [None, expected, None], "{day}");
        };
        check(date(1999, 1, 1), Some(0));
        check(date(2026, 2, 28), Some(0));
        check(date(2026, 3, 1), None);
        check(date(2026, 3, 31), None);
        check(date(2026, 4, 1), Some(2));
        check(date(2030, 4, 1), Some(2));
    }

    #[test]
    fn a_team_is_everybody_below() {
        let hierarchy = Hierarchy::of(vec![None, Some(0), Some(4), Some(1), Some(0), None]);
        let check = |row: usize, expected: &[u32]| assert_eq!(hierarchy.team_of(row), expected, "{row}");
        check(0, &[0, 1, 2, 3, 4]);
        check(1, &[1, 3]);
        check(2, &[2]);
        check(4, &[2, 4]);
        check(5, &[5]);
    }

    #[test]
    fn a_circle_has_an_end() {
        let hierarchy = Hierarchy::of(vec![Some(2), Some(0), Some(1), Some(1)]);
        assert_eq!(hierarchy.team_of(0), [0, 1, 2, 3]);
        assert_eq!(hierarchy.manager, [None, Some(0), Some(1), Some(1)]);
        assert_eq!(Hierarchy::of(vec![Some(0)]).team_of(0), [0]);
    }

    proptest! {
        #[test]
        fn rolling_up_counts_everybody_once(above in prop::collection::vec(any::<Option<u32>>(), 0..40)) {
            // Whoever reports, reports to somebody of a smaller number: so there is no circle.
            let manager: Vec<Option<u32>> = above
                .iter()
                .enumerate()
                .map(|(row, above)| Some((*above)? % u32::try_from(row).unwrap().max(1)).filter(|_| row > 0))
                .collect();
            let hierarchy = Hierarchy::of(manager.clone());
            let below = |top: usize, mut row: usize| loop {
                if row == top {
                    break true;
                }
                let Some(above) = manager[row] else { break false };
                row = above as usize;
            };
            let mut values: Vec<u64> = (0..manager.len() as u64).map(|row| row * row + 1).collect();
            let own = values.clone();
            hierarchy.roll_up(&mut values, |above, below| *above += below);
            for (row, value) in values.iter().enumerate() {
                let team: Vec<u32> = (0..manager.len()).filter(|&other| below(row, other)).map(|row| row as u32).collect();
                prop_assert_eq!(hierarchy.team_of(row), &team[..]);
                prop_assert_eq!(*value, team.iter().map(|&row| own[row as usize]).sum::<u64>());
            }
        }
    }
}
