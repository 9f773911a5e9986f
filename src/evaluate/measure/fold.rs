//! How the values of an account manager's records become one, and how those of the people below are counted in.

use super::{exact::Exact, selection::Selection};
use crate::{evaluate::hierarchy::Hierarchy, proto::v1::AggregateFunction as Function};

/// A figure before it is rounded; nothing where it is missing.
pub(super) type Figure = Result<Option<Exact>, String>;

/// The figures of all account managers, by row.
///
/// `time_field` is what FIRST and LAST go by.
pub(super) fn fold(
    function: Function,
    selection: &Selection,
    time_field: Option<&str>,
    rows: usize,
    hierarchy: Option<&Hierarchy>,
) -> Vec<Figure> {
    match function {
        Function::Unspecified | Function::Sum | Function::Average => {
            let sums =
                accumulate(selection, rows, hierarchy, Sum::default(), Sum::take, |a, b| *a = a.and(*b));
            sums.into_iter().map(|sum| sum.figure(function, selection.scale)).collect()
        }
        Function::Count => {
            let counts = accumulate(selection, rows, hierarchy, 0_u64, |a, _, _| *a += 1, |a, b| *a += b);
            counts.into_iter().map(whole).collect()
        }
        Function::Min => extreme(selection, rows, hierarchy, i128::min),
        Function::Max => extreme(selection, rows, hierarchy, i128::max),
        Function::First => at_the_end(selection, time_field, rows, hierarchy, |a, b| a < b),
        Function::Last => at_the_end(selection, time_field, rows, hierarchy, |a, b| a > b),
        Function::Distinct | Function::Median => over_all(function, selection, rows, hierarchy),
    }
}

/// How many records there are for each account manager.
pub(super) fn count(
    owners: impl Iterator<Item = u32>,
    rows: usize,
    hierarchy: Option<&Hierarchy>,
) -> Vec<u64> {
    let mut counts = vec![0; rows];
    owners.for_each(|owner| counts[owner as usize] += 1);
    if let Some(hierarchy) = hierarchy {
        hierarchy.roll_up(&mut counts, |above, below| *above += below);
    }
    counts
}

/// One pass over the records, one over the hierarchy. `take` is given the value and the record's row.
fn accumulate<T: Clone>(
    selection: &Selection,
    rows: usize,
    hierarchy: Option<&Hierarchy>,
    empty: T,
    mut take: impl FnMut(&mut T, i128, u32),
    mut merge: impl FnMut(&mut T, &T),
) -> Vec<T> {
    let mut accumulated = vec![empty; rows];
    let values = selection.values.iter().copied().chain(std::iter::repeat(0));
    for ((&owner, &row), value) in selection.owners.iter().zip(&selection.rows).zip(values) {
        take(&mut accumulated[owner as usize], value, row);
    }
    if let Some(hierarchy) = hierarchy {
        hierarchy.roll_up(&mut accumulated, |above, below| merge(above, below));
    }
    accumulated
}

/// Values added up.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    /// Nothing once it did not fit.
    total: Option<i128>,
    count: u64,
}

// === impl Sum ===

impl Sum {
    fn take(&mut self, value: i128, _row: u32) {
        *self = self.and(Self { total: Some(value), count: 1 });
    }

    fn and(self, other: Self) -> Self {
        match (self.count, other.count) {
            (_, 0) => self,
            (0, _) => other,
            (count, more) => Self {
                total: self.total.zip(other.total).and_then(|(a, b)| a.checked_add(b)),
                count: count + more,
            },
        }
    }

    fn figure(self, function: Function, scale: u8) -> Figure {
        match (self.count, function) {
            (0, Function::Average) => Ok(None),
            (0, _) => whole(0),
            (count, function) => {
                let total = self.total.ok_or("the sum is too large to be held")?;
                held(total, scale, if function == Function::Average { count } else { 1 })
            }
        }
    }
}

fn extreme(
    selection: &Selection,
    rows: usize,
    hierarchy: Option<&Hierarchy>,
    better: fn(i128, i128) -> i128,
) -> Vec<Figure> {
    let one =
        |best: &mut Option<i128>, value: i128| *best = Some(best.map_or(value, |best| better(best, value)));
    let merge = |above: &mut Option<i128>, below: &Option<i128>| {
        if let Some(value) = below {
            one(above, *value);
        }
    };
    let found = accumulate(selection, rows, hierarchy, None, |best, value, _| one(best, value), merge);
    found.into_iter().map(|best| best.map_or(Ok(None), |value| held(value, selection.scale, 1))).collect()
}

/// The value of the first or last record by time, ties by name: rows are in the order of names.
fn at_the_end(
    selection: &Selection,
    time_field: Option<&str>,
    rows: usize,
    hierarchy: Option<&Hierarchy>,
    is_nearer: fn((i128, u32), (i128, u32)) -> bool,
) -> Vec<Figure> {
    type Found = Option<((i128, u32), i128)>;
    let time = time_field.map(|path| selection.view.times(path));
    let one = |found: &mut Found, place: (i128, u32), value: i128| {
        if found.is_none_or(|(other, _)| is_nearer(place, other)) {
            *found = Some((place, value));
        }
    };
    let take = |found: &mut Found, value: i128, row: u32| {
        let at = time.as_ref().map_or(0, |time| time.at(row as usize));
        one(found, (at, row), value);
    };
    let merge = |above: &mut Found, below: &Found| {
        if let Some((place, value)) = below {
            one(above, *place, *value);
        }
    };
    let found = accumulate(selection, rows, hierarchy, None, take, merge);
    found
        .into_iter()
        .map(|found| found.map_or(Ok(None), |(_, value)| held(value, selection.scale, 1)))
        .collect()
}

/// What cannot be put together from parts: every account manager's values are looked at as a whole.
fn over_all(
    function: Function,
    selection: &Selection,
    rows: usize,
    hierarchy: Option<&Hierarchy>,
) -> Vec<Figure> {
    let grouped = Grouped::of(selection, rows, hierarchy);
    let mut values = Vec::new();
    (0..rows)
        .map(|row| {
            values.clear();
            values.extend_from_slice(grouped.values(row, hierarchy));
            if function == Function::Distinct {
                distinct(&mut values)
            } else {
                median(&mut values, selection.scale)
            }
        })
        .collect()
}

/// Values by account manager, in the hierarchy's order, so that those of a manager and of everybody below are together.
struct Grouped {
    values: Vec<i128>,
    starts: Vec<usize>,
}

// === impl Grouped ===

impl Grouped {
    fn of(selection: &Selection, rows: usize, hierarchy: Option<&Hierarchy>) -> Self {
        let place =
            |owner: u32| hierarchy.map_or(owner as usize, |hierarchy| hierarchy.span(owner as usize).0);
        let mut starts = vec![0_usize; rows + 1];
        for &owner in &selection.owners {
            starts[place(owner) + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut values = vec![0; selection.values.len()];
        for (&owner, &value) in selection.owners.iter().zip(&selection.values) {
            let next = &mut next[place(owner)];
            values[*next] = value;
            *next += 1;
        }
        Self { values, starts }
    }

    fn values(&self, row: usize, hierarchy: Option<&Hierarchy>) -> &[i128] {
        let (from, to) = hierarchy.map_or((row, row + 1), |hierarchy| hierarchy.span(row));
        &self.values[self.starts[from]..self.starts[to]]
    }
}

fn distinct(values: &mut Vec<i128>) -> Figure {
    values.sort_unstable();
    values.dedup();
    whole(values.len() as u64)
}

fn median(values: &mut [i128], scale: u8) -> Figure {
    let middle = values.len() / 2;
    if values.is_empty() {
        return Ok(None);
    }
    let even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable(middle);
    if !even {
        return held(upper, scale, 1);
    }
    let lower = below.iter().copied().max().unwrap_or(upper);
    let sum = lower.checked_add(upper).ok_or("the sum of the middle two is too large to be held")?;
    held(sum, scale, 2)
}

fn whole(number: u64) -> Figure {
    held(number.into(), 0, 1)
}

fn held(unscaled: i128, scale: u8, divisor: u64) -> Figure {
    Exact::new(unscaled, scale, divisor).map(Some).ok_or_else(|| TOO_LARGE.to_owned())
}

/// What is said of a figure that cannot be held.
pub(super) const TOO_LARGE: &str = "the figure is too large to be held exactly";
