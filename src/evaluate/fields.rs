//! The fields of a collection as the names of expressions, and expressions over the columns of a view.

use std::sync::Arc;

use merit_expression::{Column, Evaluated, Expression, Kind, Problem, Values};

use crate::{
    model::{
        rejection::{EvaluationReason, Reason, Rejection},
        schema::{FieldKind, Schema, schemas},
    },
    resource::scope::CollectionScope,
    view::View,
};

/// An expression over the fields of a collection.
pub struct FieldExpression {
    text: String,
    expression: Expression,
}

// === impl FieldExpression ===

impl FieldExpression {
    /// Compiles an expression over the fields of a collection. `role` says whose expression it is, in words.
    ///
    /// # Errors
    /// `INVALID_EXPRESSION`, with the problems by line and column.
    pub fn compile(collection: &str, text: &str, role: &str) -> Result<Self, Rejection> {
        let schema = schema(collection, role)?;
        let expression = Expression::compile(text, &CollectionScope::new(schema))
            .map_err(|problems| invalid_expression(role, text, &problems))?;
        Ok(Self { text: text.to_owned(), expression })
    }

    /// What it gives.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.expression.kind()
    }

    /// Evaluates it over every row of a view of its collection.
    ///
    /// # Errors
    /// `INVALID_EXPRESSION` where the view does not know a field.
    pub fn evaluate(&self, view: &View) -> Result<Evaluated, Rejection> {
        let columns = self.expression.names().iter().map(|name| {
            view.column(name).ok_or_else(|| {
                let message = format!("{}: the view has no column {name}", self.text);
                Rejection::new(Reason::Evaluation(EvaluationReason::InvalidExpression), message)
            })
        });
        let columns: Vec<Arc<Column>> = columns.collect::<Result<_, _>>()?;
        let columns: Vec<&Column> = columns.iter().map(|column| &**column).collect();
        Ok(self.expression.evaluate(view.ids.len(), &columns))
    }
}

/// Whether a collection has a field of this path, of a kind that a plugin can take.
#[must_use]
pub fn has_field(collection: &str, path: &str) -> bool {
    let Some(schema) = schemas().get(collection) else { return false };
    matches!(
        schema.field(path).map(|field| field.kind),
        Some(FieldKind::Number { .. } | FieldKind::Text | FieldKind::Enum | FieldKind::Reference)
    )
}

/// Whether a collection has a field of this path that refers to account managers, or that is a date.
#[must_use]
pub fn field_kind(collection: &str, path: &str) -> Option<(FieldKind, Option<String>)> {
    let field = schemas().get(collection)?.field(path)?;
    Some((field.kind, field.reference.clone()))
}

fn schema(collection: &str, role: &str) -> Result<&'static Schema, Rejection> {
    schemas().get(collection).filter(|schema| !schema.computed).ok_or_else(|| {
        let known: Vec<&str> =
            schemas().values().filter(|s| !s.computed).map(|s| s.collection.as_str()).collect();
        let message = format!("{role}: {collection:?} is no collection; there are {}", known.join(", "));
        Rejection::new(Reason::Evaluation(EvaluationReason::InvalidBinding), message)
    })
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

/// The rejection of an expression, with a violation for every problem.
#[must_use]
pub fn invalid_expression(role: &str, text: &str, problems: &[Problem]) -> Rejection {
    let words: Vec<String> = problems.iter().map(Problem::to_string).collect();
    let reason = Reason::Evaluation(EvaluationReason::InvalidExpression);
    let rejection = Rejection::new(reason, format!("{role}, {text:?}: {}", words.join("; ")));
    words.into_iter().fold(rejection, |rejection, words| rejection.violation(role, words))
}
