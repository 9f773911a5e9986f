//! The number functions: rounding, extremes, means, powers. Most go row by row; MIN, MAX, ABS and CLAMP have plain loops.

use super::Frame;
use super::arithmetic::{NARROW, align, narrow, zip};
use super::lane::{Data, Digits, Lane, merge, merge_all};
use super::rowwise;
use crate::decimal::{self, DIGITS, Rounding, ten};
use crate::fault::{DIVISION_BY_ZERO, FINE, LOW_ABOVE_HIGH, NOT_WHOLE, OVERFLOW, Reason, SIGNS};
use crate::power::power as power_of;
use crate::text::check::{Node, Operation};
use crate::text::functions::Function;
use alloc::{borrow::Cow, vec::Vec};

pub(crate) fn evaluate<'f>(
    function: Function,
    node: &Node,
    lanes: Vec<Lane<'f>>,
    frame: &Frame<'f>,
) -> Lane<'f> {
    use Function as F;
    match function {
        F::Min | F::Max => extreme(function == F::Max, node, lanes, frame),
        F::Clamp => clamp(node, lanes, frame),
        F::Sum => total(node, lanes, frame),
        F::Average => average(node, lanes, frame),
        F::Median => median(node, lanes, frame),
        F::Abs | F::Sign => magnitude(function, node, &lanes, frame),
        F::Round | F::RoundUp | F::RoundDown | F::Trunc | F::Int => rounded(function, node, lanes, frame),
        F::MRound | F::Ceiling | F::Floor | F::Mod | F::Quotient => multiple(function, node, lanes, frame),
        F::Power => power(node, &lanes, frame),
        F::Sqrt => root(node, &lanes, frame),
        _ => Lane::empty(node.kind, FINE),
    }
}

/// All lanes at the largest of their scales.
pub(crate) fn aligned<'f>(node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> (u8, Vec<Lane<'f>>) {
    let scale = lanes.iter().map(|lane| lane.number().0).max().unwrap_or(0);
    (scale, lanes.into_iter().map(|lane| align(node, frame, lane, scale)).collect())
}

fn all_one(lanes: &[Lane<'_>]) -> bool {
    lanes.iter().all(Lane::is_one)
}

fn extreme<'f>(largest: bool, node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    let (scale, lanes) = aligned(node, lanes, frame);
    let mut lanes = lanes.into_iter();
    let Some(first) = lanes.next() else { return Lane::empty(node.kind, FINE) };
    lanes.fold(first, |a, b| {
        let status = merge(&a.status, &b.status);
        let (left, right) = (a.number().1, b.number().1);
        if let (Some(x), Some(y)) = (narrow(left), narrow(right)) {
            let values = if largest { zip(x, y, i64::max) } else { zip(x, y, i64::min) };
            if let Some(values) = values {
                let bound = left.bound().max(right.bound());
                return Lane { data: Data::Number(scale, Digits::Narrow(Cow::Owned(values), bound)), status };
            }
        }
        let one = a.is_one() && b.is_one();
        rowwise::numbers(node, frame, scale, status, one, |row| {
            let (x, y) = (left.get(row), right.get(row));
            Ok(if largest { x.max(y) } else { x.min(y) })
        })
    })
}

fn clamp<'f>(node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    let (scale, lanes) = aligned(node, lanes, frame);
    let [x, low, high] = [0, 1, 2].map(|at| lanes[at].number().1);
    rowwise::numbers(node, frame, scale, merge_all(&lanes), all_one(&lanes), |row| {
        let (low, high) = (low.get(row), high.get(row));
        if low > high { Err(LOW_ABOVE_HIGH) } else { Ok(x.get(row).clamp(low, high)) }
    })
}

fn sum_row(lanes: &[Lane<'_>], row: usize) -> Result<i128, Reason> {
    lanes.iter().try_fold(0i128, |sum, lane| sum.checked_add(lane.number().1.get(row)).ok_or(OVERFLOW))
}

fn total<'f>(node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    let (scale, lanes) = aligned(node, lanes, frame);
    let status = merge_all(&lanes);
    let bound = lanes.iter().fold(0u128, |sum, lane| sum.saturating_add(lane.number().1.bound()));
    if bound <= NARROW && !all_one(&lanes) {
        let mut sums = alloc::vec![0i64; frame.rows];
        for lane in &lanes {
            match narrow(lane.number().1) {
                Some(super::arithmetic::Narrow::One(value)) => sums.iter_mut().for_each(|sum| *sum += value),
                Some(super::arithmetic::Narrow::Many(values)) => {
                    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                }
                None => {}
            }
        }
        return Lane { data: Data::Number(scale, Digits::Narrow(Cow::Owned(sums), bound)), status };
    }
    rowwise::numbers(node, frame, scale, status, all_one(&lanes), |row| sum_row(&lanes, row))
}

fn average<'f>(node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    let (scale, lanes) = aligned(node, lanes, frame);
    let target = DIGITS.max(scale);
    let count = lanes.len() as i128;
    rowwise::numbers(node, frame, target, merge_all(&lanes), all_one(&lanes), |row| {
        decimal::divide(sum_row(&lanes, row)?, count, target - scale)
    })
}

fn median<'f>(node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    let (scale, lanes) = aligned(node, lanes, frame);
    let target = DIGITS.max(scale);
    let middle = lanes.len() / 2;
    let mut sorted: Vec<i128> = Vec::with_capacity(lanes.len());
    rowwise::numbers(node, frame, target, merge_all(&lanes), all_one(&lanes), |row| {
        sorted.clear();
        sorted.extend(lanes.iter().map(|lane| lane.number().1.get(row)));
        sorted.sort_unstable();
        if lanes.len() % 2 == 1 {
            return decimal::lift(sorted[middle], target - scale);
        }
        let sum = sorted[middle - 1].checked_add(sorted[middle]).ok_or(OVERFLOW)?;
        decimal::divide(sum, 2, target - scale)
    })
}

fn magnitude<'f>(function: Function, node: &Node, lanes: &[Lane<'f>], frame: &Frame<'f>) -> Lane<'f> {
    let (scale, digits) = lanes[0].number();
    let status = lanes[0].status.clone().into_owned();
    if function == Function::Sign {
        return rowwise::numbers(node, frame, 0, status, lanes[0].is_one(), |row| {
            Ok(digits.get(row).signum())
        });
    }
    if let Digits::Narrow(values, bound) = digits
        && *bound <= NARROW
    {
        let values = values.iter().map(|value| value.abs()).collect();
        return Lane { data: Data::Number(scale, Digits::Narrow(values, *bound)), status };
    }
    rowwise::numbers(node, frame, scale, status, lanes[0].is_one(), |row| {
        digits.get(row).checked_abs().ok_or(OVERFLOW)
    })
}

fn whole_number(value: i128, scale: u8) -> Result<i128, Reason> {
    if value % ten(scale) == 0 { Ok(value / ten(scale)) } else { Err(NOT_WHOLE) }
}

fn whole_of(lane: &Lane<'_>, row: usize) -> Result<i128, Reason> {
    let (scale, digits) = lane.number();
    whole_number(digits.get(row), scale)
}

/// The whole numbers of a lane, as far as they are of use: digits to round to, positions, days.
pub(crate) fn whole_at(lane: &Lane<'_>, row: usize) -> Result<i64, Reason> {
    Ok(whole_of(lane, row)?.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

/// The digits after the point that a rounding asks for, or an exponent, where the text says so.
fn written(node: &Node, argument: usize) -> Option<i128> {
    let Operation::Call(_, arguments) = &node.operation else { return None };
    match arguments.get(argument)?.operation {
        Operation::Number { unscaled, scale } => whole_number(unscaled, scale).ok(),
        _ => None,
    }
}

fn rounded<'f>(function: Function, node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    let rounding = match function {
        Function::Round => Rounding::HalfUp,
        Function::RoundUp => Rounding::Up,
        Function::Int => Rounding::Floor,
        _ => Rounding::Down,
    };
    let (scale, digits) = lanes[0].number();
    let asked = if lanes.len() < 2 { Some(0) } else { written(node, 1) };
    let target = asked.map_or(scale, |asked| scale.min(u8::try_from(asked.clamp(0, 28)).unwrap_or(0)));
    rowwise::numbers(node, frame, target, merge_all(&lanes), all_one(&lanes), |row| {
        let wanted = match lanes.get(1) {
            Some(lane) => whole_at(lane, row)?,
            None => 0,
        };
        let value = digits.get(row);
        if wanted >= i64::from(scale) {
            return Ok(value);
        }
        if wanted >= 0 {
            let wanted = wanted as u8;
            return decimal::lift(decimal::rescale(value, scale, wanted, rounding)?, target - wanted);
        }
        let drop = i64::from(scale).saturating_sub(wanted);
        if drop > 38 {
            return if rounding == Rounding::Up && value != 0 || rounding == Rounding::Floor && value < 0 {
                Err(OVERFLOW)
            } else {
                Ok(0)
            };
        }
        let steps = decimal::whole(value, ten(drop as u8), rounding);
        decimal::lift(steps, (drop - i64::from(scale) + i64::from(target)) as u8)
    })
}

fn multiple<'f>(function: Function, node: &Node, mut lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    if lanes.len() < 2 {
        lanes.push(Lane::fine(Data::Number(0, Digits::One(1))));
    }
    let (scale, lanes) = aligned(node, lanes, frame);
    let [x, by] = [0, 1].map(|at| lanes[at].number().1);
    let target = if function == Function::Quotient { 0 } else { scale };
    rowwise::numbers(node, frame, target, merge_all(&lanes), all_one(&lanes), |row| {
        one_multiple(function, x.get(row), by.get(row))
    })
}

/// Both of one scale; signs and zeros as spreadsheets have them.
fn one_multiple(function: Function, x: i128, by: i128) -> Result<i128, Reason> {
    let rounding = match function {
        Function::Mod if by == 0 => return Err(DIVISION_BY_ZERO),
        Function::Mod => {
            return Ok(x
                .checked_rem(by)
                .map_or(0, |rest| if rest != 0 && (rest < 0) != (by < 0) { rest + by } else { rest }));
        }
        Function::Quotient => {
            return if by == 0 { Err(DIVISION_BY_ZERO) } else { x.checked_div(by).ok_or(OVERFLOW) };
        }
        Function::Floor if by == 0 && x != 0 => return Err(DIVISION_BY_ZERO),
        _ if by == 0 || x == 0 => return Ok(0),
        Function::MRound => Rounding::HalfUp,
        _ if x > 0 && by < 0 => return Err(SIGNS),
        Function::Ceiling => Rounding::Ceiling,
        _ => Rounding::Floor,
    };
    // A multiple with the sign of x turns the direction: CEILING(-2.5, -2) goes away from zero.
    decimal::whole(x, by, rounding).checked_mul(by).ok_or(OVERFLOW)
}

fn power<'f>(node: &Node, lanes: &[Lane<'f>], frame: &Frame<'f>) -> Lane<'f> {
    let (scale, digits) = lanes[0].number();
    let finest = DIGITS.max(scale);
    let target = match written(node, 1) {
        Some(exponent) if exponent >= 0 => {
            i128::from(scale).saturating_mul(exponent).min(i128::from(finest)) as u8
        }
        _ => finest,
    };
    rowwise::numbers(node, frame, target, merge_all(lanes), all_one(lanes), |row| {
        power_of(digits.get(row), scale, whole_of(&lanes[1], row)?, target)
    })
}

fn root<'f>(node: &Node, lanes: &[Lane<'f>], frame: &Frame<'f>) -> Lane<'f> {
    let (scale, digits) = lanes[0].number();
    let target = DIGITS.max(scale);
    rowwise::numbers(node, frame, target, lanes[0].status.clone().into_owned(), lanes[0].is_one(), |row| {
        decimal::root(digits.get(row), scale, target)
    })
}
