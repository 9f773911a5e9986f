//! Bytes that are no message of the contract: where that shows, and what is wrong there.

use super::path::Path;
use crate::model::wire::{Walk, Wire};

/// Bytes that are no message of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The field at which that shows; empty where it is the message itself.
    pub(crate) path: String,
    pub(crate) what: &'static str,
}

/// What is said of bytes that end within a field, or begin none.
pub(crate) const NO_MESSAGE: &str = "the bytes are no protobuf message";

/// What is said of a field that is written as another kind.
pub(crate) const OTHER_KIND: &str = "is not on the wire as a value of its kind";

/// The key and the value of an entry of a map from text to text.
pub(crate) fn map_entry(entry: &[u8]) -> Result<(String, String), &'static str> {
    let (mut key, mut value) = (String::new(), String::new());
    for field in Walk::new(entry) {
        match field.map_err(|_| NO_MESSAGE)? {
            (1, Wire::Bytes(bytes)) => key = text(bytes)?,
            (2, Wire::Bytes(bytes)) => value = text(bytes)?,
            _ => return Err(OTHER_KIND),
        }
    }
    Ok((key, value))
}

/// A text.
pub(crate) fn text(bytes: &[u8]) -> Result<String, &'static str> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "is no text: its bytes are not UTF-8")
}

// === impl Unreadable ===

impl Unreadable {
    /// What is wrong, and where.
    pub(crate) fn at(path: Path<'_>, what: &'static str) -> Self {
        Self { path: path.to_string(), what }
    }
}
