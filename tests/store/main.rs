//! One conformance suite for every store, and the journal under damage.

mod conformance;
mod writing;
