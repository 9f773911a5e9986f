//! Rows as requests and authors write them, by the names of their inputs and as texts: made a batch, and outputs made texts.

use std::collections::BTreeMap;

use super::{
    column::{Texts, count_u32},
    dataset,
    made::digits_of,
};
use crate::{
    model::{decimal::decimal_text, rejection::Rejection},
    proto::v1,
    sandbox::{self, Batch, Kind, Role},
};

/// The batch of rows that are written as texts.
pub fn batch(manifest: &sandbox::Manifest, rows: &[&v1::PluginRow]) -> Result<Batch, Rejection> {
    let given: Vec<&BTreeMap<String, String>> = rows.iter().map(|row| &row.inputs).collect();
    let columns = manifest.inputs.iter().map(|input| column(input, &given)).collect::<Result<_, _>>()?;
    let lines = if manifest.line_inputs.is_empty() {
        None
    } else {
        let mut given: Vec<&BTreeMap<String, String>> = Vec::new();
        let mut row_ends = Vec::new();
        for row in rows {
            given.extend(row.lines.iter().map(|line| &line.inputs));
            row_ends.push(count_u32(given.len()));
        }
        let columns = manifest.line_inputs.iter().map(|input| column(input, &given));
        Some(sandbox::Lines { row_ends, columns: columns.collect::<Result<_, _>>()? })
    };
    Ok(Batch { rows: count_u32(rows.len()), columns, lines })
}

/// Checks the values of a row; answers what a required input that is missing makes of it.
pub fn check_row(
    manifest: &sandbox::Manifest,
    place: usize,
    row: &v1::PluginRow,
) -> Result<Option<String>, Rejection> {
    check_values(&manifest.inputs, &format!("rows[{place}].inputs"), &row.inputs)?;
    let mut lacking = manifest
        .inputs
        .iter()
        .find(|input| input.required && !row.inputs.contains_key(&input.name))
        .map(|input| format!("the required input {} is missing", input.name));
    for (line_place, line) in row.lines.iter().enumerate() {
        let path = format!("rows[{place}].lines[{line_place}].inputs");
        check_values(&manifest.line_inputs, &path, &line.inputs)?;
        let missing = manifest
            .line_inputs
            .iter()
            .find(|input| input.required && !line.inputs.contains_key(&input.name));
        if let (None, Some(input)) = (&lacking, missing) {
            lacking = Some(format!("the required line input {} is missing in line {line_place}", input.name));
        }
    }
    Ok(lacking)
}

fn check_values(
    inputs: &[sandbox::Input],
    path: &str,
    values: &BTreeMap<String, String>,
) -> Result<(), Rejection> {
    for (name, value) in values {
        let path = format!("{path}[{name:?}]");
        let Some(input) = inputs.iter().find(|input| input.name == *name) else {
            let known: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!("the plugin has no such input; it has {known}");
            return Err(Rejection::field(path, message));
        };
        if input.kind == Kind::Number {
            digits_of(value, input.scale).map_err(|what| Rejection::field(path, what))?;
        }
    }
    Ok(())
}

fn column(input: &sandbox::Input, rows: &[&BTreeMap<String, String>]) -> Result<sandbox::Column, Rejection> {
    let values = rows.iter().map(|row| row.get(&input.name));
    let places = values.clone().enumerate().filter(|(_, value)| value.is_none());
    let missing = places.map(|(place, _)| count_u32(place)).collect();
    let values = match input.kind {
        Kind::Number => {
            let digits = values.map(|value| value.map_or(Ok(0), |text| digits_of(text, input.scale)));
            let unscaled =
                digits.collect::<Result<_, _>>().map_err(|what| Rejection::field(&*input.name, what))?;
            sandbox::Values::Decimals(sandbox::Decimals { scale: input.scale, unscaled })
        }
        Kind::Text => {
            let texts: Texts = values.map(|value| value.map_or("", |text| text)).collect();
            let dictionary = texts.dictionary.iter().map(ToString::to_string).collect();
            sandbox::Values::Texts(sandbox::Texts { dictionary, codes: texts.codes })
        }
    };
    Ok(sandbox::Column { name: input.name.clone(), values, missing })
}

pub fn output_value(output: &sandbox::Output, column: &sandbox::Column, place: usize) -> v1::Value {
    use v1::value::Value;
    let missing = column.missing.binary_search(&count_u32(place)).is_ok();
    let trim = output.role != Role::Payout;
    let value = match &column.values {
        _ if missing => None,
        sandbox::Values::Decimals(decimals) => {
            Some(Value::Number(decimal_text(i128::from(decimals.unscaled[place]), decimals.scale, trim)))
        }
        sandbox::Values::Texts(texts) => {
            texts.dictionary.get(texts.codes[place] as usize).cloned().map(Value::Text)
        }
    };
    let role = dataset::Role::from(output.role).message().into();
    v1::Value { step: String::new(), name: output.name.clone(), role, value }
}

/// Bytes that an output of a row takes in an answer, roughly.
#[must_use]
pub fn output_bytes(output: &sandbox::Output, column: &sandbox::Column, place: usize) -> usize {
    /// What a number takes, and what goes around a value.
    const VALUE: usize = 32;
    let text = match &column.values {
        sandbox::Values::Decimals(_) => 0,
        sandbox::Values::Texts(texts) => {
            texts.dictionary.get(texts.codes[place] as usize).map_or(0, String::len)
        }
    };
    VALUE + output.name.len() + text
}
