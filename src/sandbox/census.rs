//! The guests under way, and what they hold: counted when a call makes its store, and when the store goes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The guests under way in a sandbox.
#[derive(Debug, Default)]
pub struct Census {
    guests: AtomicUsize,
    memory_bytes: AtomicUsize,
}

/// What is under way at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// Calls of plugins: each has a store and an instance of its own.
    pub guests: usize,
    /// Bytes of linear memory that they hold.
    pub memory_bytes: usize,
}

/// A guest that is counted for as long as this lives: in its store.
#[derive(Debug)]
pub struct Counted {
    census: Arc<Census>,
    memory_bytes: usize,
}

// === impl Census ===

impl Census {
    /// Counts one guest more.
    pub fn count(self: &Arc<Self>) -> Counted {
        self.guests.fetch_add(1, Ordering::Relaxed);
        Counted { census: Arc::clone(self), memory_bytes: 0 }
    }

    /// What is under way now.
    pub fn under_way(&self) -> UnderWay {
        UnderWay {
            guests: self.guests.load(Ordering::Relaxed),
            memory_bytes: self.memory_bytes.load(Ordering::Relaxed),
        }
    }
}

// === impl Counted ===

impl Counted {
    /// The guest holds so many bytes of memory more.
    pub fn grow(&mut self, bytes: usize) {
        self.memory_bytes += bytes;
        self.census.memory_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of linear memory that the guest holds.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.census.guests.fetch_sub(1, Ordering::Relaxed);
        self.census.memory_bytes.fetch_sub(self.memory_bytes, Ordering::Relaxed);
    }
}
