//! Evaluates cells and sheets for `tests/spreadsheet/compare.py`, which holds them against a spreadsheet.
//!
//! In, as JSON: `{"sheets": [{"text": "input x1\n…", "rows": [{"inputs": {"x1": "12.5"}, "lines": [{"l1": "3"}]}]}], "cells":
//! [{"text": "x1 * 2", "kind": "number", "inputs": …, "lines": …}]}`. Names that begin with `t` or `m` are texts, the others numbers;
//! those that begin with `o`, and those of detail lines, are missing where they are empty. Out: `sheets`, for each what is
//! `refused`, by line, or its `outputs`, a list of values by name, all rows at once; and `cells`, for each its `number`, `text` or
//! `boolean`, or why there is none: `fault` or `refused`.

use merit_expression::{
    Column, Expression, Kind, Scope, Sheet, SheetContext, SheetInput, SheetLines, SheetOutcome, Unscaled,
    Value, Values,
};
use serde_json::{Map, Value as Json, json};
use std::{io::Read, sync::Arc};

const CONTEXT: SheetContext = SheetContext { currency_scale: 2, half_even: false };

struct Inputs<'a>(&'a Map<String, Json>);

impl Scope for Inputs<'_> {
    fn kind(&self, name: &str) -> Option<Kind> {
        self.0.contains_key(name).then(|| kind(name))
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

fn kind(name: &str) -> Kind {
    if name.starts_with(['t', 'm']) { Kind::Text } else { Kind::Number }
}

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).expect("it can be read");
    let task: Json = serde_json::from_str(&text).expect("JSON");
    let sheets: Vec<Json> = list(&task["sheets"]).iter().map(sheet).collect();
    let cells: Vec<Json> = list(&task["cells"]).iter().map(cell).collect();
    println!("{}", json!({ "sheets": sheets, "cells": cells }));
}

fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

fn sheet(sheet: &Json) -> Json {
    let text = sheet["text"].as_str().expect("a text");
    let compiled = match Sheet::compile(text) {
        Ok(compiled) => compiled,
        Err(problems) => {
            let told = problems.iter().map(|problem| json!([problem.line, problem.message]));
            return json!({ "refused": told.collect::<Vec<_>>() });
        }
    };
    let outcome = evaluated(&compiled, list(&sheet["rows"]));
    assert!(outcome.faults.is_empty(), "{text}\n{:?}", outcome.faults);
    let outputs = compiled.outputs().iter().zip(&outcome.columns).map(|(output, column)| {
        let values = (0..column.rows()).map(|row| column.value(row).map_or(json!({}), told));
        (output.name.clone(), values.collect())
    });
    json!({ "outputs": outputs.collect::<Map<_, _>>() })
}

/// A sheet over rows, each with its inputs and its detail lines.
fn evaluated(sheet: &Sheet, rows: &[Json]) -> SheetOutcome {
    let inputs: Vec<&Map<String, Json>> = rows.iter().map(|row| fields(&row["inputs"])).collect();
    let lines = || rows.iter().map(|row| list(&row["lines"]));
    let details: Vec<&Map<String, Json>> = lines().flatten().map(fields).collect();
    let row_ends = lines().scan(0, |end, lines| {
        *end += lines.len() as u32;
        Some(*end)
    });
    let columns = |wanted: &[SheetInput], of: &[&Map<String, Json>]| -> Vec<Column> {
        wanted.iter().map(|input| column(&input.name, of)).collect()
    };
    let (row_ends, line_columns) = (row_ends.collect::<Vec<_>>(), columns(sheet.line_inputs(), &details));
    let lines = SheetLines { row_ends: &row_ends, columns: &line_columns };
    sheet.evaluate(&CONTEXT, rows.len(), &columns(sheet.inputs(), &inputs), Some(lines))
}

fn fields(json: &Json) -> &Map<String, Json> {
    json.as_object().expect("fields")
}

fn column(name: &str, rows: &[&Map<String, Json>]) -> Column {
    let values: Vec<Option<Value>> = rows.iter().map(|row| value(name, row)).collect();
    let values_or = |zero: Value| values.iter().map(move |value| value.clone().unwrap_or(zero.clone()));
    let missing = values.iter().map(Option::is_none).collect();
    let data = match kind(name) {
        Kind::Text => {
            let texts = values_or(Value::Text("".into()));
            let texts = texts.map(|value| if let Value::Text(text) = value { text } else { "".into() });
            let dictionary: Vec<Arc<str>> = texts.collect();
            let codes = Arc::new((0..dictionary.len() as u32).collect());
            Values::Text { dictionary: Arc::new(dictionary), codes }
        }
        _ => {
            let numbers: Vec<(i128, u8)> =
                values_or(Value::Number { unscaled: 0, scale: 0 })
                    .map(|value| {
                        if let Value::Number { unscaled, scale } = value { (unscaled, scale) } else { (0, 0) }
                    })
                    .collect();
            let scale = numbers.iter().map(|(_, scale)| *scale).max().unwrap_or(6).max(6);
            let digits =
                numbers.iter().map(|(unscaled, from)| unscaled * 10_i128.pow(u32::from(scale - from)));
            let digits: Vec<i128> = digits.collect();
            let narrow: Option<Vec<i64>> = digits.iter().map(|digits| i64::try_from(*digits).ok()).collect();
            let unscaled = match narrow {
                Some(narrow) => Unscaled::Narrow(Arc::new(narrow)),
                None => Unscaled::Wide(Arc::new(digits)),
            };
            Values::Number { scale, unscaled }
        }
    };
    Column { values: data, missing: Some(Arc::new(missing)) }
}

/// An input, in the decimals that a sheet has, or more.
fn value(name: &str, row: &Map<String, Json>) -> Option<Value> {
    let text = row[name].as_str().expect("a text");
    match kind(name) {
        _ if text.is_empty() && !name.starts_with('t') => None,
        Kind::Text => Some(Value::Text(text.into())),
        _ => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let unscaled = format!("{whole}{fraction:0<6}").parse().expect("a number");
            Some(Value::Number { unscaled, scale: fraction.len().max(6) as u8 })
        }
    }
}

fn told(value: Value) -> Json {
    match value {
        Value::Number { unscaled, scale } => json!({ "number": decimal(unscaled, scale) }),
        Value::Text(text) => json!({ "text": &*text }),
        Value::Boolean(flag) => json!({ "boolean": flag }),
        Value::Date(days) => json!({ "number": days.to_string() }),
    }
}

fn cell(cell: &Json) -> Json {
    let (text, inputs) = (cell["text"].as_str().expect("a text"), fields(&cell["inputs"]));
    if text.contains("LINES_") {
        return over_lines(cell, text, inputs);
    }
    let expression = match Expression::compile(text, &Inputs(inputs)) {
        Ok(expression) => expression,
        Err(problems) => return json!({ "refused": problems[0].message }),
    };
    let values: Vec<Option<Value>> = expression.names().iter().map(|name| value(name, inputs)).collect();
    match expression.evaluate_row(&values) {
        Ok(Some(value)) => told(value),
        Ok(None) => json!({ "fault": "missing" }),
        Err(fault) => json!({ "fault": fault }),
    }
}

/// A cell that only a sheet can have. A grade has all digits of a number, as a text.
fn over_lines(cell: &Json, text: &str, inputs: &Map<String, Json>) -> Json {
    let declared = inputs.keys().map(|name| match (name.chars().next(), kind(name)) {
        (Some('o'), _) => format!("input {name} optional\n"),
        (_, Kind::Text) => format!("input {name} text\n"),
        _ => format!("input {name}\n"),
    });
    let declared: String = declared.collect();
    let lines = "input lines l1\ninput lines l2\ninput lines m1 text\n";
    let sheet = match Sheet::compile(&format!("{declared}{lines}grade answer = ({text}) & \"\"")) {
        Ok(sheet) => sheet,
        Err(problems) => return json!({ "refused": problems[0].message }),
    };
    let outcome = evaluated(&sheet, std::slice::from_ref(cell));
    if let Some(fault) = outcome.faults.first() {
        return json!({ "fault": fault.message });
    }
    match (outcome.columns[0].value(0), cell["kind"].as_str()) {
        (Some(Value::Text(text)), Some("number")) => json!({ "number": &*text }),
        (Some(Value::Text(text)), Some("boolean")) => json!({ "boolean": &*text == "TRUE" }),
        (Some(Value::Text(text)), _) => json!({ "text": &*text }),
        _ => json!({ "fault": "missing" }),
    }
}

fn decimal(unscaled: i128, scale: u8) -> String {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    format!("{}{whole}.{fraction}", if unscaled < 0 { "-" } else { "" })
}
