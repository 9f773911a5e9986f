//! The door of the room: journal, index and blobs together, one writer, any number of readers. How a directory is
//! opened is in `opening`.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, PoisonError, RwLock,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::watch;

use super::{
    BlobHash, Blobs, Entry, Failed, Key, KeyRange, Mark, MemoryStore, Naming, Options, Origin, Record,
    Sequence, Store, StoreError, Swept, Transaction, Verification, WriteError,
    clock::Clock,
    failure::Failure,
    journal::{Head, Log, Past, Sealed},
    recent::Recent,
    space::Space,
    verification::Inspection,
    writer::{Command, Shared, Writer, closed},
};
use crate::model::rejection::Rejection;

/// Bytes of records kept in memory for those who follow the journal.
const RECENT_BYTES: usize = 64 << 20;

/// Journal, index and blobs together: the only way to write. Cheap to clone. What it holds is let go when the last clone
/// is dropped: then the writer has finished what was queued, and the directory may be opened again.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

/// What a database is made of.
pub(super) struct Parts {
    pub index: Arc<dyn Store>,
    pub log: Box<dyn Log>,
    pub past: Option<Past>,
    pub blobs: Blobs,
    pub space: Option<Space>,
    pub head: Head,
    pub failure: Failure,
    /// Whether the index was built from nothing.
    pub is_rebuilt: bool,
    /// Kept as long as the database is open.
    pub lock: Option<std::fs::File>,
}

struct Inner {
    index: Arc<dyn Store>,
    shared: Arc<Shared>,
    past: Option<Past>,
    blobs: Blobs,
    /// Nothing once the database is closing.
    queue: RwLock<Option<SyncSender<Command>>>,
    writer: Option<JoinHandle<()>>,
    /// Changes when the writer has ended.
    ended: watch::Receiver<()>,
    is_rebuilt: bool,
    _lock: Option<std::fs::File>,
}

/// A journal that keeps nothing: everything is among the recent records.
struct NoLog;

// === impl Database ===

impl Database {
    /// A database in memory, for tests: the same writer over the memory twin, without a journal file.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::in_memory_over(Arc::new(MemoryStore::default()))
    }

    /// As `in_memory`, over any empty index.
    #[must_use]
    pub fn in_memory_over(index: Arc<dyn Store>) -> Self {
        let parts = Parts {
            index,
            log: Box::new(NoLog),
            past: None,
            blobs: Blobs::in_memory(),
            space: None,
            head: Head::EMPTY,
            failure: Failure::default(),
            is_rebuilt: false,
            lock: None,
        };
        Self::start(parts, Options::default())
    }

    /// Starts the writer.
    pub(super) fn start(parts: Parts, options: Options) -> Self {
        let recent_bytes = if parts.past.is_some() { RECENT_BYTES } else { usize::MAX };
        let shared = Arc::new(Shared {
            sequence: watch::Sender::new(parts.head.sequence),
            recent: RwLock::new(Recent::new(recent_bytes)),
            failure: parts.failure,
        });
        let (sender, receiver) = sync_channel(options.queue);
        let writer = Writer {
            index: parts.index.clone(),
            log: parts.log,
            shared: shared.clone(),
            options,
            space: parts.space,
            clock: Clock::after(parts.head.time),
            head: parts.head,
            crowd: 0,
            checkpoint: parts.head.sequence,
            sync_time: Duration::ZERO,
        };
        let (end, ended) = watch::channel(());
        let watched = shared.clone();
        let work = move || {
            let _end = end;
            if catch_unwind(AssertUnwindSafe(|| writer.work(&receiver))).is_err() {
                watched.failure.set_words("the writer panicked", false);
            }
        };
        let thread = thread::Builder::new().name("merit-writer".to_owned()).spawn(work);
        Self {
            inner: Arc::new(Inner {
                index: parts.index,
                shared,
                past: parts.past,
                blobs: parts.blobs,
                queue: RwLock::new(Some(sender)),
                writer: Some(thread.expect("the system has a thread for the writer")),
                ended,
                is_rebuilt: parts.is_rebuilt,
                _lock: parts.lock,
            }),
        }
    }

    /// The value of a key, as of the last acknowledged write.
    ///
    /// # Errors
    /// The index failed, or is damaged: it is rebuilt when the database is opened again.
    pub fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.noting_damage(self.inner.index.get(key))
    }

    /// The first `limit` entries of a range, by key. No snapshot, see [`Store::scan`].
    ///
    /// # Errors
    /// As for `get`.
    pub fn scan(&self, range: &KeyRange, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.noting_damage(self.inner.index.scan(range, limit))
    }

    /// The last sequence that is on disk and applied.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        *self.inner.shared.sequence.borrow()
    }

    /// Runs `command` on the writer's thread, and answers when its effects are on disk. A rejection leaves no trace. A
    /// command without effects takes no sequence. Dropped before its turn, it is not run; afterwards it is done all the
    /// same.
    ///
    /// # Errors
    /// Why the write was not done; see [`WriteError::Failed`] for when that cannot be told.
    pub async fn write<T: Send + 'static>(
        &self,
        origin: Origin,
        command: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<T, WriteError> {
        if let Some(failed) = self.failure() {
            return Err(failed.into());
        }
        let (command, answer) = Command::new(origin, command);
        {
            let queue = self.inner.queue.read().unwrap_or_else(PoisonError::into_inner);
            let Some(queue) = &*queue else { return Err(closed("it was asked to close")) };
            queue.try_send(command).map_err(|error| match error {
                TrySendError::Full(_) => WriteError::Busy,
                TrySendError::Disconnected(_) => closed("the writer has ended"),
            })?;
        }
        answer.await.unwrap_or_else(|_| Err(closed("the writer has ended")))
    }

    /// The records after `after`, at most `limit`, oldest first; fewer where they are large, and none only where there are
    /// no more. Recent ones come from memory, older ones from the journal, checked.
    ///
    /// # Errors
    /// The journal cannot be read, or is damaged.
    pub fn records(&self, after: Sequence, limit: usize) -> Result<Vec<Arc<Record>>, StoreError> {
        let last = self.sequence();
        if after >= last || limit == 0 {
            return Ok(Vec::new());
        }
        let recent =
            self.inner.shared.recent.read().unwrap_or_else(PoisonError::into_inner).after(after, limit);
        match (recent, &self.inner.past) {
            (Some(records), _) => Ok(records),
            (None, Some(past)) => {
                let records = self.noting_damage(past.records(after, limit, last))?;
                Ok(records.into_iter().map(|journaled| journaled.record).collect())
            }
            (None, None) => Ok(Vec::new()),
        }
    }

    /// Wakes whenever the sequence moves.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Sequence> {
        self.inner.shared.sequence.subscribe()
    }

    /// Walks the whole journal, as far as it was acknowledged when asked, and reads every blob that its records name. A
    /// damaged journal is final: what was acknowledged behind the damage could not be read again, so that nothing more is.
    /// A history that is not the `expected` one is no damage of this database, and only told.
    ///
    /// # Errors
    /// Something cannot be read. Damage is no error here, but what was asked for.
    pub fn verify(&self, naming: Naming<'_>, expected: Option<Mark>) -> Result<Verification, StoreError> {
        let last = self.sequence();
        let mut inspection = Inspection::new(naming, expected);
        let found = match &self.inner.past {
            Some(past) => past.verify(last, &mut inspection)?,
            None => {
                let records = self.records(0, usize::MAX)?;
                records.iter().for_each(|record| inspection.see(record));
                let mark = records.last().map(|record| record.mark());
                Verification::new(mark.unwrap_or_default(), None)
            }
        };
        if let Some(damage) = &found.damage {
            self.inner.shared.failure.set_words(damage, true);
        }
        inspection.check(&self.inner.blobs, found)
    }

    /// Removes the blobs that are not `wanted`: what puts left whose records were refused or never came, and what deleted
    /// records named. To be called before the first `put`, since that comes before its record. Nothing is removed where
    /// the index was just built: whoever put another journal here by mistake can take it away again.
    ///
    /// # Errors
    /// Something cannot be read or removed.
    pub fn sweep_blobs(&self, wanted: &BTreeSet<BlobHash>) -> Result<Swept, StoreError> {
        if self.inner.is_rebuilt {
            return Ok(Swept::default());
        }
        self.inner.blobs.sweep(wanted)
    }

    /// The blobs.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// Why no write is accepted any more, if that is so.
    #[must_use]
    pub fn failure(&self) -> Option<Failed> {
        self.inner.shared.failure.get()
    }

    /// Waits until no write is accepted any more, and answers why.
    pub async fn failed(&self) -> Failed {
        self.inner.shared.failure.wait().await
    }

    /// Finishes what is queued and closes; later writes are refused. Reads go on until the last clone is dropped.
    pub async fn close(&self) {
        self.inner.close_queue();
        self.closed().await;
    }

    /// Waits until the database has been closed, or has failed: nothing is written any more.
    pub async fn closed(&self) {
        let mut ended = self.inner.ended.clone();
        // The sender never sends: it goes when the writer has ended.
        while ended.changed().await.is_ok() {}
    }

    /// What is damaged must not be served, and only opening anew mends it: damage is final for this process.
    fn noting_damage<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error @ StoreError::Damaged { .. }) = &result {
            self.inner.shared.failure.set("what is kept is damaged", error);
        }
        result
    }
}

// === impl Inner ===

impl Inner {
    /// The writer ends when the queue is empty and nobody can send.
    fn close_queue(&self) {
        self.queue.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close_queue();
        if let Some(writer) = self.writer.take() {
            // A command may hold the last clone: the writer cannot wait for itself.
            if writer.thread().id() != thread::current().id() {
                // A panic of the writer was logged and noted when it happened.
                let _ = writer.join();
            }
        }
    }
}

// === impl NoLog ===

impl Log for NoLog {
    fn write(&mut self, _group: &[Sealed]) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
