//! What is wrong with parameters: all of it, each with its path.

use alloc::{borrow::ToOwned, format, string::String, vec, vec::Vec};

use crate::Refusal;

/// Parameters that are missing or wrong: for each the path to it, and what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterError(Vec<String>);

/// Reads on after something is wrong, so that everything that is wrong is told at once.
///
/// ```
/// # use merit_sdk::{Decimal, ParameterError, Parameters, Problems};
/// fn rate_and_cap(parameters: &Parameters<'_>) -> Result<(Decimal, Option<Decimal>), ParameterError> {
///     let mut problems = Problems::new();
///     problems.read(parameters.only(&["rate", "cap"]));
///     let rate = problems.read(parameters.decimal("rate"));
///     let cap = problems.read(parameters.optional_decimal("cap"));
///     problems.finish()?;
///     Ok((rate, cap))
/// }
/// ```
#[derive(Default)]
pub struct Problems(Vec<String>);

// === impl ParameterError ===

impl ParameterError {
    /// What is wrong at this path.
    #[must_use]
    pub fn new(path: &str, what: &str) -> Self {
        Self(vec![if path.is_empty() { what.to_owned() } else { format!("{path}: {what}") }])
    }

    /// A line for each thing that is wrong.
    #[must_use]
    pub fn message(&self) -> String {
        self.0.join("\n")
    }
}

impl From<ParameterError> for Refusal {
    fn from(error: ParameterError) -> Self {
        Self::BadParameters(error.message())
    }
}

// === impl Problems ===

impl Problems {
    /// None so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was read; where that is wrong, notes it and stands in with a default, which [`finish`](Self::finish) keeps from
    /// being used.
    pub fn read<T: Default>(&mut self, read: Result<T, ParameterError>) -> T {
        read.unwrap_or_else(|error| {
            self.0.extend(error.0);
            T::default()
        })
    }

    /// Notes that something is wrong, if it is.
    pub fn check(&mut self, right: bool, error: impl FnOnce() -> ParameterError) {
        if !right {
            self.0.extend(error().0);
        }
    }

    /// True where nothing is wrong so far.
    #[must_use]
    pub fn none(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing, where nothing was wrong.
    ///
    /// # Errors
    /// Everything that was.
    pub fn finish(self) -> Result<(), ParameterError> {
        if self.0.is_empty() { Ok(()) } else { Err(ParameterError(self.0)) }
    }
}
