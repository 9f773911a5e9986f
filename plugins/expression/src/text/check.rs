//! The check: names and kinds. What passes it is a tree of operations that can be evaluated.

use super::elsewhere;
use super::functions::{Comparison, FUNCTIONS, Function, Gives, Signature, Wanted, find};
use super::parser::{Shape, Tree};
use crate::problem::{Problems, Span, did_you_mean};
use crate::{Kind, date, decimal};
use alloc::{format, string::String, sync::Arc, vec, vec::Vec};
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
pub(crate) fn check(tree: &Tree, names: &mut dyn Names, problems: &mut Problems) -> Option<Node> {
    Check { names, problems, inside_lines: false }.node(tree)
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

struct Check<'c> {
    names: &'c mut dyn Names,
    problems: &'c mut Problems,
    inside_lines: bool,
}

impl Check<'_> {
    fn node(&mut self, tree: &Tree) -> Option<Node> {
        let span = tree.span;
        let leaf = |kind, operation| Some(Node { kind, operation, span });
        match &tree.shape {
            Shape::Number { unscaled, scale } => {
                leaf(Kind::Number, Operation::Number { unscaled: *unscaled, scale: *scale })
            }
            Shape::Text(text) => leaf(Kind::Text, Operation::Text(Arc::from(text.as_str()))),
            Shape::Boolean(value) => leaf(Kind::Boolean, Operation::Boolean(*value)),
            Shape::Name(name) => self.name(name, span),
            Shape::Call { name, name_span, arguments, closed } => {
                self.call(name, *name_span, arguments, *closed, span)
            }
            Shape::Operator { sign, operands } => self.operator(sign, operands, span),
            Shape::In(all) => self.members(all, span),
            Shape::Negative(operand) => self.negative(operand, span),
            Shape::Percent(operand) => self.percent(operand, span),
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
                let hint = if let Some(function) = find(name) {
                    format!("; the function is called as {}", function.usage)
                } else if let Some(instead) = elsewhere::name(name) {
                    format!(": {instead}")
                } else if self.problems.count() < MOST_HINTS {
                    did_you_mean(name, self.names.known())
                } else {
                    String::new()
                };
                self.problems.add(span, format!("`{name}` is not known{hint}"));
                None
            }
        }
    }

    fn call(
        &mut self,
        name: &str,
        name_span: Span,
        arguments: &[Tree],
        closed: bool,
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
        let nodes = self.nodes(arguments);
        self.inside_lines = before;
        if !closed {
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
    fn fit(
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
    fn coerce(&mut self, node: Node, kind: Kind, describe: &dyn Fn() -> String) -> Option<Node> {
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
            (Operation::Text(text), Kind::Number) => elsewhere::text_for_number(text),
            _ => "",
        };
        let message =
            format!("{} must be {}; this is {}{hint}", describe(), kind_name(kind), kind_name(node.kind));
        self.problems.add(node.span, message);
        None
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

    fn operator(&mut self, sign: &'static str, operands: &[Tree], span: Span) -> Option<Node> {
        let nodes = self.nodes(operands);
        let kinds: Vec<Option<Kind>> = nodes.iter().map(|node| node.as_ref().map(|node| node.kind)).collect();
        let number = Wanted::Exactly(Kind::Number);
        let date = Wanted::Exactly(Kind::Date);
        let (function, wanted, kind) = match sign {
            "AND" => (Function::And, vec![Wanted::Exactly(Kind::Boolean); nodes.len()], Kind::Boolean),
            "OR" => (Function::Or, vec![Wanted::Exactly(Kind::Boolean); nodes.len()], Kind::Boolean),
            "NOT" => (Function::Not, vec![Wanted::Exactly(Kind::Boolean)], Kind::Boolean),
            "&" => (Function::Concat, vec![Wanted::Any; nodes.len()], Kind::Text),
            "+" if kinds[0] == Some(Kind::Date) => (Function::AddDays, vec![date, number], Kind::Date),
            "-" if kinds == [Some(Kind::Date), Some(Kind::Number)] => {
                return self.days_before(nodes, span);
            }
            "-" if kinds[0] == Some(Kind::Date) => (Function::Days, vec![date, date], Kind::Number),
            "+" => (Function::Add, vec![number; 2], Kind::Number),
            "-" => (Function::Subtract, vec![number; 2], Kind::Number),
            "*" => (Function::Multiply, vec![number; 2], Kind::Number),
            "/" => (Function::Divide, vec![number; 2], Kind::Number),
            "^" => (Function::Power, vec![number; 2], Kind::Number),
            _ => return self.comparison(sign, nodes, span),
        };
        let describe = |at: usize| match (sign, at) {
            ("NOT", _) => String::from("what follows NOT"),
            ("AND" | "OR", _) => format!("each side of {sign}"),
            (_, 0) => format!("the left side of `{sign}`"),
            _ => format!("the right side of `{sign}`"),
        };
        let (nodes, _) = self.fit(nodes, &wanted, &describe)?;
        Some(Node { kind, operation: Operation::Call(function, nodes), span })
    }

    /// A date minus a number of days.
    fn days_before(&mut self, nodes: Vec<Option<Node>>, span: Span) -> Option<Node> {
        let mut nodes: Vec<Node> = nodes.into_iter().flatten().collect();
        let days = nodes.pop()?;
        let days_span = days.span;
        nodes.push(Node {
            kind: Kind::Number,
            operation: Operation::Call(Function::Negate, vec![days]),
            span: days_span,
        });
        Some(Node { kind: Kind::Date, operation: Operation::Call(Function::AddDays, nodes), span })
    }

    fn comparison(&mut self, sign: &str, nodes: Vec<Option<Node>>, span: Span) -> Option<Node> {
        let comparison = match sign {
            "=" => Comparison::Equal,
            "<>" => Comparison::Unequal,
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::More,
            _ => Comparison::AtLeast,
        };
        let describe = |_: usize| format!("what `{sign}` compares with the other side");
        let (nodes, _) = self.fit(nodes, &[Wanted::Same; 2], &describe)?;
        let ordering = !matches!(comparison, Comparison::Equal | Comparison::Unequal);
        if ordering && nodes[0].kind == Kind::Boolean {
            self.problems.add(span, format!("`{sign}` does not compare true and false; use `=`, AND, OR"));
            return None;
        }
        Some(Node {
            kind: Kind::Boolean,
            operation: Operation::Call(Function::Compare(comparison), nodes),
            span,
        })
    }

    fn members(&mut self, all: &[Tree], span: Span) -> Option<Node> {
        let nodes = self.nodes(all);
        let wanted = vec![Wanted::Same; nodes.len()];
        let (nodes, _) = self.fit(nodes, &wanted, &|_| String::from("each value of IN"))?;
        Some(Node { kind: Kind::Boolean, operation: Operation::Call(Function::In, nodes), span })
    }

    fn negative(&mut self, operand: &Tree, span: Span) -> Option<Node> {
        let node = self.node(operand)?;
        let node = self.coerce(node, Kind::Number, &|| String::from("what follows `-`"))?;
        let operation = match node.operation {
            Operation::Number { unscaled, scale } => Operation::Number { unscaled: -unscaled, scale },
            _ => Operation::Call(Function::Negate, vec![node]),
        };
        Some(Node { kind: Kind::Number, operation, span })
    }

    fn percent(&mut self, operand: &Tree, span: Span) -> Option<Node> {
        let node = self.node(operand)?;
        let node = self.coerce(node, Kind::Number, &|| String::from("what stands before `%`"))?;
        let operation = match node.operation {
            Operation::Number { unscaled, scale } if scale + 2 <= decimal::MOST_DIGITS => {
                shortest(unscaled, scale + 2)
            }
            _ => {
                let hundredth = Operation::Number { unscaled: 1, scale: 2 };
                let hundredth = Node { kind: Kind::Number, operation: hundredth, span };
                Operation::Call(Function::Multiply, vec![node, hundredth])
            }
        };
        Some(Node { kind: Kind::Number, operation, span })
    }
}

/// A literal without zeros at its end.
fn shortest(mut unscaled: i128, mut scale: u8) -> Operation {
    while scale > 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    Operation::Number { unscaled, scale }
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
