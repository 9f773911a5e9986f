//! The answer for a row: outputs, built from the steps that add up to them.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{Context, Decimal, Manifest, Output, Role, Rounding, Step};

/// The answer for a row, as it comes about. An output that no step names is missing.
pub struct Answer {
    outputs: Vec<Slot>,
    steps: Option<Vec<Step>>,
    error: Option<String>,
}

struct Slot {
    output: Output,
    value: Option<Value>,
}

#[derive(Clone)]
pub(crate) enum Value {
    Number(Decimal),
    Text(String),
}

// === impl Answer ===

impl Answer {
    pub(crate) fn new(manifest: &Manifest, explaining: bool) -> Self {
        let slot = |output: &Output| Slot { output: output.clone(), value: None };
        Self {
            outputs: manifest.outputs.iter().map(slot).collect(),
            steps: explaining.then(Vec::new),
            error: None,
        }
    }

    /// Adds an amount to an output. The output is the sum of its steps, rounded once.
    pub fn step(&mut self, output: &str, label: &str, amount: Decimal, note: &str) {
        let Some(slot) = self.outputs.iter_mut().find(|slot| slot.output.name == output) else {
            self.error.get_or_insert_with(|| format!("there is no output {output}"));
            return;
        };
        let so_far = match &slot.value {
            Some(Value::Number(number)) => *number,
            _ => Decimal::ZERO,
        };
        match so_far.plus(amount) {
            Ok(sum) => slot.value = Some(Value::Number(sum)),
            Err(error) => drop(self.error.get_or_insert(error)),
        }
        self.record(label, Some(output), amount, note);
    }

    /// A figure on the way that is no part of an output.
    pub fn remark(&mut self, label: &str, amount: Decimal, note: &str) {
        self.record(label, None, amount, note);
    }

    /// Gives a mark.
    pub fn grade(&mut self, output: &str, text: &str) {
        match self.outputs.iter_mut().find(|slot| slot.output.name == output) {
            Some(slot) => slot.value = Some(Value::Text(text.to_owned())),
            None => drop(self.error.get_or_insert_with(|| format!("there is no output {output}"))),
        }
    }

    /// True while an explanation is wanted: notes that take time to write need not be written otherwise.
    #[must_use]
    pub fn explaining(&self) -> bool {
        self.steps.is_some()
    }

    fn record(&mut self, label: &str, output: Option<&str>, amount: Decimal, note: &str) {
        let Some(steps) = &mut self.steps else { return };
        match i64::try_from(amount.unscaled()) {
            Ok(unscaled) => steps.push(Step {
                label: label.to_owned(),
                output: output.map(ToOwned::to_owned),
                unscaled,
                scale: amount.scale(),
                note: note.to_owned(),
            }),
            Err(_) => drop(self.error.get_or_insert_with(|| format!("{label}: the amount is too large"))),
        }
    }

    /// Rounds the outputs, each once, with a step that says so where the rounding changed something.
    pub(crate) fn finish(mut self, context: &Context) -> Result<(Vec<Option<Value>>, Vec<Step>), String> {
        for index in 0..self.outputs.len() {
            let slot = &self.outputs[index];
            let Some(Value::Number(exact)) = slot.value else { continue };
            let (scale, rounding) = match slot.output.role {
                Role::Payout => (context.currency_scale, context.rounding),
                _ => (slot.output.scale, Rounding::HalfEven),
            };
            let rounded = exact.rounded(scale, rounding)?;
            self.outputs[index].value = Some(Value::Number(rounded));
            let difference = rounded.minus(exact)?;
            if difference != Decimal::ZERO {
                let output = self.outputs[index].output.name.clone();
                self.record("rounding", Some(&output), difference, &format!("to {scale} decimals"));
            }
        }
        match self.error {
            Some(error) => Err(error),
            None => Ok((
                self.outputs.into_iter().map(|slot| slot.value).collect(),
                self.steps.unwrap_or_default(),
            )),
        }
    }
}

impl core::fmt::Display for Value {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Number(number) => formatter.write_str(&number.to_string()),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}
