//! Collections as columns in memory, consistent at a journal sequence, kept up to date from the journal's records.

mod cells;
mod change;
mod collection;
mod follower;
mod growing;
mod lines;
mod plan;
mod slot;
mod texts;
mod views;

use std::{collections::BTreeMap, sync::Arc};

pub use collection::View;
pub use lines::ReportingLines;

pub use crate::model::period::days_since_epoch as day_number;
pub use views::Views;

use crate::{
    model::{
        rejection::{EvaluationReason, Reason, Rejection, ResourceReason},
        schema::{Schema, schemas},
    },
    store::{Sequence, StoreError, WriteError},
};

/// Views of some collections of a team, all at the same sequence. Never changes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What it has seen: everything up to this, nothing after it.
    pub sequence: Sequence,
    /// By collection.
    pub views: BTreeMap<String, Arc<View>>,
}

/// Why there is no view.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The collections do not fit the memory allowed.
    #[error("at least {needed} bytes of views, {allowed} are allowed")]
    TooLarge {
        /// Bytes needed, as far as was counted.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// There is no such collection in the store.
    #[error("there is no collection {0:?} to view")]
    UnknownCollection(String),
    /// A record is not what its schema says.
    #[error("{key}: {what}")]
    Undecodable {
        /// The key of the record.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The schema of a collection that the store keeps.
fn stored_schema(collection: &str) -> Result<&'static Schema, ViewError> {
    schemas()
        .get(collection)
        .filter(|schema| !schema.computed)
        .ok_or_else(|| ViewError::UnknownCollection(collection.to_owned()))
}

// === impl Snapshot ===

impl Snapshot {
    /// The view of a collection.
    ///
    /// # Errors
    /// `UnknownCollection` where the snapshot was taken without it.
    pub fn view(&self, collection: &str) -> Result<&Arc<View>, ViewError> {
        self.views.get(collection).ok_or_else(|| ViewError::UnknownCollection(collection.to_owned()))
    }
}

// === impl ViewError ===

impl From<ViewError> for WriteError {
    /// What a client may hear of it.
    fn from(error: ViewError) -> Self {
        let reason = match error {
            ViewError::TooLarge { .. } => Reason::Evaluation(EvaluationReason::ViewTooLarge),
            ViewError::UnknownCollection(_) => Reason::Resource(ResourceReason::NotFound),
            ViewError::Undecodable { key, what } => {
                let source = std::io::Error::new(std::io::ErrorKind::InvalidData, what);
                return Self::Failed(StoreError::Io { context: format!("viewing {key}"), source });
            }
            ViewError::Store(error) => return Self::Failed(error),
        };
        Self::Rejected(Rejection::new(reason, error.to_string()))
    }
}
