//! One row at a time, where there is but one: a convenience over columns.

use crate::{Column, Expression, Kind, Unscaled, Values};
use alloc::{string::String, sync::Arc, vec, vec::Vec};

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The number `unscaled` × 10^-`scale`.
    Number {
        /// The digits.
        unscaled: i128,
        /// Decimals, 0 to 28.
        scale: u8,
    },
    /// A text.
    Text(Arc<str>),
    /// True or false.
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
}

impl Column {
    /// A column of one row: the value, or a missing one of the kind.
    #[must_use]
    pub fn one(value: Option<&Value>, kind: Kind) -> Self {
        let values = match (value, kind) {
            (Some(Value::Number { unscaled, scale }), _) => {
                let unscaled = match i64::try_from(*unscaled) {
                    Ok(narrow) => Unscaled::Narrow(Arc::new(vec![narrow])),
                    Err(_) => Unscaled::Wide(Arc::new(vec![*unscaled])),
                };
                Values::Number { scale: *scale, unscaled }
            }
            (Some(Value::Text(text)), _) => {
                Values::Text { dictionary: Arc::new(vec![text.clone()]), codes: Arc::new(vec![0]) }
            }
            (Some(Value::Boolean(flag)), _) => Values::Boolean(Arc::new(vec![*flag])),
            (Some(Value::Date(days)), _) => Values::Date(Arc::new(vec![*days])),
            (None, Kind::Number) => {
                Values::Number { scale: 0, unscaled: Unscaled::Narrow(Arc::new(vec![0])) }
            }
            (None, Kind::Text) => {
                Values::Text { dictionary: Arc::new(vec![Arc::from("")]), codes: Arc::new(vec![0]) }
            }
            (None, Kind::Boolean) => Values::Boolean(Arc::new(vec![false])),
            (None, Kind::Date) => Values::Date(Arc::new(vec![0])),
        };
        Self { values, missing: value.is_none().then(|| Arc::new(vec![true])) }
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        match &self.values {
            Values::Number { unscaled: Unscaled::Narrow(values), .. } => values.len(),
            Values::Number { unscaled: Unscaled::Wide(values), .. } => values.len(),
            Values::Text { codes, .. } => codes.len(),
            Values::Boolean(flags) => flags.len(),
            Values::Date(days) => days.len(),
        }
    }

    /// Whether the row has no value; true also for a row that the column does not have.
    #[must_use]
    pub fn is_missing(&self, row: usize) -> bool {
        row >= self.rows()
            || self.missing.as_ref().is_some_and(|missing| missing.get(row).copied().unwrap_or(true))
    }

    /// The value of a row; nothing where it is missing.
    #[must_use]
    pub fn value(&self, row: usize) -> Option<Value> {
        if self.is_missing(row) {
            return None;
        }
        Some(match &self.values {
            Values::Number { scale, unscaled: Unscaled::Narrow(values) } => {
                Value::Number { unscaled: i128::from(values[row]), scale: *scale }
            }
            Values::Number { scale, unscaled: Unscaled::Wide(values) } => {
                Value::Number { unscaled: values[row], scale: *scale }
            }
            Values::Text { dictionary, codes } => Value::Text(dictionary.get(codes[row] as usize)?.clone()),
            Values::Boolean(flags) => Value::Boolean(flags[row]),
            Values::Date(days) => Value::Date(days[row]),
        })
    }
}

impl Expression {
    /// Evaluates it for one row; the values are those of [`Expression::names`], in that order, nothing where missing.
    ///
    /// # Errors
    /// The message of the row's fault.
    pub fn evaluate_row(&self, values: &[Option<Value>]) -> Result<Option<Value>, String> {
        let kinds = self.kinds().iter();
        let columns = values.iter().zip(kinds).map(|(value, kind)| Column::one(value.as_ref(), *kind));
        let columns: Vec<Column> = columns.collect();
        let mut evaluated = self.evaluate(1, &columns.iter().collect::<Vec<_>>());
        match evaluated.faults.pop() {
            Some(fault) => Err(fault.message),
            None => Ok(evaluated.column.value(0)),
        }
    }
}
