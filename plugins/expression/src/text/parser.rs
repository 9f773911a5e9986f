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
    depth: u16,
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
        /// Whether its parenthesis is closed: else there may be more arguments than were read.
        closed: bool,
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
    let tree = parser.expression(power::OR);
    if !matches!(parser.peek(), Token::End | Token::Unknown) && !parser.broken {
        let found = parser.describe();
        let message = match parser.peek() {
            Token::Sign(")") => String::from("this `)` closes nothing"),
            _ => format!("an operator or the end was expected, not {found}{}", parser.leftover_hint()),
        };
        parser.problem(message);
    }
    tree
}

struct Parser<'t, 'p> {
    tokens: Vec<(Token<'t>, Span)>,
    at: usize,
    nesting: usize,
    too_deep: bool,
    /// A problem of the argument at hand, or of the whole text, is told: what follows it is not.
    broken: bool,
    problems: &'p mut Problems,
}

impl<'t> Parser<'t, '_> {
    fn peek(&self) -> &Token<'t> {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    fn next(&mut self) -> (Token<'t>, Span) {
        let token = self.tokens[self.at].clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    fn problem(&mut self, message: impl Into<String>) {
        let span = self.span();
        self.problems.add(span, message);
        self.broken = true;
    }

    fn describe(&self) -> String {
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

    fn is_sign(&self, wanted: &str) -> bool {
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
    fn tree(&mut self, shape: Shape, span: Span, children: u16) -> Tree {
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

    fn bad(&self, span: Span) -> Tree {
        Tree { shape: Shape::Bad, span, depth: 1 }
    }

    /// Runs `inside` one level deeper; beyond the bound the rest of the text is given up.
    fn nested(&mut self, inside: impl FnOnce(&mut Self) -> Tree) -> Tree {
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

    fn expression(&mut self, least: u8) -> Tree {
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
            let right = self.expression(power + 1);
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

    fn members(&mut self, left: Tree) -> Tree {
        if !self.is_sign("(") {
            let found = self.describe();
            self.problem(format!("`(` was expected after IN, not {found}: x IN (\"a\", \"b\")"));
            return self.bad(left.span);
        }
        let (list, close) = self.arguments();
        if list.is_empty() {
            self.problems.add(close, "IN needs at least one value in its parentheses");
            return self.bad(left.span);
        }
        let span = left.span.to(close);
        let deepest = list.iter().map(|tree| tree.depth).max().unwrap_or(0).max(left.depth);
        let mut all = vec![left];
        all.extend(list);
        self.tree(Shape::In(all), span, deepest)
    }

    fn prefix(&mut self) -> Tree {
        let span = self.span();
        if self.is_word("NOT") {
            self.next();
            let operand = self.nested(|parser| parser.expression(power::NOT));
            let (whole, depth) = (span.to(operand.span), operand.depth);
            return self.tree(Shape::Operator { sign: "NOT", operands: vec![operand] }, whole, depth);
        }
        if self.is_sign("-") {
            self.next();
            let operand = self.nested(|parser| parser.expression(power::NEGATIVE));
            let (whole, depth) = (span.to(operand.span), operand.depth);
            return self.tree(Shape::Negative(Box::new(operand)), whole, depth);
        }
        if self.is_sign("+") {
            self.next();
            return self.nested(|parser| parser.expression(power::NEGATIVE));
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

    fn parenthesised(&mut self) -> Tree {
        let (_, open) = self.next();
        let inner = self.nested(|parser| parser.expression(power::OR));
        if self.is_sign(")") {
            let (_, close) = self.next();
            return Tree { span: open.to(close), ..inner };
        }
        if !self.broken && !matches!(self.peek(), Token::Unknown) {
            let found = self.describe();
            self.problem(format!("`)` was expected, not {found}"));
        }
        self.skip_to_close();
        self.bad(open.to(inner.span))
    }

    fn call(&mut self, word: &str) -> Tree {
        let (_, name_span) = self.next();
        let (arguments, close) = self.arguments();
        let deepest = arguments.iter().map(|tree| tree.depth).max().unwrap_or(0);
        let closed = matches!(self.tokens[self.at.saturating_sub(1)].0, Token::Sign(")"))
            || !matches!(self.peek(), Token::End);
        let shape = Shape::Call { name: String::from(word), name_span, arguments, closed };
        self.tree(shape, name_span.to(close), deepest)
    }

    /// What stands in parentheses, separated by commas, and the closing one. After a problem it goes on at the next comma.
    fn arguments(&mut self) -> (Vec<Tree>, Span) {
        let (_, open) = self.next();
        let mut found = Vec::new();
        if self.is_sign(")") {
            return (found, self.next().1);
        }
        loop {
            found.push(self.nested(|parser| parser.expression(power::OR)));
            if !self.is_sign(",") && !self.is_sign(")") {
                if !self.broken && !matches!(self.peek(), Token::Unknown) {
                    let what = self.describe();
                    self.problem(format!("`,` or `)` was expected, not {what}"));
                }
                let span = self.span();
                found.pop();
                found.push(self.bad(span));
                self.skip_to_comma();
            }
            self.broken = self.too_deep;
            match self.peek() {
                Token::Sign(",") => {
                    self.next();
                }
                Token::Sign(_) => return (found, self.next().1),
                _ => return (found, open),
            }
        }
    }

    /// Skips to the comma or parenthesis that ends the argument at hand, or to the end.
    fn skip_to_comma(&mut self) {
        let mut open = 0usize;
        loop {
            match self.peek() {
                Token::End => return,
                Token::Sign(",") if open == 0 => return,
                Token::Sign(")") if open == 0 => return,
                Token::Sign("(") => open += 1,
                Token::Sign(")") => open -= 1,
                _ => {}
            }
            self.next();
        }
    }

    /// Skips past the parenthesis that closes the one at hand, or to the end.
    fn skip_to_close(&mut self) {
        loop {
            self.skip_to_comma();
            match self.next().0 {
                Token::Sign(")") | Token::End => return,
                _ => {}
            }
        }
    }
}
