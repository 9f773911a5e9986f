//! The port to the index: what reads go to, a function of the journal that can be thrown away and built again. Its
//! implementations are in `sled_store`, `memory` and `faulty`; one conformance suite in `tests/store` holds them to this.

use bytes::Bytes;

use super::{Entry, Journaled, Key, KeyRange, Mark, StoreError};

/// The index. It may lag behind the journal after a crash, never be ahead of it.
pub trait Store: Send + Sync + 'static {
    /// The value of a key.
    ///
    /// # Errors
    /// `Damaged` where what was kept is not what is found; never a wrong value.
    fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError>;

    /// The first `limit` entries of a range, by key. No snapshot: what is committed meanwhile may be in it or not.
    /// Who needs one takes the sequence before, and brings the entries up to date from the records after it.
    ///
    /// # Errors
    /// As for `get`.
    fn scan(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Applies the effects of records in their order and remembers the last of them, all or nothing. Not on disk when it
    /// returns: that is the journal's promise.
    ///
    /// # Errors
    /// Nothing was applied, or it cannot be told: the caller stops.
    fn commit(&self, records: &[Journaled]) -> Result<(), StoreError>;

    /// How far it is in the history, and in which.
    ///
    /// # Errors
    /// As for `get`.
    fn applied(&self) -> Result<Mark, StoreError>;
}
