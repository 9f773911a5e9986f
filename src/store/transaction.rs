//! A write under way: what it sees and what it changes, with a way back. When it becomes lasting is the business of
//! `writer`.

use std::{cell::Cell, collections::BTreeMap, collections::BTreeSet, ops::Bound};

use bytes::Bytes;
use jiff::Timestamp;

use super::{Effect, Entry, Key, KeyRange, Sequence, Store, StoreError};
use crate::model::rejection::Rejection;

/// A write under way, on the writer's thread: sees the current state, with what the group has already changed.
pub struct Transaction<'a> {
    index: &'a dyn Store,
    overlay: &'a mut Overlay,
    time: Timestamp,
    sequence: Sequence,
    store_failed: Cell<bool>,
}

/// What a group has changed and the index does not know yet.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    changes: BTreeMap<Key, Option<Bytes>>,
    /// What each change of the command under way replaced, in order: the way back.
    undo: Vec<(Key, Option<Option<Bytes>>)>,
    bytes: usize,
}

// === impl Transaction ===

impl<'a> Transaction<'a> {
    pub(super) fn new(
        index: &'a dyn Store,
        overlay: &'a mut Overlay,
        time: Timestamp,
        sequence: Sequence,
    ) -> Self {
        Self { index, overlay, time, sequence, store_failed: Cell::new(false) }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// The index failed. The write is then not done, even if the command goes on.
    pub fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        match self.overlay.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.noting_failure(self.index.get(key)),
        }
    }

    /// The first `limit` entries of a range, by key.
    ///
    /// # Errors
    /// As for `get`.
    pub fn scan(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let changes = self.overlay.in_range(range);
        let deleted = changes.iter().filter(|(_, value)| value.is_none()).count();
        // As many as may be deleted on top, so that `limit` are left of these, or they are all there are.
        let kept = self.noting_failure(self.index.scan(range, limit.saturating_add(deleted)))?;
        if changes.is_empty() {
            return Ok(kept);
        }
        let mut merged: BTreeMap<Key, Option<Bytes>> =
            kept.into_iter().map(|entry| (entry.key, Some(entry.value))).collect();
        merged.extend(changes.into_iter().map(|(key, value)| (key.clone(), value.clone())));
        let present = merged.into_iter().filter_map(|(key, value)| Some(Entry { key, value: value? }));
        Ok(present.take(limit).collect())
    }

    /// Puts a value.
    ///
    /// # Panics
    /// When the key is empty: the writer catches it, and the write is refused.
    pub fn put(&mut self, key: Key, value: Bytes) {
        assert!(!key.0.is_empty(), "a key is never empty");
        self.overlay.change(key, Some(value));
    }

    /// Deletes a key, if it is there.
    pub fn delete(&mut self, key: Key) {
        self.overlay.change(key, None);
    }

    /// Whether this write has changed a key.
    #[must_use]
    pub fn has_changed(&self, key: &Key) -> bool {
        self.overlay.undo.iter().any(|(changed, _)| changed == key)
    }

    /// When the write is made: the same for all of it, never before the one before.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The sequence that the write gets if it has effects.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// Runs a part of the write that may be rejected on its own: its effects go, the others stay.
    ///
    /// # Errors
    /// What the part was rejected for.
    pub fn part<T>(
        &mut self,
        command: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        let mark = self.overlay.undo.len();
        let result = command(self);
        if result.is_err() {
            self.overlay.roll_back(mark);
        }
        result
    }

    /// Whether a read failed: what the command made of it cannot be trusted.
    pub(super) fn store_failed(&self) -> bool {
        self.store_failed.get()
    }

    /// What the command did, net, by key: a key put and deleted again, or deleted and never there, is no effect.
    pub(super) fn effects(&self) -> Result<Vec<Effect>, StoreError> {
        let mut touched = BTreeSet::new();
        let mut effects = Vec::new();
        // The first change of a key has what was there before the command.
        for (key, before) in &self.overlay.undo {
            if !touched.insert(key) {
                continue;
            }
            let value = self.overlay.changes.get(key).cloned().flatten();
            let nothing_to_delete = value.is_none()
                && match before {
                    Some(before) => before.is_none(),
                    None => self.index.get(key)?.is_none(),
                };
            if !nothing_to_delete {
                effects.push(Effect { key: key.clone(), value });
            }
        }
        effects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(effects)
    }

    fn noting_failure<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if result.is_err() {
            self.store_failed.set(true);
        }
        result
    }
}

// === impl Overlay ===

impl Overlay {
    /// Bytes changed by the group, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps what the command did; there is no way back from here.
    pub(super) fn keep(&mut self) {
        self.undo.clear();
    }

    /// Undoes what the command did.
    pub(super) fn discard(&mut self) {
        self.roll_back(0);
    }

    fn change(&mut self, key: Key, value: Option<Bytes>) {
        self.bytes += key.0.len() + value.as_ref().map_or(0, Bytes::len);
        let before = self.changes.insert(key.clone(), value);
        self.undo.push((key, before));
    }

    fn roll_back(&mut self, mark: usize) {
        for (key, before) in self.undo.drain(mark..).rev() {
            match before {
                Some(before) => self.changes.insert(key, before),
                None => self.changes.remove(&key),
            };
        }
    }

    fn in_range(&self, range: &KeyRange) -> Vec<(&Key, &Option<Bytes>)> {
        if range.is_empty() {
            return Vec::new();
        }
        let end = range.end.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        self.changes.range((Bound::Included(&range.start), end)).collect()
    }
}
