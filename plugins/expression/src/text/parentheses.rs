//! What stands in parentheses, and what is left over where no more is expected: after a problem the rest is read on in pieces, so
//! that all that is wrong is found.

use super::lexer::Token;
use super::parser::{Parser, Shape, Tree};
use crate::problem::Span;
use alloc::{format, string::String, vec, vec::Vec};

impl Token<'_> {
    pub(super) fn is_end(&self) -> bool {
        matches!(self, Self::End)
    }

    /// What ends a parenthesis.
    pub(super) fn closes(&self) -> bool {
        matches!(self, Self::End | Self::Sign(")"))
    }

    /// What ends an argument.
    pub(super) fn ends_argument(&self) -> bool {
        self.closes() || matches!(self, Self::Sign("," | ";"))
    }
}

impl<'t> Parser<'t, '_> {
    pub(super) fn members(&mut self, left: Tree) -> Tree {
        if !self.is_sign("(") {
            let found = self.describe();
            self.problem(format!("`(` was expected after IN, not {found}: x IN (\"a\", \"b\")"));
            return self.pieces(vec![left]);
        }
        let open = self.span();
        let (list, close) = self.arguments();
        let close = close.unwrap_or(open);
        if list.is_empty() {
            self.problems.add(close, "IN needs at least one value in its parentheses");
            return self.pieces(vec![left]);
        }
        let span = left.span.to(close);
        let deepest = list.iter().map(|tree| tree.depth).max().unwrap_or(0).max(left.depth);
        let mut all = vec![left];
        all.extend(list);
        self.tree(Shape::In(all), span, deepest)
    }

    pub(super) fn parenthesised(&mut self) -> Tree {
        let (_, open) = self.next();
        let inner = self.expression();
        let inner =
            self.rest(inner, Token::closes, |parser| format!("`)` was expected, not {}", parser.describe()));
        if self.is_sign(")") {
            let (_, close) = self.next();
            return Tree { span: open.to(close), ..inner };
        }
        if !self.broken {
            self.problem("`)` was expected, not the end");
        }
        Tree { span: open.to(inner.span), ..inner }
    }

    /// What follows an expression where nothing of it should: told once, and read on, so that all that is wrong is found.
    pub(super) fn rest(
        &mut self,
        first: Tree,
        ends: fn(&Token<'t>) -> bool,
        message: impl FnOnce(&Self) -> String,
    ) -> Tree {
        if ends(self.peek()) {
            return first;
        }
        if !self.broken && !matches!(self.peek(), Token::Unknown | Token::Sign(";")) {
            let message = message(self);
            self.problem(message);
        }
        self.broken = true;
        let mut pieces = vec![first];
        if !self.is_sign("(") {
            self.next();
        }
        while !ends(self.peek()) {
            if self.begins_value() {
                pieces.push(self.expression());
            } else {
                self.next();
            }
        }
        self.pieces(pieces)
    }

    fn pieces(&mut self, pieces: Vec<Tree>) -> Tree {
        let deepest = pieces.iter().map(|tree| tree.depth).max().unwrap_or(0);
        let (first, last) = (pieces.first().map(|tree| tree.span), pieces.last().map(|tree| tree.span));
        let here = self.span();
        let span = first.unwrap_or(here).to(last.unwrap_or(here));
        self.tree(Shape::Pieces(pieces), span, deepest)
    }

    fn begins_value(&self) -> bool {
        match self.peek() {
            Token::Number { .. } | Token::Text(_) | Token::Sign("(") => true,
            Token::Word(word) => {
                !["AND", "OR", "IN"].iter().any(|operator| word.eq_ignore_ascii_case(operator))
            }
            _ => false,
        }
    }

    pub(super) fn call(&mut self, word: &str) -> Tree {
        let (_, name_span) = self.next();
        let (arguments, close) = self.arguments();
        let deepest = arguments.iter().map(|tree| tree.depth).max().unwrap_or(0);
        let whole = close.is_some() && !arguments.iter().any(|tree| matches!(tree.shape, Shape::Pieces(_)));
        let span =
            name_span.to(close.or_else(|| arguments.last().map(|tree| tree.span)).unwrap_or(name_span));
        let shape = Shape::Call { name: String::from(word), name_span, arguments, whole };
        self.tree(shape, span, deepest)
    }

    /// What stands in parentheses, separated by commas, and the closing one, where it is there.
    fn arguments(&mut self) -> (Vec<Tree>, Option<Span>) {
        self.next();
        let mut found = Vec::new();
        if self.is_sign(")") {
            return (found, Some(self.next().1));
        }
        loop {
            let argument = self.expression();
            found.push(self.rest(argument, Token::ends_argument, |parser| {
                format!("`,` or `)` was expected, not {}", parser.describe())
            }));
            if matches!(self.peek(), Token::End) {
                if !self.broken {
                    self.problem("`,` or `)` was expected, not the end");
                }
                return (found, None);
            }
            self.broken = self.too_deep;
            if let (Token::Sign(")"), span) = self.next() {
                return (found, Some(span));
            }
        }
    }
}
