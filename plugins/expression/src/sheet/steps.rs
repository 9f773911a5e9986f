//! The steps of one output: sums are followed into their parts, choices into the branch taken, tiers into their slices.

use super::evaluate::Block;
use super::{SHEET_SCALE, SheetStep, Statement};
use crate::decimal::{Rounding, lift, rescale};
use crate::evaluate::{evaluate as evaluate_node, pick_row, slices, summands};
use crate::fault::FINE;
use crate::present;
use crate::text::check::{Node, Operation};
use crate::text::functions::{Aggregate, Function};
use alloc::{format, string::String, vec, vec::Vec};

/// More parts of an output than that are not told apart, but in one: names used twice would double them with every line.
const MOST_PARTS: usize = 100;
/// Nor more parts of all outputs: an explanation has to stay one that people, and the contract of plugins, can take.
const MOST_PARTS_OF_ALL: usize = 8_000;
/// So far sums and names are followed.
const DEEPEST: usize = 40;
/// The longest piece of a formula in a label, in characters.
const LONGEST_LABEL: usize = 80;

/// One part of an output, not rounded.
struct Part {
    label: String,
    unscaled: i128,
    scale: u8,
    note: String,
}

/// The parts of an output found so far.
pub(super) struct Steps<'s> {
    block: &'s Block<'s>,
    output: &'s str,
    parts: Vec<Part>,
    most: usize,
    /// How many parts are told in one.
    others: usize,
    /// Their sum; nothing where it is too large.
    sum_of_others: Option<(i128, u8)>,
}

impl Block<'_> {
    /// The text of a node, as it stands in the sheet.
    pub(super) fn source(&self, node: &Node) -> String {
        let text = self.sheet.text.get(node.span.start..node.span.end).unwrap_or("");
        if text.chars().count() <= LONGEST_LABEL {
            return String::from(text);
        }
        format!("{}…", text.chars().take(LONGEST_LABEL - 1).collect::<String>())
    }
}

impl<'s> Steps<'s> {
    pub(super) fn new(block: &'s Block<'s>, output: &'s str) -> Self {
        let most = (MOST_PARTS_OF_ALL / block.sheet.outputs.len().max(1)).min(MOST_PARTS);
        Self { block, output, parts: Vec::new(), most, others: 0, sum_of_others: Some((0, 0)) }
    }

    /// Takes the expression of a line apart; `line` is its place among the lines.
    pub(super) fn follow(&mut self, node: &'s Node, line: usize) {
        self.parts_of(node, &self.block.sheet.lines[line].name, false, 0);
    }

    /// Adds the parts of a node. `label` is the name of the line it belongs to; `negative` turns the sign.
    fn parts_of(&mut self, node: &'s Node, label: &'s str, negative: bool, depth: usize) {
        let Operation::Call(function, arguments) = &node.operation else {
            return self.name_or_leaf(node, label, negative, depth);
        };
        if depth >= DEEPEST || self.is_full() {
            return self.leaf(node, label, negative);
        }
        let deeper = depth + 1;
        match function {
            Function::Add | Function::Sum => {
                arguments.iter().for_each(|argument| self.parts_of(argument, label, negative, deeper));
            }
            Function::Subtract => {
                self.parts_of(&arguments[0], label, negative, deeper);
                self.parts_of(&arguments[1], label, !negative, deeper);
            }
            Function::Negate => self.parts_of(&arguments[0], label, !negative, deeper),
            Function::If | Function::Ifs | Function::Switch | Function::IfError | Function::IfMissing => {
                match pick_row(*function, node, arguments, &self.block.frame()) {
                    Some(at) => self.parts_of(&arguments[at], label, negative, deeper),
                    None => self.leaf(node, label, negative),
                }
            }
            Function::Tiered => self.tiers(node, arguments, label, negative),
            Function::Lines(Aggregate::Sum) => self.lines(node, arguments, label, negative),
            _ => self.leaf(node, label, negative),
        }
    }

    /// A name is followed into its line where that is a detail; anything else is one part.
    fn name_or_leaf(&mut self, node: &'s Node, label: &'s str, negative: bool, depth: usize) {
        if let Operation::Name(at) = node.operation
            && depth < DEEPEST
            && !self.is_full()
        {
            let named = &self.block.sheet.lines[at];
            if let Statement::Line { node, .. } = &named.statement {
                return self.parts_of(node, &named.name, negative, depth + 1);
            }
            return self.leaf(node, &named.name, negative);
        }
        self.leaf(node, label, negative);
    }

    fn leaf(&mut self, node: &'s Node, label: &str, negative: bool) {
        let lane = evaluate_node(node, &self.block.frame());
        if lane.status.get(0) != FINE {
            return;
        }
        let (scale, digits) = lane.number();
        let note = self.block.source(node);
        self.push(String::from(label), (digits.get(0), scale), note, negative);
    }

    fn push(&mut self, label: String, (unscaled, scale): (i128, u8), note: String, negative: bool) {
        let unscaled = if negative { unscaled.saturating_neg() } else { unscaled };
        if self.is_full() {
            self.others += 1;
            self.sum_of_others = self.sum_of_others.and_then(|sum| added(sum, (unscaled, scale)));
        } else {
            self.parts.push(Part { label, unscaled, scale, note });
        }
    }

    fn is_full(&self) -> bool {
        self.parts.len() >= self.most
    }

    /// One part for each detail line that adds something.
    fn lines(&mut self, node: &'s Node, arguments: &'s [Node], label: &str, negative: bool) {
        let lines = summands(arguments, &self.block.frame());
        if lines.is_empty() {
            return self.leaf(node, label, negative);
        }
        let text = |(unscaled, scale): (i128, u8)| present::number(unscaled, scale);
        let source = arguments.first().map_or(String::new(), |value| self.block.source(value));
        for line in lines {
            let note = match line.factors {
                Some([a, b]) => format!("{} × {}", text(a), text(b)),
                None => source.clone(),
            };
            self.push(format!("{label}: line {}", line.place), line.value, note, negative);
        }
    }

    /// One part for each slice that the amount reaches.
    fn tiers(&mut self, node: &'s Node, arguments: &'s [Node], label: &str, negative: bool) {
        let before = self.parts.len();
        for slice in slices(node, arguments, &self.block.frame()) {
            if slice.amount.0 == 0 {
                continue;
            }
            let text = |(unscaled, scale): (i128, u8)| present::number(unscaled, scale);
            let range = match slice.to {
                Some(to) => format!("{label}: from {} to {}", text(slice.from), text(to)),
                None => format!("{label}: from {}", text(slice.from)),
            };
            let rate = text((slice.rate.0, slice.rate.1));
            let note = format!("{} × {rate}", text(slice.amount));
            self.push(range, slice.product, note, negative);
        }
        if self.parts.len() == before {
            self.leaf(node, label, negative);
        }
    }

    /// The steps: each rounded to six decimals or those of the output, and what rounding leaves as a step of its own.
    pub(super) fn finish(mut self, value: i128, scale: u8) -> Vec<SheetStep> {
        if self.others > 0 {
            let Some((unscaled, scale)) = self.sum_of_others else { return self.in_one_step(value, scale) };
            let label = format!("{} more", self.others);
            self.parts.push(Part { label, unscaled, scale, note: String::from("together") });
        }
        self.rounded(value, scale, scale.max(SHEET_SCALE))
            .or_else(|| self.rounded(value, scale, scale))
            .unwrap_or_else(|| self.in_one_step(value, scale))
    }

    fn in_one_step(&self, value: i128, scale: u8) -> Vec<SheetStep> {
        vec![self.step(String::from(self.output), value, scale, String::from("in one step"))]
    }

    fn step(&self, label: String, unscaled: i128, scale: u8, note: String) -> SheetStep {
        SheetStep { label, output: Some(String::from(self.output)), unscaled, scale, note }
    }

    /// The steps at a scale; nothing where 64 bits do not hold one of them.
    fn rounded(&self, value: i128, scale: u8, at: u8) -> Option<Vec<SheetStep>> {
        let mut rest = rescale(value, scale, at, Rounding::HalfEven).ok()?;
        let mut steps = Vec::with_capacity(self.parts.len() + 1);
        for part in &self.parts {
            let amount = rescale(part.unscaled, part.scale, at, Rounding::HalfEven).ok()?;
            i64::try_from(amount).ok()?;
            rest = rest.checked_sub(amount)?;
            let (unscaled, shown) = present::shortest(amount, at, scale);
            steps.push(self.step(part.label.clone(), unscaled, shown, part.note.clone()));
        }
        i64::try_from(rest).ok()?;
        if rest != 0 || steps.is_empty() {
            let (unscaled, shown) = present::shortest(rest, at, scale);
            let note = format!("to {scale} decimals");
            steps.push(self.step(String::from("rounding"), unscaled, shown, note));
        }
        Some(steps)
    }
}

/// The sum of two numbers, each with its scale.
fn added(a: (i128, u8), b: (i128, u8)) -> Option<(i128, u8)> {
    let scale = a.1.max(b.1);
    let lifted = |(unscaled, from): (i128, u8)| lift(unscaled, scale - from).ok();
    Some((lifted(a)?.checked_add(lifted(b)?)?, scale))
}
