//! Who is scored.

use super::{column::count_u32, condition::Condition, fields::date};
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
    if !expression.trim().is_empty() {
        let condition = Condition {
            field: "population",
            reason: Reason::Evaluation(EvaluationReason::InvalidExpression),
            text: expression,
            example: "region = \"North\"",
        };
        return condition.of(view);
    }
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
    Ok((0..count_u32(view.rows())).filter(employed).collect())
}
