//! Evaluation, block by block of rows and operation by operation: every operation is a loop over lanes.

mod arithmetic;
mod block;
mod choice;
mod compare;
mod dates;
pub(crate) mod lane;
mod lines;
mod numbers;
mod rates;
mod rowwise;
pub(crate) mod texts;

pub(crate) use arithmetic::{align, rescale};
pub(crate) use block::{Output, block_rows, row_faults};
pub(crate) use choice::pick_row;
pub(crate) use lines::{Detail, summands};
pub(crate) use rates::slices;
pub(crate) use rowwise::mark;

use crate::fault::Faults;
use crate::text::check::{Node, Operation};
use crate::text::functions::Function;
use alloc::vec::Vec;
use lane::{Cells, Data, Digits, Lane, Texts};

/// What an evaluation sees: the lanes of the names, for one block of rows.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'f> {
    /// Rows of the block; detail lines of the block where `inside_lines`.
    pub(crate) rows: usize,
    pub(crate) slots: &'f [Lane<'f>],
    pub(crate) detail: Option<&'f Detail<'f>>,
    pub(crate) inside_lines: bool,
    pub(crate) faults: &'f Faults,
    /// Where the text of the expression begins, to tell the column of a fault.
    pub(crate) text: &'f str,
}

impl Frame<'_> {
    /// The column of a node in its text, from 1, for messages.
    fn column(&self, node: &Node) -> u32 {
        let column = crate::problem::position(self.text, node.span.start).1;
        u32::try_from(column).unwrap_or(u32::MAX)
    }
}

/// Evaluates a node for every row of the frame.
pub(crate) fn evaluate<'f>(node: &'f Node, frame: &Frame<'f>) -> Lane<'f> {
    match &node.operation {
        Operation::Number { unscaled, scale } => Lane::fine(Data::Number(*scale, Digits::One(*unscaled))),
        Operation::Text(text) => Lane::fine(Data::Text(Texts::one(text.clone()))),
        Operation::Boolean(value) => Lane::fine(Data::Boolean(Cells::One(*value))),
        Operation::Date(days) => Lane::fine(Data::Date(Cells::One(*days))),
        Operation::Name(at) => match frame.detail {
            Some(detail) if frame.inside_lines => frame.slots[*at].gather(&detail.row_of),
            _ => frame.slots[*at].view(),
        },
        Operation::LineName(at) => match frame.detail {
            Some(detail) => detail.slots[*at].view(),
            None => Lane::empty(node.kind, crate::fault::MISSING),
        },
        Operation::Call(Function::Lines(aggregate), arguments) => {
            lines::evaluate(*aggregate, node, arguments, frame)
        }
        Operation::Call(function, arguments) => {
            let lanes: Vec<Lane<'f>> = arguments.iter().map(|argument| evaluate(argument, frame)).collect();
            call(*function, node, lanes, frame)
        }
    }
}

/// One operation over the lanes of its arguments.
fn call<'f>(function: Function, node: &Node, lanes: Vec<Lane<'f>>, frame: &Frame<'f>) -> Lane<'f> {
    use Function as F;
    match function {
        F::Add | F::Subtract | F::Multiply | F::Divide | F::Negate => {
            arithmetic::evaluate(function, node, lanes, frame)
        }
        F::Compare(comparison) => compare::evaluate(comparison, &lanes, frame.rows),
        F::In => compare::members(lanes, frame.rows),
        F::Exact => texts::exact(&lanes, frame.rows),
        F::And | F::Or | F::Not => choice::logic(function, lanes, frame.rows),
        F::If | F::Ifs | F::Switch | F::IfError | F::IfMissing | F::IsMissing => {
            choice::evaluate(function, node, lanes, frame)
        }
        F::Tiered | F::Banded | F::BandedUp | F::Interpolate => rates::evaluate(function, node, lanes, frame),
        F::Date | F::Year | F::Month | F::Day | F::Days | F::Edate | F::Eomonth | F::AddDays => {
            dates::evaluate(function, node, &lanes, frame)
        }
        F::Concat | F::Left | F::Right | F::Mid | F::Len | F::Upper | F::Lower | F::Trim | F::Find => {
            texts::evaluate(function, node, lanes, frame)
        }
        _ => numbers::evaluate(function, node, lanes, frame),
    }
}
