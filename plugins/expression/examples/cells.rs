//! Evaluates expressions for `tests/spreadsheet/compare.py`, which holds them against a spreadsheet.
//!
//! In, as JSON: `{"sheets": ["input x1\n…"], "cells": [{"text": "x1 * 2", "inputs": {"x1": "12.5"}}]}`; names that begin with `t`
//! are texts, the others numbers. Out: `refused`, a list with, for each sheet, the lines that are refused because they come to a
//! fault in every row (any other refusal is an error of the script), and `cells`, a list with, for each cell, its `number`,
//! `text` or `boolean`, or its `fault`.

use merit_expression::{Expression, Kind, Problem, Scope, Sheet, Value};
use serde_json::{Map, Value as Json, json};
use std::io::Read;

struct Inputs<'a>(&'a Map<String, Json>);

impl Scope for Inputs<'_> {
    fn kind(&self, name: &str) -> Option<Kind> {
        let kind = if name.starts_with('t') { Kind::Text } else { Kind::Number };
        self.0.contains_key(name).then_some(kind)
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).expect("it can be read");
    let task: Json = serde_json::from_str(&text).expect("JSON");
    let refused: Vec<Json> = task["sheets"].as_array().expect("sheets").iter().map(refused).collect();
    let cells: Vec<Json> = task["cells"].as_array().expect("cells").iter().map(answer).collect();
    println!("{}", json!({ "refused": refused, "cells": cells }));
}

fn refused(sheet: &Json) -> Json {
    let sheet = sheet.as_str().expect("a text");
    let Err(problems) = Sheet::compile(sheet) else { return json!([]) };
    let in_every_row = |problem: &Problem| problem.message.starts_with("this fails in every row: ");
    assert!(problems.iter().all(in_every_row), "{sheet}\n{problems:?}");
    problems.iter().map(|problem| problem.line).collect()
}

fn answer(cell: &Json) -> Json {
    let (text, inputs) =
        (cell["text"].as_str().expect("a text"), cell["inputs"].as_object().expect("inputs"));
    let expression = match Expression::compile(text, &Inputs(inputs)) {
        Ok(expression) => expression,
        Err(problems) => panic!("{text}\n{problems:?}"),
    };
    let value = |name: &String| {
        let text = inputs[name].as_str().expect("a text");
        Some(if name.starts_with('t') { Value::Text(text.into()) } else { number(text) })
    };
    let values: Vec<Option<Value>> = expression.names().iter().map(value).collect();
    match expression.evaluate_row(&values) {
        Ok(Some(Value::Number { unscaled, scale })) => json!({ "number": decimal(unscaled, scale) }),
        Ok(Some(Value::Text(text))) => json!({ "text": &*text }),
        Ok(Some(Value::Boolean(flag))) => json!({ "boolean": flag }),
        Ok(Some(Value::Date(days))) => json!({ "number": days.to_string() }),
        Ok(None) => json!({ "fault": "missing" }),
        Err(fault) => json!({ "fault": fault }),
    }
}

fn number(text: &str) -> Value {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let unscaled = format!("{whole}{fraction}").parse().expect("a number");
    Value::Number { unscaled, scale: fraction.len() as u8 }
}

fn decimal(unscaled: i128, scale: u8) -> String {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    format!("{}{whole}.{fraction}", if unscaled < 0 { "-" } else { "" })
}
