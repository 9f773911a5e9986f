//! The parser: operators by their binding power, functions by their names. Kinds are checked in `check`.

use super::lexer::{Token, tokens};
use crate::problem::{Problems, Span};
use alloc::{boxed::Box, format, string::String, vec, vec::Vec};

/// Parentheses and function calls within each other.
const DEEPEST_NESTING: usize = 64;
/// Operations within each other, chains such as `1 + 2 + 3` included.
const DEEPEST_TREE: u16 = 200;

/// A piece of the text, not checked yet.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) shape: Shape,
    pub(crate) span: Span,
    pub(super) depth: u16,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Number {
        unscaled: i128,
        scale: u8,
    },
    Text(String),
    Boolean(bool),
    Name(String),
    /// A function by the name as written.
    Call {
        name: String,
        name_span: Span,
        arguments: Vec<Tree>,
        /// Whether their number is sure: the parenthesis is closed, and nothing is missing between them.
        whole: bool,
    },
    /// An operator; AND, OR and `&` take any number of operands, the others one or two.
    Operator {
        sign: &'static str,
        operands: Vec<Tree>,
    },
    /// `x IN (a, b)`: x first.
    In(Vec<Tree>),
    Negative(Box<Tree>),
    Percent(Box<Tree>),
    /// What is whole of an expression that is not: how its pieces belong together is not known.
    Pieces(Vec<Tree>),
    /// A problem is told already.
    Bad,
}

/// Binding powers, loosest first.
mod power {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const NOT: u8 = 3;
    pub(super) const COMPARISON: u8 = 4;
    pub(super) const JOIN: u8 = 5;
    pub(super) const SUM: u8 = 6;
    pub(super) const PRODUCT: u8 = 7;
    pub(super) const POWER: u8 = 8;
    pub(super) const NEGATIVE: u8 = 9;
}

/// Parses `text[span]` as one expression.
pub(crate) fn parse(text: &str, span: Span, problems: &mut Problems) -> Tree {
    let tokens = tokens(text, span, problems);
    let mut parser = Parser { tokens, at: 0, nesting: 0, too_deep: false, broken: false, problems };
    let tree = parser.operation(power::OR);
    parser.rest(tree, Token::is_end, |parser| match parser.peek() {
        Token::Sign(")") => String::from("this `)` closes nothing"),
        _ => format!(
            "an operator or the end was expected, not {}{}",
            parser.describe(),
            parser.leftover_hint()
        ),
    })
}

pub(super) struct Parser<'t, 'p> {
    tokens: Vec<(Token<'t>, Span)>,
    at: usize,
    nesting: usize,
    pub(super) too_deep: bool,
    /// That the argument at hand, or the whole text, cannot be parsed is told: once is enough.
    pub(super) broken: bool,
    pub(super) problems: &'p mut Problems,
}

impl<'t> Parser<'t, '_> {
    pub(super) fn peek(&self) -> &Token<'t> {
        &self.tokens[self.at].0
    }

    pub(super) fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    pub(super) fn next(&mut self) -> (Token<'t>, Span) {
        let token = self.tokens[self.at].clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    pub(super) fn problem(&mut self, message: impl Into<String>) {
        let span = self.span();
        self.problems.add(span, message);
        self.broken = true;
    }

    pub(super) fn describe(&self) -> String {
        match self.peek() {
            Token::Number { .. } => String::from("a number"),
            Token::Text(_) => String::from("a text"),
            Token::Word(word) => format!("`{word}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::Unknown => String::from("this"),
            Token::End => String::from("the end"),
        }
    }

    /// What may have been meant by what stands behind a whole expression.
    fn leftover_hint(&self) -> &'static str {
        let before = self.at.checked_sub(1).and_then(|before| self.tokens.get(before));
        let after = self.tokens.get(self.at + 1);
        match (before, self.peek(), after) {
            (Some((Token::Number { .. }, _)), Token::Sign(","), Some((Token::Number { .. }, _))) => {
                "; decimals are written with a point"
            }
            (Some((Token::Sign("%"), _)), Token::Number { .. } | Token::Word(_) | Token::Sign("("), _) => {
                "; `%` is percent, and the remainder is MOD(x, divisor)"
            }
            _ => "",
        }
    }

    pub(super) fn is_sign(&self, wanted: &str) -> bool {
        matches!(self.peek(), Token::Sign(sign) if *sign == wanted)
    }

    fn is_word(&self, wanted: &str) -> bool {
        matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(wanted))
    }

    fn opens_next(&self) -> bool {
        matches!(self.tokens.get(self.at + 1), Some((Token::Sign("("), _)))
    }

    /// The operator at hand and its binding power.
    fn operator(&self) -> Option<(&'static str, u8)> {
        Some(match self.peek() {
            Token::Word(word) if word.eq_ignore_ascii_case("OR") => ("OR", power::OR),
            Token::Word(word) if word.eq_ignore_ascii_case("AND") => ("AND", power::AND),
            Token::Word(word) if word.eq_ignore_ascii_case("IN") => ("IN", power::COMPARISON),
            Token::Sign(sign) => match *sign {
                "=" | "<>" | "<" | "<=" | ">" | ">=" => (*sign, power::COMPARISON),
                "&" => ("&", power::JOIN),
                "+" | "-" => (*sign, power::SUM),
                "*" | "/" => (*sign, power::PRODUCT),
                "^" => ("^", power::POWER),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// A tree of the shape over its children, refused where it grows too deep.
    pub(super) fn tree(&mut self, shape: Shape, span: Span, children: u16) -> Tree {
        let depth = children + 1;
        if depth > DEEPEST_TREE {
            if !self.too_deep {
                self.too_deep = true;
                self.broken = true;
                let message = format!(
                    "more than {DEEPEST_TREE} operations within each other; use SUM, or name parts of it"
                );
                self.problems.add(span, message);
            }
            return Tree { shape: Shape::Bad, span, depth: 1 };
        }
        Tree { shape, span, depth }
    }

    pub(super) fn bad(&self, span: Span) -> Tree {
        Tree { shape: Shape::Bad, span, depth: 1 }
    }

    /// Runs `inside` one level deeper; beyond the bound the rest of the text is given up.
    pub(super) fn nested(&mut self, inside: impl FnOnce(&mut Self) -> Tree) -> Tree {
        if self.nesting >= DEEPEST_NESTING {
            if !self.too_deep {
                self.too_deep = true;
                self.problem(format!("more than {DEEPEST_NESTING} parentheses or signs within each other"));
            }
            self.at = self.tokens.len() - 1;
            return self.bad(self.span());
        }
        self.nesting += 1;
        let tree = inside(self);
        self.nesting -= 1;
        tree
    }

    /// A whole expression, one level deeper.
    pub(super) fn expression(&mut self) -> Tree {
        self.nested(|parser| parser.operation(power::OR))
    }

    /// What operators bind that bind as tightly, or more.
    fn operation(&mut self, least: u8) -> Tree {
        let mut left = self.prefix();
        while let Some((sign, power)) = self.operator() {
            if power < least {
                break;
            }
            self.next();
            if sign == "IN" {
                left = self.members(left);
                continue;
            }
            let right = self.operation(power + 1);
            left = self.join(sign, left, right);
        }
        left
    }

    /// An operation of two; chains of AND, OR and `&` become one operation of many.
    fn join(&mut self, sign: &'static str, left: Tree, right: Tree) -> Tree {
        let span = left.span.to(right.span);
        let flat = matches!(sign, "AND" | "OR" | "&");
        match left.shape {
            Shape::Operator { sign: before, mut operands } if flat && before == sign => {
                let deepest = (left.depth - 1).max(right.depth);
                operands.push(right);
                self.tree(Shape::Operator { sign, operands }, span, deepest)
            }
            _ => {
                let deepest = left.depth.max(right.depth);
                self.tree(Shape::Operator { sign, operands: vec![left, right] }, span, deepest)
            }
        }
    }

    fn prefix(&mut self) -> Tree {
        let span = self.span();
        if self.is_word("NOT") {
            self.next();
            let operand = self.nested(|parser| parser.operation(power::NOT));
            let (whole, depth) = (span.to(operand.span), operand.depth);
            return self.tree(Shape::Operator { sign: "NOT", operands: vec![operand] }, whole, depth);
        }
        if self.is_sign("-") {
            self.next();
            let operand = self.nested(|parser| parser.operation(power::NEGATIVE));
            let (whole, depth) = (span.to(operand.span), operand.depth);
            return self.tree(Shape::Negative(Box::new(operand)), whole, depth);
        }
        if self.is_sign("+") {
            self.next();
            return self.nested(|parser| parser.operation(power::NEGATIVE));
        }
        let mut tree = self.primary();
        while self.is_sign("%") {
            let (_, percent) = self.next();
            let (whole, depth) = (tree.span.to(percent), tree.depth);
            tree = self.tree(Shape::Percent(Box::new(tree)), whole, depth);
        }
        tree
    }

    fn primary(&mut self) -> Tree {
        let (token, span) = (self.peek().clone(), self.span());
        match token {
            Token::Number { unscaled, scale } => {
                self.next();
                self.tree(Shape::Number { unscaled, scale }, span, 0)
            }
            Token::Text(text) => {
                self.next();
                self.tree(Shape::Text(text), span, 0)
            }
            Token::Sign("(") => self.parenthesised(),
            Token::Word(word) if self.opens_next() && !word.eq_ignore_ascii_case("IN") => self.call(word),
            Token::Word(word) => self.word(word),
            Token::Unknown => {
                self.next();
                self.broken = true;
                self.bad(span)
            }
            Token::Sign(_) | Token::End => {
                if !self.broken {
                    let found = self.describe();
                    self.problem(format!("a value was expected, not {found}"));
                }
                self.bad(span)
            }
        }
    }

    fn word(&mut self, word: &str) -> Tree {
        let span = self.span();
        let shape = if word.eq_ignore_ascii_case("TRUE") {
            Shape::Boolean(true)
        } else if word.eq_ignore_ascii_case("FALSE") {
            Shape::Boolean(false)
        } else if ["AND", "OR", "IN"].iter().any(|operator| word.eq_ignore_ascii_case(operator)) {
            self.problem(format!("a value was expected before `{word}`"));
            return self.bad(span);
        } else {
            Shape::Name(String::from(word))
        };
        self.next();
        self.tree(shape, span, 0)
    }
}
