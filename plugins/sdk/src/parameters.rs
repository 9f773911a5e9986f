//! Parameters: a JSON object, read with the path of what is wrong.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use crate::{
    Decimal, ParameterError, Problems,
    json::{self, Json, Object},
    nearest::nearest,
    number::{self, NUMBER},
    share::share,
};

/// A parsed JSON object.
pub struct ParametersDocument(Object);

/// An object among the parameters, and the path to it.
pub struct Parameters<'a> {
    path: String,
    object: &'a Object,
}

// === impl ParametersDocument ===

impl ParametersDocument {
    /// Parses a JSON object; an empty text is an empty object.
    ///
    /// # Errors
    /// In words, with line and column.
    pub fn parse(text: &str) -> Result<Self, ParameterError> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        match json::parse(text) {
            Ok(Json::Object(object)) => Ok(Self(object)),
            Ok(other) => {
                let what = format!("the parameters are {}; give an object, like {{}}", other.shown());
                Err(ParameterError::new("", &what))
            }
            Err(error) => Err(ParameterError::new("", &format!("the parameters are not JSON: {error}"))),
        }
    }

    /// Refuses keys that an object has twice: which of their values is meant, nobody knows.
    ///
    /// # Errors
    /// All of them, each with its path.
    pub(crate) fn unambiguous(&self) -> Result<(), ParameterError> {
        let mut problems = Problems::new();
        self.parameters().unambiguous(&mut problems);
        problems.finish()
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
        for key in self.object.members.keys().filter(|key| !known.contains(&key.as_str())) {
            let meant = nearest(key, known).map_or(String::new(), |name| format!("did you mean {name}? "));
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let what = format!("there is no such parameter; {meant}there are {known}");
            problems.read(Err::<(), _>(self.error(key, &what)));
        }
        problems.finish()
    }

    /// Whether the parameter is given.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.object.members.contains_key(key)
    }

    /// An exact decimal: a JSON number, or a text like `"12.5"` or `"5%"`.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn decimal(&self, key: &str) -> Result<Decimal, ParameterError> {
        decimal(self.required(key)?).map_err(|what| self.error(key, &what))
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

    /// A share of a whole that somebody can mean, from 0 to [`LARGEST_SHARE`](crate::LARGEST_SHARE): `"50%"` or 0.5.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn share(&self, key: &str) -> Result<Decimal, ParameterError> {
        share(self.decimal(key)?).map_err(|what| self.error(key, &what))
    }

    /// A share of a whole, if it is given.
    ///
    /// # Errors
    /// When it is something else.
    pub fn optional_share(&self, key: &str) -> Result<Option<Decimal>, ParameterError> {
        if self.has(key) { self.share(key).map(Some) } else { Ok(None) }
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
        match self.object.members.get(key) {
            None => Ok(false),
            Some(Json::Boolean(flag)) => Ok(*flag),
            Some(other) => Err(self.error(key, &instead_of("give true or false", other))),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn text(&self, key: &str) -> Result<&'a str, ParameterError> {
        match self.required(key)? {
            Json::Text(text) if !text.is_empty() => Ok(text),
            other => Err(self.error(key, &instead_of("give a text", other))),
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
            let found = self.required(key).map_or_else(|_| String::new(), Json::shown);
            self.error(key, &format!("is {found}; {meant}give one of {}", choices.join(", ")))
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
        let wanted = "give a name of a-z, 0-9 and _, beginning with a letter, at most 63 long";
        Err(self.error(key, &instead_of(wanted, self.required(key)?)))
    }

    /// An object, as parameters of its own.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn object(&self, key: &str) -> Result<Parameters<'a>, ParameterError> {
        match self.required(key)? {
            Json::Object(object) => Ok(Parameters { path: self.path_of(key), object }),
            other => Err(self.error(key, &instead_of("give an object", other))),
        }
    }

    /// Whether the parameter is an object.
    #[must_use]
    pub fn has_object(&self, key: &str) -> bool {
        matches!(self.object.members.get(key), Some(Json::Object(_)))
    }

    /// A list of objects, with at least one.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn list(&self, key: &str) -> Result<Vec<Parameters<'a>>, ParameterError> {
        let mut problems = Problems::new();
        let object = |(index, item): (usize, &'a Json)| match item {
            Json::Object(object) => Ok(Some(Parameters { path: self.path_of_item(key, index), object })),
            other => Err(self.error_of_item(key, index, &instead_of("give an object", other))),
        };
        let items = self.items(key, "give a list of objects")?.iter().enumerate();
        let objects = items.filter_map(|item| problems.read(object(item))).collect();
        problems.finish()?;
        Ok(objects)
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
        let mut problems = Problems::new();
        let row = |(index, item): (usize, &'a Json)| match item {
            Json::List(items) if !items.is_empty() => self.decimals_at(&self.path_of_item(key, index), items),
            Json::List(_) => Err(self.error_of_item(key, index, "give at least one")),
            other => Err(self.error_of_item(key, index, &instead_of("give a list of numbers", other))),
        };
        let items = self.items(key, "give a list of rows")?.iter().enumerate();
        let rows = items.map(|item| problems.read(row(item))).collect();
        problems.finish()?;
        Ok(rows)
    }

    /// A list of texts, with at least one.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn texts(&self, key: &str) -> Result<Vec<&'a str>, ParameterError> {
        let mut problems = Problems::new();
        let text = |(index, item): (usize, &'a Json)| match item {
            Json::Text(text) if !text.is_empty() => Ok(text.as_str()),
            other => Err(self.error_of_item(key, index, &instead_of("give a text", other))),
        };
        let items = self.items(key, "give a list of texts")?.iter().enumerate();
        let texts = items.map(|item| problems.read(text(item))).collect();
        problems.finish()?;
        Ok(texts)
    }

    /// An object of exact decimals by text, with at least one: `{"North": "5%"}`; in the order of the texts.
    ///
    /// # Errors
    /// When it is missing, empty or something else.
    pub fn decimals_by_text(&self, key: &str) -> Result<Vec<(&'a str, Decimal)>, ParameterError> {
        let by_text = self.object(key)?;
        if by_text.object.members.is_empty() {
            return Err(self.error(key, "give at least one"));
        }
        let mut problems = Problems::new();
        let texts = by_text.object.members.keys();
        let numbers = texts.map(|text| (text.as_str(), problems.read(by_text.decimal(text)))).collect();
        problems.finish()?;
        Ok(numbers)
    }

    /// What is wrong with this parameter.
    #[must_use]
    pub fn error(&self, key: &str, what: &str) -> ParameterError {
        ParameterError::new(&self.path_of(key), what)
    }

    /// Notes the keys that this object or one within it has twice.
    fn unambiguous(&self, problems: &mut Problems) {
        for key in &self.object.twice {
            problems.check(false, || self.error(key, "is given twice; leave one of them out"));
        }
        for (key, value) in &self.object.members {
            self.unambiguous_within(self.path_of(key), value, problems);
        }
    }

    fn unambiguous_within(&self, path: String, value: &'a Json, problems: &mut Problems) {
        match value {
            Json::Object(object) => Parameters { path, object }.unambiguous(problems),
            Json::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.unambiguous_within(format!("{path}[{index}]"), item, problems);
                }
            }
            _ => {}
        }
    }

    fn required(&self, key: &str) -> Result<&'a Json, ParameterError> {
        self.object.members.get(key).ok_or_else(|| self.error(key, "is missing"))
    }

    fn items(&self, key: &str, wanted: &str) -> Result<&'a [Json], ParameterError> {
        match self.required(key)? {
            Json::List(items) if items.is_empty() => Err(self.error(key, "give at least one")),
            Json::List(items) => Ok(items),
            other => Err(self.error(key, &instead_of(wanted, other))),
        }
    }

    fn decimals_at(&self, path: &str, items: &[Json]) -> Result<Vec<Decimal>, ParameterError> {
        let mut problems = Problems::new();
        let one = |(index, item): (usize, &Json)| {
            decimal(item).map_err(|what| ParameterError::new(&format!("{path}[{index}]"), &what))
        };
        let numbers = items.iter().enumerate().map(|item| problems.read(one(item))).collect();
        problems.finish()?;
        Ok(numbers)
    }

    fn error_of_item(&self, key: &str, index: usize, what: &str) -> ParameterError {
        ParameterError::new(&self.path_of_item(key, index), what)
    }

    fn path_of_item(&self, key: &str, index: usize) -> String {
        format!("{}[{index}]", self.path_of(key))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn decimal(value: &Json) -> Result<Decimal, String> {
    match value {
        Json::Number(digits) | Json::Text(digits) => {
            number::read(digits).map_err(|what| format!("is {}; {what}", value.shown()))
        }
        other => Err(instead_of(NUMBER, other)),
    }
}

/// Something else than what is wanted.
fn instead_of(wanted: &str, found: &Json) -> String {
    let leave_out = if matches!(found, Json::Null) { ", or leave it out" } else { "" };
    format!("is {}; {wanted}{leave_out}", found.shown())
}

#[cfg(test)]
mod tests;
