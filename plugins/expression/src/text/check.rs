//! The check: names and kinds. What passes it is a tree of operations that can be evaluated.

use super::elsewhere;
use super::functions::{FUNCTIONS, Function, Gives, Signature, Wanted, find};
use super::parser::{Shape, Tree};
use crate::problem::{Problems, Span, did_you_mean};
use crate::{Kind, date, decimal};
use alloc::{format, string::String, sync::Arc, vec::Vec};
use core::cmp::Ordering;

/// An operation whose names and kinds are right.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) operation: Operation,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Number {
        unscaled: i128,
        scale: u8,
    },
    Text(Arc<str>),
    Boolean(bool),
    Date(i32),
    /// A value per row, by its place among the names.
    Name(usize),
    /// A value per detail line, by its place among the line inputs.
    LineName(usize),
    Call(Function, Vec<Node>),
}

/// So many problems get a hint at the nearest name: looking for it takes time.
const MOST_HINTS: usize = 100;

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Row(usize, Kind),
    Line(usize, Kind),
    /// A name whose own line has problems, which are told there.
    Broken,
    /// The name of the line that is looked at.
    Itself,
    /// A name of that line, further down.
    Below(usize),
}

/// The names that a text may use.
pub(crate) trait Names {
    /// What the name is; nothing where it is not known.
    fn find(&mut self, name: &str) -> Option<Found>;
    /// What is known, to find the nearest.
    fn known(&self) -> Vec<String>;
    /// Whether there are detail lines.
    fn has_lines(&self) -> bool;
}

/// Checks a tree; nothing where it has problems, which are told.
pub(crate) fn check(tree: &Tree, text: &str, names: &mut dyn Names, problems: &mut Problems) -> Option<Node> {
    Check { text, names, problems, inside_lines: false }.node(tree)
}

/// A kind, as messages name it.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "a number",
        Kind::Text => "a text",
        Kind::Boolean => "true or false",
        Kind::Date => "a date",
    }
}

pub(super) struct Check<'c> {
    /// What is checked, to quote from.
    pub(super) text: &'c str,
    names: &'c mut dyn Names,
    pub(super) problems: &'c mut Problems,
    inside_lines: bool,
}

impl Check<'_> {
    pub(super) fn node(&mut self, tree: &Tree) -> Option<Node> {
        let span = tree.span;
        let leaf = |kind, operation| Some(Node { kind, operation, span });
        match &tree.shape {
            Shape::Number { unscaled, scale } => {
                leaf(Kind::Number, Operation::Number { unscaled: *unscaled, scale: *scale })
            }
            Shape::Text(text) => leaf(Kind::Text, Operation::Text(Arc::from(text.as_str()))),
            Shape::Boolean(value) => leaf(Kind::Boolean, Operation::Boolean(*value)),
            Shape::Name(name) => self.name(name, span),
            Shape::Call { name, name_span, arguments, whole } => {
                self.call(name, *name_span, arguments, *whole, span)
            }
            Shape::Operator { sign, operands } => self.operator(sign, operands, span),
            Shape::In(all) => self.members(all, span),
            Shape::Negative(operand) => self.negative(operand, span),
            Shape::Percent(operand) => self.percent(operand, span),
            Shape::Pieces(pieces) => {
                self.nodes(pieces);
                None
            }
            Shape::Bad => None,
        }
    }

    fn nodes(&mut self, trees: &[Tree]) -> Vec<Option<Node>> {
        trees.iter().map(|tree| self.node(tree)).collect()
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Node> {
        match self.names.find(name) {
            Some(Found::Row(at, kind)) => Some(Node { kind, operation: Operation::Name(at), span }),
            Some(Found::Line(at, kind)) if self.inside_lines => {
                Some(Node { kind, operation: Operation::LineName(at), span })
            }
            Some(Found::Line(..)) => {
                let message = format!(
                    "`{name}` has one value per detail line; use it in LINES_SUM(…) or another LINES_ function"
                );
                self.problems.add(span, message);
                None
            }
            Some(Found::Broken) => None,
            Some(Found::Itself) => {
                let message =
                    format!("`{name}` is what this line defines: a line may use only names above it");
                self.problems.add(span, message);
                None
            }
            Some(Found::Below(line)) => {
                let message =
                    format!("`{name}` stands below, in line {line}: a line may use only names above it");
                self.problems.add(span, message);
                None
            }
            None => {
                self.unknown(name, span, false);
                None
            }
        }
    }

    /// Tells that a name is not known, and what may be meant by it: a text where its neighbours are, or where it is written as
    /// no name is.
    fn unknown(&mut self, name: &str, span: Span, beside_text: bool) {
        let hint = if let Some(function) = find(name) {
            format!("; the function is called as {}", function.usage)
        } else if let Some(instead) = elsewhere::name(name) {
            format!(": {instead}")
        } else if self.problems.count() < MOST_HINTS {
            let near = did_you_mean(name, self.names.known());
            if near.is_empty() && (beside_text || name.starts_with(char::is_uppercase)) {
                format!("; a text is written in double quotes: \"{name}\"")
            } else {
                near
            }
        } else {
            String::new()
        };
        self.problems.add(span, format!("`{name}` is not known{hint}"));
    }

    /// Trees that are compared with each other: a name among texts that is not known is likely to be one.
    pub(super) fn compared(&mut self, trees: &[Tree]) -> Vec<Option<Node>> {
        let strange = |check: &mut Self, tree: &Tree| match &tree.shape {
            Shape::Name(name) if check.names.find(name).is_none() => Some(name.clone()),
            _ => None,
        };
        let unknown: Vec<Option<String>> = trees.iter().map(|tree| strange(self, tree)).collect();
        let nodes: Vec<Option<Node>> = trees
            .iter()
            .zip(&unknown)
            .map(|(tree, name)| if name.is_none() { self.node(tree) } else { None })
            .collect();
        let beside_text = nodes.iter().flatten().any(|node| node.kind == Kind::Text);
        for (tree, name) in trees.iter().zip(unknown) {
            if let Some(name) = name {
                self.unknown(&name, tree.span, beside_text);
            }
        }
        nodes
    }

    fn call(
        &mut self,
        name: &str,
        name_span: Span,
        arguments: &[Tree],
        whole: bool,
        span: Span,
    ) -> Option<Node> {
        let Some(signature) = find(name) else {
            let hint = if let Some(instead) = elsewhere::function(name) {
                format!(": {instead}")
            } else if self.problems.count() < MOST_HINTS {
                did_you_mean(name, FUNCTIONS.iter().map(|known| known.name))
            } else {
                String::new()
            };
            self.problems.add(name_span, format!("there is no function `{name}`{hint}"));
            self.nodes(arguments);
            return None;
        };
        let lines = matches!(signature.function, Function::Lines(_));
        let before = self.inside_lines;
        if lines && !self.lines_allowed(signature, name_span) {
            return None;
        }
        self.inside_lines |= lines;
        let nodes = match signature.function {
            Function::Switch => self.compared(arguments),
            _ => self.nodes(arguments),
        };
        self.inside_lines = before;
        if !whole {
            return None;
        }
        if !signature.accepts(nodes.len()) {
            let message = format!(
                "{} is called as {}, not with {}",
                signature.name,
                signature.usage,
                counted(nodes.len())
            );
            self.problems.add(name_span, message);
            return None;
        }
        let wanted = signature.wanted(nodes.len());
        let describe = |at: usize| format!("argument {} of {}", at + 1, signature.name);
        let (nodes, result) = self.fit(nodes, &wanted, &describe)?;
        let kind = match signature.gives {
            Gives::Exactly(kind) => kind,
            Gives::Result => result?,
        };
        self.bounds(signature, &nodes)?;
        Some(Node { kind, operation: Operation::Call(signature.function, nodes), span })
    }

    fn lines_allowed(&mut self, signature: &Signature, span: Span) -> bool {
        let message = if self.inside_lines {
            format!("{} cannot stand within another LINES_ function", signature.name)
        } else if !self.names.has_lines() {
            format!("{} needs detail lines: a sheet with an `input lines` line", signature.name)
        } else {
            return true;
        };
        self.problems.add(span, message);
        false
    }

    /// Brings every argument to the kind that is wanted; also gives the kind of those wanted as `Result`.
    pub(super) fn fit(
        &mut self,
        nodes: Vec<Option<Node>>,
        wanted: &[Wanted],
        describe: &dyn Fn(usize) -> String,
    ) -> Option<(Vec<Node>, Option<Kind>)> {
        let result = group_kind(&nodes, wanted, Wanted::Result);
        let same = group_kind(&nodes, wanted, Wanted::Same);
        let mut fitting = Vec::with_capacity(nodes.len());
        let mut fine = true;
        for (at, node) in nodes.into_iter().enumerate() {
            let kind = match wanted[at] {
                Wanted::Exactly(kind) => Some(kind),
                Wanted::Any => None,
                Wanted::Result => result,
                Wanted::Same => same,
            };
            match (node, kind) {
                (Some(node), Some(kind)) => match self.coerce(node, kind, &|| describe(at)) {
                    Some(node) => fitting.push(node),
                    None => fine = false,
                },
                (Some(node), None) => fitting.push(node),
                (None, _) => fine = false,
            }
        }
        fine.then_some((fitting, result))
    }

    /// The node, where it is of the kind; a text literal becomes a date where one is wanted.
    pub(super) fn coerce(&mut self, node: Node, kind: Kind, describe: &dyn Fn() -> String) -> Option<Node> {
        if node.kind == kind {
            return Some(node);
        }
        if let (Kind::Date, Operation::Text(text)) = (kind, &node.operation) {
            if let Some(days) = date::parse(text) {
                return Some(Node { kind, operation: Operation::Date(days), span: node.span });
            }
            let message = format!("a date as \"2026-03-31\" was expected, not \"{}\"", text.escape_debug());
            self.problems.add(node.span, message);
            return None;
        }
        let hint = match (&node.operation, kind) {
            (Operation::Text(text), Kind::Number) => String::from(elsewhere::text_for_number(text)),
            (_, Kind::Date) => self.date_without_quotes(node.span),
            _ => String::new(),
        };
        let message =
            format!("{} must be {}; this is {}{hint}", describe(), kind_name(kind), kind_name(node.kind));
        self.problems.add(node.span, message);
        None
    }

    /// What may have been meant by a difference where a date is wanted: `2026-03-31` is 1992.
    fn date_without_quotes(&self, span: Span) -> String {
        match self.text.get(span.start..span.end).filter(|text| date::parse(text).is_some()) {
            Some(date) => format!("; a date is written in double quotes: \"{date}\""),
            None => String::new(),
        }
    }

    /// The bounds of a rate table, where they are written out, must ascend.
    fn bounds(&mut self, signature: &Signature, nodes: &[Node]) -> Option<()> {
        use Function::{Banded, BandedUp, Interpolate, Tiered};
        if !matches!(signature.function, Tiered | Banded | BandedUp | Interpolate) {
            return Some(());
        }
        let mut last = None;
        let mut fine = Some(());
        for bound in nodes[1..].iter().step_by(2) {
            let Operation::Number { unscaled, scale } = bound.operation else { continue };
            let ascends = last.is_none_or(|(before, before_scale)| {
                decimal::compare(before, before_scale, unscaled, scale) == Ordering::Less
            });
            if !ascends {
                let message = format!(
                    "the bounds of {} must ascend: this one is not above the one before",
                    signature.name
                );
                self.problems.add(bound.span, message);
                fine = None;
            }
            last = Some((unscaled, scale));
        }
        fine
    }
}

fn counted(count: usize) -> String {
    match count {
        0 => String::from("no argument"),
        1 => String::from("one argument"),
        count => format!("{count} arguments"),
    }
}

/// The kind of the arguments wanted alike: a date where one is, else that of the first.
fn group_kind(nodes: &[Option<Node>], wanted: &[Wanted], group: Wanted) -> Option<Kind> {
    let mut kinds = nodes
        .iter()
        .zip(wanted)
        .filter(|(_, wanted)| **wanted == group)
        .filter_map(|(node, _)| node.as_ref().map(|node| node.kind))
        .peekable();
    let first = kinds.peek().copied();
    if first == Some(Kind::Text) && kinds.any(|kind| kind == Kind::Date) { Some(Kind::Date) } else { first }
}
