//! What is kept, and what changes it: values under keys. What they mean is not known here.

use bytes::Bytes;

use super::Key;

/// A value and the key it is kept under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Bytes,
}

/// One effect: a value put, or a key deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The key.
    pub key: Key,
    /// The value put; nothing for a delete.
    pub value: Option<Bytes>,
}
