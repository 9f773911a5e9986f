//! Collections as columns in memory, consistent at a journal sequence, kept up to date from the journal's records.

use std::{collections::BTreeMap, sync::Arc};

use merit_expression::Column;

use crate::{
    model::name::Id,
    store::{Database, Sequence, StoreError},
};

/// The views of all teams. Cheap to clone.
#[derive(Clone)]
pub struct Views {
    _inner: Arc<()>,
}

/// Views of some collections of a team, all at the same sequence. Never changes.
#[derive(Clone)]
pub struct Snapshot {
    /// What it has seen: everything up to this, nothing after it.
    pub sequence: Sequence,
    /// By collection.
    pub views: BTreeMap<String, Arc<View>>,
}

/// A collection as columns: one row per resource, in the order of names.
pub struct View {
    /// The ids, sorted.
    pub ids: Arc<Vec<Arc<str>>>,
    /// By path of the field: `amount`, `owner`, `labels.region`. A reference is a text column whose dictionary is the names.
    pub columns: BTreeMap<String, Arc<Column>>,
}

/// Why there is no view.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The collections do not fit the memory allowed.
    #[error("{needed} bytes of views, {allowed} are allowed")]
    TooLarge {
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
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

// === impl Views ===

impl Views {
    /// Views over this database, which may take this many bytes.
    pub fn new(_database: Database, _budget_bytes: u64) -> Self {
        todo!()
    }

    /// The collections of a team as they are now, all at the same sequence. Builds what is not there yet.
    pub fn snapshot(&self, _team: &Id, _collections: &[&str]) -> Result<Snapshot, ViewError> {
        todo!()
    }

    /// Bytes taken, by team and collection.
    pub fn usage(&self) -> Vec<(String, String, u64)> {
        todo!()
    }
}

// === impl View ===

impl View {
    /// The row of an id.
    #[must_use]
    pub fn row(&self, _id: &str) -> Option<usize> {
        todo!()
    }

    /// The column of a path. Use this and not `columns` for what an expression names: `name` is made when asked for
    /// first, and the entry of a map that no record has is a column without values. Nothing where the schema has no
    /// such field. Views do not keep etags.
    #[must_use]
    pub fn column(&self, _path: &str) -> Option<Arc<Column>> {
        todo!()
    }
}
