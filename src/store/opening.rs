//! How a database is opened: lock, walk the journal, open the index, compare, make the journal lasting, replay. An index that
//! is not what it should be is set aside and built again; a journal that is not is refused.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Blobs, Database, Faults, FaultyStore, Options, Sequence, SledStore, Store as _, StoreError,
    database::Parts,
    failure::Failure,
    journal::Found,
    opening_progress::Stage,
    place::{BLOBS, INDEX, JOURNAL, check_journal, lock, refuse_foreign},
    sled_store::suspect,
    space::Space,
};

/// Sequences after which a long replay says how far it is.
const PROGRESS: u64 = 100_000;

/// What the name of an index begins with that was not usable.
const SET_ASIDE: &str = "index.set-aside.";

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

    /// As `open`, over an index that fails where it is told to.
    ///
    /// # Errors
    /// As for `open`.
    pub fn open_faulty(directory: &Path, options: Options, faults: Arc<Faults>) -> Result<Self, StoreError> {
        let disk = &options.disk;
        disk.create_directory(directory)?;
        refuse_foreign(directory)?;
        let lock = lock(directory)?;
        if let Err(damage @ StoreError::Damaged { .. }) = check_journal(directory) {
            return Err(damage);
        }
        // Made first: from now on it shows whose the directory is.
        disk.create_directory(&directory.join(JOURNAL))?;
        let space = Space::open(disk, directory, options.free_floor_bytes)?;
        let failure = Failure::default();
        let blobs = Blobs::open(&directory.join(BLOBS), disk.clone(), failure.clone())?;
        options.progress.set(Stage::Journal);
        let found = Found::open(disk, &directory.join(JOURNAL))?;
        let (head, past) = (found.head(), found.past());
        options.progress.set(Stage::Index);
        let place = Index { path: directory.join(INDEX), found: &found, options: &options };
        let kept = place.open_kept()?;
        // From here on files are changed. What is found in the journal is on disk before the index is built on it.
        let journal = found.resume(disk, options.segment_bytes)?;
        let (index, is_rebuilt) = place.bring_up_to_date(kept)?;
        let parts = Parts {
            index: Arc::new(FaultyStore::new(index, faults)),
            log: Box::new(journal),
            past: Some(past),
            blobs: blobs.above(options.free_floor_bytes),
            space: Some(space),
            head,
            failure,
            is_rebuilt,
            lock: Some(lock),
        };
        Ok(Self::start(parts, options))
    }
}

/// The index of a directory, beside the journal that it has to agree with.
struct Index<'a> {
    path: PathBuf,
    found: &'a Found,
    options: &'a Options,
}

// === impl Index ===

impl Index<'_> {
    fn open(&self) -> Result<SledStore, StoreError> {
        self.options.disk.create_directory(&self.path)?;
        SledStore::open(&self.path, self.options.cache_bytes, Arc::new(self.found.past()))
    }

    /// The index that is there; nothing where it is not usable, or is one of another history than the journal's.
    ///
    /// # Errors
    /// `Damaged` where the index has applied more than the journal has: that was acknowledged, or about to be, and is lost.
    fn open_kept(&self) -> Result<Option<SledStore>, StoreError> {
        let kept = match self.open() {
            Ok(kept) => kept,
            Err(error @ StoreError::Damaged { .. }) => return self.not_usable(&error),
            Err(error) => return Err(error),
        };
        let applied = kept.applied()?;
        self.found.check_reaches(applied.sequence)?;
        if self.found.has(applied)? {
            return Ok(Some(kept));
        }
        let what =
            format!("it was built from another journal: in this one, sequence {} differs", applied.sequence);
        self.not_usable(&StoreError::unsound(&self.path, what))
    }

    fn not_usable(&self, error: &StoreError) -> Result<Option<SledStore>, StoreError> {
        tracing::warn!(%error, "the index is not usable: it is set aside and built again from the journal");
        Ok(None)
    }

    /// Applies what the index lacks; where that cannot be done, builds a new one from the journal. Says whether it was built
    /// from nothing.
    fn bring_up_to_date(&self, kept: Option<SledStore>) -> Result<(SledStore, bool), StoreError> {
        if let Some(kept) = kept {
            match self.replay(&kept) {
                Ok(from) => return Ok((kept, from == 0)),
                // A damaged journal shows here as well: a new index would not mend it.
                Err(error @ StoreError::Damaged { .. }) => drop(self.not_usable(&error)),
                Err(error) => return Err(error),
            }
        }
        let aside = self.set_aside()?;
        let index = self.open()?;
        self.replay(&index)?;
        let sequence = self.found.head().sequence;
        tracing::info!(sequence, kept = %aside.display(), "the index is built again; the old one is kept until the next is set aside");
        Ok((index, true))
    }

    /// Keeps the unusable index, for those who want to know; one that was set aside earlier goes.
    fn set_aside(&self) -> Result<PathBuf, StoreError> {
        let directory = self.path.parent().expect("the index is in the database's directory");
        for entry in fs::read_dir(directory).map_err(StoreError::io("listing", directory))? {
            let path = entry.map_err(StoreError::io("listing", directory))?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SET_ASIDE)) {
                fs::remove_dir_all(&path).map_err(StoreError::io("removing", &path))?;
            }
        }
        let aside = directory.join(format!("{SET_ASIDE}{}", self.found.head().sequence));
        if self.path.exists() {
            fs::rename(&self.path, &aside).map_err(StoreError::io("setting aside", &self.path))?;
        }
        self.options.disk.remove(&suspect(&self.path))?;
        self.options.disk.sync_directory(directory)?;
        Ok(aside)
    }

    /// Applies to the index what it lacks, and answers from which sequence on.
    fn replay(&self, index: &SledStore) -> Result<Sequence, StoreError> {
        let (from, last) = (index.applied()?.sequence, self.found.head().sequence);
        if from < last {
            tracing::info!(from, last, "the index is brought up to date from the journal");
        }
        let mut told = from;
        self.found.replay(from, |records| {
            index.commit(records)?;
            let at = records.last().map_or(from, |journaled| journaled.record.sequence);
            self.options.progress.set(Stage::Replay { from, at, last });
            if at - told >= PROGRESS {
                tracing::info!(at, last, "the index is being brought up to date");
                told = at;
            }
            Ok(())
        })?;
        Ok(from)
    }
}
