//! The index in sled: kept on disk between runs, never trusted. Every value has a digest of its key and itself, and
//! beside the sequence applied stands the sum of all digests: what sled forgets, invents or garbles is noticed. What is
//! done about it is in `opening`.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use super::{
    Entry, Journaled, Key, KeyRange, Mark, Pointer, Store, StoreError, Values,
    place::patiently,
    sled_state::{INLINE, POINTER, State, seal, unseal},
};

/// The largest value kept in sled. Larger ones stay in the journal: sled keeps up to 16 entries in a leaf, copies a leaf for
/// every insert, and may hold 16,384 leaves more than its cache is said to be.
const VALUE_MAX_BYTES: usize = 1 << 10;
/// How often sled writes what it has; not a promise of anything.
const FLUSH_MILLISECONDS: u64 = 500;
/// Where the state is kept: no key of an entry is empty.
const STATE_KEY: &[u8] = b"";
/// Entries read at once.
const SCAN_ENTRIES: usize = 4096;

/// An index in sled.
pub struct SledStore {
    tree: sled::Db,
    path: PathBuf,
    values: Arc<dyn Values>,
    state: Mutex<State>,
}

// === impl SledStore ===

impl SledStore {
    /// Opens or creates an index, and reads all of it. Values too large for sled are read from where they came.
    ///
    /// # Errors
    /// `Damaged` where it is not what was kept, or was found so in an earlier run; `InUse` where somebody has it open.
    pub fn open(path: &Path, cache_bytes: u64, values: Arc<dyn Values>) -> Result<Self, StoreError> {
        if suspect(path).exists() {
            return Err(StoreError::unsound(path, "the index was found damaged while it was in use"));
        }
        remove_unfinished_snapshots(path)?;
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(cache_bytes)
            .flush_every_ms(Some(FLUSH_MILLISECONDS));
        let tree = open_unlocked(path, &config)?;
        let state = guarded(path, || tree.get(STATE_KEY))?;
        let empty = guarded(path, || Ok(tree.is_empty()))?;
        let state = match state {
            Some(bytes) => State::decode(&bytes),
            None => empty.then(State::default),
        };
        let state = state.ok_or_else(|| {
            StoreError::unsound(path, "the index does not know how far it is, or another version made it")
        })?;
        let store = Self { tree, path: path.to_owned(), values, state: Mutex::new(state) };
        store.audit(state)?;
        Ok(store)
    }

    /// Reads everything, and compares it with what is known of it. Values in the journal were read when that was walked.
    fn audit(&self, expected: State) -> Result<(), StoreError> {
        let mut found = State::at(expected.applied);
        let mut range = KeyRange::all();
        loop {
            let entries = self.raw(&range, SCAN_ENTRIES)?;
            for (key, value) in &entries {
                found.add(self.parse(key, value)?.0);
            }
            let Some((key, _)) = entries.last() else { break };
            range = range.after(&Key(Bytes::copy_from_slice(key)));
        }
        if found == expected {
            return Ok(());
        }
        let what =
            format!("{} entries were kept, {} are found, or others", expected.entries(), found.entries());
        Err(StoreError::unsound(&self.path, what))
    }

    /// Entries as sled has them.
    fn raw(&self, range: &KeyRange, limit: usize) -> Result<Vec<(sled::IVec, sled::IVec)>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        self.noting(guarded(&self.path, || {
            let entries = match &range.end {
                Some(end) => self.tree.range(&range.start.0[..]..&end.0[..]),
                None => self.tree.range(&range.start.0[..]..),
            };
            entries
                .filter(|entry| entry.as_ref().map_or(true, |(key, _)| !key.is_empty()))
                .take(limit)
                .collect()
        }))
    }

    /// The digest of a value, what it is, and the value, checked.
    fn parse<'a>(&self, key: &[u8], value: &'a [u8]) -> Result<(u128, u8, &'a [u8]), StoreError> {
        self.noting(unseal(key, value).ok_or_else(|| {
            let what = format!("the value of {} is not the one that was kept", key.escape_ascii());
            StoreError::unsound(&self.path, what)
        }))
    }

    fn value(&self, key: &[u8], value: &[u8]) -> Result<Bytes, StoreError> {
        match self.parse(key, value)? {
            (_, POINTER, payload) => {
                let unreadable = || StoreError::unsound(&self.path, "a pointer to a large value is none");
                let pointer = self.noting(Pointer::decode(payload).ok_or_else(unreadable))?;
                // What is wrong from here on is wrong with the journal.
                self.values.read(&pointer)
            }
            (_, _, payload) => Ok(Bytes::copy_from_slice(payload)),
        }
    }

    /// What is found damaged is remembered on disk, so that it is not opened again.
    fn noting<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Damaged { .. }) = &result {
            let mark = suspect(&self.path);
            if let Err(error) = fs::write(&mark, b"") {
                tracing::error!(%error, file = %mark.display(), "the damaged index could not be marked");
            }
        }
        result
    }

    /// The batch that makes the changes of these records, and the state after it.
    fn batch(&self, records: &[Journaled], mut state: State) -> Result<(sled::Batch, State), StoreError> {
        let mut changes = BTreeMap::new();
        for journaled in records {
            state.applied = journaled.record.mark();
            for (effect, offset) in journaled.effects() {
                // A batch has no order: the last effect on a key is the one that counts.
                changes.insert(
                    &effect.key.0[..],
                    effect.value.as_ref().map(|value| (value, offset, state.applied)),
                );
            }
        }
        let mut batch = sled::Batch::default();
        for (key, change) in changes {
            if let Some(before) = self.noting(guarded(&self.path, || self.tree.get(key)))? {
                state.remove(self.parse(key, &before)?.0);
            }
            let Some((value, offset, mark)) = change else {
                batch.remove(key);
                continue;
            };
            let (sealed, digest) = if value.len() <= VALUE_MAX_BYTES {
                seal(key, INLINE, value)
            } else {
                seal(key, POINTER, &Pointer::to(value, mark.sequence, offset).encode())
            };
            state.add(digest);
            batch.insert(key, sealed);
        }
        batch.insert(STATE_KEY, &state.encode()[..]);
        Ok((batch, state))
    }
}

impl Store for SledStore {
    fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        let kept =
            if key.0.is_empty() { None } else { self.noting(guarded(&self.path, || self.tree.get(&key.0)))? };
        kept.map(|value| self.value(&key.0, &value)).transpose()
    }

    fn scan(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let entries = self.raw(range, limit)?;
        let read = |(key, value): &(sled::IVec, sled::IVec)| {
            Ok(Entry { value: self.value(key, value)?, key: Key(Bytes::copy_from_slice(key)) })
        };
        entries.iter().map(read).collect()
    }

    fn commit(&self, records: &[Journaled]) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (batch, next) = self.batch(records, *state)?;
        self.noting(guarded(&self.path, || self.tree.apply_batch(batch)))?;
        *state = next;
        Ok(())
    }

    fn applied(&self) -> Result<Mark, StoreError> {
        Ok(self.state.lock().unwrap_or_else(PoisonError::into_inner).applied)
    }
}

/// Opens sled's files, which its threads may hold a moment longer than whoever had them open before.
fn open_unlocked(path: &Path, config: &sled::Config) -> Result<sled::Db, StoreError> {
    patiently(|| guarded(path, || config.open()))
}

/// How sled begins to say that another process has its files open.
const LOCKED: &str = "could not acquire lock";

/// Asks sled, which panics where its files are damaged.
fn guarded<T>(path: &Path, ask: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};

    let damaged = |what: String| StoreError::unsound(path, what);
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(Ok(answer)) => Ok(answer),
        // It has a lock of its own, and no kind of error for it.
        Ok(Err(sled::Error::Io(source))) if source.to_string().starts_with(LOCKED) => {
            Err(match source.to_string().contains("WouldBlock") {
                true => StoreError::InUse { directory: path.to_owned() },
                false => StoreError::io("locking the index", path)(source),
            })
        }
        // Another index would fare no better here. Other errors come from reading what is not there.
        Ok(Err(sled::Error::Io(source)))
            if matches!(
                source.kind(),
                PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull
            ) =>
        {
            Err(StoreError::io("asking the index", path)(source))
        }
        Ok(Err(error)) => Err(damaged(format!("sled says: {error}"))),
        Err(_) => Err(damaged("sled panicked".to_owned())),
    }
}

/// What sled was writing when it was interrupted keeps it from opening.
fn remove_unfinished_snapshots(path: &Path) -> Result<(), StoreError> {
    let Ok(entries) = fs::read_dir(path) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(StoreError::io("listing", path))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).map_err(StoreError::io("removing", &entry.path()))?;
        }
    }
    Ok(())
}

/// The file that says that an index was found damaged.
pub(super) fn suspect(path: &Path) -> PathBuf {
    path.with_extension("suspect")
}
