//! Comparisons: numbers and dates by value, texts without regard to case as spreadsheets do.

use super::arithmetic::{NARROW, Narrow, narrow, zip};
use super::lane::{Cells, Data, Digits, Lane, merge};
use super::texts;
use crate::decimal::{self, ten};
use crate::fault::{FINE, MISSING, Status, is_fault};
use crate::text::functions::Comparison;
use alloc::{borrow::Cow, vec, vec::Vec};
use core::cmp::Ordering;

impl Comparison {
    #[inline(always)]
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

pub(crate) fn evaluate<'f>(comparison: Comparison, lanes: &[Lane<'f>], rows: usize) -> Lane<'f> {
    let [a, b] = lanes else { return Lane::empty(crate::Kind::Boolean, FINE) };
    let status = merge(&a.status, &b.status);
    let flags = match (&a.data, &b.data) {
        (Data::Number(a_scale, a), Data::Number(b_scale, b)) => {
            plain(comparison, (*a_scale, a), (*b_scale, b)).unwrap_or_else(|| {
                each(rows, a.is_one() && b.is_one(), |row| {
                    comparison.holds(decimal::compare(a.get(row), *a_scale, b.get(row), *b_scale))
                })
            })
        }
        (Data::Text(a), Data::Text(b)) => {
            texts::by_dictionary(a, b, rows, |a, b| comparison.holds(texts::order(a, b)))
        }
        (Data::Date(a), Data::Date(b)) => {
            each(rows, a.is_one() && b.is_one(), |row| comparison.holds(a.get(row).cmp(&b.get(row))))
        }
        (Data::Boolean(a), Data::Boolean(b)) => {
            each(rows, a.is_one() && b.is_one(), |row| comparison.holds(a.get(row).cmp(&b.get(row))))
        }
        _ => Cells::One(false),
    };
    Lane { data: Data::Boolean(flags), status }
}

pub(crate) fn each<T: Copy>(rows: usize, one: bool, value: impl Fn(usize) -> T) -> Cells<'static, T> {
    if one { Cells::One(value(0)) } else { (0..rows).map(value).collect() }
}

/// The loop for numbers of 64 bits that still fit when brought to one scale.
fn plain(comparison: Comparison, a: (u8, &Digits<'_>), b: (u8, &Digits<'_>)) -> Option<Cells<'static, bool>> {
    let scale = a.0.max(b.0);
    let (a_by, b_by) = (ten(scale - a.0), ten(scale - b.0));
    let fits = |digits: &Digits<'_>, by: i128| {
        digits.bound().saturating_mul(by.unsigned_abs()) <= NARROW && by < 1 << 62
    };
    if !fits(a.1, a_by) || !fits(b.1, b_by) {
        return None;
    }
    let (a_by, b_by) = (a_by as i64, b_by as i64);
    let lift = |side: Narrow<'_>, by: i64| match side {
        Narrow::One(value) => (value.wrapping_mul(by), 1),
        Narrow::Many(_) => (0, by),
    };
    let (a, b) = (narrow(a.1)?, narrow(b.1)?);
    let ((a_one, a_by), (b_one, b_by)) = (lift(a, a_by), lift(b, b_by));
    let one = |side: Narrow<'_>| matches!(side, Narrow::One(_));
    let a = if one(a) { Narrow::One(a_one) } else { a };
    let b = if one(b) { Narrow::One(b_one) } else { b };
    macro_rules! with {
        ($operator:tt) => {
            zip(a, b, |a, b| a.wrapping_mul(a_by) $operator b.wrapping_mul(b_by))?
        };
    }
    let flags = match comparison {
        Comparison::Equal => with!(==),
        Comparison::Unequal => with!(!=),
        Comparison::Less => with!(<),
        Comparison::AtMost => with!(<=),
        Comparison::More => with!(>),
        Comparison::AtLeast => with!(>=),
    };
    Some(Cells::Many(Cow::Owned(flags)))
}

/// `x IN (…)`: whether x equals one of the values. A value that equals decides; else a fault or a missing value does.
pub(crate) fn members<'f>(lanes: Vec<Lane<'f>>, rows: usize) -> Lane<'f> {
    let Some((x, list)) = lanes.split_first() else { return Lane::empty(crate::Kind::Boolean, FINE) };
    if let Some(lane) = texts::member_of_constants(x, list, rows) {
        return lane;
    }
    let one = lanes.iter().all(Lane::is_one);
    let rows = if one { 1 } else { rows };
    let mut found = vec![false; rows];
    let mut status: Vec<Status> = vec![FINE; rows];
    for value in list {
        let equal = evaluate(Comparison::Equal, &[x.view(), value.view()], rows);
        for row in 0..rows {
            let (state, holds) = (equal.status.get(row), equal.flags().get(row));
            if state == FINE {
                found[row] |= holds;
            } else if status[row] == FINE || (is_fault(state) && !is_fault(status[row])) {
                status[row] = state;
            }
        }
    }
    for row in 0..rows {
        let own = x.status.get(row);
        status[row] = if own >= MISSING {
            own
        } else if found[row] {
            FINE
        } else {
            status[row]
        };
    }
    if one {
        return Lane { data: Data::Boolean(Cells::One(found[0])), status: Cells::One(status[0]) };
    }
    Lane { data: Data::Boolean(Cells::Many(Cow::Owned(found))), status: Cells::Many(Cow::Owned(status)) }
}
