//! The names of a sheet: what is above a line, and where what is not above stands.

use crate::Kind;
use crate::problem::{Problems, Span};
use crate::text::check::{Found, Names};
use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

/// Words that begin a line, and cannot be names.
pub(super) const BEGINNINGS: [&str; 4] = ["input", "score", "payout", "grade"];
const WORDS: [&str; 6] = ["and", "or", "not", "in", "true", "false"];

/// As long as the names of inputs and outputs may be in the contract of plugins.
const LONGEST_NAME: usize = 63;

#[derive(Clone, Copy)]
enum Entry {
    Row(usize, Kind),
    Line(usize, Kind),
    /// Its line has problems of its own.
    Broken,
}

/// The names known so far.
pub(super) struct Known {
    entries: BTreeMap<String, (Entry, usize)>,
    /// The lines of all names of the sheet, to tell those below.
    all: BTreeMap<String, usize>,
    /// The line that is looked at.
    here: usize,
    has_lines: bool,
}

impl Known {
    pub(super) fn new(all: BTreeMap<String, usize>) -> Self {
        Self { entries: BTreeMap::new(), all, here: 0, has_lines: false }
    }

    /// Goes on to a line.
    pub(super) fn enter(&mut self, line: usize) {
        self.here = line;
    }

    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Whether a new thing can have the name; tells why not.
    pub(super) fn is_free(&self, name: &str, span: Span, problems: &mut Problems) -> bool {
        let snake = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
        if !snake {
            let meant = snake_case(name).map_or(String::new(), |meant| format!(", as `{meant}`"));
            problems.add(
                span,
                format!("`{name}` cannot be a name: names are written in lower_snake_case{meant}"),
            );
        } else if name.len() > LONGEST_NAME {
            problems
                .add(span, format!("a name has at most {LONGEST_NAME} letters; this one has {}", name.len()));
        } else if BEGINNINGS.contains(&name) || WORDS.contains(&name) {
            problems.add(span, format!("`{name}` cannot be a name: it is a word of the language"));
        } else if let Some((_, line)) = self.entries.get(name) {
            problems.add(span, format!("`{name}` is already the name of line {line}"));
        } else {
            return true;
        }
        false
    }

    /// There are detail lines, whatever is wrong with what they are called.
    pub(super) fn expect_lines(&mut self) {
        self.has_lines = true;
    }

    pub(super) fn add_row(&mut self, name: &str, line: usize, at: usize, kind: Kind) {
        self.entries.insert(String::from(name), (Entry::Row(at, kind), line));
    }

    pub(super) fn add_line(&mut self, name: &str, line: usize, at: usize, kind: Kind) {
        self.entries.insert(String::from(name), (Entry::Line(at, kind), line));
    }

    pub(super) fn add_broken(&mut self, name: &str, line: usize) {
        self.entries.entry(String::from(name)).or_insert((Entry::Broken, line));
    }
}

impl Names for Known {
    fn find(&mut self, name: &str) -> Option<Found> {
        match self.entries.get(name) {
            Some((Entry::Row(at, kind), _)) => Some(Found::Row(*at, *kind)),
            Some((Entry::Line(at, kind), _)) => Some(Found::Line(*at, *kind)),
            Some((Entry::Broken, _)) => Some(Found::Broken),
            None => match self.all.get(name) {
                Some(line) if *line == self.here => Some(Found::Itself),
                found => found.map(|line| Found::Below(*line)),
            },
        }
    }

    fn known(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    fn has_lines(&self) -> bool {
        self.has_lines
    }
}

/// The name as it may be written: `netSales` is `net_sales`. Nothing where letters would be lost.
fn snake_case(name: &str) -> Option<String> {
    let mut meant = String::new();
    for letter in name.chars() {
        match letter {
            'A'..='Z' => {
                let after_small =
                    meant.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit());
                meant.extend(after_small.then_some('_'));
                meant.push(letter.to_ascii_lowercase());
            }
            'a'..='z' | '0'..='9' | '_' => meant.push(letter),
            '.' => meant.push('_'),
            _ => return None,
        }
    }
    meant.starts_with(|first: char| first.is_ascii_lowercase()).then_some(meant)
}
