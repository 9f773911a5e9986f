//! The check of operators: what they take, what they give, and what is meant by those that are written as elsewhere.

use super::check::{Check, Node, Operation};
use super::functions::{Comparison, Function, Wanted};
use super::parser::{Shape, Tree};
use crate::problem::Span;
use crate::{Kind, decimal, present};
use alloc::{format, string::String, vec, vec::Vec};

fn is_comparison(sign: &str) -> bool {
    matches!(sign, "=" | "<>" | "<" | "<=" | ">" | ">=")
}

impl Check<'_> {
    pub(super) fn operator(&mut self, sign: &'static str, operands: &[Tree], span: Span) -> Option<Node> {
        if is_comparison(sign) {
            return self.comparison(sign, operands, span);
        }
        let nodes: Vec<Option<Node>> = operands.iter().map(|tree| self.node(tree)).collect();
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
            _ => (Function::Power, vec![number; 2], Kind::Number),
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

    fn comparison(&mut self, sign: &str, operands: &[Tree], span: Span) -> Option<Node> {
        let nodes = self.compared(operands);
        if let Some(instead) = self.unchained(sign, operands, &nodes) {
            self.problems.add(span, format!("comparisons do not chain: write `{instead}`"));
            return None;
        }
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

    /// What is written instead of `a < b < c`; nothing where the first comparison is compared with another condition.
    fn unchained(&self, sign: &str, operands: &[Tree], nodes: &[Option<Node>]) -> Option<String> {
        let [Tree { shape: Shape::Operator { sign: first, operands: inner }, .. }, _] = operands else {
            return None;
        };
        let beside = nodes.get(1).and_then(Option::as_ref)?;
        if !is_comparison(first) || beside.kind == Kind::Boolean {
            return None;
        }
        let written = |span: Span| self.text.get(span.start..span.end);
        let (left, middle) = (written(inner.first()?.span)?, written(inner.get(1)?.span)?);
        Some(format!("{left} {first} {middle} AND {middle} {sign} {}", written(beside.span)?))
    }

    pub(super) fn members(&mut self, all: &[Tree], span: Span) -> Option<Node> {
        let nodes = self.compared(all);
        let wanted = vec![Wanted::Same; nodes.len()];
        let (nodes, _) = self.fit(nodes, &wanted, &|_| String::from("each value of IN"))?;
        Some(Node { kind: Kind::Boolean, operation: Operation::Call(Function::In, nodes), span })
    }

    pub(super) fn negative(&mut self, operand: &Tree, span: Span) -> Option<Node> {
        let node = self.node(operand)?;
        let node = self.coerce(node, Kind::Number, &|| String::from("what follows `-`"))?;
        let operation = match node.operation {
            Operation::Number { unscaled, scale } => Operation::Number { unscaled: -unscaled, scale },
            _ => Operation::Call(Function::Negate, vec![node]),
        };
        Some(Node { kind: Kind::Number, operation, span })
    }

    pub(super) fn percent(&mut self, operand: &Tree, span: Span) -> Option<Node> {
        let node = self.node(operand)?;
        let node = self.coerce(node, Kind::Number, &|| String::from("what stands before `%`"))?;
        let operation = match node.operation {
            Operation::Number { unscaled, scale } if scale + 2 <= decimal::MOST_DIGITS => {
                let (unscaled, scale) = present::shortest(unscaled, scale + 2, 0);
                Operation::Number { unscaled, scale }
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
