//! The problems of a sheet, as a person reads them: all of them, each with its line and a caret below it.

use alloc::{format, string::String};
use core::fmt::Write as _;

use merit_expression::Problem;
use merit_sdk::{ParameterError, Parameters};

/// More are not listed.
const MOST_PROBLEMS: usize = 100;

/// Letters of a line that are shown, before the problem and in all.
const SHOWN: (usize, usize) = (60, 120);

/// The part of a line that is shown, and how many of its letters stand before the problem.
fn shown(line: &str, column: usize) -> (String, usize) {
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

/// All problems in one message.
pub fn error(parameters: &Parameters<'_>, text: &str, problems: &[Problem]) -> ParameterError {
    let mut message = match problems.len() {
        MOST_PROBLEMS.. => format!("the formula has {MOST_PROBLEMS} problems or more"),
        1 => String::from("the formula has 1 problem"),
        count => format!("the formula has {count} problems"),
    };
    for problem in problems {
        let Problem { line, column, length, message: what } = problem;
        let (written, before) = shown(text.split('\n').nth(line - 1).unwrap_or_default(), column - 1);
        let indent: String = written.chars().take(before).map(|c| if c == '\t' { c } else { ' ' }).collect();
        let carets = (*length).min(written.chars().count().saturating_sub(before)).max(1);
        // Writing to a string does not fail.
        let _ = write!(
            message,
            "\nline {line}, column {column}: {what}\n  {written}\n  {indent}{}",
            "^".repeat(carets)
        );
    }
    parameters.error("sheet", &message)
}
