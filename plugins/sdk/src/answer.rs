//! The answer for a row: outputs, built from the steps that add up to them.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::{cmp::Ordering, fmt::Display};

use crate::{Context, Decimal, Fraction, Output, Role, Rounding, Step};

/// The answer for a row, as it comes about. An output that no step names is missing.
pub struct Answer<'m> {
    outputs: &'m [Output],
    /// What the steps of each output add up to, exactly.
    sums: Vec<Option<Fraction>>,
    values: Vec<Option<Value>>,
    /// What the steps of each output add up to as they are recorded, which may be with fewer digits.
    recorded: Vec<Decimal>,
    steps: Option<Vec<Step>>,
    error: Option<String>,
    /// Which output is likely to be named next.
    next: usize,
}

#[derive(Clone)]
pub(crate) enum Value {
    Number(Decimal),
    Text(String),
}

// === impl Answer ===

impl<'m> Answer<'m> {
    pub(crate) fn new(outputs: &'m [Output], explaining: bool) -> Self {
        Self {
            outputs,
            sums: vec![None; outputs.len()],
            values: vec![None; outputs.len()],
            recorded: if explaining { vec![Decimal::ZERO; outputs.len()] } else { Vec::new() },
            steps: explaining.then(Vec::new),
            error: None,
            next: 0,
        }
    }

    /// Begins anew, for another row.
    pub(crate) fn clear(&mut self) {
        self.sums.fill(None);
        self.values.fill(None);
        self.error = None;
    }

    /// Adds an amount to an output: a decimal, or a fraction that is not divided yet. The output is the sum of its steps,
    /// divided and rounded once. The note is written only where an explanation is wanted: `format_args!` costs nothing
    /// otherwise.
    pub fn step(
        &mut self,
        output: &str,
        label: impl Display,
        amount: impl Into<Fraction>,
        note: impl Display,
    ) {
        let Some(at) = self.find(output) else { return };
        let amount = amount.into();
        match self.sums[at].map_or(Ok(amount), |sum| sum.plus(amount)) {
            Ok(sum) => self.sums[at] = Some(sum),
            Err(error) => self.fault(error),
        }
        self.record(label, Some(at), amount, note);
    }

    /// Lifts an output to the least that it may be, by a step that says so.
    pub fn at_least(&mut self, output: &str, label: impl Display, least: Decimal, note: impl Display) {
        self.bound(output, label, least, Ordering::Less, note);
    }

    /// Cuts an output to the most that it may be, by a step that says so.
    pub fn at_most(&mut self, output: &str, label: impl Display, most: Decimal, note: impl Display) {
        self.bound(output, label, most, Ordering::Greater, note);
    }

    fn bound(
        &mut self,
        output: &str,
        label: impl Display,
        bound: Decimal,
        beyond: Ordering,
        note: impl Display,
    ) {
        let Some(at) = self.find(output) else { return };
        if self.sums[at].unwrap_or(Fraction::ZERO).compare(bound) != beyond {
            return;
        }
        self.sums[at] = Some(bound.into());
        if self.explaining() {
            match bound.minus(self.recorded[at]) {
                Ok(difference) => self.record(label, Some(at), difference.into(), note),
                Err(error) => self.fault(error),
            }
        }
    }

    /// A figure on the way that is no part of an output.
    pub fn remark(&mut self, label: impl Display, amount: Decimal, note: impl Display) {
        self.record(label, None, amount.into(), note);
    }

    /// Gives a mark.
    pub fn grade(&mut self, output: &str, text: &str) {
        if let Some(at) = self.find(output) {
            self.values[at] = Some(Value::Text(text.to_owned()));
        }
    }

    /// Says that the row cannot be scored, and why; the first reason counts. What else was said of the row is forgotten. In
    /// a [`Scorer`](crate::Scorer) an `Err` does the same; where somebody else's row is at hand, or reading goes on:
    ///
    /// ```
    /// use merit_sdk::{Answer, Decimal, Row};
    ///
    /// fn rate(row: &Row<'_>, answer: &mut Answer<'_>) -> Decimal {
    ///     let rate = row.optional_number("rate").unwrap_or(Decimal::ZERO);
    ///     if rate > Decimal::ONE {
    ///         answer.fault(format!("rate is {rate}; more than all of it cannot be paid"));
    ///     }
    ///     rate
    /// }
    /// ```
    pub fn fault(&mut self, message: String) {
        self.error.get_or_insert(message);
    }

    /// Whether a reason was given why the row cannot be scored.
    #[must_use]
    pub fn is_faulted(&self) -> bool {
        self.error.is_some()
    }

    /// What the steps of an output add up to so far, before it is rounded; nothing where there are none.
    #[must_use]
    pub fn so_far(&self, output: &str) -> Option<Fraction> {
        let at = self.outputs.iter().position(|known| known.name == output)?;
        self.sums[at]
    }

    /// True while an explanation is wanted.
    #[must_use]
    pub fn explaining(&self) -> bool {
        self.steps.is_some()
    }

    fn find(&mut self, output: &str) -> Option<usize> {
        let named = |known: &Output| known.name == output;
        if self.outputs.get(self.next).is_some_and(named) {
            return Some(self.next);
        }
        match self.outputs.iter().position(named) {
            Some(at) => self.next = at,
            None => {
                self.fault(format!("there is no output {output}"));
                return None;
            }
        }
        Some(self.next)
    }

    /// Records a step with as many of its digits as a step can hold.
    fn record(&mut self, label: impl Display, output: Option<usize>, amount: Fraction, note: impl Display) {
        let Some(steps) = &mut self.steps else { return };
        let mut held = match amount.decimal() {
            Ok(amount) => amount.shortest(),
            Err(error) => return self.fault(error),
        };
        while i64::try_from(held.unscaled()).is_err() && held.scale() > 0 {
            held = held.rounded(held.scale() - 1, Rounding::HalfEven).unwrap_or(held).shortest();
        }
        let Ok(unscaled) = i64::try_from(held.unscaled()) else {
            return self.fault(format!("{label}: the amount is too large"));
        };
        let name = output.map(|at| self.outputs[at].name.clone());
        let scale = held.scale();
        steps.push(Step { label: label.to_string(), output: name, unscaled, scale, note: note.to_string() });
        if let Some(at) = output {
            match self.recorded[at].plus(held) {
                Ok(sum) => self.recorded[at] = sum,
                Err(error) => self.fault(error),
            }
        }
    }

    /// Rounds the outputs, each once, with a step that says so where the steps add up to something else.
    pub(crate) fn finish(&mut self, context: &Context) -> Result<(), String> {
        for at in 0..self.outputs.len() {
            let Some(exact) = self.sums[at] else { continue };
            let output = &self.outputs[at];
            let (scale, rounding) = match output.role {
                Role::Payout => (context.currency_scale, context.rounding),
                _ => (output.scale, Rounding::HalfEven),
            };
            let rounded = exact.rounded(scale, rounding)?;
            self.values[at] = Some(Value::Number(rounded));
            if self.explaining() {
                let difference = rounded.minus(self.recorded[at])?;
                if difference != Decimal::ZERO {
                    let note = format_args!("to {scale} decimals");
                    self.record("rounding", Some(at), difference.into(), note);
                }
            }
        }
        self.error.take().map_or(Ok(()), Err)
    }

    /// The outputs, in the manifest's order.
    pub(crate) fn values(&mut self) -> &mut [Option<Value>] {
        &mut self.values
    }

    /// The steps of an explanation.
    pub(crate) fn into_steps(self) -> Vec<Step> {
        self.steps.unwrap_or_default()
    }
}
