//! What goes wrong below, and why a write is not done. What clients are told of it is the business of `grpc`.

use std::{io, path::Path, path::PathBuf};

use crate::model::rejection::{Reason, Rejection, ServiceReason};

/// What went wrong below. Never shown to clients as it is.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, to which file.
        context: String,
        /// The cause.
        source: io::Error,
    },
    /// What was written may not be on the disk, and nobody can find out before it is opened again: final for whoever
    /// writes.
    #[error("syncing {}: {source}", path.display())]
    Unsynced {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("{}: damaged{}: {what}", file.display(), at(*offset))]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where, if it is one place.
        offset: Option<u64>,
        /// What is wrong.
        what: String,
    },
    /// Another process has the directory open.
    #[error("{} is in use by another process", directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// The directory is not one to open: it has the files of others, or a restore into it was not finished.
    #[error("{0}")]
    NotOurs(String),
    /// The store is closed, after an error that is final or on the way down.
    #[error("the store is closed: {0}")]
    Closed(String),
}

/// Why a write was not done.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A rule forbids it; nothing was changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The queue is full; come back.
    #[error("too many writes are waiting")]
    Busy,
    /// There is no room; reads go on.
    #[error("the disk is full")]
    DiskFull,
    /// The store failed. Where that happened after the journal was asked to write, the write may turn out to be
    /// done, wholly, when the database is opened again.
    #[error(transparent)]
    Failed(StoreError),
}

// === impl StoreError ===

impl StoreError {
    /// For `map_err`: an error of the operating system, with what was being done to which file.
    pub(super) fn io(doing: &str, file: &Path) -> impl FnOnce(io::Error) -> Self {
        let context = format!("{doing} {}", file.display());
        move |source| Self::Io { context, source }
    }

    /// For `map_err`: a sync that failed. The kernel may have dropped what it could not write, so that it is not retried,
    /// whatever the cause.
    pub(super) fn unsynced(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Unsynced { path, source }
    }

    /// A file that is not what was written, at one place.
    pub(super) fn damaged(file: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), offset: Some(offset), what: what.into() }
    }

    /// A file or directory that as a whole is not what it should be.
    pub(super) fn unsound(file: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), offset: None, what: what.into() }
    }

    /// Whether the operating system refused for want of room, before anything was changed.
    pub(super) fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}

fn at(offset: Option<u64>) -> String {
    offset.map(|offset| format!(" at byte {offset}")).unwrap_or_default()
}

impl From<StoreError> for WriteError {
    /// A disk without room is no failure: there may be some again.
    fn from(error: StoreError) -> Self {
        if error.is_disk_full() {
            tracing::warn!(%error, "there is no room on the disk");
            return Self::DiskFull;
        }
        Self::Failed(error)
    }
}

impl From<StoreError> for Rejection {
    /// So that a command may use `?` on its reads. The cause stays on the server: the transaction remembers that the
    /// store failed, and the write is answered with [`WriteError::Failed`] whatever the command makes of it.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed during a write");
        Self::new(
            Reason::Service(ServiceReason::Internal),
            "the store failed; the server's log has the cause",
        )
    }
}
