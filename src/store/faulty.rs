//! Failures on demand: a wrapper around an index and one around the journal's log, for tests of what happens when the
//! disk below does not do what it should.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use super::{
    Effect, Entry, Key, KeyRange, Sequence, Store, StoreError,
    journal::{Head, Log, Sealed},
};

/// What can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// [`Store::get`].
    IndexGet,
    /// [`Store::scan`].
    IndexScan,
    /// [`Store::commit`]: nothing is applied.
    IndexCommit,
    /// Writing a group to the journal: half of it gets there.
    JournalWrite,
    /// Syncing the journal: the group is written, and nobody knows whether it is on disk.
    JournalSync,
    /// Writing a group to the journal: there is no room, and nothing gets there.
    JournalFull,
}

/// Which calls fail. Shared by those who inject and those who are wrapped.
#[derive(Debug, Default)]
pub struct Faults {
    /// How often each still succeeds.
    left: Mutex<HashMap<Fault, u64>>,
}

/// An index that fails where it is told to.
#[derive(Debug)]
pub struct FaultyStore<S> {
    index: S,
    faults: Arc<Faults>,
}

/// A log that fails where it is told to.
pub(super) struct FaultyLog {
    log: Box<dyn Log>,
    faults: Arc<Faults>,
}

// === impl Faults ===

impl Faults {
    /// Lets this succeed so many times from now, and then fail until it is cleared.
    pub fn inject(&self, fault: Fault, successes: u64) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).insert(fault, successes);
    }

    /// Lets this succeed again.
    pub fn clear(&self, fault: Fault) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).remove(&fault);
    }

    fn strikes(&self, fault: Fault) -> bool {
        match self.left.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&fault) {
            None => false,
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
        }
    }

    fn check(&self, fault: Fault) -> Result<(), StoreError> {
        if self.strikes(fault) {
            return Err(injected(fault, io::ErrorKind::Other));
        }
        Ok(())
    }
}

fn injected(fault: Fault, kind: io::ErrorKind) -> StoreError {
    StoreError::Io { context: format!("{fault:?}"), source: io::Error::new(kind, "injected") }
}

// === impl FaultyStore ===

impl<S> FaultyStore<S> {
    /// Wraps an index.
    pub fn new(index: S, faults: Arc<Faults>) -> Self {
        Self { index, faults }
    }
}

impl<S: Store> Store for FaultyStore<S> {
    fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.faults.check(Fault::IndexGet)?;
        self.index.get(key)
    }

    fn scan(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.faults.check(Fault::IndexScan)?;
        self.index.scan(range, limit)
    }

    fn commit(&self, sequence: Sequence, effects: &[Effect]) -> Result<(), StoreError> {
        self.faults.check(Fault::IndexCommit)?;
        self.index.commit(sequence, effects)
    }

    fn applied(&self) -> Result<Sequence, StoreError> {
        self.index.applied()
    }
}

// === impl FaultyLog ===

impl FaultyLog {
    /// Wraps a log.
    pub(super) fn new(log: Box<dyn Log>, faults: Arc<Faults>) -> Self {
        Self { log, faults }
    }
}

impl Log for FaultyLog {
    fn write(&mut self, group: &[Sealed]) -> Result<(), StoreError> {
        if self.faults.strikes(Fault::JournalFull) {
            return Err(injected(Fault::JournalFull, io::ErrorKind::StorageFull));
        }
        if self.faults.strikes(Fault::JournalWrite) {
            let mut torn = group[..group.len().div_ceil(2)].to_vec();
            if let Some(last) = torn.last_mut() {
                last.bytes.truncate(last.bytes.len() / 2);
            }
            self.log.write(&torn)?;
            return Err(injected(Fault::JournalWrite, io::ErrorKind::Other));
        }
        self.log.write(group)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.faults.check(Fault::JournalSync)?;
        self.log.sync()
    }

    fn checkpoint(&mut self, head: &Head) -> Result<(), StoreError> {
        self.log.checkpoint(head)
    }
}
