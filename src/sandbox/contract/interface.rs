//! What the interfaces of all versions are called.

/// What the names of all versions begin with; the version follows.
pub const INTERFACE: &str = "merit:scoring/plugin@";
