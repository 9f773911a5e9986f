//! Compiles the expressions in records, to refuse what cannot be understood where it is written, not where it is run.

use merit_expression::{Expression, Kind};

use crate::{
    model::{
        finding::Findings,
        rejection::{EvaluationReason, Reason},
        schema::Schema,
    },
    resource::scope::{CollectionScope, kind_name},
};

/// Checks an expression over the fields of a collection: gives what it is, where it can be understood. Nothing for the
/// empty text.
pub(super) fn check(
    text: &str,
    schema: &Schema,
    wanted: &[Kind],
    path: &str,
    findings: &mut Findings,
) -> Option<Kind> {
    if text.trim().is_empty() {
        return None;
    }
    let invalid = Reason::Evaluation(EvaluationReason::InvalidExpression);
    match Expression::compile(text, &CollectionScope::new(schema)) {
        Ok(expression) if wanted.contains(&expression.kind()) => Some(expression.kind()),
        Ok(expression) => {
            let wanted: Vec<&str> = wanted.iter().map(|kind| kind_name(*kind)).collect();
            let given = kind_name(expression.kind());
            findings.add(invalid, path, format!("gives a {given}: a {} is wanted", wanted.join(" or a ")));
            None
        }
        Err(problems) => {
            for problem in &problems {
                findings.add(invalid, path, problem.to_string());
            }
            None
        }
    }
}
