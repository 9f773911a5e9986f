//! Who is scored.

use merit_expression::{Column, Kind, Values};

use super::{column::count_u32, fields::FieldExpression};
use crate::{
    model::{
        period::Period,
        rejection::{EvaluationReason, Reason, Rejection},
    },
    view::{View, day_number},
};

pub(in crate::evaluate) use super::measure::ACCOUNT_MANAGERS;

/// The rows of the account managers' view that a run scores, ascending: those that the expression holds for, or, where
/// there is none, everybody employed on at least one day of the period.
///
/// # Errors
/// `INVALID_EXPRESSION` where the expression cannot be compiled, is no condition, or cannot be reckoned for somebody:
/// who is scored has to be certain.
pub fn population(view: &View, expression: &str, period: Period) -> Result<Vec<u32>, Rejection> {
    let rows = count_u32(view.ids.len());
    if expression.is_empty() {
        let (hired, left) = (view.column("hire_date"), view.column("leave_date"));
        let (start, end) = (day_number(period.start()), day_number(period.end()));
        let employed = |row: &u32| {
            let hired = hired.as_deref().and_then(|column| date(column, *row as usize));
            let left = left.as_deref().and_then(|column| date(column, *row as usize));
            // Nobody who left before being hired was ever employed.
            let first = hired.map_or(start, |hired| hired.max(start));
            let last = left.map_or(end, |left| left.min(end));
            first < last
        };
        return Ok((0..rows).filter(employed).collect());
    }
    let role = "population";
    let compiled = FieldExpression::compile(ACCOUNT_MANAGERS, expression, role)?;
    let invalid = |what: String| {
        let reason = Reason::Evaluation(EvaluationReason::InvalidExpression);
        Rejection::new(reason, format!("{role}, {expression:?}: {what}"))
    };
    if compiled.kind() != Kind::Boolean {
        return Err(invalid("a condition is expected, like `region = \"North\"`".to_owned()));
    }
    let evaluated = compiled.evaluate(view)?;
    if let Some(fault) = evaluated.faults.first() {
        return Err(invalid(format!("{}: {}", view.ids[fault.row as usize], fault.message)));
    }
    let column = &evaluated.column;
    Ok((0..rows).filter(|&row| holds(column, row as usize)).collect())
}

/// Whether a condition holds in a row; where it is missing it does not.
#[must_use]
pub fn holds(column: &Column, row: usize) -> bool {
    match &column.values {
        Values::Boolean(flags) => flags[row] && !is_missing(column, row),
        _ => false,
    }
}

/// The date in a row, in days since 1970-01-01.
#[must_use]
pub fn date(column: &Column, row: usize) -> Option<i32> {
    match &column.values {
        Values::Date(days) if !is_missing(column, row) => Some(days[row]),
        _ => None,
    }
}

/// Whether a row of a view's column has no value.
#[must_use]
pub fn is_missing(column: &Column, row: usize) -> bool {
    column.missing.as_ref().is_some_and(|missing| missing[row])
}
