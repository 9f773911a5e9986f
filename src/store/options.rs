//! How a database is opened.

use std::time::Duration;

use super::{Disk, OpeningProgress};

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of a journal segment. A group of writes that is larger gets a segment of its own size.
    pub segment_bytes: u64,
    /// The most commands in a group.
    pub group_commands: usize,
    /// The longest a group gathers.
    pub group_delay: Duration,
    /// Commands that may wait.
    pub queue: usize,
    /// Free bytes below which writes are refused. 0 refuses none before the disk itself does.
    pub free_floor_bytes: u64,
    /// Bytes of sled's page cache. It counts pages by their size on disk, and takes up to some 100 MiB more.
    pub cache_bytes: u64,
    /// Where opening says how far it is.
    pub progress: OpeningProgress,
    /// How files are changed.
    pub disk: Disk,
}

// === impl Options ===

impl Default for Options {
    /// 64 MiB segments; groups of at most 512 commands and 2 ms; 4,096 commands waiting; a floor of 256 MiB; 256 MiB of
    /// cache.
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            group_commands: 512,
            group_delay: Duration::from_millis(2),
            queue: 4096,
            free_floor_bytes: 256 << 20,
            cache_bytes: 256 << 20,
            progress: OpeningProgress::default(),
            disk: Disk::default(),
        }
    }
}
