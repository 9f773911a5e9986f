//! A directory with a database, what is written to it, and what is done to its files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use merit::{
    proto::v1,
    store::{
        BlobHash, Database, Disk, Faults, Key, KeyRange, Options, Record, StoreError, Transaction, WriteError,
    },
};
use prost::Message as _;
use tempfile::TempDir;

use crate::{
    failing_disk::FailingDisk,
    writing::{key, origin},
};

/// What a reader sees of a database.
#[derive(Debug, PartialEq)]
pub struct Seen {
    pub entries: Vec<(String, Bytes)>,
    pub records: Vec<Arc<Record>>,
}

/// A directory for a database.
pub struct Place {
    directory: TempDir,
    pub options: Options,
}

impl Place {
    /// An empty one. Segments are small, so that there are several.
    pub fn new() -> Self {
        let options =
            Options { segment_bytes: 2048, free_floor_bytes: 0, cache_bytes: 1 << 20, ..Options::default() };
        Self { directory: tempfile::tempdir().unwrap(), options }
    }

    /// A copy, as a crash would leave it.
    pub fn copy(&self) -> Self {
        let copy = Self { directory: tempfile::tempdir().unwrap(), options: self.options.clone() };
        copy_directory(self.path(), copy.path());
        copy
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn open(&self) -> Result<Database, StoreError> {
        Database::open(self.path(), self.options.clone())
    }

    /// Opens it on an index that fails where it is told to.
    pub fn open_faulty(&self) -> (Database, Arc<Faults>) {
        let faults = Arc::new(Faults::default());
        (Database::open_faulty(self.path(), self.options.clone(), faults.clone()).unwrap(), faults)
    }

    /// Opens it on a disk that fails where it is told to.
    pub fn open_failing(&mut self) -> (Database, Arc<FailingDisk>) {
        let disk = Arc::new(FailingDisk::default());
        self.options.disk = Disk::watched(disk.clone());
        let database = self.open().unwrap();
        self.options.disk = Disk::default();
        (database, disk)
    }

    /// The journal's segments, oldest first.
    pub fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path().join("journal")).unwrap().map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|e| e == "journal")).collect();
        paths.sort();
        paths
    }

    /// Forgets what else knows how far the journal was applied.
    pub fn forget_index_and_checkpoint(&self) {
        let _ = fs::remove_dir_all(self.path().join("index"));
        let _ = fs::remove_file(self.path().join("journal/checkpoint"));
    }

    /// Whether an index was set aside.
    pub fn has_set_aside(&self) -> bool {
        let mut entries = fs::read_dir(self.path()).unwrap();
        entries.any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("index.set-aside."))
    }
}

/// What a reader sees.
pub fn seen(database: &Database) -> Seen {
    let entries = database.scan(&KeyRange::all(), usize::MAX).unwrap();
    Seen {
        entries: entries.into_iter().map(|entry| (entry.key.to_string(), entry.value)).collect(),
        records: database.records(0, usize::MAX).unwrap(),
    }
}

/// The write number `number`: puts two keys, and deletes one of an earlier write.
pub async fn write(database: &Database, number: u64) -> Result<(), WriteError> {
    let command = move |transaction: &mut Transaction<'_>| {
        let value = Bytes::from(format!("{number} ").repeat(usize::try_from(number % 40).unwrap()));
        transaction.put(key(&format!("t/first/{number:04}")), value.clone());
        transaction.put(key(&format!("t/second/{number:04}")), value);
        transaction.delete(Key(format!("t/second/{:04}", number / 2).into()));
        Ok(())
    };
    database.write(origin(&format!("author {number}")), command).await
}

/// Writes so many, one after the other, each synced on its own; closes, and answers what was seen last.
pub async fn fill(place: &Place, count: u64) -> Seen {
    let database = place.open().unwrap();
    for number in 0..count {
        write(&database, number).await.unwrap();
    }
    let seen = seen(&database);
    database.close().await;
    seen
}

/// Keeps bytes as the dataset of a run.
pub async fn keep_dataset(database: &Database, run: &str, bytes: &[u8]) -> BlobHash {
    let hash = database.blobs().put(bytes).unwrap();
    let record = v1::Run { dataset: hash.to_string(), ..v1::Run::default() }.encode_to_vec();
    let key = key(&format!("acme/runs/{run}"));
    let command = move |transaction: &mut Transaction<'_>| {
        transaction.put(key, record.into());
        Ok(())
    };
    database.write(origin("runner"), command).await.unwrap();
    hash
}

/// Changes one byte of a file.
pub fn flip(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[offset] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn copy_directory(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_directory(&entry.path(), &target);
        } else if entry.file_name() != "ballast" {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
