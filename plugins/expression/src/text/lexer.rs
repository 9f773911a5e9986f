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
const STRANGERS: [(&str, &str); 33] = [
    ("//", "a comment begins with `#`"),
    ("/*", "a comment begins with `#`"),
    ("**", "a power is written `^`"),
    ("=>", "write `>=`"),
    ("=<", "write `<=`"),
    ("?", "a choice is written IF(condition, then, otherwise)"),
    ("[", "lists are written in parentheses: x IN (\"a\", \"b\")"),
    ("]", "lists are written in parentheses: x IN (\"a\", \"b\")"),
    ("{", "lists are written in parentheses: x IN (\"a\", \"b\")"),
    ("}", "lists are written in parentheses: x IN (\"a\", \"b\")"),
    ("$", "names and amounts have no sign of a currency"),
    ("\u{20ac}", "names and amounts have no sign of a currency"),
    ("\u{a3}", "names and amounts have no sign of a currency"),
    ("\u{a5}", "names and amounts have no sign of a currency"),
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
    ("\u{2014}", "minus is written `-`"),
    ("\u{b2}", "a power is written `^`"),
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
        let span = Span { start: at, end: at + length };
        let token = match grouped(text, &found, span) {
            Some(whole) => {
                let written = &text[whole.start..whole.end];
                let plain = written.replace(',', "");
                problems
                    .add(whole, format!("`{written}` is no number; digits are not grouped, write {plain}"));
                Token::Unknown
            }
            None => token,
        };
        found.push((token, span));
        at += length;
    }
    found.push((Token::End, Span { start: span.end, end: span.end }));
    found
}

/// A number whose digits are grouped, as `1,000`, where the last group leaves no doubt: nobody means `1, 000`.
fn grouped(text: &str, before: &[(Token<'_>, Span)], last: Span) -> Option<Span> {
    let group = &text[last.start..last.end];
    if group.len() != 3 || !group.starts_with('0') || !group.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let [.., (Token::Number { .. }, first), (Token::Sign(","), comma)] = before else { return None };
    (first.end == comma.start && comma.end == last.start).then(|| first.to(last))
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
        let quote = strange_quote(rest).unwrap_or(written.len());
        let (shown, length) = match *written {
            // What follows is no formula.
            "//" | "/*" => (*written, rest.len()),
            _ => (&rest[..quote], quote),
        };
        let hint = if rest.trim_end() == ";" { "nothing is needed at the end" } else { hint };
        let message = format!("`{shown}` is not known here: {hint}");
        problems.add(Span { start: at, end: at + length }, message);
        return (Token::Unknown, length);
    }
    if let Some((written, sign)) = SIGNS.iter().find(|(written, _)| rest.starts_with(written)) {
        return (Token::Sign(sign), written.len());
    }
    let found = rest.chars().next().unwrap_or(' ');
    let message = if is_invisible(found) {
        format!("a character that cannot be seen (U+{:04X}) stands here: delete it", u32::from(found))
    } else {
        format!("`{}` is not known here", found.escape_debug())
    };
    problems.add(Span { start: at, end: at + found.len_utf8() }, message);
    (Token::Unknown, found.len_utf8())
}

/// Whether a character takes no room, as those that come along with text from web pages.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
