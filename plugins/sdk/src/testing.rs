//! A table of cases for a plugin's own tests: parameters and inputs in, one output out, explained to the last digit.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use crate::{
    Batch, Column, Context, Decimal, Decimals, Kind, Manifest, Outcome, Plugin, Refusal, Rounding, Texts,
    Values, plugin,
};

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
    let answer = answer::<T>(case).unwrap_or_else(|refusal| match refusal {
        Refusal::BadParameters(message) | Refusal::BadBatch(message) => format!("refused: {message}"),
    });
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

fn answer<T: Plugin>(case: &Case<'_>) -> Result<String, Refusal> {
    let manifest = plugin::describe::<T>(case.parameters)?;
    let batch = batch(&manifest, &case.inputs);
    let outcome = plugin::evaluate::<T>(case.parameters, &context(), &batch)?;
    if let Some(fault) = outcome.faults.first() {
        return Ok(format!("fault: {}", fault.message));
    }
    let steps = plugin::explain::<T>(case.parameters, &context(), &batch, 0)?;
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for step in steps {
        if let Some(output) = step.output {
            let amount = Decimal::new(i128::from(step.unscaled), step.scale);
            let sum = sums.entry(output).or_insert(Decimal::ZERO);
            *sum = sum.plus(amount).expect("the sum fits");
        }
    }
    for (output, sum) in sums {
        let value = shown(&outcome, &output);
        assert_eq!(sum.to_string(), value, "the steps of {output} do not add up: {}", case.parameters);
    }
    Ok(shown(&outcome, case.output))
}

fn batch(manifest: &Manifest, inputs: &[(String, String)]) -> Batch {
    let column = |input: &crate::Input| {
        let given = inputs.iter().find(|(name, _)| *name == input.name).map(|(_, value)| value.as_str());
        let values = match input.kind {
            Kind::Number => {
                let number = Decimal::parse(given.unwrap_or("0")).expect("a number");
                let number = number.rounded(input.scale, Rounding::HalfEven).expect("fits");
                let unscaled = i64::try_from(number.unscaled()).expect("fits");
                Values::Decimals(Decimals { scale: input.scale, unscaled: vec![unscaled] })
            }
            Kind::Text => {
                Values::Texts(Texts { dictionary: vec![given.unwrap_or_default().into()], codes: vec![0] })
            }
        };
        let missing = if given.is_none() { vec![0] } else { vec![] };
        Column { name: input.name.clone(), values, missing }
    };
    Batch { rows: 1, columns: manifest.inputs.iter().map(column).collect(), lines: None }
}

fn shown(outcome: &Outcome, output: &str) -> String {
    let Some(column) = outcome.columns.iter().find(|column| column.name == output) else {
        return "no such output".into();
    };
    if !column.missing.is_empty() {
        return "missing".into();
    }
    match &column.values {
        Values::Decimals(decimals) => {
            Decimal::new(i128::from(decimals.unscaled[0]), decimals.scale).to_string()
        }
        Values::Texts(texts) => texts.dictionary[texts.codes[0] as usize].clone(),
    }
}
