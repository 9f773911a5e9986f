//! Problems in a text: where they are, and the nearest known name to one that is not known.

use crate::Problem;
use alloc::{format, string::String, vec::Vec};
use core::fmt;

/// The longest text of an expression or a sheet, in bytes.
pub(crate) const LONGEST_TEXT: usize = 64 * 1024;
/// More problems than that are not listed.
const MOST_PROBLEMS: usize = 100;
/// The longest message, in characters: names that are quoted in it may be of any length.
const LONGEST_MESSAGE: usize = 1000;
/// Characters of a line that are shown, before a problem and in all.
const SHOWN: (usize, usize) = (60, 120);

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

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl Problem {
    /// The problem, the line of the text that it is in, and carets below what is meant.
    #[must_use]
    pub fn shown(&self, text: &str) -> String {
        let line = text.split('\n').nth(self.line.saturating_sub(1)).unwrap_or_default();
        let (written, before) = part_of(line, self.column.saturating_sub(1));
        let indent: String =
            written.chars().take(before).map(|letter| if letter == '\t' { letter } else { ' ' }).collect();
        let carets = self.length.min(written.chars().count().saturating_sub(before)).max(1);
        format!("{self}\n  {written}\n  {indent}{}", "^".repeat(carets))
    }
}

/// The part of a line around a column, and how many of its characters stand before that.
fn part_of(line: &str, column: usize) -> (String, usize) {
    let harmless = |letter: char| if letter.is_control() && letter != '\t' { ' ' } else { letter };
    let first = column.saturating_sub(SHOWN.0);
    let mut written = String::from(if first > 0 { "…" } else { "" });
    let mut letters = line.trim_end_matches('\r').chars().skip(first);
    written.extend(letters.by_ref().take(SHOWN.1).map(harmless));
    if letters.next().is_some() {
        written.push('…');
    }
    (written, column - first + usize::from(first > 0))
}

fn placed(text: &str, span: Span, mut message: String) -> Problem {
    if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
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
