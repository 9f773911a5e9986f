//! Places for those that load and compile plugins: so many at a time, by turns of the teams. First everybody has a moment;
//! who needs longer waits for the like.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::turns::Turns;

/// Components that are compiled in a moment at the same time, each of another team.
const BRIEF: usize = 2;

/// When to come back for a moment.
const BRIEFLY: Duration = Duration::from_secs(5);

/// Published plugins loaded at the same time, each of another team; they are few, and most are in the cache on disk. As many
/// standard ones besides.
const PUBLISHED: usize = 2;

/// Places of one kind.
pub struct Lane {
    pub(super) turns: Arc<Turns>,
    /// When to come back where a turn was waited for in vain: the longest that somebody may have it.
    pub(super) come_back: Duration,
}

/// Where the components of one origin are compiled.
pub struct Lanes {
    /// What they are called.
    pub(super) which: &'static str,
    pub(super) brief: Lane,
    pub(super) long: Lane,
}

/// How many are compiled at the same time.
pub struct Places {
    pub(super) uploads: Lanes,
    pub(super) published: Lanes,
    pub(super) standard: Arc<Semaphore>,
    /// How long a turn is waited for.
    pub(super) wait: Duration,
}

// === impl Places ===

impl Places {
    /// Places for so many uploads, each of which may take so long.
    #[must_use]
    pub fn new(uploads: usize, longest: Duration, wait: Duration) -> Self {
        let lanes = |which, places| Lanes {
            which,
            brief: Lane { turns: Turns::new(BRIEF, 1), come_back: BRIEFLY },
            long: Lane { turns: Turns::new(places, 1), come_back: longest.max(BRIEFLY) },
        };
        Self {
            uploads: lanes("uploaded", uploads),
            published: lanes("published", PUBLISHED),
            standard: Arc::new(Semaphore::new(PUBLISHED)),
            wait,
        }
    }
}
