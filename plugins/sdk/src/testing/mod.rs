//! Tables of cases for a plugin's own tests, explained to the last digit; and the worked examples of its manual page.

mod manual;
mod sample;

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use crate::{Context, Decimal, Outcome, Plugin, Refusal, Rounding, Step, Values, plugin};

pub use manual::check_manual;
pub use sample::{Cells, Sample};

/// A case: one row.
pub struct Case<'a> {
    /// The parameters, a JSON object.
    pub parameters: &'a str,
    /// The inputs by name; what is absent is missing.
    pub inputs: Vec<(String, String)>,
    /// The output that is looked at.
    pub output: &'a str,
    /// Its value; `missing`; `fault: ` and the message; or `refused: ` and the message.
    pub expected: &'a str,
}

/// Scores the case in a quarter, in euros, rounding half up; and holds the explanation to the answer.
///
/// # Panics
/// When the answer is another, or its explanation does not add up to it.
pub fn check<T: Plugin>(case: &Case<'_>) {
    let sample = Sample { rows: vec![case.inputs.clone()], lines: Vec::new() };
    let answer = match score::<T>(case.parameters, &sample) {
        Ok(scored) => scored.value(case.output, 0),
        Err(refused) => refused,
    };
    assert_eq!(answer, case.expected, "{} {:?}", case.parameters, case.inputs);
}

/// The context that cases are scored in.
#[must_use]
pub fn context() -> Context {
    Context {
        period_start: "2026-01-01".into(),
        period_end: "2026-04-01".into(),
        currency: "EUR".into(),
        currency_scale: 2,
        rounding: Rounding::HalfUp,
    }
}

/// What became of a sample.
pub struct Scored {
    outcome: Outcome,
    /// The steps of each row; none for one that is faulted.
    steps: Vec<Vec<Step>>,
}

/// Scores a sample as [`check`] does; explains every row, and holds each explanation to the answer.
///
/// # Errors
/// `refused: ` and the message, where the plugin refuses the parameters or the batch.
///
/// # Panics
/// When an explanation does not add up to the answer.
pub fn score<T: Plugin>(parameters: &str, sample: &Sample) -> Result<Scored, String> {
    let refused = |refusal: Refusal| match refusal {
        Refusal::BadParameters(message) | Refusal::BadBatch(message) => format!("refused: {message}"),
    };
    let manifest = plugin::describe::<T>(parameters).map_err(refused)?;
    let batch = sample.batch(&manifest);
    let outcome = plugin::evaluate::<T>(parameters, &context(), &batch).map_err(refused)?;
    let mut scored = Scored { outcome, steps: Vec::new() };
    for row in 0..batch.rows {
        if scored.outcome.faults.iter().any(|fault| fault.row == row) {
            scored.steps.push(Vec::new());
            continue;
        }
        let steps = plugin::explain::<T>(parameters, &context(), &batch, row).map_err(refused)?;
        scored.hold(row as usize, &steps, parameters);
        scored.steps.push(steps);
    }
    Ok(scored)
}

// === impl Scored ===

impl Scored {
    /// An output of a row: its value; `missing`; or `fault: ` and the message.
    #[must_use]
    pub fn value(&self, output: &str, row: usize) -> String {
        if let Some(fault) = self.outcome.faults.iter().find(|fault| fault.row as usize == row) {
            return format!("fault: {}", fault.message);
        }
        let Some(column) = self.outcome.columns.iter().find(|column| column.name == output) else {
            return format!("there is no output {output}");
        };
        if column.missing.contains(&(row as u32)) {
            return "missing".into();
        }
        match &column.values {
            Values::Decimals(decimals) => {
                Decimal::new(i128::from(decimals.unscaled[row]), decimals.scale).to_string()
            }
            Values::Texts(texts) => texts.dictionary[texts.codes[row] as usize].clone(),
        }
    }

    /// The steps of a row that make up an output: label, amount and note.
    #[must_use]
    pub fn steps(&self, output: &str, row: usize) -> Vec<[String; 3]> {
        let amount = |step: &Step| Decimal::new(i128::from(step.unscaled), step.scale).to_string();
        let named = self.steps[row].iter().filter(|step| step.output.as_deref() == Some(output));
        named.map(|step| [step.label.clone(), amount(step), step.note.clone()]).collect()
    }

    /// Holds the steps of a row to its outputs.
    fn hold(&self, row: usize, steps: &[Step], parameters: &str) {
        let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
        for step in steps {
            if let Some(output) = &step.output {
                let sum = sums.entry(output).or_insert(Decimal::ZERO);
                *sum = sum.plus(Decimal::new(i128::from(step.unscaled), step.scale)).expect("the sum fits");
            }
        }
        for (output, sum) in sums {
            let value = self.value(output, row);
            assert_eq!(sum.to_string(), value, "the steps of {output} do not add up: {parameters}");
        }
    }
}
