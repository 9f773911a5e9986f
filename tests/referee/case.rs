//! A case: its inputs, and what is expected of the answer.

use std::{cell::RefCell, collections::BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

/// What became of a case.
pub enum Told {
    /// Merit says the same.
    Same,
    /// Why the case does not apply.
    NotApplicable(&'static str),
    /// What is different.
    Different(String),
}

/// A case, and what was looked at of what it expects: nothing may be left out.
pub struct Case {
    case: Value,
    seen: RefCell<BTreeSet<String>>,
}

// === impl Told ===

impl Told {
    /// The first difference, if there is one.
    pub fn all(differences: impl IntoIterator<Item = Result<(), String>>) -> Self {
        differences
            .into_iter()
            .collect::<Result<Vec<()>, String>>()
            .map_or_else(Self::Different, |_| Self::Same)
    }
}

impl From<Result<(), String>> for Told {
    fn from(result: Result<(), String>) -> Self {
        result.map_or_else(Self::Different, |()| Self::Same)
    }
}

// === impl Case ===

impl Case {
    pub fn new(case: Value) -> Self {
        Self { case, seen: RefCell::default() }
    }

    /// What is expected and was not looked at.
    pub fn overlooked(&self) -> Vec<&str> {
        let seen = self.seen.borrow();
        let expected = self.case["expected"].as_object().into_iter().flat_map(|expected| expected.keys());
        expected.filter(|key| !seen.contains(*key)).map(String::as_str).collect()
    }

    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// A text beside the inputs.
    pub fn text(&self, key: &str) -> &str {
        self.case[key].as_str().unwrap_or_default()
    }

    /// An input; null where it is not given.
    pub fn input(&self, key: &str) -> &Value {
        &self.case["inputs"][key]
    }

    /// An input that is a number, as text.
    pub fn number(&self, key: &str) -> String {
        number(self.input(key)).unwrap_or_else(|| panic!("{}: {key} is not a number", self.id()))
    }

    /// An input that is a number, where it is given.
    pub fn optional(&self, key: &str) -> Option<String> {
        number(self.input(key))
    }

    /// An input that is a list.
    pub fn list(&self, key: &str) -> &[Value] {
        self.input(key).as_array().map_or(&[], Vec::as_slice)
    }

    /// An input that is a list of numbers, as texts.
    pub fn numbers(&self, key: &str) -> Vec<String> {
        self.list(key).iter().map(|value| number(value).expect("a number")).collect()
    }

    /// What is expected; null where nothing is.
    pub fn expected(&self, key: &str) -> &Value {
        self.seen.borrow_mut().insert(key.to_owned());
        &self.case["expected"][key]
    }

    /// What is expected besides.
    pub fn also_expected(&self, key: &str) -> &Value {
        &self.case["also_expected"][key]
    }

    /// How many decimals an expected number is rounded to, where the case says so.
    pub fn rounded_to(&self, key: &str) -> Option<u32> {
        self.expected(key).as_u64().map(|digits| digits as u32)
    }

    /// Holds an answer to an expected number, if the case has it; rounded half up to `digits` decimals, if it says so.
    pub fn holds(&self, key: &str, answer: &Option<Decimal>, digits: Option<u32>) -> Result<(), String> {
        let Some(expected) = number(self.expected(key)) else { return Ok(()) };
        same(key, &expected, answer, digits)
    }

    /// Holds a list of answers to an expected list of numbers, if the case has it.
    pub fn holds_all(&self, key: &str, answers: &[Decimal]) -> Result<(), String> {
        let Some(expected) = self.expected(key).as_array() else { return Ok(()) };
        let expected: Vec<Decimal> =
            expected.iter().map(|value| decimal(&number(value).expect("a number"))).collect();
        if expected == answers { Ok(()) } else { Err(format!("{key}: {answers:?} instead of {expected:?}")) }
    }
}

/// Holds an answer to a number.
pub fn same(key: &str, expected: &str, answer: &Option<Decimal>, digits: Option<u32>) -> Result<(), String> {
    let rounded = answer.map(|answer| match digits {
        Some(digits) => answer.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero),
        None => answer,
    });
    if rounded == Some(decimal(expected)) {
        return Ok(());
    }
    Err(format!(
        "{key}: {} instead of {expected}",
        answer.map_or("missing".into(), |answer| answer.to_string())
    ))
}

/// A number that is written as a number or as a text, as text.
pub fn number(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => text.parse::<Decimal>().ok().map(|number| number.to_string()),
        _ => None,
    }
}

/// A number that is known to be one.
pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a number"))
}
