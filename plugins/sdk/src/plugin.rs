//! The two ways to write a plugin, and what the exports do with them.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    Answer, Batch, Column, Context, Decimals, Fault, Manifest, Outcome, Output, ParameterError, Parameters,
    ParametersDocument, Refusal, Role, Row, Step, Texts, Values, answer::Value,
};

/// A plugin that scores each row by itself.
pub trait Scorer: Sized {
    /// Reads the parameters.
    ///
    /// # Errors
    /// Says which parameter is wrong, and what would be accepted.
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError>;

    /// What the plugin needs and gives under these parameters.
    fn manifest(&self) -> Manifest;

    /// Scores a row.
    ///
    /// # Errors
    /// Why the row cannot be scored; the other rows stand.
    fn score(&self, context: &Context, row: &Row<'_>, answer: &mut Answer) -> Result<(), String>;
}

/// A plugin that works on whole batches.
pub trait Plugin: Sized {
    /// Reads the parameters.
    ///
    /// # Errors
    /// Says which parameter is wrong, and what would be accepted.
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError>;

    /// What the plugin needs and gives under these parameters.
    fn manifest(&self) -> Manifest;

    /// Scores a batch.
    ///
    /// # Errors
    /// Why the batch as a whole cannot be scored.
    fn evaluate(&self, context: &Context, batch: &Batch) -> Result<Outcome, Refusal>;

    /// How the answer for a row comes about.
    ///
    /// # Errors
    /// Why the row cannot be explained.
    fn explain(&self, context: &Context, batch: &Batch, row: u32) -> Result<Vec<Step>, Refusal>;
}

impl<T: Scorer> Plugin for T {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        <T as Scorer>::new(parameters)
    }

    fn manifest(&self) -> Manifest {
        Scorer::manifest(self)
    }

    fn evaluate(&self, context: &Context, batch: &Batch) -> Result<Outcome, Refusal> {
        let manifest = Scorer::manifest(self);
        let mut columns: Vec<ColumnBuilder> =
            manifest.outputs.iter().map(|output| ColumnBuilder::new(output, context)).collect();
        let mut faults = Vec::new();
        for row in 0..batch.rows {
            let answer = score(self, context, batch, row, Answer::new(&manifest, false));
            let answer = answer.and_then(|(values, _)| {
                columns.iter_mut().zip(&values).try_for_each(|(column, value)| column.check(value))?;
                Ok(values)
            });
            match answer {
                Ok(values) => {
                    columns.iter_mut().zip(values).for_each(|(column, value)| column.push(row, value))
                }
                Err(message) => {
                    columns.iter_mut().for_each(|column| column.push(row, None));
                    faults.push(Fault { row, message });
                }
            }
        }
        Ok(Outcome { columns: columns.into_iter().map(ColumnBuilder::build).collect(), faults })
    }

    fn explain(&self, context: &Context, batch: &Batch, row: u32) -> Result<Vec<Step>, Refusal> {
        if row >= batch.rows {
            return Err(Refusal::BadBatch(format!("there is no row {row}: the batch has {}", batch.rows)));
        }
        let manifest = Scorer::manifest(self);
        let (_, steps) =
            score(self, context, batch, row, Answer::new(&manifest, true)).map_err(Refusal::BadBatch)?;
        Ok(steps)
    }
}

type Scored = (Vec<Option<Value>>, Vec<Step>);

fn score<T: Scorer>(
    scorer: &T,
    context: &Context,
    batch: &Batch,
    row: u32,
    mut answer: Answer,
) -> Result<Scored, String> {
    scorer.score(context, &Row::new(batch, row as usize), &mut answer)?;
    answer.finish(context)
}

/// A column of the outcome, row by row.
struct ColumnBuilder {
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
    fn new(output: &Output, context: &Context) -> Self {
        Self {
            name: output.name.clone(),
            text: output.role == Role::Grade,
            scale: if output.role == Role::Payout { context.currency_scale } else { output.scale },
            unscaled: Vec::new(),
            dictionary: Vec::new(),
            codes: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Whether the value can be pushed.
    fn check(&self, value: &Option<Value>) -> Result<(), String> {
        match value {
            Some(Value::Number(number)) if i64::try_from(number.unscaled()).is_err() => {
                Err(format!("{} is too large: {number}", self.name))
            }
            Some(Value::Number(_)) if self.text => Err(format!("{} is a grade, a text", self.name)),
            Some(Value::Text(_)) if !self.text => Err(format!("{} is a number", self.name)),
            _ => Ok(()),
        }
    }

    fn push(&mut self, row: u32, value: Option<Value>) {
        let (mut unscaled, mut code) = (0, 0);
        match value {
            None => self.missing.push(row),
            Some(Value::Number(number)) => unscaled = i64::try_from(number.unscaled()).unwrap_or_default(),
            Some(Value::Text(text)) => {
                let at = self.dictionary.iter().position(|known| *known == text).unwrap_or_else(|| {
                    self.dictionary.push(text.to_owned());
                    self.dictionary.len() - 1
                });
                code = at as u32;
            }
        }
        if self.text { self.codes.push(code) } else { self.unscaled.push(unscaled) }
    }

    fn build(mut self) -> Column {
        let values = if self.text {
            // A column without any text still needs something for its codes to point at.
            if self.dictionary.is_empty() && !self.codes.is_empty() {
                self.dictionary.push(String::new());
            }
            Values::Texts(Texts { dictionary: self.dictionary, codes: self.codes })
        } else {
            Values::Decimals(Decimals { scale: self.scale, unscaled: self.unscaled })
        };
        Column { name: self.name.to_string(), values, missing: self.missing }
    }
}

/// What the export `describe` does.
pub fn describe<T: Plugin>(parameters: &str) -> Result<Manifest, Refusal> {
    Ok(read::<T>(parameters)?.manifest())
}

/// What the export `evaluate` does.
pub fn evaluate<T: Plugin>(parameters: &str, context: &Context, batch: &Batch) -> Result<Outcome, Refusal> {
    read::<T>(parameters)?.evaluate(context, batch)
}

/// What the export `explain` does.
pub fn explain<T: Plugin>(
    parameters: &str,
    context: &Context,
    batch: &Batch,
    row: u32,
) -> Result<Vec<Step>, Refusal> {
    read::<T>(parameters)?.explain(context, batch, row)
}

fn read<T: Plugin>(parameters: &str) -> Result<T, ParameterError> {
    let document = ParametersDocument::parse(parameters)?;
    T::new(&document.parameters())
}
