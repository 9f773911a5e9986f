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
    /// An operator or a separator. `;` is one where arguments end, and told already.
    Sign(&'static str),
    /// Something that is no part of the language; its problem is told already.
    Unknown,
    End,
}

/// What somebody means who writes a sign that is not one of the language: with it, the rest can be read on.
#[derive(Clone, Copy)]
enum Meant {
    Sign(&'static str),
    Word(&'static str),
    /// No more than a space does.
    Nothing,
    /// It cannot be told.
    Something,
}

use Meant::{Nothing, Sign, Something, Word};

const BRACKETS: &str = "lists are written in parentheses: x IN (\"a\", \"b\")";
const CURRENCY: &str = "names and amounts have no sign of a currency";
const QUOTES: &str = "text is written in straight double quotes";
const POWER: &str = "a power is written `^`";
const MINUS: &str = "minus is written `-`";

/// What people write for a sign of the language, what is said to it, and what they mean.
const STRANGERS: [(&str, &str, Meant); 33] = [
    ("//", "a comment begins with `#`", Nothing),
    ("/*", "a comment begins with `#`", Nothing),
    ("**", POWER, Sign("^")),
    ("=>", "write `>=`", Sign(">=")),
    ("=<", "write `<=`", Sign("<=")),
    ("?", "a choice is written IF(condition, then, otherwise)", Something),
    ("[", BRACKETS, Sign("(")),
    ("]", BRACKETS, Sign(")")),
    ("{", BRACKETS, Sign("(")),
    ("}", BRACKETS, Sign(")")),
    ("$", CURRENCY, Nothing),
    ("\u{20ac}", CURRENCY, Nothing),
    ("\u{a3}", CURRENCY, Nothing),
    ("\u{a5}", CURRENCY, Nothing),
    ("==", "equality is written `=`", Sign("=")),
    ("&&", "write `AND`", Word("AND")),
    ("||", "write `OR`", Word("OR")),
    ("!", "write `NOT`, or `<>` for unequal", Word("NOT")),
    (";", "arguments are separated by `,`", Sign(";")),
    (":", "there are no ranges of cells here", Something),
    ("'", "text is written in double quotes", Something),
    ("\u{201c}", QUOTES, Something),
    ("\u{201d}", QUOTES, Something),
    ("\u{201e}", QUOTES, Something),
    ("\u{2212}", MINUS, Sign("-")),
    ("\u{2013}", MINUS, Sign("-")),
    ("\u{2014}", MINUS, Sign("-")),
    ("\u{b2}", POWER, Something),
    ("\u{d7}", "multiplication is written `*`", Sign("*")),
    ("\u{f7}", "division is written `/`", Sign("/")),
    ("\u{2264}", "write `<=`", Sign("<=")),
    ("\u{2265}", "write `>=`", Sign(">=")),
    ("\u{2260}", "write `<>`", Sign("<>")),
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
    let mut lexer = Lexer { text: &text[..span.end], problems, semicolons: false, told: false };
    let inside = text[span.start..span.end].trim_end().trim_end_matches(';');
    lexer.semicolons = unquoted(inside).any(|(_, letter)| letter == ';');
    let mut found = Vec::new();
    let mut at = span.start;
    while let Some(first) = lexer.text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let rest = &lexer.text[at..];
        let (token, length) = match first {
            '0'..='9' => lexer.number(at),
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => lexer.number(at),
            '"' => lexer.quoted(at),
            letter if letter.is_alphabetic() || letter == '_' => lexer.word(at),
            _ => lexer.sign(at),
        };
        found.extend(token.map(|token| (token, Span { start: at, end: at + length })));
        at += length;
    }
    found.push((Token::End, Span { start: span.end, end: span.end }));
    found
}

/// The letters of a text that stand outside of double quotes.
fn unquoted(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quoted = false;
    text.char_indices().filter(move |(_, letter)| {
        quoted ^= *letter == '"';
        !quoted
    })
}

/// Where a comment begins in a line of a sheet, outside of quotes; the line's length where there is none.
pub(crate) fn comment(line: &str) -> usize {
    unquoted(line).find(|(_, letter)| *letter == '#').map_or(line.len(), |(at, _)| at)
}

struct Lexer<'t, 'p> {
    text: &'t str,
    problems: &'p mut Problems,
    /// Arguments are separated by `;`, as where decimals have a comma.
    semicolons: bool,
    /// That they are is told.
    told: bool,
}

/// What stands at a place, and how long it is. Nothing where it can be read over.
type Read<'t> = (Option<Token<'t>>, usize);

impl<'t> Lexer<'t, '_> {
    /// A sign of the language, or one that is not, and what is meant by it.
    fn sign(&mut self, at: usize) -> Read<'t> {
        let rest = &self.text[at..];
        let stranger =
            STRANGERS.iter().find(|(written, ..)| rest.starts_with(written) && !rest.starts_with("!="));
        if let Some((written, hint, meant)) = stranger {
            return self.stranger(at, (written, hint), *meant);
        }
        if let Some((written, sign)) = SIGNS.iter().find(|(written, _)| rest.starts_with(written)) {
            return (Some(Token::Sign(sign)), written.len());
        }
        let found = rest.chars().next().unwrap_or(' ');
        let span = Span { start: at, end: at + found.len_utf8() };
        if is_invisible(found) {
            self.problems.add(span, invisible(found));
            return (None, found.len_utf8());
        }
        self.problems.add(span, format!("`{}` is not known here", found.escape_debug()));
        (Some(Token::Unknown), found.len_utf8())
    }

    fn stranger(&mut self, at: usize, (written, hint): (&str, &str), meant: Meant) -> Read<'t> {
        let rest = &self.text[at..];
        let quote = strange_quote(rest);
        let shown = quote.as_ref().map_or(written.len(), |(_, length)| *length);
        let length = match written {
            // What follows is no formula.
            "//" | "/*" => rest.len(),
            _ => shown,
        };
        let ends = rest.trim_end() == ";";
        let hint = if ends { "nothing is needed at the end" } else { hint };
        // Where arguments are separated so, all are: once is enough.
        if written != ";" || !self.told {
            let message = format!("`{}` is not known here: {hint}", &rest[..shown]);
            self.problems.add(Span { start: at, end: at + length }, message);
        }
        self.told |= written == ";";
        let token = match (quote, meant) {
            (Some((text, _)), _) => Some(Token::Text(String::from(text))),
            (None, Sign(sign)) => (!ends).then_some(Token::Sign(sign)),
            (None, Word(word)) => Some(Token::Word(word)),
            (None, Nothing) => None,
            (None, Something) => Some(Token::Unknown),
        };
        (token, length)
    }

    fn number(&mut self, at: usize) -> Read<'t> {
        let rest = &self.text[at..];
        let digits = |from: usize| rest[from..].bytes().take_while(u8::is_ascii_digit).count();
        let whole = digits(0);
        let mut length = whole;
        if rest[whole..].starts_with('.') {
            length += 1 + digits(whole + 1);
        }
        if let Some(read) = self.with_comma(at, whole) {
            return read;
        }
        let tail =
            rest[length..].chars().take_while(|next| next.is_alphanumeric() || matches!(next, '_' | '.'));
        let tail: usize = tail.map(char::len_utf8).sum();
        let span = Span { start: at, end: at + length + tail };
        if tail > 0 {
            let message =
                format!("`{}` is no number; write it in plain digits, as 1250.5", &rest[..length + tail]);
            self.problems.add(span, message);
            return (Some(Token::Unknown), length + tail);
        }
        let fraction = rest[..length].get(whole + 1..).unwrap_or("").trim_end_matches('0');
        let mut digits = rest[..whole].bytes().chain(fraction.bytes());
        let unscaled = digits
            .try_fold(0i128, |value, digit| value.checked_mul(10)?.checked_add(i128::from(digit - b'0')));
        match (unscaled, u8::try_from(fraction.len())) {
            (Some(unscaled), Ok(scale)) if scale <= MOST_DIGITS => {
                (Some(Token::Number { unscaled, scale }), length)
            }
            _ => {
                let message = format!("a number has at most 38 digits, and {MOST_DIGITS} after the point");
                self.problems.add(span, message);
                (Some(Token::Unknown), length)
            }
        }
    }

    /// A number with a comma in it: one whose digits are grouped, where a group leaves no doubt (nobody means `1, 000`), or, among
    /// arguments that are separated by `;`, one with decimals.
    fn with_comma(&mut self, at: usize, whole: usize) -> Option<Read<'t>> {
        let rest = &self.text[at..];
        let mut length = whole;
        let mut certain = false;
        while let Some(after) = rest[length..].strip_prefix(',') {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 || (digits != 3 && !self.semicolons) {
                break;
            }
            certain |= self.semicolons || after.starts_with('0');
            length += 1 + digits;
        }
        if !certain {
            return None;
        }
        if let Some(after) = rest[length..].strip_prefix('.') {
            length += 1 + after.bytes().take_while(u8::is_ascii_digit).count();
        }
        let written = &rest[..length];
        let message = if self.semicolons {
            format!("`{written}` is no number; decimals are written with a point, as 1250.5")
        } else {
            format!("`{written}` is no number; digits are not grouped, write {}", written.replace(',', ""))
        };
        self.problems.add(Span { start: at, end: at + length }, message);
        Some((Some(Token::Unknown), length))
    }

    fn quoted(&mut self, at: usize) -> Read<'t> {
        let rest = &self.text[at..];
        let mut content = String::new();
        let mut letters = rest.char_indices().skip(1).peekable();
        while let Some((offset, letter)) = letters.next() {
            if letter != '"' {
                content.push(letter);
            } else if letters.peek().is_some_and(|(_, next)| *next == '"') {
                letters.next();
                content.push('"');
            } else {
                return (Some(Token::Text(content)), offset + 1);
            }
        }
        let span = Span { start: at, end: at + rest.len() };
        self.problems.add(span, "the text is not closed: a `\"` was expected");
        (Some(Token::Unknown), rest.len())
    }

    fn word(&mut self, at: usize) -> Read<'t> {
        let rest = &self.text[at..];
        let letter = |next: char| next.is_alphanumeric() || next == '_';
        let mut length = 0;
        let mut seen = true;
        loop {
            length +=
                rest[length..].chars().take_while(|next| letter(*next)).map(char::len_utf8).sum::<usize>();
            let mut next = rest[length..].chars();
            match (next.next(), next.next().is_some_and(letter)) {
                (Some('.'), true) => length += 1,
                // One word, however it looks to a machine.
                (Some(between), true) if is_invisible(between) && !between.is_whitespace() => {
                    let start = at + length;
                    length += between.len_utf8();
                    self.problems.add(Span { start, end: at + length }, invisible(between));
                    seen = false;
                }
                _ => {
                    return (Some(if seen { Token::Word(&rest[..length]) } else { Token::Unknown }), length);
                }
            }
        }
    }
}

/// A text in quotes of another kind, where it is closed, and its length with them.
fn strange_quote(rest: &str) -> Option<(&str, usize)> {
    let (open, close) = match rest.chars().next()? {
        quote @ '\'' => (quote, "'"),
        quote @ ('\u{201c}' | '\u{201d}' | '\u{201e}') => (quote, "\u{201c}\u{201d}"),
        _ => return None,
    };
    let inside = &rest[open.len_utf8()..];
    let (at, end) = inside.char_indices().find(|(_, letter)| close.contains(*letter))?;
    Some((&inside[..at], open.len_utf8() + at + end.len_utf8()))
}

fn invisible(letter: char) -> String {
    format!("a character that cannot be seen (U+{:04X}) stands here: delete it", u32::from(letter))
}

/// Whether a character takes no room, as those that come along with text from web pages.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
