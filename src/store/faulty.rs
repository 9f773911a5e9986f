//! An index that fails on demand, for tests of what a failure leaves behind. Disks that fail are watched ones, see `disk`.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use super::{Entry, Journaled, Key, KeyRange, Mark, Store, StoreError};

/// What can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// [`Store::get`].
    IndexGet,
    /// [`Store::scan`].
    IndexScan,
    /// [`Store::commit`]: nothing is applied.
    IndexCommit,
}

/// Which calls fail. Shared by those who inject and those who are wrapped.
#[derive(Debug, Default)]
pub struct Faults {
    /// How often each still succeeds, and what then goes wrong.
    left: Mutex<HashMap<Fault, (u64, io::ErrorKind)>>,
}

/// An index that fails where it is told to.
#[derive(Debug)]
pub struct FaultyStore<S> {
    index: S,
    faults: Arc<Faults>,
}

// === impl Faults ===

impl Faults {
    /// Lets this succeed so many times from now, and then fail like this until it is cleared.
    pub fn inject(&self, fault: Fault, successes: u64, kind: io::ErrorKind) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).insert(fault, (successes, kind));
    }

    /// Lets this succeed again.
    pub fn clear(&self, fault: Fault) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).remove(&fault);
    }

    fn check(&self, fault: Fault) -> Result<(), StoreError> {
        let mut faults = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((left, kind)) = faults.get_mut(&fault) else { return Ok(()) };
        if let Some(fewer) = left.checked_sub(1) {
            *left = fewer;
            return Ok(());
        }
        Err(StoreError::Io { context: format!("{fault:?}"), source: io::Error::new(*kind, "injected") })
    }
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

    fn commit(&self, records: &[Journaled]) -> Result<(), StoreError> {
        self.faults.check(Fault::IndexCommit)?;
        self.index.commit(records)
    }

    fn applied(&self) -> Result<Mark, StoreError> {
        self.index.applied()
    }
}
