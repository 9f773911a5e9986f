//! Addition, subtraction, multiplication, division and sign of number lanes. Where bounds of the magnitudes show that 64 bits
//! hold every result, the loops are plain; else they go row by row through 128 bits (256 for what is between).

use super::Frame;
use super::lane::{Cells, Data, Digits, Lane, bound_of, merge};
use super::rowwise::{self, mark};
use crate::decimal::{self, Rounding, product_scale, quotient_scale, ten};
use crate::fault::{DIVISION_BY_ZERO, FINE, OVERFLOW, Status};
use crate::text::check::Node;
use crate::text::functions::Function;
use alloc::{borrow::Cow, vec::Vec};

/// The largest magnitude of 64 bits with a sign.
pub(crate) const NARROW: u128 = i64::MAX.unsigned_abs() as u128;

pub(crate) fn evaluate<'f>(
    function: Function,
    node: &Node,
    lanes: Vec<Lane<'f>>,
    frame: &Frame<'f>,
) -> Lane<'f> {
    let mut lanes = lanes.into_iter();
    let (Some(first), second) = (lanes.next(), lanes.next()) else { return Lane::empty(node.kind, FINE) };
    match (function, second) {
        (Function::Add, Some(second)) => sum(node, frame, first, second, 1),
        (Function::Subtract, Some(second)) => sum(node, frame, first, second, -1),
        (Function::Multiply, Some(second)) => product(node, frame, &first, &second),
        (Function::Divide, Some(second)) => quotient(node, frame, first, second),
        _ => negative(node, frame, first),
    }
}

/// One value for all rows or a slice of them, both 64 bits: what plain loops run over.
#[derive(Clone, Copy)]
pub(crate) enum Narrow<'n> {
    One(i64),
    Many(&'n [i64]),
}

/// The digits as 64 bits; nothing where they are wide.
pub(crate) fn narrow<'n>(digits: &'n Digits<'_>) -> Option<Narrow<'n>> {
    match digits {
        Digits::One(value) => i64::try_from(*value).ok().map(Narrow::One),
        Digits::Narrow(values, _) => Some(Narrow::Many(values)),
        Digits::Wide(_) => None,
    }
}

/// A loop over two lanes of 64 bits; `None` where both are constants.
#[inline(always)]
pub(crate) fn zip<T>(a: Narrow<'_>, b: Narrow<'_>, f: impl Fn(i64, i64) -> T) -> Option<Vec<T>> {
    Some(match (a, b) {
        (Narrow::Many(a), Narrow::Many(b)) => a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect(),
        (Narrow::Many(a), Narrow::One(b)) => a.iter().map(|a| f(*a, b)).collect(),
        (Narrow::One(a), Narrow::Many(b)) => b.iter().map(|b| f(a, *b)).collect(),
        (Narrow::One(_), Narrow::One(_)) => return None,
    })
}

/// Whether 64 bits hold every result, looking closer where the first look does not show it.
pub(crate) fn fits(a: &mut Digits<'_>, b: &mut Digits<'_>, result: impl Fn(u128, u128) -> u128) -> bool {
    if result(a.bound(), b.bound()) <= NARROW {
        return true;
    }
    if matches!(a, Digits::Wide(_)) || matches!(b, Digits::Wide(_)) {
        return false;
    }
    a.tighten();
    b.tighten();
    result(a.bound(), b.bound()) <= NARROW
}

fn lifted(bound: u128, by: u8) -> u128 {
    bound.saturating_mul(ten(by.min(38)).unsigned_abs())
}

/// a + sign × b.
fn sum<'f>(node: &Node, frame: &Frame<'f>, a: Lane<'f>, b: Lane<'f>, sign: i64) -> Lane<'f> {
    let status = merge(&a.status, &b.status);
    let one = a.is_one() && b.is_one();
    let (a_scale, mut a, _) = a.into_number();
    let (b_scale, mut b, _) = b.into_number();
    let scale = a_scale.max(b_scale);
    let (a_lift, b_lift) = (scale - a_scale, scale - b_scale);
    let bound = |a: u128, b: u128| lifted(a, a_lift).saturating_add(lifted(b, b_lift));
    if !one && fits(&mut a, &mut b, bound) {
        let limit = bound(a.bound(), b.bound());
        // A bound of at most 64 bits leaves these multipliers the same room, unless all values are zero.
        let (a_by, b_by) = (ten(a_lift.min(18)) as i64, ten(b_lift.min(18)) as i64 * sign);
        if let (Some(a), Some(b)) = (narrow(&a), narrow(&b)) {
            let found = match (a_by, b_by) {
                (1, 1) => zip(a, b, i64::wrapping_add),
                (1, -1) => zip(a, b, i64::wrapping_sub),
                _ => zip(a, b, |a, b| a.wrapping_mul(a_by).wrapping_add(b.wrapping_mul(b_by))),
            };
            if let Some(values) = found {
                return Lane { data: Data::Number(scale, Digits::Narrow(Cow::Owned(values), limit)), status };
            }
        }
    }
    rowwise::numbers(node, frame, scale, status, one, |row| {
        let a = decimal::lift(a.get(row), a_lift)?;
        let b = decimal::lift(b.get(row), b_lift)?;
        if sign > 0 { a.checked_add(b) } else { a.checked_sub(b) }.ok_or(OVERFLOW)
    })
}

/// Rounds away the last digits of a value, a half to even or away from zero; `by` is the power of ten, even.
#[inline(always)]
fn drop_digits<const TO_EVEN: bool>(value: i64, by: i64) -> i64 {
    let (quotient, rest) = (value / by, (value % by).abs());
    let half = by / 2;
    let away = rest > half || (rest == half && (!TO_EVEN || quotient & 1 == 1));
    quotient + if away { value.signum() } else { 0 }
}

/// The same for all rows, with the power of ten known to the compiler, which then multiplies instead of dividing.
fn drop_all<const TO_EVEN: bool>(values: &mut [i64], digits: u8) {
    macro_rules! known {
        ($($digits:literal)*) => {
            match digits {
                0 => {}
                $($digits => {
                    values.iter_mut().for_each(|value| *value = drop_digits::<TO_EVEN>(*value, 10i64.pow($digits)));
                })*
                _ => {
                    let by = ten(digits.min(18)) as i64;
                    values.iter_mut().for_each(|value| *value = drop_digits::<TO_EVEN>(*value, by));
                }
            }
        };
    }
    known!(1 2 3 4 5 6 7 8 9 10 11 12);
}

fn product<'f>(node: &Node, frame: &Frame<'f>, a: &Lane<'f>, b: &Lane<'f>) -> Lane<'f> {
    let status = merge(&a.status, &b.status);
    let one = a.is_one() && b.is_one();
    let ((a_scale, a), (b_scale, b)) = (a.number(), b.number());
    let (mut a, mut b) = (a.view(), b.view());
    let scale = product_scale(a_scale, b_scale);
    let drop = a_scale + b_scale - scale;
    if !one && drop <= 18 && fits(&mut a, &mut b, u128::saturating_mul) {
        let limit = a.bound() * b.bound();
        if let (Some(a), Some(b)) = (narrow(&a), narrow(&b))
            && let Some(mut values) = zip(a, b, i64::wrapping_mul)
        {
            drop_all::<true>(&mut values, drop);
            let limit = limit / ten(drop).unsigned_abs() + 1;
            return Lane { data: Data::Number(scale, Digits::Narrow(Cow::Owned(values), limit)), status };
        }
    }
    rowwise::numbers(node, frame, scale, status, one, |row| decimal::multiply(a.get(row), b.get(row), drop))
}

fn quotient<'f>(node: &Node, frame: &Frame<'f>, a: Lane<'f>, b: Lane<'f>) -> Lane<'f> {
    let status = merge(&a.status, &b.status);
    let one = a.is_one() && b.is_one();
    let (a_scale, a, _) = a.into_number();
    let (b_scale, mut b, _) = b.into_number();
    let scale = quotient_scale(a_scale, b_scale);
    let lift = scale + b_scale - a_scale;
    if !one {
        b.tighten();
        let room = u128::from(u64::MAX) / b.bound().max(1);
        if let (Some(a), Some(b)) = (narrow(&a), narrow(&b))
            && room >= 10
            && let Some((values, zeros)) = divide_all(a, b, &Steps::new(lift, room), frame.rows)
        {
            let limit = bound_of(&values);
            let digits = Digits::Narrow(Cow::Owned(values), limit);
            let status = if zeros { zero_divisors(node, frame, status, b) } else { status };
            return Lane { data: Data::Number(scale, digits), status };
        }
    }
    rowwise::numbers(node, frame, scale, status, one, |row| decimal::divide(a.get(row), b.get(row), lift))
}

/// How long division goes: so many digits at a time as 64 bits hold.
struct Steps {
    by: u64,
    times: u8,
    last: u64,
}

impl Steps {
    fn new(lift: u8, room: u128) -> Self {
        let digits = (1..=18).rev().find(|digits| ten(*digits).unsigned_abs() <= room).unwrap_or(1);
        let power = |digits: u8| 10u64.pow(u32::from(digits));
        Self { by: power(digits), times: lift / digits, last: power(lift % digits) }
    }
}

/// Long division of every row, rounded half to even. Nothing where a quotient needs more than 64 bits; also says whether
/// a divisor was zero (the value of that row means nothing).
fn divide_all(a: Narrow<'_>, b: Narrow<'_>, steps: &Steps, rows: usize) -> Option<(Vec<i64>, bool)> {
    let (mut overflow, mut zeros) = (false, false);
    let mut values = Vec::with_capacity(rows);
    let mut divide = |a: i64, b: i64| {
        let divisor = if b == 0 { 1 } else { b.unsigned_abs() };
        zeros |= b == 0;
        let a_size = if b == 0 { 0 } else { a.unsigned_abs() };
        let (mut quotient, mut rest) = (a_size / divisor, a_size % divisor);
        for _ in 0..steps.times {
            rest *= steps.by;
            overflow |= quotient > i64::MAX as u64 / steps.by - 1;
            quotient = quotient.wrapping_mul(steps.by).wrapping_add(rest / divisor);
            rest %= divisor;
        }
        if steps.last > 1 {
            rest *= steps.last;
            overflow |= quotient > i64::MAX as u64 / steps.last - 1;
            quotient = quotient.wrapping_mul(steps.last).wrapping_add(rest / divisor);
            rest %= divisor;
        }
        let other = divisor - rest;
        quotient += u64::from(rest > other || (rest == other && quotient & 1 == 1));
        overflow |= quotient > i64::MAX as u64;
        let value = quotient as i64;
        values.push(if (a < 0) == (b < 0) { value } else { value.wrapping_neg() });
    };
    match (a, b) {
        (Narrow::Many(a), Narrow::Many(b)) => a.iter().zip(b).for_each(|(a, b)| divide(*a, *b)),
        (Narrow::Many(a), Narrow::One(b)) => a.iter().for_each(|a| divide(*a, b)),
        (Narrow::One(a), Narrow::Many(b)) => b.iter().for_each(|b| divide(a, *b)),
        (Narrow::One(_), Narrow::One(_)) => return None,
    }
    (!overflow).then_some((values, zeros))
}

/// Faults the rows, fine so far, whose divisor is zero.
fn zero_divisors(
    node: &Node,
    frame: &Frame<'_>,
    status: Cells<'static, Status>,
    b: Narrow<'_>,
) -> Cells<'static, Status> {
    let mut status = status;
    let fault = rowwise::fault(DIVISION_BY_ZERO, node, frame);
    for row in 0..frame.rows {
        let divisor = match b {
            Narrow::One(value) => value,
            Narrow::Many(values) => values[row],
        };
        if divisor == 0 && status.get(row) == FINE {
            mark(&mut status, row, frame.rows, fault);
        }
    }
    status
}

fn negative<'f>(node: &Node, frame: &Frame<'f>, lane: Lane<'f>) -> Lane<'f> {
    let one = lane.is_one();
    let (scale, digits, status) = lane.into_number();
    match digits {
        Digits::Narrow(values, bound) if bound <= NARROW => {
            let values = values.iter().map(|value| -value).collect();
            Lane { data: Data::Number(scale, Digits::Narrow(values, bound)), status }
        }
        digits => rowwise::numbers(node, frame, scale, status.into_owned(), one, |row| {
            digits.get(row).checked_neg().ok_or(OVERFLOW)
        }),
    }
}

/// The digits at a larger scale: rows that it would overflow are faulted.
pub(crate) fn align<'f>(node: &Node, frame: &Frame<'f>, lane: Lane<'f>, scale: u8) -> Lane<'f> {
    let one = lane.is_one();
    let (from, mut digits, status) = lane.into_number();
    if from == scale {
        return Lane { data: Data::Number(scale, digits), status };
    }
    let by = scale - from;
    if lifted(digits.bound(), by) > NARROW {
        digits.tighten();
    }
    let bound = lifted(digits.bound(), by);
    match &digits {
        Digits::Narrow(values, _) if bound <= NARROW && by <= 18 => {
            let factor = ten(by) as i64;
            let values = values.iter().map(|value| value.wrapping_mul(factor)).collect();
            Lane { data: Data::Number(scale, Digits::Narrow(values, bound)), status }
        }
        _ => rowwise::numbers(node, frame, scale, status.into_owned(), one, |row| {
            decimal::lift(digits.get(row), by)
        }),
    }
}

/// The digits at a smaller or larger scale, rounded.
pub(crate) fn rescale<'f>(
    node: &Node,
    frame: &Frame<'f>,
    lane: Lane<'f>,
    scale: u8,
    rounding: Rounding,
) -> Lane<'f> {
    let one = lane.is_one();
    if lane.number().0 <= scale {
        return align(node, frame, lane, scale);
    }
    let (from, digits, status) = lane.into_number();
    let drop = from - scale;
    match digits {
        Digits::Narrow(values, bound)
            if drop <= 18 && matches!(rounding, Rounding::HalfEven | Rounding::HalfUp) =>
        {
            let mut values = values.into_owned();
            match rounding {
                Rounding::HalfEven => drop_all::<true>(&mut values, drop),
                _ => drop_all::<false>(&mut values, drop),
            }
            Lane { data: Data::Number(scale, Digits::Narrow(Cow::Owned(values), bound)), status }
        }
        digits => rowwise::numbers(node, frame, scale, status.into_owned(), one, |row| {
            decimal::rescale(digits.get(row), from, scale, rounding)
        }),
    }
}
