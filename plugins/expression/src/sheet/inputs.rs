//! `input` lines: a name, and what is asked of its values.

use super::{Absence, Fallback};
use crate::problem::{Problems, Span};
use crate::text::lexer::{Token, tokens};
use alloc::{format, sync::Arc, vec::Vec};

/// What stands in an `input` line beside its name.
pub(super) const WORDS: [&str; 4] = ["lines", "text", "optional", "default"];

/// What an `input` line declares.
pub(super) struct Declared<'t> {
    pub(super) name: &'t str,
    pub(super) name_span: Span,
    /// Whether there is a value for each detail line.
    pub(super) lines: bool,
    pub(super) text: bool,
    pub(super) absence: Absence,
}

/// `input [lines] NAME`, then in any order `text`, `optional`, `default VALUE`; nothing where that has problems, which are told.
pub(super) fn read<'t>(text: &'t str, span: Span, problems: &mut Problems) -> Option<Declared<'t>> {
    let before = problems.count();
    let mut reader = Reader { tokens: tokens(text, span, problems), at: 1 };
    let lines = reader.is_word("lines");
    if lines {
        reader.next();
    }
    let form = if lines { "input lines NAME" } else { "input NAME" };
    let (token, name_span) = reader.next();
    let name = match token {
        Token::Word(word) if WORDS.contains(&word) => {
            let message = format!(
                "a name was expected before `{word}`: {form}, and what is asked of it behind the name"
            );
            problems.add(name_span, message);
            return None;
        }
        Token::Word(name) => name,
        _ => {
            problems.add(name_span, format!("a name was expected: {form}"));
            return None;
        }
    };
    let options = reader.options(lines, problems)?;
    (problems.count() == before).then_some(Declared {
        name,
        name_span,
        lines,
        text: options.text,
        absence: options.absence,
    })
}

/// What stands after the name of an input.
struct Options {
    text: bool,
    absence: Absence,
}

/// Reads the tokens of an `input` line.
struct Reader<'t> {
    tokens: Vec<(Token<'t>, Span)>,
    at: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> (Token<'t>, Span) {
        let token = self.tokens[self.at].clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn is_word(&self, wanted: &str) -> bool {
        self.tokens[self.at].0 == Token::Word(wanted)
    }

    fn options(&mut self, lines: bool, problems: &mut Problems) -> Option<Options> {
        let mut options = Options { text: false, absence: Absence::Faults };
        let mut fallback = None;
        loop {
            let (token, span) = self.next();
            match token {
                Token::End => break,
                Token::Word("text") => options.text = true,
                Token::Word("default" | "optional") if lines => {
                    problems
                        .add(span, "a line input has no default: a detail line without the value is skipped");
                    return None;
                }
                Token::Word("optional") => options.absence = Absence::StaysMissing,
                Token::Word("default") => {
                    let start = self.tokens[self.at].1;
                    fallback = Some((self.fallback(problems)?, start));
                }
                Token::Unknown => return None,
                _ => {
                    let accepted = if lines { "`text`" } else { "`default VALUE`, `text`, `optional`" };
                    problems.add(span, format!("{accepted} or the end of the line was expected"));
                    return None;
                }
            }
        }
        if let Some((fallback, span)) = fallback {
            if matches!(fallback, Fallback::Text(_)) != options.text {
                let message = if options.text {
                    "the default of a text must be a text in double quotes"
                } else {
                    "the default of a number must be a number; a text input is declared as `input NAME text default \"…\"`"
                };
                problems.add(span, message);
                return None;
            }
            options.absence = Absence::Takes(fallback);
        }
        Some(options)
    }

    /// A number, with its sign and percent, or a text.
    fn fallback(&mut self, problems: &mut Problems) -> Option<Fallback> {
        let (mut token, mut span) = self.next();
        let negative = token == Token::Sign("-");
        if negative {
            (token, span) = self.next();
        }
        match token {
            Token::Number { unscaled, mut scale } => {
                if self.tokens[self.at].0 == Token::Sign("%") && scale <= crate::decimal::MOST_DIGITS - 2 {
                    self.next();
                    scale += 2;
                }
                let (unscaled, scale) = crate::present::shortest(unscaled, scale, 0);
                Some(Fallback::Number { unscaled: if negative { -unscaled } else { unscaled }, scale })
            }
            Token::Text(text) if !negative => Some(Fallback::Text(Arc::from(text.as_str()))),
            Token::Unknown => None,
            _ => {
                problems.add(span, "a number was expected after `default`, or a text in double quotes");
                None
            }
        }
    }
}
