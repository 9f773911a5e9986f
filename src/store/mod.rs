//! What lasts: the journal, which is the truth, the index that reads go to, and blobs. What the records mean is not
//! known here.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;

use crate::model::rejection::Rejection;

/// The place of a change in the journal. The first is 1; 0 is the empty store.
pub type Sequence = u64;

/// A key, sorted bytewise: `team/collection/id`, or beginning with `~` for what the service itself keeps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub Bytes);

/// A value and the key it is kept under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Bytes,
}

/// One effect: a value put, or a key deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The key.
    pub key: Key,
    /// The value put; nothing for a delete.
    pub value: Option<Bytes>,
}

/// A range of keys: `start` belongs to it, `end` does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key that may be in it.
    pub start: Key,
    /// The first key beyond it; nothing means to the end.
    pub end: Option<Key>,
}

/// The index. It may lag behind the journal after a crash, never be ahead of it.
pub trait Store: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError>;
    /// The first `limit` entries of a range, by key.
    fn scan(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError>;
    /// Applies effects and remembers the sequence, all or nothing.
    fn commit(&self, sequence: Sequence, effects: &[Effect]) -> Result<(), StoreError>;
    /// The sequence remembered last; 0 when empty.
    fn applied(&self) -> Result<Sequence, StoreError>;
}

/// What went wrong below. Never shown to clients as it is.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, to which file.
        context: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A file is not what was written.
    #[error("{file}: damaged at byte {offset}: {what}")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// The store is closed, after an error that is final or on the way down.
    #[error("the store is closed: {0}")]
    Closed(String),
}

/// Why a write was not done.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A rule forbids it; nothing was changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The queue is full; come back.
    #[error("too many writes are waiting")]
    Busy,
    /// There is no room; reads go on.
    #[error("the disk is full")]
    DiskFull,
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// How a database is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of a journal segment.
    pub segment_bytes: u64,
    /// The most commands in a group.
    pub group_commands: usize,
    /// The longest a group gathers.
    pub group_delay: Duration,
    /// Commands that may wait.
    pub queue: usize,
    /// Free bytes below which writes are refused.
    pub free_floor_bytes: u64,
    /// Bytes of the sled page cache.
    pub cache_bytes: u64,
}

/// Who writes, for the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The author.
    pub author: String,
    /// The method, `merit.v1.GoalService/CreateGoal`.
    pub method: String,
    /// The request id, empty if none was given.
    pub request_id: String,
}

/// A record of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub sequence: Sequence,
    /// When it was written.
    pub time: Timestamp,
    /// Who wrote.
    pub origin: Origin,
    /// What it did.
    pub effects: Vec<Effect>,
    /// The BLAKE3 hash of the record.
    pub hash: [u8; 32],
    /// The hash of the record before; zeros for the first.
    pub previous: [u8; 32],
}

/// What verifying the journal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Records walked.
    pub records: u64,
    /// The last good sequence and its hash.
    pub sequence: Sequence,
    /// See `sequence`.
    pub hash: [u8; 32],
    /// The first damage, in words that name the file and the place.
    pub damage: Option<String>,
}

/// Journal, index and blobs together: the only way to write. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    _inner: Arc<()>,
}

/// A write under way, on the writer's thread: sees the current state, with what the group has already changed.
pub struct Transaction<'a> {
    _state: &'a (),
}

/// Content-addressed files.
#[derive(Clone)]
pub struct Blobs {
    _dir: Arc<PathBuf>,
}

/// The BLAKE3 hash of a blob; shown as 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobHash(pub [u8; 32]);

// === impl Database ===

impl Database {
    /// Opens or creates the database in a directory: locks it, replays what the index lacks, rebuilds what is damaged.
    pub fn open(_directory: &Path, _options: Options) -> Result<Self, StoreError> {
        todo!()
    }

    /// A database in memory, for tests: the same writer over the memory twin, without a journal file.
    pub fn in_memory() -> Self {
        todo!()
    }

    /// The value of a key, as of the last acknowledged write.
    pub fn get(&self, _key: &Key) -> Result<Option<Bytes>, StoreError> {
        todo!()
    }

    /// The first `limit` entries of a range, by key.
    pub fn scan(&self, _range: &KeyRange, _limit: usize) -> Result<Vec<Entry>, StoreError> {
        todo!()
    }

    /// The last sequence that is on disk and applied.
    pub fn sequence(&self) -> Sequence {
        todo!()
    }

    /// Runs `command` on the writer's thread, and answers when its effects are on disk. A rejection leaves no trace. A
    /// command without effects takes no sequence.
    pub async fn write<T: Send + 'static>(
        &self,
        _origin: Origin,
        _command: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<T, WriteError> {
        todo!()
    }

    /// The records after `after`, at most `limit`, oldest first. Recent ones come from memory, older ones from the
    /// journal, checked.
    pub fn records(&self, _after: Sequence, _limit: usize) -> Result<Vec<Arc<Record>>, StoreError> {
        todo!()
    }

    /// Wakes whenever the sequence moves.
    pub fn watch(&self) -> tokio::sync::watch::Receiver<Sequence> {
        todo!()
    }

    /// Walks the whole journal.
    pub fn verify(&self) -> Result<Verification, StoreError> {
        todo!()
    }

    /// The blobs.
    pub fn blobs(&self) -> &Blobs {
        todo!()
    }

    /// Why no write is accepted any more, if that is so.
    pub fn failure(&self) -> Option<String> {
        todo!()
    }

    /// Finishes what is queued and closes; later writes are refused.
    pub async fn close(&self) {
        todo!()
    }
}

// === impl Transaction ===

impl Transaction<'_> {
    /// The value of a key.
    pub fn get(&self, _key: &Key) -> Result<Option<Bytes>, StoreError> {
        todo!()
    }

    /// The first `limit` entries of a range, by key.
    pub fn scan(&self, _range: &KeyRange, _limit: usize) -> Result<Vec<Entry>, StoreError> {
        todo!()
    }

    /// Puts a value.
    pub fn put(&mut self, _key: Key, _value: Bytes) {
        todo!()
    }

    /// Deletes a key, if it is there.
    pub fn delete(&mut self, _key: Key) {
        todo!()
    }

    /// When the write is made: the same for all of it, never before the one before.
    pub fn time(&self) -> Timestamp {
        todo!()
    }

    /// The sequence that the write gets if it has effects.
    pub fn sequence(&self) -> Sequence {
        todo!()
    }

    /// Runs a part of the write that may be rejected on its own: its effects go, the others stay.
    pub fn part<T>(
        &mut self,
        _command: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        todo!()
    }
}

// === impl Blobs ===

impl Blobs {
    /// Keeps bytes and answers their hash; on disk when it returns. The same bytes are kept once.
    pub fn put(&self, _bytes: &[u8]) -> Result<BlobHash, StoreError> {
        todo!()
    }

    /// The bytes, checked against the hash; nothing where there are none.
    pub fn get(&self, _hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        todo!()
    }
}
