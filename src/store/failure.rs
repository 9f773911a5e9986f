//! Why nothing is written any more: found out by the writer, by blobs or by a reader, and known to everybody at once.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

use super::{StoreError, WriteError};

/// Why nothing is written any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What happened, in words for the operator.
    pub what: String,
    /// Whether what was kept is not what is found.
    pub is_damage: bool,
}

/// What everybody in a database knows of its failure. Cheap to clone; all clones say the same.
#[derive(Clone, Debug)]
pub(super) struct Failure(Arc<watch::Sender<Option<Failed>>>);

// === impl Failure ===

impl Failure {
    /// Final for this process: what fails first is what is told.
    pub fn set(&self, doing: &str, error: &StoreError) -> Failed {
        let is_damage = matches!(error, StoreError::Damaged { .. });
        self.set_words(&format!("{doing}: {error}"), is_damage)
    }

    /// As `set`, where the cause is told in words only.
    pub fn set_words(&self, what: &str, is_damage: bool) -> Failed {
        let failed = Failed { what: what.to_owned(), is_damage };
        tracing::error!(what, "no write is accepted any more; the service has to be started again");
        self.0.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert_with(|| failed.clone());
            is_first
        });
        failed
    }

    /// What failed, if anything has.
    pub fn get(&self) -> Option<Failed> {
        self.0.borrow().clone()
    }

    /// Whether anything has failed.
    ///
    /// # Errors
    /// `Closed`, with what failed.
    pub fn check(&self) -> Result<(), StoreError> {
        self.get().map_or(Ok(()), |failed| Err(StoreError::Closed(failed.what)))
    }

    /// Waits until something has failed.
    pub async fn wait(&self) -> Failed {
        let mut watched = self.0.subscribe();
        loop {
            if let Some(failed) = watched.borrow_and_update().clone() {
                return failed;
            }
            // The sender lives as long as this does.
            let _ = watched.changed().await;
        }
    }
}

impl Default for Failure {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

// === impl Failed ===

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl From<Failed> for WriteError {
    fn from(failed: Failed) -> Self {
        Self::Failed(StoreError::Closed(failed.what))
    }
}
