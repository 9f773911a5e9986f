//! The index in sled: kept on disk between runs, never trusted. Every value has a digest of its key and itself, and
//! beside the sequence applied stands the sum of all digests: what sled forgets, invents or garbles is noticed. What is
//! done about it is in `opening`.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

use super::{BlobHash, Blobs, Effect, Entry, Key, KeyRange, Sequence, Store, StoreError};

/// The largest value kept in sled: it never syncs the files that it would keep larger ones in.
const VALUE_MAX_BYTES: usize = 16 << 10;
/// How often sled writes what it has; not a promise of anything.
const FLUSH_MILLISECONDS: u64 = 500;
/// Where the state is kept: no key of an entry is empty.
const STATE_KEY: &[u8] = b"";
/// Changes whenever what is kept has another form: an index of another version is built anew.
const VERSION: u8 = 1;
const STATE_BYTES: usize = 37;
/// Entries read at once.
const SCAN_ENTRIES: usize = 4096;

/// What a value begins with: what follows is the value itself, or the hash of a blob that is.
const INLINE: u8 = 0;
const BLOB: u8 = 1;
const DIGEST_BYTES: usize = 16;
const VALUE_HEADER_BYTES: usize = 1 + DIGEST_BYTES;

/// An index in sled.
pub struct SledStore {
    tree: sled::Db,
    path: PathBuf,
    blobs: Blobs,
    state: Mutex<State>,
}

/// What is known of all entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    applied: Sequence,
    entries: u64,
    /// The sum of their digests.
    digests: u128,
}

// === impl SledStore ===

impl SledStore {
    /// Opens or creates an index, and reads all of it. Values too large for sled are kept among `blobs`.
    ///
    /// # Errors
    /// `Damaged` where it is not what was kept, or was found so in an earlier run.
    pub fn open(path: &Path, cache_bytes: u64, blobs: Blobs) -> Result<Self, StoreError> {
        if suspect(path).exists() {
            return Err(StoreError::damaged(path, 0, "the index was found damaged while it was in use"));
        }
        remove_unfinished_snapshots(path)?;
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(cache_bytes)
            .flush_every_ms(Some(FLUSH_MILLISECONDS));
        let tree = guarded(path, || config.open())?;
        let state = guarded(path, || tree.get(STATE_KEY))?;
        let empty = guarded(path, || Ok(tree.is_empty()))?;
        let state = match state {
            Some(bytes) => State::decode(&bytes),
            None => empty.then(State::default),
        };
        let state =
            state.ok_or_else(|| StoreError::damaged(path, 0, "the index does not know how far it is"))?;
        let store = Self { tree, path: path.to_owned(), blobs, state: Mutex::new(state) };
        store.audit(state)?;
        Ok(store)
    }

    /// Reads everything, and compares it with what is known of it.
    fn audit(&self, expected: State) -> Result<(), StoreError> {
        let mut found = State { applied: expected.applied, ..State::default() };
        let mut range = KeyRange::all();
        loop {
            let entries = self.raw(&range, SCAN_ENTRIES)?;
            for (key, value) in &entries {
                let (digest, kind, payload) = self.parse(key, value)?;
                if kind == BLOB {
                    self.large(payload, Blobs::check)?;
                }
                found.entries += 1;
                found.digests = found.digests.wrapping_add(digest);
            }
            let Some((key, _)) = entries.last() else { break };
            range = range.after(&Key(Bytes::copy_from_slice(key)));
        }
        if found == expected {
            return Ok(());
        }
        let what = format!("{} entries were kept, {} are found, or others", expected.entries, found.entries);
        Err(StoreError::damaged(&self.path, 0, what))
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

    /// The digest that a value says it has, checked, and what the value is.
    fn parse<'a>(&self, key: &[u8], value: &'a [u8]) -> Result<(u128, u8, &'a [u8]), StoreError> {
        let parsed = value.split_first_chunk::<VALUE_HEADER_BYTES>().and_then(|(header, payload)| {
            let (&kind, stated) = header.split_first()?;
            let actual = digest(key, kind, payload);
            (stated == actual.to_le_bytes()).then_some((actual, kind, payload))
        });
        self.noting(parsed.ok_or_else(|| {
            let what = format!("the value of {} is not the one that was kept", key.escape_ascii());
            StoreError::damaged(&self.path, 0, what)
        }))
    }

    fn value(&self, key: &[u8], value: &[u8]) -> Result<Bytes, StoreError> {
        match self.parse(key, value)? {
            (_, INLINE, payload) => Ok(Bytes::copy_from_slice(payload)),
            (_, _, payload) => self.large(payload, Blobs::get),
        }
    }

    /// Asks for the blob that is a large value.
    fn large<T>(
        &self,
        hash: &[u8],
        ask: impl FnOnce(&Blobs, BlobHash) -> Result<Option<T>, StoreError>,
    ) -> Result<T, StoreError> {
        let hash = hash.try_into().ok().map(BlobHash);
        let found = hash.map(|hash| ask(&self.blobs, hash)).transpose();
        let missing = || StoreError::damaged(&self.path, 0, "a large value is missing among the blobs");
        self.noting(found.and_then(|found| found.flatten().ok_or_else(missing)))
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

    /// The batch that makes these changes, and the state after it.
    fn batch(
        &self,
        changes: &BTreeMap<&Key, Option<&Bytes>>,
        mut state: State,
    ) -> Result<(sled::Batch, State), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            let key = &key.0[..];
            if let Some(before) = self.noting(guarded(&self.path, || self.tree.get(key)))? {
                let (digest, ..) = self.parse(key, &before)?;
                state.entries -= 1;
                state.digests = state.digests.wrapping_sub(digest);
            }
            let Some(value) = value else {
                batch.remove(key);
                continue;
            };
            let blob;
            let (kind, payload) = if value.len() <= VALUE_MAX_BYTES {
                (INLINE, &value[..])
            } else {
                blob = self.blobs.put(value)?;
                (BLOB, &blob.0[..])
            };
            let digest = digest(key, kind, payload);
            state.entries += 1;
            state.digests = state.digests.wrapping_add(digest);
            batch.insert(key, [&[kind][..], &digest.to_le_bytes(), payload].concat());
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

    fn commit(&self, sequence: Sequence, effects: &[Effect]) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A batch has no order: the last effect on a key is the one that counts.
        let changes = effects.iter().map(|effect| (&effect.key, effect.value.as_ref())).collect();
        let (batch, next) = self.batch(&changes, State { applied: sequence, ..*state })?;
        self.noting(guarded(&self.path, || self.tree.apply_batch(batch)))?;
        *state = next;
        Ok(())
    }

    fn applied(&self) -> Result<Sequence, StoreError> {
        Ok(self.state.lock().unwrap_or_else(PoisonError::into_inner).applied)
    }
}

// === impl State ===

impl State {
    fn encode(&self) -> [u8; STATE_BYTES] {
        let mut bytes = [0; STATE_BYTES];
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&self.applied.to_le_bytes());
        bytes[9..17].copy_from_slice(&self.entries.to_le_bytes());
        bytes[17..33].copy_from_slice(&self.digests.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..33]);
        bytes[33..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; STATE_BYTES] = bytes.try_into().ok()?;
        let state = Self {
            applied: u64::from_le_bytes(bytes[1..9].try_into().ok()?),
            entries: u64::from_le_bytes(bytes[9..17].try_into().ok()?),
            digests: u128::from_le_bytes(bytes[17..33].try_into().ok()?),
        };
        (state.encode() == *bytes).then_some(state)
    }
}

/// Half of a BLAKE3 hash: nobody attacks the index, and chance does not find a second one.
fn digest(key: &[u8], kind: u8, payload: &[u8]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes()).update(key).update(&[kind]).update(payload);
    let hash = hasher.finalize();
    u128::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has more than sixteen bytes"))
}

/// Asks sled, which panics where its files are damaged.
fn guarded<T>(path: &Path, ask: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};

    let damaged = |what: String| StoreError::damaged(path, 0, what);
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(Ok(answer)) => Ok(answer),
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
