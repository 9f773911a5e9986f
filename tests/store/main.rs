//! One conformance suite for every store, and the journal under damage.

mod backup;
mod conformance;
mod damaged_index;
mod damaged_journal;
mod failing;
mod failing_disk;
mod machine;
mod place;
mod power_cut;
mod reopening;
mod writing;
