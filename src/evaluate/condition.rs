//! Conditions over the rows of something: who is scored, which account managers are wanted, which evaluations are listed. What
//! is no condition, or cannot be reckoned for somebody, is refused: nobody is left out in silence.

use std::sync::Arc;

use merit_expression::{Column, Expression, Kind, Scope};

use super::{column::count_u32, fields::holds};
use crate::{
    model::rejection::{Reason, Rejection},
    resource::scope::CollectionScope,
    view::View,
};

/// A condition that is asked for.
pub struct Condition<'a> {
    /// The field of the request that has it.
    pub field: &'a str,
    /// Why it is refused.
    pub reason: Reason,
    /// What it is; empty: every row.
    pub text: &'a str,
    /// One that would be accepted.
    pub example: &'a str,
}

/// The rows that a condition is about.
pub trait Rows {
    /// How many.
    fn rows(&self) -> usize;
    /// What the condition may name.
    fn scope(&self) -> impl Scope;
    /// The values of a name.
    fn column(&self, name: &str) -> Option<Arc<Column>>;
    /// What a row is called.
    fn id(&self, row: usize) -> &str;
}

// === impl Condition ===

impl Condition<'_> {
    /// The rows that the condition holds for, ascending. Where it has no value because something is missing it does not hold.
    ///
    /// # Errors
    /// The reason given, where the text cannot be compiled, is no condition, or cannot be reckoned for a row, which is named.
    pub fn of(&self, rows: &impl Rows) -> Result<Vec<u32>, Rejection> {
        let all = 0..count_u32(rows.rows());
        if self.text.trim().is_empty() {
            return Ok(all.collect());
        }
        let expression = Expression::compile(self.text, &rows.scope())
            .map_err(|problems| self.refused(problems.iter().map(ToString::to_string).collect()))?;
        if expression.kind() != Kind::Boolean {
            return Err(self.refused(vec![format!("a condition is expected, like `{}`", self.example)]));
        }
        let column = |name: &String| {
            rows.column(name).ok_or_else(|| self.refused(vec![format!("{name} is not to be had")]))
        };
        let columns = expression.names().iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let columns: Vec<&Column> = columns.iter().map(|column| &**column).collect();
        let evaluated = expression.evaluate(rows.rows(), &columns);
        if let Some(fault) = evaluated.faults.first() {
            let whose = rows.id(fault.row as usize);
            return Err(self.refused(vec![format!("{whose}: {}", fault.message)]));
        }
        Ok(all.filter(|&row| holds(&evaluated.column, row as usize)).collect())
    }

    fn refused(&self, problems: Vec<String>) -> Rejection {
        let rejection = Rejection::new(self.reason, format!("{}: {}", self.field, problems.join("; ")));
        problems.into_iter().fold(rejection, |rejection, problem| rejection.violation(self.field, problem))
    }
}

impl Rows for View {
    fn rows(&self) -> usize {
        Self::rows(self)
    }

    fn scope(&self) -> impl Scope {
        CollectionScope::new(self.schema())
    }

    fn column(&self, name: &str) -> Option<Arc<Column>> {
        Self::column(self, name)
    }

    fn id(&self, row: usize) -> &str {
        &self.ids[row]
    }
}
