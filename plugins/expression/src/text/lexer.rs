//! The lexer: a text's words, numbers, texts and signs, each with its place.

use crate::decimal::MOST_DIGITS;
use crate::problem::{Problems, Span};
use alloc::{format, string::String, vec::Vec};

/// One sign of the language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'t> {
    Number {
        unscaled: i128,
        scale: u8,
    },
    Text(String),
    /// A name, a function's name, or a word such as AND.
    Word(&'t str),
    Sign(&'static str),
    /// Something that is no part of the language; its problem is told already.
    Unknown,
    End,
}

/// What people write for a sign of the language, and what it is called here.
const STRANGERS: [(&str, &str); 17] = [
    ("==", "equality is written `=`"),
    ("&&", "write `AND`"),
    ("||", "write `OR`"),
    ("!", "write `NOT`, or `<>` for unequal"),
    (";", "arguments are separated by `,`"),
    (":", "there are no ranges of cells here"),
    ("'", "text is written in double quotes"),
    ("\u{201c}", "text is written in straight double quotes"),
    ("\u{201d}", "text is written in straight double quotes"),
    ("\u{201e}", "text is written in straight double quotes"),
    ("\u{2212}", "minus is written `-`"),
    ("\u{2013}", "minus is written `-`"),
    ("\u{d7}", "multiplication is written `*`"),
    ("\u{f7}", "division is written `/`"),
    ("\u{2264}", "write `<=`"),
    ("\u{2265}", "write `>=`"),
    ("\u{2260}", "write `<>`"),
];

const SIGNS: [(&str, &str); 17] = [
    ("<>", "<>"),
    ("!=", "<>"),
    ("<=", "<="),
    (">=", ">="),
    ("<", "<"),
    (">", ">"),
    ("=", "="),
    ("(", "("),
    (")", ")"),
    (",", ","),
    ("&", "&"),
    ("+", "+"),
    ("-", "-"),
    ("*", "*"),
    ("/", "/"),
    ("^", "^"),
    ("%", "%"),
];

/// The tokens of `text[span]`, ending with an `End`.
pub(crate) fn tokens<'t>(text: &'t str, span: Span, problems: &mut Problems) -> Vec<(Token<'t>, Span)> {
    let mut found = Vec::new();
    let mut at = span.start;
    while let Some(first) = text[at..span.end].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let rest = &text[at..span.end];
        let (token, length) = match first {
            '0'..='9' => number(rest, at, problems),
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => number(rest, at, problems),
            '"' => quoted(rest, at, problems),
            letter if letter.is_alphabetic() || letter == '_' => word(rest),
            _ => sign(rest, at, problems),
        };
        found.push((token, Span { start: at, end: at + length }));
        at += length;
    }
    found.push((Token::End, Span { start: span.end, end: span.end }));
    found
}

/// Where a comment begins in a line of a sheet, outside of quotes; the line's length where there is none.
pub(crate) fn comment(line: &str) -> usize {
    let mut quoted = false;
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '#' if !quoted => return at,
            _ => {}
        }
    }
    line.len()
}

fn number<'t>(rest: &str, at: usize, problems: &mut Problems) -> (Token<'t>, usize) {
    let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
    let mut length = whole;
    if rest[whole..].starts_with('.') {
        length += 1 + rest[whole + 1..].bytes().take_while(u8::is_ascii_digit).count();
    }
    let tail = rest[length..].chars().take_while(|next| next.is_alphanumeric() || matches!(next, '_' | '.'));
    let tail: usize = tail.map(char::len_utf8).sum();
    let span = Span { start: at, end: at + length + tail };
    if tail > 0 {
        problems.add(
            span,
            format!("`{}` is no number; write it in plain digits, as 1250.5", &rest[..length + tail]),
        );
        return (Token::Unknown, length + tail);
    }
    let fraction = rest[..length].get(whole + 1..).unwrap_or("").trim_end_matches('0');
    let mut digits = rest[..whole].bytes().chain(fraction.bytes());
    let unscaled =
        digits.try_fold(0i128, |value, digit| value.checked_mul(10)?.checked_add(i128::from(digit - b'0')));
    match (unscaled, u8::try_from(fraction.len())) {
        (Some(unscaled), Ok(scale)) if scale <= MOST_DIGITS => (Token::Number { unscaled, scale }, length),
        _ => {
            problems.add(span, format!("a number has at most 38 digits, and {MOST_DIGITS} after the point"));
            (Token::Unknown, length)
        }
    }
}

fn quoted<'t>(rest: &str, at: usize, problems: &mut Problems) -> (Token<'t>, usize) {
    let mut content = String::new();
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((offset, letter)) = letters.next() {
        if letter != '"' {
            content.push(letter);
        } else if letters.peek().is_some_and(|(_, next)| *next == '"') {
            letters.next();
            content.push('"');
        } else {
            return (Token::Text(content), offset + 1);
        }
    }
    problems.add(Span { start: at, end: at + rest.len() }, "the text is not closed: a `\"` was expected");
    (Token::Unknown, rest.len())
}

fn word(rest: &str) -> (Token<'_>, usize) {
    let letter = |next: char| next.is_alphanumeric() || next == '_';
    let mut length = 0;
    loop {
        length += rest[length..].chars().take_while(|next| letter(*next)).map(char::len_utf8).sum::<usize>();
        let mut next = rest[length..].chars();
        if next.next() != Some('.') || !next.next().is_some_and(letter) {
            return (Token::Word(&rest[..length]), length);
        }
        length += 1;
    }
}

/// The length of a text in quotes of another kind, where it is closed.
fn strange_quote(rest: &str) -> Option<usize> {
    let (open, close) = match rest.chars().next()? {
        quote @ '\'' => (quote, "'"),
        quote @ ('\u{201c}' | '\u{201d}' | '\u{201e}') => (quote, "\u{201c}\u{201d}"),
        _ => return None,
    };
    let inside = &rest[open.len_utf8()..];
    let (at, end) = inside.char_indices().find(|(_, letter)| close.contains(*letter))?;
    Some(open.len_utf8() + at + end.len_utf8())
}

fn sign<'t>(rest: &str, at: usize, problems: &mut Problems) -> (Token<'t>, usize) {
    let stranger = STRANGERS.iter().find(|(written, _)| rest.starts_with(written) && !rest.starts_with("!="));
    if let Some((written, hint)) = stranger {
        let length = strange_quote(rest).unwrap_or(written.len());
        let message = format!("`{}` is not known here: {hint}", &rest[..length]);
        problems.add(Span { start: at, end: at + length }, message);
        return (Token::Unknown, length);
    }
    if let Some((written, sign)) = SIGNS.iter().find(|(written, _)| rest.starts_with(written)) {
        return (Token::Sign(sign), written.len());
    }
    let length = rest.chars().next().map_or(1, char::len_utf8);
    problems.add(
        Span { start: at, end: at + length },
        format!("`{}` is not known here", rest[..length].escape_debug()),
    );
    (Token::Unknown, length)
}
