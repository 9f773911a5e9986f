//! Problems in a text: where they are, and the nearest known name to one that is not known.

use crate::Problem;
use alloc::{format, string::String, vec::Vec};

/// The longest text of an expression or a sheet, in bytes.
pub(crate) const LONGEST_TEXT: usize = 64 * 1024;
/// More problems than that are not listed.
const MOST_PROBLEMS: usize = 100;

/// A stretch of a text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    /// From the start of this to the end of the other.
    pub(crate) fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.start) }
    }
}

/// The problems found so far in one text.
pub(crate) struct Problems {
    found: Vec<(Span, String)>,
}

impl Problems {
    pub(crate) fn new() -> Self {
        Self { found: Vec::new() }
    }

    pub(crate) fn add(&mut self, span: Span, message: impl Into<String>) {
        self.found.push((span, message.into()));
    }

    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// The problems by position, in the coordinates of people: nothing where there are none.
    pub(crate) fn finish(mut self, text: &str) -> Vec<Problem> {
        self.found.sort_by_key(|(span, _)| span.start);
        self.found.dedup();
        self.found.truncate(MOST_PROBLEMS);
        self.found.into_iter().map(|(span, message)| placed(text, span, message)).collect()
    }
}

fn placed(text: &str, span: Span, message: String) -> Problem {
    let (line, column) = position(text, span.start);
    let length = text.get(span.start..span.end).map_or(1, |meant| meant.chars().count()).max(1);
    Problem { line, column, length, message }
}

/// Line and column of a byte, both from 1, the column in characters.
pub(crate) fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// `; did you mean …?` for the nearest of the names, where one is near.
pub(crate) fn did_you_mean<S: AsRef<str>>(name: &str, known: impl IntoIterator<Item = S>) -> String {
    match nearest(name, known) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    }
}

/// The known name with the fewest typing mistakes between, the first by alphabet among equals.
fn nearest<S: AsRef<str>>(name: &str, known: impl IntoIterator<Item = S>) -> Option<String> {
    let wanted: Vec<char> = name.chars().take(64).flat_map(char::to_lowercase).collect();
    let allowed = (wanted.len() / 3).clamp(1, 4);
    let mut best: Option<(usize, String)> = None;
    for candidate in known {
        let letters: Vec<char> = candidate.as_ref().chars().take(64).flat_map(char::to_lowercase).collect();
        if letters.len().abs_diff(wanted.len()) > allowed {
            continue;
        }
        let found = (distance(&wanted, &letters), String::from(candidate.as_ref()));
        if found.0 <= allowed && best.as_ref().is_none_or(|best| found < *best) {
            best = Some(found);
        }
    }
    best.map(|(_, name)| name)
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i);
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut cost = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            row.push(cost);
        }
        before = core::mem::replace(&mut above, row);
    }
    above[b.len()]
}
