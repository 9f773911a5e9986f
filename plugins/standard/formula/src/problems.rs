//! The problems of a sheet, as a person reads them: all of them, each with its line and a caret below it.

use alloc::{format, string::String};

use merit_expression::Problem;
use merit_sdk::{ParameterError, Parameters};

/// More are not listed.
const MOST_PROBLEMS: usize = 100;

/// All problems in one message; where each begins, a line begins with its place.
pub fn error(parameters: &Parameters<'_>, text: &str, problems: &[Problem]) -> ParameterError {
    let mut message = match problems.len() {
        MOST_PROBLEMS.. => format!("the formula has {MOST_PROBLEMS} problems or more"),
        1 => String::from("the formula has 1 problem"),
        count => format!("the formula has {count} problems"),
    };
    for problem in problems {
        message.push('\n');
        message.push_str(&problem.shown(text));
    }
    parameters.error("sheet", &message)
}
