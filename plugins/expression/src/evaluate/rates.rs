//! Rate tables: TIERED, BANDED, BANDED_UP, INTERPOLATE. The first argument is the amount, then pairs of a bound and what
//! applies from there; bounds ascend strictly.

use super::arithmetic::{NARROW, Narrow, align, narrow};
use super::choice::{NONE, Pick, choose};
use super::lane::{Data, Digits, Lane, merge_all};
use super::{Frame, evaluate as evaluate_node, rowwise};
use crate::decimal::{self, DIGITS, product_scale};
use crate::fault::{BELOW_BOUNDS, FINE, NOT_ASCENDING, OVERFLOW, Reason};
use crate::text::check::Node;
use crate::text::functions::Function;
use alloc::{borrow::Cow, vec, vec::Vec};

pub(crate) fn evaluate<'f>(
    function: Function,
    node: &Node,
    lanes: Vec<Lane<'f>>,
    frame: &Frame<'f>,
) -> Lane<'f> {
    match function {
        Function::Tiered => tiered(node, lanes, frame),
        Function::Interpolate => interpolate(node, lanes, frame),
        _ => banded(function == Function::BandedUp, node, lanes, frame),
    }
}

/// Amount and bounds at one scale; the values of the pairs as they are.
struct Table<'f> {
    scale: u8,
    amount: Lane<'f>,
    bounds: Vec<Lane<'f>>,
    values: Vec<Lane<'f>>,
}

impl<'f> Table<'f> {
    fn new(node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Self {
        let (mut bounds, mut values) = (Vec::new(), Vec::new());
        for (at, lane) in lanes.into_iter().enumerate() {
            if at == 0 || at % 2 == 1 { bounds.push(lane) } else { values.push(lane) }
        }
        let (scale, mut bounds) = super::numbers::aligned(node, bounds, frame);
        let amount = bounds.remove(0);
        Self { scale, amount, bounds, values }
    }

    fn amount(&self, row: usize) -> i128 {
        self.amount.number().1.get(row)
    }

    fn bound(&self, at: usize, row: usize) -> i128 {
        self.bounds[at].number().1.get(row)
    }

    fn ascends(&self, row: usize) -> Result<(), Reason> {
        let ascends = (1..self.bounds.len()).all(|at| self.bound(at - 1, row) < self.bound(at, row));
        if ascends { Ok(()) } else { Err(NOT_ASCENDING) }
    }

    /// The part of the amount that lies between a bound and the next.
    fn slice(&self, at: usize, row: usize) -> Result<i128, Reason> {
        let (amount, low) = (self.amount(row), self.bound(at, row));
        let top = if at + 1 < self.bounds.len() { amount.min(self.bound(at + 1, row)) } else { amount };
        if top <= low { Ok(0) } else { top.checked_sub(low).ok_or(OVERFLOW) }
    }

    fn is_one(&self) -> bool {
        self.amount.is_one() && self.bounds.iter().chain(&self.values).all(Lane::is_one)
    }
}

fn tiered<'f>(node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    let status = merge_all(&lanes);
    let table = Table::new(node, lanes, frame);
    let rate_scale = table.values.iter().map(|rate| rate.number().0).max().unwrap_or(0);
    let table = Table {
        values: table.values.into_iter().map(|rate| align(node, frame, rate, rate_scale)).collect(),
        ..table
    };
    let aligned = [&table.amount].into_iter().chain(&table.bounds).chain(&table.values);
    let status = aligned.fold(status, |status, lane| super::lane::merge(&status, &lane.status));
    let scale = product_scale(table.scale, rate_scale);
    let drop = table.scale + rate_scale - scale;
    if drop == 0
        && let Some((values, bound)) = plain_tiers(&table, frame.rows)
    {
        return Lane { data: Data::Number(scale, Digits::Narrow(Cow::Owned(values), bound)), status };
    }
    rowwise::numbers(node, frame, scale, status, table.is_one(), |row| {
        table.ascends(row)?;
        let mut sum = 0i128;
        for (at, rate) in table.values.iter().enumerate() {
            let slice = table.slice(at, row)?;
            if slice != 0 {
                let product = decimal::multiply(slice, rate.number().1.get(row), drop)?;
                sum = sum.checked_add(product).ok_or(OVERFLOW)?;
            }
        }
        Ok(sum)
    })
}

/// The tiers as plain loops over 64 bits, one for each slice; nothing where they do not fit or a row's bounds do not ascend.
fn plain_tiers(table: &Table<'_>, rows: usize) -> Option<(Vec<i64>, u128)> {
    if table.is_one() {
        return None;
    }
    let bounds_bound = table.bounds.iter().map(|bound| bound.number().1.bound()).max()?;
    let amount_bound = table.amount.number().1.bound().saturating_add(bounds_bound);
    let rate_bound = table.values.iter().map(|rate| rate.number().1.bound()).max()?;
    let total = amount_bound.saturating_mul(rate_bound).saturating_mul(table.values.len() as u128);
    if total > NARROW {
        return None;
    }
    let amounts = spread(narrow(table.amount.number().1)?, rows);
    let mut sums = vec![0i64; rows];
    let mut ascends = true;
    let mut low = narrow(table.bounds[0].number().1)?;
    for (at, rate) in table.values.iter().enumerate() {
        let high = match table.bounds.get(at + 1) {
            Some(bound) => narrow(bound.number().1)?,
            None => Narrow::One(i64::MAX),
        };
        ascends &= tier(&mut sums, &amounts, low, high, narrow(rate.number().1)?);
        low = high;
    }
    ascends.then_some((sums, total))
}

fn spread(values: Narrow<'_>, rows: usize) -> Cow<'_, [i64]> {
    match values {
        Narrow::One(value) => Cow::Owned(vec![value; rows]),
        Narrow::Many(values) => Cow::Borrowed(values),
    }
}

/// Adds one slice of every row; says whether its bounds ascend everywhere.
fn tier(sums: &mut [i64], amounts: &[i64], low: Narrow<'_>, high: Narrow<'_>, rate: Narrow<'_>) -> bool {
    let slice = |amount: i64, low: i64, high: i64| (amount.min(high).wrapping_sub(low)).max(0);
    let rows = sums.len();
    match (low, high, rate) {
        (Narrow::One(low), Narrow::One(high), Narrow::One(rate)) => {
            sums.iter_mut().zip(amounts).for_each(|(sum, amount)| *sum += slice(*amount, low, high) * rate);
            low < high
        }
        (Narrow::Many(low), Narrow::One(high), Narrow::One(rate)) => {
            let mut fine = true;
            for ((sum, amount), low) in sums.iter_mut().zip(amounts).zip(low) {
                fine &= *low < high;
                *sum += slice(*amount, *low, high) * rate;
            }
            fine
        }
        (Narrow::One(low), Narrow::Many(high), Narrow::One(rate)) => {
            let mut fine = true;
            for ((sum, amount), high) in sums.iter_mut().zip(amounts).zip(high) {
                fine &= low < *high;
                *sum += slice(*amount, low, *high) * rate;
            }
            fine
        }
        (Narrow::Many(low), Narrow::Many(high), Narrow::One(rate)) => {
            let mut fine = true;
            for (((sum, amount), low), high) in sums.iter_mut().zip(amounts).zip(low).zip(high) {
                fine &= low < high;
                *sum += slice(*amount, *low, *high) * rate;
            }
            fine
        }
        _ => {
            let (low, high, rate) = (spread(low, rows), spread(high, rows), spread(rate, rows));
            let mut fine = true;
            for row in 0..rows {
                fine &= low[row] < high[row];
                sums[row] += slice(amounts[row], low[row], high[row]) * rate[row];
            }
            fine
        }
    }
}

fn banded<'f>(up: bool, node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    let bounds_only: Vec<Lane<'_>> = lanes
        .iter()
        .enumerate()
        .filter(|(at, _)| *at == 0 || at % 2 == 1)
        .map(|(_, lane)| lane.view())
        .collect();
    let status = merge_all(&bounds_only);
    drop(bounds_only);
    let table = Table::new(node, lanes, frame);
    let status = table.bounds.iter().fold(status, |status, lane| super::lane::merge(&status, &lane.status));
    let one = table.is_one();
    let bounds_one =
        one || (table.amount.is_one() && table.bounds.iter().all(Lane::is_one) && status.is_one());
    let (picked, status) = rowwise::values(node, frame, status, bounds_one, |row| {
        table.ascends(row)?;
        let amount = table.amount(row);
        let reached = |at: &usize| {
            table.bound(*at, row) < amount || (table.bound(*at, row) == amount && (!up || *at == 0))
        };
        let band = (0..table.bounds.len()).rev().find(reached).ok_or(BELOW_BOUNDS)?;
        Ok(band as u16)
    });
    let rows = if one { 1 } else { frame.rows };
    let branch = (0..rows).map(|row| if status.get(row) == FINE { picked.get(row) } else { NONE });
    let pick = Pick { branch: branch.collect(), status: status.to_vec(rows) };
    choose(node, frame, &pick, table.values, one)
}

fn interpolate<'f>(node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    let status = merge_all(&lanes);
    let table = Table::new(node, lanes, frame);
    let status = table.bounds.iter().fold(status, |status, lane| super::lane::merge(&status, &lane.status));
    let value_scale = table.values.iter().map(|value| value.number().0).max().unwrap_or(0);
    let scale = DIGITS.max(value_scale);
    let values: Vec<Lane<'f>> =
        table.values.iter().map(|value| align(node, frame, value.clone(), scale)).collect();
    let status = values.iter().fold(status, |status, lane| super::lane::merge(&status, &lane.status));
    let last = table.bounds.len() - 1;
    rowwise::numbers(node, frame, scale, status, table.is_one(), |row| {
        table.ascends(row)?;
        let x = table.amount(row);
        let y = |at: usize| values[at].number().1.get(row);
        if x <= table.bound(0, row) {
            return Ok(y(0));
        }
        let Some(next) = (1..=last).find(|at| x < table.bound(*at, row)) else { return Ok(y(last)) };
        let (from, to) = (table.bound(next - 1, row), table.bound(next, row));
        let rise = y(next).checked_sub(y(next - 1)).ok_or(OVERFLOW)?;
        let width = to.checked_sub(from).ok_or(OVERFLOW)?;
        y(next - 1).checked_add(decimal::multiply_divide(rise, x - from, width)?).ok_or(OVERFLOW)
    })
}

/// One slice of a TIERED for one row: what an explanation tells.
pub(crate) struct Slice {
    pub(crate) from: (i128, u8),
    /// The next bound; nothing for the last slice.
    pub(crate) to: Option<(i128, u8)>,
    pub(crate) amount: (i128, u8),
    pub(crate) rate: (i128, u8),
    pub(crate) product: (i128, u8),
}

/// The slices of a TIERED in a frame of one row, which has a value there.
pub(crate) fn slices<'f>(node: &'f Node, arguments: &'f [Node], frame: &Frame<'f>) -> Vec<Slice> {
    let lanes: Vec<Lane<'f>> = arguments.iter().map(|argument| evaluate_node(argument, frame)).collect();
    let rates: Vec<(u8, i128)> =
        lanes.iter().skip(2).step_by(2).map(|lane| (lane.number().0, lane.number().1.get(0))).collect();
    let rate_scale = rates.iter().map(|rate| rate.0).max().unwrap_or(0);
    let table = Table::new(node, lanes, frame);
    let scale = product_scale(table.scale, rate_scale);
    let drop = table.scale + rate_scale - scale;
    let mut found = Vec::new();
    for (at, (from_scale, rate)) in rates.into_iter().enumerate() {
        let amount = table.slice(at, 0).unwrap_or(0);
        let rate = decimal::lift(rate, rate_scale - from_scale).unwrap_or(0);
        found.push(Slice {
            from: (table.bound(at, 0), table.scale),
            to: (at + 1 < table.bounds.len()).then(|| (table.bound(at + 1, 0), table.scale)),
            amount: (amount, table.scale),
            rate: (rate, rate_scale),
            product: (decimal::multiply(amount, rate, drop).unwrap_or(0), scale),
        });
    }
    found
}
