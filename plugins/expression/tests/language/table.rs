//! The names that the tables use, one row of values for them, and how results are written.

use merit_expression::{Column, Expression, Kind, Scope, Unscaled, Values};
use std::sync::Arc;

/// Names of every kind, some of them without a value.
pub struct Names;

const NAMES: [(&str, Kind, &str); 16] = [
    ("revenue", Kind::Number, "120000.50"),
    ("quota", Kind::Number, "100000"),
    ("zero", Kind::Number, "0"),
    ("huge", Kind::Number, "99999999999999999999999999999999999999"),
    ("no_number", Kind::Number, ""),
    ("stage", Kind::Text, "WON"),
    ("labels.region", Kind::Text, "North"),
    ("grade", Kind::Text, "TOP"),
    ("owner", Kind::Text, "people/a"),
    ("no_text", Kind::Text, ""),
    ("close_date", Kind::Date, "2026-03-31"),
    ("open_date", Kind::Date, "2026-01-15"),
    ("no_date", Kind::Date, ""),
    ("active", Kind::Boolean, "TRUE"),
    ("lost", Kind::Boolean, "FALSE"),
    ("no_flag", Kind::Boolean, ""),
];

impl Scope for Names {
    fn kind(&self, name: &str) -> Option<Kind> {
        NAMES.iter().find(|(known, ..)| *known == name).map(|(_, kind, _)| *kind)
    }

    fn names(&self) -> Vec<String> {
        NAMES.iter().map(|(name, ..)| String::from(*name)).collect()
    }

    fn values(&self, name: &str) -> Option<Vec<String>> {
        (name == "grade").then(|| ["TOP", "FAIR", "POOR"].map(String::from).to_vec())
    }

    fn form(&self, name: &str, text: &str) -> Option<String> {
        (name == "owner" && !text.starts_with("people/")).then(|| String::from("a name such as people/{id}"))
    }
}

fn days(text: &str) -> i32 {
    let date = Expression::compile(&format!("DAYS(\"{text}\", \"1970-01-01\")"), &Names).unwrap();
    show(&date.evaluate(1, &[]).column, 0).parse().unwrap()
}

/// A number column from decimal texts of one scale.
pub fn numbers(texts: &[&str]) -> Column {
    let scale = texts
        .iter()
        .map(|text| text.split_once('.').map_or(0, |(_, digits)| digits.len()))
        .max()
        .unwrap_or(0);
    let unscaled = texts.iter().map(|text| {
        let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
        format!("0{digits:0<scale$}").parse::<i128>().map_or(0, |fraction| {
            let whole_value: i128 = whole.parse().unwrap_or(0) * 10i128.pow(scale as u32);
            if whole.starts_with('-') { whole_value - fraction } else { whole_value + fraction }
        })
    });
    let values =
        Values::Number { scale: scale as u8, unscaled: Unscaled::Wide(Arc::new(unscaled.collect())) };
    let missing = texts.iter().map(|text| text.is_empty()).collect();
    Column { values, missing: Some(Arc::new(missing)) }
}

/// The column of one of the names, of one row.
fn column(name: &str) -> Column {
    let (_, kind, text) = NAMES.iter().find(|(known, ..)| *known == name).unwrap();
    let missing = text.is_empty();
    let values = match kind {
        Kind::Number => return numbers(&[text]),
        Kind::Text => Values::Text { dictionary: Arc::new(vec![Arc::from(*text)]), codes: Arc::new(vec![0]) },
        Kind::Boolean => Values::Boolean(Arc::new(vec![*text == "TRUE"])),
        Kind::Date => Values::Date(Arc::new(vec![if missing { 0 } else { days(text) }])),
    };
    Column { values, missing: missing.then(|| Arc::new(vec![true])) }
}

/// One value as text: a number without zeros at its end, `missing` where there is none.
pub fn show(column: &Column, row: usize) -> String {
    if column.missing.as_ref().is_some_and(|missing| missing[row]) {
        return String::from("missing");
    }
    match &column.values {
        Values::Number { scale, unscaled } => {
            let value = match unscaled {
                Unscaled::Narrow(values) => i128::from(values[row]),
                Unscaled::Wide(values) => values[row],
            };
            decimal(value, *scale)
        }
        Values::Text { dictionary, codes } => format!("\"{}\"", dictionary[codes[row] as usize]),
        Values::Boolean(flags) => String::from(if flags[row] { "TRUE" } else { "FALSE" }),
        Values::Date(days) => {
            let parts = ["YEAR", "MONTH", "DAY"].map(|part| {
                let text = format!("{part}(\"1970-01-01\" + 0)");
                let text = text.replace("\"1970-01-01\" + 0", &format!("DATE(1970, 1, 1) + {}", days[row]));
                let part = Expression::compile(&text, &Names).unwrap().evaluate(1, &[]);
                show(&part.column, 0).parse::<u32>().unwrap()
            });
            format!("{:04}-{:02}-{:02}", parts[0], parts[1], parts[2])
        }
    }
}

/// A decimal in plain digits, without zeros at its end.
pub fn decimal(value: i128, scale: u8) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let text = format!("{}{whole}.{fraction}", if value < 0 { "-" } else { "" });
    String::from(text.trim_end_matches('0').trim_end_matches('.'))
}

/// What the text gives for the one row of the names: a value, `missing`, or `fault: …`.
pub fn result(text: &str) -> String {
    let expression = match Expression::compile(text, &Names) {
        Ok(expression) => expression,
        Err(problems) => return format!("{problems:?}"),
    };
    let columns: Vec<Column> = expression.names().iter().map(|name| column(name)).collect();
    let columns: Vec<&Column> = columns.iter().collect();
    let evaluated = expression.evaluate(1, &columns);
    match evaluated.faults.first() {
        Some(fault) => {
            assert_eq!(show(&evaluated.column, 0), "missing", "a faulted row is missing: {text}");
            format!("fault: {}", fault.message)
        }
        None => show(&evaluated.column, 0),
    }
}

/// Holds a text against what it must give.
#[track_caller]
pub fn check(text: &str, expected: &str) {
    assert_eq!(result(text), expected, "{text}");
}

/// The problems of a text, one `line:column+length message` each.
pub fn problems(text: &str) -> Vec<String> {
    match Expression::compile(text, &Names) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .iter()
            .map(|problem| {
                format!("{}:{}+{} {}", problem.line, problem.column, problem.length, problem.message)
            })
            .collect(),
    }
}
