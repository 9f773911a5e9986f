//! JSON as it was written: numbers keep their digits, and a key that an object has twice is not lost but told. What is expected
//! of the values is `parameters.rs`.

use alloc::{
    collections::{BTreeMap, btree_map::Entry},
    format,
    string::{String, ToString},
    vec::Vec,
};

/// Lists and objects within each other; nobody's parameters need as many.
const DEEPEST: usize = 64;

/// A value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Boolean(bool),
    /// As it was written.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Object),
}

/// An object: of a key given twice the first value, and the key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Object {
    pub members: BTreeMap<String, Json>,
    pub twice: Vec<String>,
}

/// Reads a text that is one value.
///
/// # Errors
/// In words, with line and column.
pub(crate) fn parse(text: &str) -> Result<Json, String> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let value = reader.value()?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.expected("nothing more")),
    }
}

struct Reader<'t> {
    text: &'t str,
    /// The byte that is looked at, always the first of a character.
    at: usize,
    depth: usize,
}

// === impl Json ===

impl Json {
    /// What it is, in a few words.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Boolean(flag) => flag.to_string(),
            Self::Number(digits) => excerpt(digits),
            Self::Text(text) if text.is_empty() => "an empty text".into(),
            Self::Text(text) => format!("{:?}", excerpt(text)),
            Self::List(_) => "a list".into(),
            Self::Object(_) => "an object".into(),
        }
    }
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

// === impl Reader ===

impl<'t> Reader<'t> {
    fn value(&mut self) -> Result<Json, String> {
        match self.peek() {
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::list),
            Some('"') => self.quoted().map(Json::Text),
            Some('-' | '0'..='9') => self.number(),
            _ => self.word(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json, String>) -> Result<Json, String> {
        if self.depth == DEEPEST {
            return Err(self.error(&format!("more than {DEEPEST} lists and objects within each other")));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Json, String> {
        let mut object = Object::default();
        while !self.ends('}', !object.members.is_empty())? {
            if self.peek() != Some('"') {
                return Err(self.expected("a name in double quotes"));
            }
            let key = self.quoted()?;
            if self.peek() != Some(':') {
                return Err(self.expected("a colon"));
            }
            self.at += 1;
            let value = self.value()?;
            match object.members.entry(key) {
                Entry::Occupied(taken) => object.twice.push(taken.key().clone()),
                Entry::Vacant(free) => {
                    free.insert(value);
                }
            }
        }
        Ok(Json::Object(object))
    }

    fn list(&mut self) -> Result<Json, String> {
        let mut items = Vec::new();
        while !self.ends(']', !items.is_empty())? {
            items.push(self.value()?);
        }
        Ok(Json::List(items))
    }

    /// Passes what ends a list or object, or the comma before its next item.
    fn ends(&mut self, end: char, begun: bool) -> Result<bool, String> {
        match self.peek() {
            Some(found) if found == end => {
                self.at += 1;
                Ok(true)
            }
            Some(',') if begun => {
                self.at += 1;
                if self.peek() == Some(end) {
                    return Err(self.error(&format!("a comma too many before {end}")));
                }
                Ok(false)
            }
            Some(_) if !begun => Ok(false),
            _ => Err(self.expected(&format!("a comma or {end}"))),
        }
    }

    fn number(&mut self) -> Result<Json, String> {
        let begin = self.at;
        self.at += usize::from(self.rest().starts_with('-'));
        let whole = self.digits()?;
        if whole.len() > 1 && whole.starts_with('0') {
            self.at = begin;
            return Err(self.error("a number does not begin with 0, unless a point follows"));
        }
        if self.rest().starts_with('.') {
            self.at += 1;
            self.digits()?;
        }
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            self.at += usize::from(self.rest().starts_with(['+', '-']));
            self.digits()?;
        }
        Ok(Json::Number(self.text[begin..self.at].into()))
    }

    fn digits(&mut self) -> Result<&'t str, String> {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.expected("a digit"));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    fn word(&mut self) -> Result<Json, String> {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let value = match &rest[..length] {
            "null" => Json::Null,
            "true" => Json::Boolean(true),
            "false" => Json::Boolean(false),
            _ => {
                return Err(
                    self.expected("a number, a text in double quotes, true, false, a list or an object")
                );
            }
        };
        self.at += length;
        Ok(value)
    }

    fn quoted(&mut self) -> Result<String, String> {
        let begin = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            text.push_str(&rest[..plain]);
            self.at += plain;
            match self.rest().chars().next() {
                Some('"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some('\\') => text.push(self.escaped()?),
                Some('\n' | '\r') => {
                    return Err(self.error("a line ends within a text; inside texts it is written \\n"));
                }
                Some(_) => {
                    return Err(self.error("a control character in a text; write it like \\t or \\u0009"));
                }
                None => {
                    self.at = begin;
                    return Err(self.error("a text begins here, and its double quote at the end is missing"));
                }
            }
        }
    }

    fn escaped(&mut self) -> Result<char, String> {
        let rest = self.rest();
        let plain = match rest.as_bytes().get(1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => {
                let (units, length) = unicode(rest).ok_or_else(|| {
                    self.error(
                        "a backslash in a text begins one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000",
                    )
                })?;
                self.at += length;
                return Ok(units);
            }
        };
        self.at += 2;
        Ok(plain)
    }

    /// What comes next, white space passed.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        self.rest().chars().next()
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn expected(&self, what: &str) -> String {
        match self.rest().chars().next() {
            None => self.error(&format!("the text ends; expected {what}")),
            Some('\'' | '“' | '”' | '„') => {
                self.error("texts and names are written in straight double quotes")
            }
            Some(found) => self.error(&format!("{found:?} where {what} is expected")),
        }
    }

    fn error(&self, what: &str) -> String {
        let before = &self.text[..self.at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("line {line}, column {column}: {what}")
    }
}

/// The character of `\u0041`, or of two of them that make one up, and how many bytes were read.
fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(0)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, 6));
    }
    let character = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((character, 12))
}

#[cfg(test)]
mod tests;
