//! Aggregates over the detail lines of each row.

use super::Frame;
use super::evaluate as evaluate_node;
use super::lane::{Cells, Data, Digits, Gathered, Lane};
use super::rowwise::fault;
use crate::decimal::{self, DIGITS};
use crate::fault::{FINE, MISSING, NO_LINES, OVERFLOW, Reason, Status, is_fault};
use crate::text::check::{Node, Operation};
use crate::text::functions::{Aggregate, Function};
use alloc::{borrow::Cow, vec::Vec};

/// The detail lines of a block of rows.
pub(crate) struct Detail<'d> {
    /// Where the lines of each row end, counted from the first line of the block.
    pub(crate) ends: Vec<u32>,
    /// The row of each line.
    pub(crate) row_of: Vec<u32>,
    /// The lanes of the line inputs.
    pub(crate) slots: Vec<Lane<'d>>,
}

pub(crate) fn evaluate<'f>(
    aggregate: Aggregate,
    node: &Node,
    arguments: &'f [Node],
    frame: &Frame<'f>,
) -> Lane<'f> {
    let Some(detail) = frame.detail else {
        return Lane::empty(node.kind, fault(NO_LINES, node, frame));
    };
    let [value, condition] = operands(aggregate, arguments, detail, frame);
    let (scale, digits) = value.number();
    let target = if aggregate == Aggregate::Average { DIGITS.max(scale) } else { scale };
    let overflow = || fault(OVERFLOW, node, frame);
    let (mut found, mut status) = (Gathered::with_capacity(frame.rows), Vec::with_capacity(frame.rows));
    let mut start = 0;
    for end in &detail.ends {
        let end = *end as usize;
        let outcome = gather(start..end, digits, &value, &condition)
            .and_then(|total| total.outcome(aggregate, target - scale).map_err(|_| overflow()));
        let (value, state) = match outcome {
            Ok(Some(value)) => (value, FINE),
            Ok(None) => (0, MISSING),
            Err(state) => (0, state),
        };
        found.push(value);
        status.push(state);
        start = end;
    }
    Lane { data: Data::Number(target, found.digits()), status: Cells::Many(Cow::Owned(status)) }
}

/// What is aggregated, and the condition under which, for every line.
fn operands<'f>(
    aggregate: Aggregate,
    arguments: &'f [Node],
    detail: &'f Detail<'f>,
    frame: &Frame<'f>,
) -> [Lane<'f>; 2] {
    let inside = Frame { rows: detail.row_of.len(), inside_lines: true, ..*frame };
    let (value, condition) = match aggregate {
        Aggregate::Count => (None, arguments.first()),
        _ => (arguments.first(), arguments.get(1)),
    };
    let or_one = |node: Option<&'f Node>, one: Data<'f>| match node {
        Some(node) => evaluate_node(node, &inside),
        None => Lane::fine(one),
    };
    [or_one(value, Data::Number(0, Digits::One(1))), or_one(condition, Data::Boolean(Cells::One(true)))]
}

/// Whether a line counts: the condition holds, and there is a value. A condition without a value holds not.
fn counts(line: usize, value: &Lane<'_>, condition: &Lane<'_>) -> Result<bool, Status> {
    let state = condition.status.get(line);
    if is_fault(state) {
        return Err(state);
    }
    if state == MISSING || !condition.flags().get(line) {
        return Ok(false);
    }
    let state = value.status.get(line);
    if is_fault(state) { Err(state) } else { Ok(state != MISSING) }
}

/// One line of a LINES_SUM: what an explanation tells.
pub(crate) struct Summand {
    /// Its place among the lines of its row, from 1.
    pub(crate) place: usize,
    pub(crate) value: (i128, u8),
    /// What it is the product of, where it is one.
    pub(crate) factors: Option<[(i128, u8); 2]>,
}

/// What the lines of a frame of one row add to a LINES_SUM, which has a value there; not those that add nothing.
pub(crate) fn summands<'f>(arguments: &'f [Node], frame: &Frame<'f>) -> Vec<Summand> {
    let Some(detail) = frame.detail else { return Vec::new() };
    let [value, condition] = operands(Aggregate::Sum, arguments, detail, frame);
    let inside = Frame { rows: detail.row_of.len(), inside_lines: true, ..*frame };
    let factors: Vec<Lane<'f>> = match arguments.first().map(|node| &node.operation) {
        Some(Operation::Call(Function::Multiply, nodes)) => {
            nodes.iter().map(|node| evaluate_node(node, &inside)).collect()
        }
        _ => Vec::new(),
    };
    let number = |lane: &Lane<'_>, line: usize| (lane.number().1.get(line), lane.number().0);
    (0..detail.row_of.len())
        .filter(|line| counts(*line, &value, &condition).unwrap_or(false) && number(&value, *line).0 != 0)
        .map(|line| Summand {
            place: line + 1,
            value: number(&value, line),
            factors: match &factors[..] {
                [a, b] => Some([number(a, line), number(b, line)]),
                _ => None,
            },
        })
        .collect()
}

/// What is known of the lines of one row.
#[derive(Default)]
struct Total {
    count: i128,
    /// Nothing where it overflowed.
    sum: Option<i128>,
    least: i128,
    most: i128,
}

/// Adds up the lines that count.
fn gather(
    lines: core::ops::Range<usize>,
    digits: &Digits<'_>,
    value: &Lane<'_>,
    condition: &Lane<'_>,
) -> Result<Total, Status> {
    let mut total = Total { count: 0, sum: Some(0), least: i128::MAX, most: i128::MIN };
    for line in lines {
        if !counts(line, value, condition)? {
            continue;
        }
        let value = digits.get(line);
        total.count += 1;
        total.sum = total.sum.and_then(|sum| sum.checked_add(value));
        total.least = total.least.min(value);
        total.most = total.most.max(value);
    }
    Ok(total)
}

impl Total {
    /// Nothing for an average or extreme of no lines.
    fn outcome(&self, aggregate: Aggregate, lift: u8) -> Result<Option<i128>, Reason> {
        Ok(match aggregate {
            Aggregate::Count => Some(self.count),
            Aggregate::Sum => Some(self.sum.ok_or(OVERFLOW)?),
            _ if self.count == 0 => None,
            Aggregate::Average => Some(decimal::divide(self.sum.ok_or(OVERFLOW)?, self.count, lift)?),
            Aggregate::Min => Some(self.least),
            Aggregate::Max => Some(self.most),
        })
    }
}
