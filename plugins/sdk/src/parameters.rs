//! Parameters: a JSON object, read with the path of what is wrong.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Map, Value};

use crate::{Decimal, ParameterError, Problems, nearest::nearest};

const NUMBER: &str = "give a number of at most 12 decimals, like 12.5 or \"5%\"";

/// A parsed JSON object.
pub struct ParametersDocument(Map<String, Value>);

/// An object among the parameters, and the path to it.
pub struct Parameters<'a> {
    path: String,
    object: &'a Map<String, Value>,
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
    /// Names those that are not, the nearest known name to each, and all that are known.
    pub fn only(&self, known: &[&str]) -> Result<(), ParameterError> {
        let mut problems = Problems::new();
        for key in self.object.keys().filter(|key| !known.contains(&key.as_str())) {
            let meant = nearest(key, known).map_or(String::new(), |name| format!("did you mean {name}? "));
            let what = format!("there is no such parameter; {meant}there are {}", known.join(", "));
            problems.read(Err::<(), _>(self.error(key, &what)));
        }
        problems.finish()
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
        decimal(self.required(key)?).ok_or_else(|| self.error(key, NUMBER))
    }

    /// An exact decimal above 0.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn positive(&self, key: &str) -> Result<Decimal, ParameterError> {
        let number = self.decimal(key)?;
        if number > Decimal::ZERO { Ok(number) } else { Err(self.error(key, "has to be above 0")) }
    }

    /// An exact decimal, 0 or above, if it is given.
    ///
    /// # Errors
    /// When it is something else.
    pub fn optional_not_negative(&self, key: &str) -> Result<Option<Decimal>, ParameterError> {
        match self.optional_decimal(key)? {
            Some(number) if number < Decimal::ZERO => Err(self.error(key, "has to be 0 or above")),
            number => Ok(number),
        }
    }

    /// An exact decimal, if it is given.
    ///
    /// # Errors
    /// When it is something else.
    pub fn optional_decimal(&self, key: &str) -> Result<Option<Decimal>, ParameterError> {
        if self.has(key) { self.decimal(key).map(Some) } else { Ok(None) }
    }

    /// True or false; false where it is not given.
    ///
    /// # Errors
    /// When it is something else.
    pub fn flag(&self, key: &str) -> Result<bool, ParameterError> {
        match self.object.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.error(key, "give true or false")),
        }
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
        known.copied().ok_or_else(|| {
            let meant = nearest(text, choices).map_or(String::new(), |name| format!("did you mean {name}? "));
            self.error(key, &format!("{meant}give one of {}", choices.join(", ")))
        })
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

    /// An object, as parameters of its own.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn object(&self, key: &str) -> Result<Parameters<'a>, ParameterError> {
        match self.required(key)? {
            Value::Object(object) => Ok(Parameters { path: self.path_of(key), object }),
            _ => Err(self.error(key, "give an object")),
        }
    }

    /// Whether the parameter is an object.
    #[must_use]
    pub fn has_object(&self, key: &str) -> bool {
        matches!(self.object.get(key), Some(Value::Object(_)))
    }

    /// A list of objects, with at least one.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn list(&self, key: &str) -> Result<Vec<Parameters<'a>>, ParameterError> {
        let object = |(index, item): (usize, &'a Value)| match item {
            Value::Object(object) => Ok(Parameters { path: self.path_of_item(key, index), object }),
            _ => Err(ParameterError::new(&self.path_of_item(key, index), "give an object")),
        };
        self.items(key, "give a list of objects")?.iter().enumerate().map(object).collect()
    }

    /// What `read` makes of each object of a list, which has at least one.
    ///
    /// # Errors
    /// All that is wrong with any of them.
    pub fn each<T>(
        &self,
        key: &str,
        mut read: impl FnMut(&Parameters<'a>) -> Result<T, ParameterError>,
    ) -> Result<Vec<T>, ParameterError> {
        let mut problems = Problems::new();
        let items = self.list(key)?;
        let read = items.iter().filter_map(|item| problems.read(read(item).map(Some))).collect();
        problems.finish()?;
        Ok(read)
    }

    /// A list of exact decimals, with at least one.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn decimals(&self, key: &str) -> Result<Vec<Decimal>, ParameterError> {
        self.decimals_at(&self.path_of(key), self.items(key, "give a list of numbers")?)
    }

    /// A table of exact decimals: a list of rows, each a list with at least one.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn table(&self, key: &str) -> Result<Vec<Vec<Decimal>>, ParameterError> {
        let row = |(index, item): (usize, &'a Value)| match item {
            Value::Array(items) if !items.is_empty() => {
                self.decimals_at(&self.path_of_item(key, index), items)
            }
            _ => Err(ParameterError::new(&self.path_of_item(key, index), "give a list of numbers")),
        };
        self.items(key, "give a list of rows")?.iter().enumerate().map(row).collect()
    }

    /// A list of texts, with at least one.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn texts(&self, key: &str) -> Result<Vec<&'a str>, ParameterError> {
        let text = |(index, item): (usize, &'a Value)| match item {
            Value::String(text) if !text.is_empty() => Ok(text.as_str()),
            _ => Err(ParameterError::new(&self.path_of_item(key, index), "give a text")),
        };
        self.items(key, "give a list of texts")?.iter().enumerate().map(text).collect()
    }

    /// An object of exact decimals by text, with at least one: `{"North": "5%"}`; in the order of the texts.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn decimals_by_text(&self, key: &str) -> Result<Vec<(&'a str, Decimal)>, ParameterError> {
        let by_text = self.object(key)?;
        if by_text.object.is_empty() {
            return Err(self.error(key, "give at least one"));
        }
        by_text.object.keys().map(|text| Ok((text.as_str(), by_text.decimal(text)?))).collect()
    }

    /// What is wrong with this parameter.
    #[must_use]
    pub fn error(&self, key: &str, what: &str) -> ParameterError {
        ParameterError::new(&self.path_of(key), what)
    }

    fn required(&self, key: &str) -> Result<&'a Value, ParameterError> {
        self.object.get(key).ok_or_else(|| self.error(key, "is missing"))
    }

    fn items(&self, key: &str, wanted: &str) -> Result<&'a [Value], ParameterError> {
        match self.required(key)? {
            Value::Array(items) if items.is_empty() => Err(self.error(key, "give at least one")),
            Value::Array(items) => Ok(items),
            _ => Err(self.error(key, wanted)),
        }
    }

    fn decimals_at(&self, path: &str, items: &[Value]) -> Result<Vec<Decimal>, ParameterError> {
        let one = |(index, item): (usize, &Value)| {
            decimal(item).ok_or_else(|| ParameterError::new(&format!("{path}[{index}]"), NUMBER))
        };
        items.iter().enumerate().map(one).collect()
    }

    fn path_of_item(&self, key: &str, index: usize) -> String {
        format!("{}[{index}]", self.path_of(key))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::parse(&number.to_string()),
        Value::String(text) => Decimal::parse(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
