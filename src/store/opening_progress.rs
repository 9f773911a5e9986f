//! How far the opening of a database is, for those who wait for it.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use super::Sequence;

/// How far the opening of a database is. Cheap to clone; all clones say the same.
#[derive(Clone, Debug, Default)]
pub struct OpeningProgress(Arc<RwLock<Stage>>);

/// What opening does just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing yet.
    #[default]
    Waiting,
    /// The journal is walked.
    Journal,
    /// The index is read.
    Index,
    /// The index is brought up to date, or built anew.
    Replay {
        /// Where it began: 0 for a new index.
        from: Sequence,
        /// How far it is.
        at: Sequence,
        /// Where it ends.
        last: Sequence,
    },
}

// === impl OpeningProgress ===

impl OpeningProgress {
    /// Whether anything has been done.
    pub(super) fn has_begun(&self) -> bool {
        *self.0.read().unwrap_or_else(PoisonError::into_inner) != Stage::Waiting
    }

    /// Says what opening does now.
    pub(super) fn set(&self, stage: Stage) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = stage;
    }
}

impl fmt::Display for OpeningProgress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0.read().unwrap_or_else(PoisonError::into_inner) {
            Stage::Waiting => formatter.write_str("the data is about to be opened"),
            Stage::Journal => formatter.write_str("the journal is being checked"),
            Stage::Index => formatter.write_str("the index is being checked"),
            Stage::Replay { from: 0, at, last } => {
                write!(formatter, "the index is being built from the journal: record {at} of {last}")
            }
            Stage::Replay { at, last, .. } => {
                write!(formatter, "the index is being brought up to date: record {at} of {last}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_done() {
        let progress = OpeningProgress::default();
        let check = |stage, expected: &str| {
            progress.clone().set(stage);
            assert_eq!(progress.to_string(), expected);
        };
        check(Stage::Journal, "the journal is being checked");
        let built = "the index is being built from the journal: record 7 of 9";
        check(Stage::Replay { from: 0, at: 7, last: 9 }, built);
        let followed = "the index is being brought up to date: record 7 of 9";
        check(Stage::Replay { from: 3, at: 7, last: 9 }, followed);
    }
}
