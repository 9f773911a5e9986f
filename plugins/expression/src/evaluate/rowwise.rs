//! Row by row: the way of everything that has no loop of its own, with a status for rows that fault.

use super::Frame;
use super::lane::{Cells, Data, Digits, Gathered, Lane};
use crate::fault::{FINE, Reason, Status};
use crate::text::check::Node;
use alloc::{borrow::Cow, vec::Vec};

/// Remembers the last fault's status, so that a million faults make one message.
struct Told {
    last: Option<(Reason, Status)>,
}

impl Told {
    fn status(&mut self, reason: Reason, node: &Node, frame: &Frame<'_>) -> Status {
        match self.last {
            Some((known, status)) if known == reason => status,
            _ => {
                let status = frame.faults.status(reason, frame.column(node));
                self.last = Some((reason, status));
                status
            }
        }
    }
}

/// The status of a fault at the node.
pub(crate) fn fault(reason: Reason, node: &Node, frame: &Frame<'_>) -> Status {
    frame.faults.status(reason, frame.column(node))
}

/// Values of rows whose status is fine, by a function of the row's number; `one` says that all arguments are constants.
pub(crate) fn values<T: Copy + Default>(
    node: &Node,
    frame: &Frame<'_>,
    status: Cells<'static, Status>,
    one: bool,
    mut value: impl FnMut(usize) -> Result<T, Reason>,
) -> (Cells<'static, T>, Cells<'static, Status>) {
    let mut told = Told { last: None };
    if let (true, Cells::One(status)) = (one, &status) {
        let outcome = if *status == FINE { value(0) } else { Ok(T::default()) };
        return match outcome {
            Ok(value) => (Cells::One(value), Cells::One(*status)),
            Err(reason) => (Cells::One(T::default()), Cells::One(told.status(reason, node, frame))),
        };
    }
    let mut found = Vec::with_capacity(frame.rows);
    let mut status = status;
    for row in 0..frame.rows {
        let outcome = if status.get(row) == FINE { value(row) } else { Ok(T::default()) };
        found.push(outcome.unwrap_or_else(|reason| {
            mark(&mut status, row, frame.rows, told.status(reason, node, frame));
            T::default()
        }));
    }
    (Cells::Many(Cow::Owned(found)), status)
}

/// Numbers of rows whose status is fine, as a lane of the scale.
pub(crate) fn numbers(
    node: &Node,
    frame: &Frame<'_>,
    scale: u8,
    status: Cells<'static, Status>,
    one: bool,
    mut value: impl FnMut(usize) -> Result<i128, Reason>,
) -> Lane<'static> {
    if one && status.is_one() {
        let (cells, status) = values(node, frame, status, one, value);
        return Lane { data: Data::Number(scale, Digits::One(cells.get(0))), status };
    }
    let mut told = Told { last: None };
    let mut found = Gathered::with_capacity(frame.rows);
    let mut status = status;
    for row in 0..frame.rows {
        let outcome = if status.get(row) == FINE { value(row) } else { Ok(0) };
        found.push(outcome.unwrap_or_else(|reason| {
            mark(&mut status, row, frame.rows, told.status(reason, node, frame));
            0
        }));
    }
    Lane { data: Data::Number(scale, found.digits()), status }
}

/// Sets the status of one row.
pub(crate) fn mark(status: &mut Cells<'static, Status>, row: usize, rows: usize, to: Status) {
    if let Cells::One(all) = status {
        *status = Cells::Many(Cow::Owned(alloc::vec![*all; rows]));
    }
    if let Cells::Many(each) = status {
        each.to_mut()[row] = to;
    }
}
