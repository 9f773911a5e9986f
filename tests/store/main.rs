//! One conformance suite for every store, and the journal under damage.

mod backup;
mod conformance;
mod damaged_index;
mod damaged_journal;
mod place;
mod reopening;
mod writing;
