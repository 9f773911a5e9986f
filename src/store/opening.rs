//! How a database is opened: lock, make room, walk the journal, open the index, compare, replay. An index that is not
//! what it should be is set aside and built again; a journal that is not is refused.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Blobs, Database, Effect, Faults, FaultyStore, OpeningProgress, Options, Record, Sequence, SledStore,
    Store, StoreError,
    database::Parts,
    faulty::FaultyLog,
    files,
    journal::{Found, Log},
    opening_progress::Stage,
    sled_store::suspect,
    space::Space,
};

/// Bytes of effects that are applied to the index at once.
const REPLAY_BYTES: usize = 4 << 20;
/// Sequences after which a long replay says how far it is.
const PROGRESS: u64 = 100_000;

const INDEX: &str = "index";
/// Where the journal is kept.
pub(super) const JOURNAL: &str = "journal";
/// Where blobs are kept.
pub(super) const BLOBS: &str = "blobs";
/// Where a restore gathers what it then moves into place.
pub(super) const RESTORING: &str = "restoring";
const LOCK: &str = "lock";

/// Where the journal of a data directory is.
///
/// # Errors
/// `NotOurs` where there is none.
pub(super) fn journal_of(directory: &Path) -> Result<PathBuf, StoreError> {
    let journal = directory.join(JOURNAL);
    if journal.is_dir() {
        return Ok(journal);
    }
    let what = format!("{} has no journal: it is no data directory of Merit", directory.display());
    Err(StoreError::NotOurs(what))
}

// === impl Database ===

impl Database {
    /// Opens or creates the database in a directory: locks it, replays what the index lacks, rebuilds what is damaged.
    /// Reads the whole journal and the whole index on the way.
    ///
    /// # Errors
    /// `InUse` where another process has it open; `NotOurs` where it has the files of others; `Damaged` where the journal is not what was acknowledged.
    pub fn open(directory: &Path, options: Options) -> Result<Self, StoreError> {
        Self::open_faulty(directory, options, Arc::default())
    }

    /// As `open`, failing where it is told to.
    ///
    /// # Errors
    /// As for `open`.
    pub fn open_faulty(directory: &Path, options: Options, faults: Arc<Faults>) -> Result<Self, StoreError> {
        files::create_directory(directory)?;
        refuse_foreign(directory)?;
        let lock = lock(directory)?;
        let space = Space::open(directory, options.free_floor_bytes)?;
        let blobs = Blobs::open(&directory.join(BLOBS))?;
        let progress = options.progress.clone();
        progress.set(Stage::Journal);
        let found = Found::open(&directory.join(JOURNAL))?;
        progress.set(Stage::Index);
        let index = Index {
            path: directory.join(INDEX),
            cache_bytes: options.cache_bytes,
            blobs: blobs.clone(),
            progress,
        };
        let kept = index.open();
        if let Ok(kept) = &kept {
            // What was applied was acknowledged, or about to be: a journal without it has lost it.
            found.check_reaches(kept.applied()?)?;
        }
        let (head, past) = (found.head(), found.past());
        // From here on files are changed.
        let index = index.bring_up_to_date(kept, &found)?;
        let mut journal = found.resume(options.segment_bytes)?;
        journal.checkpoint(&head)?;
        let parts = Parts {
            index: Arc::new(FaultyStore::new(index, faults.clone())),
            log: Box::new(FaultyLog::new(Box::new(journal), faults)),
            past: Some(past),
            blobs: blobs.above(options.free_floor_bytes),
            space: Some(space),
            head,
            lock: Some(lock),
        };
        Ok(Self::start(parts, options))
    }
}

/// The last sequence that the index of a directory has applied; nothing where that cannot be learnt, since there is no
/// index, it is damaged, or a service has it open.
pub(super) fn applied(directory: &Path) -> Option<Sequence> {
    let path = directory.join(INDEX);
    if !path.is_dir() {
        return None;
    }
    let _lock = lock(directory).ok()?;
    let blobs = Blobs::unopened(&directory.join(BLOBS));
    SledStore::open(&path, Options::default().cache_bytes, blobs).ok()?.applied().ok()
}

/// Refuses a directory of somebody else's files: a slip in a path must not fill it; and one that a restore has not finished
/// with, since a part of a history looks whole.
fn refuse_foreign(directory: &Path) -> Result<(), StoreError> {
    let reading = |error| StoreError::io("reading", directory)(error);
    if directory.join(RESTORING).exists() {
        return Err(StoreError::NotOurs(format!(
            "a restore into {} was not finished: remove the directory, and restore again",
            directory.display()
        )));
    }
    let mut foreign = None;
    for entry in fs::read_dir(directory).map_err(reading)? {
        let name = entry.map_err(reading)?.file_name();
        if [LOCK, JOURNAL, INDEX, BLOBS].iter().any(|own| name == *own) {
            return Ok(());
        }
        // What a file system puts into the root of a volume is nobody's.
        if name != "lost+found" {
            foreign = Some(name);
        }
    }
    match foreign {
        None => Ok(()),
        Some(name) => Err(StoreError::NotOurs(format!(
            "{} has {}, and nothing of Merit's: give an empty directory, or one that Merit has made",
            directory.display(),
            name.display()
        ))),
    }
}

/// Only one process may have a database open; the system lets go of the lock when it ends, however it ends.
fn lock(directory: &Path) -> Result<fs::File, StoreError> {
    let path = directory.join(LOCK);
    let file = fs::File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(StoreError::io("opening", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StoreError::InUse { directory: directory.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(StoreError::io("locking", &path)(error)),
    }
}

/// Where the index is kept.
struct Index {
    path: PathBuf,
    cache_bytes: u64,
    blobs: Blobs,
    progress: OpeningProgress,
}

// === impl Index ===

impl Index {
    fn open(&self) -> Result<SledStore, StoreError> {
        SledStore::open(&self.path, self.cache_bytes, self.blobs.clone())
    }

    /// Applies what the index lacks; where that cannot be done, builds a new one from the journal.
    fn bring_up_to_date(
        &self,
        kept: Result<SledStore, StoreError>,
        found: &Found,
    ) -> Result<SledStore, StoreError> {
        let error = match kept.and_then(|kept| replay(&kept, found, &self.progress).map(|()| kept)) {
            Ok(index) => return Ok(index),
            Err(error @ StoreError::Damaged { .. }) => error,
            Err(error) => return Err(error),
        };
        // A damaged journal shows here as well: a new index would not mend it.
        tracing::warn!(%error, "the index is not usable: it is set aside and built again from the journal");
        self.set_aside(found.head().sequence)?;
        let index = self.open()?;
        replay(&index, found, &self.progress)?;
        tracing::info!(sequence = found.head().sequence, "the index is built again");
        Ok(index)
    }

    /// Keeps the unusable index, for those who want to know; one that was set aside earlier goes.
    fn set_aside(&self, sequence: Sequence) -> Result<(), StoreError> {
        let directory = self.path.parent().expect("the index is in the database's directory");
        for entry in fs::read_dir(directory).map_err(StoreError::io("listing", directory))? {
            let path = entry.map_err(StoreError::io("listing", directory))?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index.set-aside.")) {
                fs::remove_dir_all(&path).map_err(StoreError::io("removing", &path))?;
            }
        }
        let aside = directory.join(format!("index.set-aside.{sequence}"));
        if self.path.exists() {
            fs::rename(&self.path, &aside).map_err(StoreError::io("setting aside", &self.path))?;
        }
        let mark = suspect(&self.path);
        if mark.exists() {
            fs::remove_file(&mark).map_err(StoreError::io("removing", &mark))?;
        }
        files::sync_directory(directory)
    }
}

/// Applies to the index what it lacks.
fn replay(index: &dyn Store, found: &Found, progress: &OpeningProgress) -> Result<(), StoreError> {
    let (from, last) = (index.applied()?, found.head().sequence);
    if from < last {
        tracing::info!(from, last, "the index is brought up to date from the journal");
    }
    let mut told = from;
    found.replay(from, |records| {
        for batch in batches(&records) {
            let effects: Vec<Effect> =
                batch.iter().flat_map(|record| record.effects.iter().cloned()).collect();
            let sequence = batch.last().expect("a batch has a record").sequence;
            index.commit(sequence, &effects)?;
            progress.set(Stage::Replay { from, at: sequence, last });
            if sequence - told >= PROGRESS {
                tracing::info!(sequence, last, "the index is being brought up to date");
                told = sequence;
            }
        }
        Ok(())
    })
}

/// Cuts records into batches of bounded size, with at least one record each.
fn batches(records: &[Arc<Record>]) -> impl Iterator<Item = &[Arc<Record>]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |record: &&Arc<Record>| {
            let before = bytes;
            bytes += record
                .effects
                .iter()
                .map(|effect| effect.value.as_ref().map_or(0, bytes::Bytes::len))
                .sum::<usize>();
            before == 0 || bytes <= REPLAY_BYTES
        };
        let count = rest.iter().take_while(fits).count();
        let (batch, left) = rest.split_at(count);
        rest = left;
        (!batch.is_empty()).then_some(batch)
    })
}
