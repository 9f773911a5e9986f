//! Constants: parts of a text that come to the same in every row. What goes wrong in them always goes wrong, and is told before
//! anybody is scored.

use crate::evaluate::lane::Lane;
use crate::evaluate::{Frame, evaluate};
use crate::fault::{FINE, Faults, LOW_ABOVE_HIGH, MISSING, is_fault};
use crate::problem::Problems;
use crate::text::check::{Node, Operation};
use crate::text::functions::{FUNCTIONS, Function};
use crate::{Kind, decimal};
use alloc::{format, string::String, vec::Vec};
use core::cmp::Ordering;

/// The constants of a text: what is written, and names that stand for nothing else.
pub(crate) struct Constants<'t> {
    text: &'t str,
    /// One per name; where it is no constant, what stands there means nothing.
    lanes: Vec<Lane<'static>>,
    /// Which names are constants.
    known: Vec<bool>,
}

/// What a constant comes to.
pub(crate) enum Outcome {
    Value(Lane<'static>),
    /// In every row, for this reason.
    Fault(String),
}

impl<'t> Constants<'t> {
    /// Of a text without names of its own.
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, lanes: Vec::new(), known: Vec::new() }
    }

    /// Adds the next name: with its value, where that is a constant.
    pub(crate) fn add(&mut self, value: Option<Lane<'static>>) {
        self.known.push(value.is_some());
        self.lanes.push(value.unwrap_or_else(|| Lane::empty(Kind::Boolean, MISSING)));
    }

    fn is(&self, node: &Node) -> bool {
        match &node.operation {
            Operation::Name(at) => self.known.get(*at).copied().unwrap_or(false),
            Operation::LineName(_) => false,
            // Of the detail lines there are more or fewer, whatever is computed of them.
            Operation::Call(function, nodes) => {
                !matches!(function, Function::Lines(_)) && nodes.iter().all(|node| self.is(node))
            }
            _ => true,
        }
    }

    /// What a node comes to in every row; nothing where that is not always the same.
    pub(crate) fn outcome(&self, node: &Node) -> Option<Outcome> {
        if !self.is(node) {
            return None;
        }
        let faults = Faults::new();
        let frame = Frame {
            rows: 1,
            slots: &self.lanes,
            detail: None,
            inside_lines: false,
            faults: &faults,
            text: self.text,
        };
        let lane = evaluate(node, &frame).into_owned();
        let status = lane.status.get(0);
        if !is_fault(status) {
            return Some(Outcome::Value(lane));
        }
        let message = faults.message(status);
        // A problem has a place of its own.
        let reason = message.rsplit_once(" at column ").map_or(message.as_str(), |(reason, _)| reason);
        Some(Outcome::Fault(String::from(reason)))
    }

    fn number(&self, node: &Node) -> Option<(i128, u8)> {
        match self.outcome(node)? {
            Outcome::Value(lane) if node.kind == Kind::Number && lane.status.get(0) == FINE => {
                let (scale, digits) = lane.number();
                Some((digits.get(0), scale))
            }
            _ => None,
        }
    }

    /// Tells arguments with which no row can have a value. A division by zero that IFERROR looks at is meant.
    pub(crate) fn check(&self, node: &Node, problems: &mut Problems) {
        self.check_within(node, false, problems);
    }

    fn check_within(&self, node: &Node, guarded: bool, problems: &mut Problems) {
        let Operation::Call(function, nodes) = &node.operation else { return };
        for at in whole_arguments(*function) {
            if let Some(argument) = nodes.get(*at)
                && let Some(number) = self.number(argument)
                && let Some(message) = not_whole(*function, *at, number)
            {
                problems.add(argument.span, message);
            }
        }
        match (function, &nodes[..]) {
            (Function::Clamp, [_, low, high]) => {
                if let (Some(low_number), Some(high_number)) = (self.number(low), self.number(high))
                    && decimal::compare(low_number.0, low_number.1, high_number.0, high_number.1)
                        == Ordering::Greater
                {
                    problems.add(low.span.to(high.span), LOW_ABOVE_HIGH);
                }
            }
            (Function::Divide | Function::Mod | Function::Quotient, [_, divisor])
                if !guarded
                    && !self.is(node)
                    && self.number(divisor).is_some_and(|(digits, _)| digits == 0) =>
            {
                problems.add(divisor.span, "the divisor is 0 in every row");
            }
            _ => {}
        }
        for (at, node) in nodes.iter().enumerate() {
            let guarded = guarded || (*function == Function::IfError && at == 0);
            self.check_within(node, guarded, problems);
        }
    }
}

/// The arguments that must be whole numbers.
fn whole_arguments(function: Function) -> &'static [usize] {
    use Function as F;
    match function {
        F::Power | F::Round | F::RoundUp | F::RoundDown | F::Trunc => &[1],
        F::Left | F::Right | F::Edate | F::Eomonth | F::AddDays => &[1],
        F::Mid => &[1, 2],
        F::Find => &[2],
        F::Date => &[0, 1, 2],
        _ => &[],
    }
}

/// What is wrong with a number where a whole one is wanted, or a place in a text, or a count of letters.
fn not_whole(function: Function, at: usize, (digits, scale): (i128, u8)) -> Option<String> {
    let least = match (function, at) {
        (Function::Mid, 1) | (Function::Find, _) => 1,
        (Function::Mid | Function::Left | Function::Right, _) => 0,
        _ => i128::MIN,
    };
    let what = match function {
        Function::Power => String::from("the exponent"),
        Function::AddDays => String::from("the number of days"),
        _ => {
            let name =
                FUNCTIONS.iter().find(|known| known.function == function).map_or("", |known| known.name);
            format!("argument {} of {name}", at + 1)
        }
    };
    if digits % decimal::ten(scale) != 0 {
        let hint = if function == Function::Power { "; a square root is SQRT(x)" } else { "" };
        return Some(format!("{what} must be a whole number{hint}"));
    }
    (digits / decimal::ten(scale) < least).then(|| format!("{what} must be at least {least}"))
}
