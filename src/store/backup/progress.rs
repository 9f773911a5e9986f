//! How far a backup is that is made, restored or verified, for those who wait for it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::store::OpeningProgress;

/// How far it is. Cheap to clone; all clones say the same.
#[derive(Clone, Debug, Default)]
pub struct BackupProgress {
    copied: Arc<AtomicU64>,
    opening: OpeningProgress,
}

// === impl BackupProgress ===

impl BackupProgress {
    /// Bytes that have been copied.
    #[must_use]
    pub fn copied_bytes(&self) -> u64 {
        self.copied.load(Ordering::Relaxed)
    }

    /// How far the trial of what was restored is, once it has begun.
    #[must_use]
    pub fn stage(&self) -> Option<String> {
        self.opening.has_begun().then(|| self.opening.to_string())
    }

    pub(super) fn opening(&self) -> &OpeningProgress {
        &self.opening
    }

    pub(super) fn add(&self, bytes: usize) {
        self.copied.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
