//! A column of the outcome, built row by row.

use alloc::{format, string::String, vec::Vec};

use crate::{Column, Context, Decimals, Output, Role, Texts, Values, answer::Value};

/// A column of the outcome, row by row.
pub(crate) struct ColumnBuilder {
    name: String,
    text: bool,
    scale: u8,
    unscaled: Vec<i64>,
    dictionary: Vec<String>,
    codes: Vec<u32>,
    missing: Vec<u32>,
}

// === impl ColumnBuilder ===

impl ColumnBuilder {
    pub(crate) fn new(output: &Output, context: &Context, rows: usize) -> Self {
        let text = output.role == Role::Grade;
        Self {
            name: output.name.clone(),
            text,
            scale: if output.role == Role::Payout { context.currency_scale } else { output.scale },
            unscaled: Vec::with_capacity(if text { 0 } else { rows }),
            dictionary: Vec::new(),
            codes: Vec::with_capacity(if text { rows } else { 0 }),
            missing: Vec::new(),
        }
    }

    /// Whether the value can be pushed.
    pub(crate) fn check(&self, value: &Option<Value>) -> Result<(), String> {
        match value {
            Some(Value::Number(number)) if i64::try_from(number.unscaled()).is_err() => {
                Err(format!("{} is too large: {number}", self.name))
            }
            Some(Value::Number(_)) if self.text => Err(format!("{} is a grade, a text", self.name)),
            Some(Value::Text(_)) if !self.text => Err(format!("{} is a number", self.name)),
            _ => Ok(()),
        }
    }

    pub(crate) fn push(&mut self, row: u32, value: Option<Value>) {
        let (mut unscaled, mut code) = (0, 0);
        match value {
            None => self.missing.push(row),
            Some(Value::Number(number)) => unscaled = i64::try_from(number.unscaled()).unwrap_or_default(),
            Some(Value::Text(text)) => {
                let at = self.dictionary.iter().position(|known| *known == text).unwrap_or_else(|| {
                    self.dictionary.push(text);
                    self.dictionary.len() - 1
                });
                code = at as u32;
            }
        }
        if self.text { self.codes.push(code) } else { self.unscaled.push(unscaled) }
    }

    pub(crate) fn build(mut self) -> Column {
        let values = if self.text {
            // A column without any text still needs something for its codes to point at.
            if self.dictionary.is_empty() && !self.codes.is_empty() {
                self.dictionary.push(String::new());
            }
            Values::Texts(Texts { dictionary: self.dictionary, codes: self.codes })
        } else {
            Values::Decimals(Decimals { scale: self.scale, unscaled: self.unscaled })
        };
        Column { name: self.name, values, missing: self.missing }
    }
}
