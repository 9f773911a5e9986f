//! Places for those that load and compile plugins: so many at a time, by turns of the teams.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::turns::Turns;

/// Published plugins loaded at the same time, each of another team; they are few, and most are in the cache on disk. As many
/// standard ones besides.
const PUBLISHED: usize = 2;

/// How many are compiled at the same time.
pub struct Places {
    pub(super) uploads: Arc<Turns>,
    pub(super) published: Arc<Turns>,
    pub(super) standard: Arc<Semaphore>,
    /// How long a turn is waited for.
    pub(super) wait: Duration,
}

// === impl Places ===

impl Places {
    /// Places for so many uploads.
    #[must_use]
    pub fn new(uploads: usize, wait: Duration) -> Self {
        Self {
            uploads: Turns::new(uploads, 1),
            published: Turns::new(PUBLISHED, 1),
            standard: Arc::new(Semaphore::new(PUBLISHED)),
            wait,
        }
    }
}
