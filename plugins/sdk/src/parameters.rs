//! Parameters: a JSON object, read with the path of what is wrong.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Map, Value};

use crate::{Decimal, Refusal};

/// A parameter that is missing or wrong: the path to it, and what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterError(String);

/// A parsed JSON object.
pub struct ParametersDocument(Map<String, Value>);

/// An object among the parameters, and the path to it.
pub struct Parameters<'a> {
    path: String,
    object: &'a Map<String, Value>,
}

// === impl ParameterError ===

impl ParameterError {
    /// What is wrong at this path.
    #[must_use]
    pub fn new(path: &str, what: &str) -> Self {
        Self(if path.is_empty() { what.to_owned() } else { format!("{path}: {what}") })
    }
}

impl From<ParameterError> for Refusal {
    fn from(error: ParameterError) -> Self {
        Self::BadParameters(error.0)
    }
}

// === impl ParametersDocument ===

impl ParametersDocument {
    /// Parses a JSON object; an empty text is an empty object.
    ///
    /// # Errors
    /// In words, with line and column.
    pub fn parse(text: &str) -> Result<Self, ParameterError> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(_) => Err(ParameterError::new("", "the parameters have to be a JSON object")),
            Err(error) => Err(ParameterError::new("", &format!("the parameters are not JSON: {error}"))),
        }
    }

    /// The object.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'_> {
        Parameters { path: String::new(), object: &self.0 }
    }
}

// === impl Parameters ===

impl<'a> Parameters<'a> {
    /// Refuses every parameter that is not one of these.
    ///
    /// # Errors
    /// Names the first one, and those that are known.
    pub fn only(&self, known: &[&str]) -> Result<(), ParameterError> {
        match self.object.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                Err(self.error(key, &format!("there is no such parameter; there are {}", known.join(", "))))
            }
        }
    }

    /// Whether the parameter is given.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.object.contains_key(key)
    }

    /// An exact decimal: a JSON number, or a text like `"12.5"` or `"5%"`.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn decimal(&self, key: &str) -> Result<Decimal, ParameterError> {
        let text = match self.required(key)? {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => String::new(),
        };
        Decimal::parse(&text)
            .ok_or_else(|| self.error(key, "give a number of at most 12 decimals, like 12.5 or \"5%\""))
    }

    /// An exact decimal, if it is given.
    ///
    /// # Errors
    /// When it is something else.
    pub fn optional_decimal(&self, key: &str) -> Result<Option<Decimal>, ParameterError> {
        if self.has(key) { self.decimal(key).map(Some) } else { Ok(None) }
    }

    /// A text.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn text(&self, key: &str) -> Result<&'a str, ParameterError> {
        match self.required(key)? {
            Value::String(text) if !text.is_empty() => Ok(text),
            _ => Err(self.error(key, "give a text")),
        }
    }

    /// One of several texts; the first where the parameter is not given.
    ///
    /// # Errors
    /// When it is something else.
    pub fn choice(&self, key: &str, choices: &[&'a str]) -> Result<&'a str, ParameterError> {
        if !self.has(key) {
            return choices.first().copied().ok_or_else(|| self.error(key, "there is nothing to choose"));
        }
        let text = self.text(key)?;
        let known = choices.iter().find(|&&choice| choice == text);
        known.copied().ok_or_else(|| self.error(key, &format!("give one of {}", choices.join(", "))))
    }

    /// The name of an input or output: `[a-z][a-z0-9_]{0,62}`.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn name(&self, key: &str) -> Result<&'a str, ParameterError> {
        let text = self.text(key)?;
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if text.len() <= 63 && text.as_bytes()[0].is_ascii_lowercase() && text.bytes().all(inner) {
            return Ok(text);
        }
        Err(self.error(key, "give a name of a-z, 0-9 and _, beginning with a letter, at most 63 long"))
    }

    /// A list of objects, with at least one.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn list(&self, key: &str) -> Result<Vec<Parameters<'a>>, ParameterError> {
        let Value::Array(items) = self.required(key)? else {
            return Err(self.error(key, "give a list of objects"));
        };
        if items.is_empty() {
            return Err(self.error(key, "give at least one"));
        }
        let object = |(index, item): (usize, &'a Value)| match item {
            Value::Object(object) => {
                Ok(Parameters { path: format!("{}[{index}]", self.path_of(key)), object })
            }
            _ => Err(ParameterError::new(&format!("{}[{index}]", self.path_of(key)), "give an object")),
        };
        items.iter().enumerate().map(object).collect()
    }

    /// What is wrong with this parameter.
    #[must_use]
    pub fn error(&self, key: &str, what: &str) -> ParameterError {
        ParameterError::new(&self.path_of(key), what)
    }

    fn required(&self, key: &str) -> Result<&'a Value, ParameterError> {
        self.object.get(key).ok_or_else(|| self.error(key, "is missing"))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: core::fmt::Debug>(
        json: &str,
        read: impl FnOnce(&Parameters<'_>) -> Result<T, ParameterError>,
        expected: &str,
    ) {
        let answer =
            ParametersDocument::parse(json).and_then(|document| read(&document.parameters()).map(|_| ()));
        assert_eq!(answer.map_or_else(|error| error.0, |()| "ok".to_owned()), expected, "{json}");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        check(r#"{"rate": 0.05}"#, |p| p.decimal("rate"), "ok");
        check(r#"{"rate": "5%"}"#, |p| p.decimal("rate"), "ok");
        check(
            r#"{"rate": "five"}"#,
            |p| p.decimal("rate"),
            "rate: give a number of at most 12 decimals, like 12.5 or \"5%\"",
        );
        check("{}", |p| p.decimal("rate"), "rate: is missing");
        check("[]", |p| p.decimal("rate"), "the parameters have to be a JSON object");
        check(r#"{"tiers": []}"#, |p| p.list("tiers").map(|_| ()), "tiers: give at least one");
        check(
            r#"{"tiers": [{"from": 0}]}"#,
            |p| p.list("tiers")?[0].decimal("rate"),
            "tiers[0].rate: is missing",
        );
        check(r#"{"rates": 1}"#, |p| p.only(&["rate"]), "rates: there is no such parameter; there are rate");
        check(
            r#"{"name": "Won"}"#,
            |p| p.name("name").map(|_| ()),
            "name: give a name of a-z, 0-9 and _, beginning with a letter, at most 63 long",
        );
        check(
            r#"{"mode": "b"}"#,
            |p| p.choice("mode", &["graduated", "volume"]).map(|_| ()),
            "mode: give one of graduated, volume",
        );
    }
}
