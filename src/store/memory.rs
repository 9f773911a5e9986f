//! The index in memory: the twin that tests run on, and the plainest statement of what an index does.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{PoisonError, RwLock},
};

use bytes::Bytes;

use super::{Entry, Journaled, Key, KeyRange, Mark, Store, StoreError};

/// An index in memory. Empty when made.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Key, Bytes>,
    applied: Mark,
}

// === impl MemoryStore ===

impl Store for MemoryStore {
    fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        Ok(self.state.read().unwrap_or_else(PoisonError::into_inner).entries.get(key).cloned())
    }

    fn scan(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let end = range.end.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let entries = state.entries.range((Bound::Included(&range.start), end)).take(limit);
        Ok(entries.map(|(key, value)| Entry { key: key.clone(), value: value.clone() }).collect())
    }

    fn commit(&self, records: &[Journaled]) -> Result<(), StoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for effect in records.iter().flat_map(|journaled| &journaled.record.effects) {
            match &effect.value {
                Some(value) => state.entries.insert(effect.key.clone(), value.clone()),
                None => state.entries.remove(&effect.key),
            };
        }
        if let Some(last) = records.last() {
            state.applied = last.record.mark();
        }
        Ok(())
    }

    fn applied(&self) -> Result<Mark, StoreError> {
        Ok(self.state.read().unwrap_or_else(PoisonError::into_inner).applied)
    }
}
