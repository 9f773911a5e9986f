//! The problems of a sheet, as a person reads them: all of them, each with its line and a caret below it.

use alloc::{format, string::String};
use core::fmt::Write as _;

use merit_expression::Problem;
use merit_sdk::{ParameterError, Parameters};

/// All problems in one message.
pub fn error(parameters: &Parameters<'_>, text: &str, problems: &[Problem]) -> ParameterError {
    let mut message = match problems.len() {
        1 => String::from("the formula has 1 problem"),
        count => format!("the formula has {count} problems"),
    };
    for problem in problems {
        let Problem { line, column, length, message: what } = problem;
        let written = text.lines().nth(line - 1).unwrap_or_default();
        let indent: String =
            written.chars().take(column - 1).map(|c| if c == '\t' { c } else { ' ' }).collect();
        // Writing to a string does not fail.
        let _ = write!(
            message,
            "\nline {line}, column {column}: {what}\n  {written}\n  {indent}{}",
            "^".repeat(*length)
        );
    }
    parameters.error("sheet", &message)
}
