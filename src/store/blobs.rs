//! Content-addressed files: plugins and datasets. What they hold, and what rests on them, is not known here.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::{Disk, StoreError, failure::Failure, space};

/// Content-addressed files. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    place: Arc<Place>,
    /// Free bytes that another blob has to leave on the disk.
    floor_bytes: u64,
}

/// The BLAKE3 hash of a blob; shown as 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobHash(pub [u8; 32]);

/// The text is not a hash: 64 hex digits are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the hash of a blob: 64 hex digits")]
pub struct InvalidBlobHash(pub String);

#[derive(Debug)]
enum Place {
    Directory(Directory),
    Memory(Mutex<HashMap<BlobHash, Bytes>>),
}

/// Where blobs are kept as files.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    disk: Disk,
    /// A blob that could not be made lasting ends writing for everybody, as a record does.
    failure: Failure,
    /// The number of the next file under way.
    temporary: AtomicU64,
    /// What is being put: a file that can be seen is not lasting before that is done.
    under_way: Mutex<HashSet<BlobHash>>,
    done: Condvar,
}

/// A blob that is being put; nobody else puts it until this is dropped.
struct UnderWay<'a>(&'a Directory, BlobHash);

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What the name of a file under way begins with.
const TEMPORARY: &str = "temporary-";

// === impl Blobs ===

impl Blobs {
    /// Blobs in a directory, which is made where there is none. What an interrupted `put` left is removed, and what it
    /// has made visible is made lasting.
    ///
    /// # Errors
    /// The directory cannot be made or read.
    pub(super) fn open(path: &Path, disk: Disk, failure: Failure) -> Result<Self, StoreError> {
        disk.create_directory(path)?;
        for entry in list(path)? {
            if name_of(&entry).starts_with(TEMPORARY) {
                disk.remove(&entry)?;
            }
        }
        disk.sync_directory(path)?;
        Ok(Self::in_directory(path, disk, failure))
    }

    /// The blobs of a directory that a service may be using: for reading only.
    #[must_use]
    pub(super) fn unopened(path: &Path) -> Self {
        Self::in_directory(path, Disk::default(), Failure::default())
    }

    fn in_directory(path: &Path, disk: Disk, failure: Failure) -> Self {
        let directory = Directory {
            path: path.to_owned(),
            disk,
            failure,
            temporary: AtomicU64::new(0),
            under_way: Mutex::default(),
            done: Condvar::new(),
        };
        Self { place: Arc::new(Place::Directory(directory)), floor_bytes: 0 }
    }

    /// Blobs in memory, for tests.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { place: Arc::new(Place::Memory(Mutex::default())), floor_bytes: 0 }
    }

    /// The same blobs, for whoever is refused when the disk is nearly full.
    pub(super) fn above(&self, floor_bytes: u64) -> Self {
        Self { place: Arc::clone(&self.place), floor_bytes }
    }

    /// Keeps bytes and answers their hash; on disk when it returns. The same bytes are kept once. Nothing holds a blob but
    /// the records that name it: one that no record has named by then is swept at some later opening.
    ///
    /// # Errors
    /// The file cannot be written, or would leave too little room on the disk; then nothing is kept. `Unsynced` is final
    /// for the whole database, and `Closed` the answer to whoever comes after.
    pub fn put(&self, bytes: &[u8]) -> Result<BlobHash, StoreError> {
        let hash = BlobHash(blake3::hash(bytes).into());
        match &*self.place {
            Place::Memory(blobs) => {
                let mut blobs = blobs.lock().unwrap_or_else(PoisonError::into_inner);
                blobs.entry(hash).or_insert_with(|| Bytes::copy_from_slice(bytes));
            }
            Place::Directory(directory) => {
                let _alone = directory.begin(hash);
                directory.failure.check()?;
                // One that is there but damaged is written anew.
                if !matches!(self.get(hash), Ok(Some(_))) {
                    self.check_room(&directory.path, bytes.len() as u64)?;
                    directory.write(hash, bytes)?;
                }
            }
        }
        Ok(hash)
    }

    /// Whether so many bytes leave as much room as they have to.
    fn check_room(&self, path: &Path, bytes: u64) -> Result<(), StoreError> {
        if self.floor_bytes == 0 || space::free_bytes(path)? >= self.floor_bytes.saturating_add(bytes) {
            return Ok(());
        }
        Err(StoreError::io("keeping a blob in", path)(io::ErrorKind::StorageFull.into()))
    }

    /// Removes every blob that `wanted` does not have. Whoever calls it sees to it that nobody puts one meanwhile.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub(super) fn sweep(&self, wanted: &BTreeSet<BlobHash>) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let Place::Directory(directory) = &*self.place else { return Ok(swept) };
        for path in list(&directory.path)? {
            // What has another name is none.
            if name_of(&path).parse().is_ok_and(|hash| !wanted.contains(&hash)) {
                let bytes = fs::metadata(&path).map_err(StoreError::io("asking about", &path))?.len();
                directory.disk.remove(&path)?;
                swept = Swept { blobs: swept.blobs + 1, bytes: swept.bytes + bytes };
            }
        }
        Ok(swept)
    }

    /// The file of a blob, whether it is there or not.
    #[must_use]
    pub(super) fn path_of(&self, hash: BlobHash) -> PathBuf {
        let name = hash.to_string();
        match &*self.place {
            Place::Memory(_) => name.into(),
            Place::Directory(directory) => directory.path.join(name),
        }
    }

    /// The bytes, checked against the hash; nothing where there are none.
    ///
    /// # Errors
    /// `Damaged` where the bytes are not those that were kept.
    pub fn get(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        if let Place::Memory(blobs) = &*self.place {
            return Ok(blobs.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned());
        }
        let path = self.path_of(hash);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("reading", &path)(error)),
        };
        if *blake3::hash(&bytes).as_bytes() != hash.0 {
            return Err(unlike(&path));
        }
        Ok(Some(bytes.into()))
    }

    /// Reads a blob, without taking it into memory, and answers its size in bytes; nothing where there is none.
    ///
    /// # Errors
    /// `Damaged` where the bytes are not those that were kept.
    pub fn check(&self, hash: BlobHash) -> Result<Option<u64>, StoreError> {
        if matches!(&*self.place, Place::Memory(_)) {
            return Ok(self.get(hash)?.map(|bytes| bytes.len() as u64));
        }
        let path = self.path_of(hash);
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("opening", &path)(error)),
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map_err(StoreError::io("reading", &path))?;
        if *hasher.finalize().as_bytes() != hash.0 {
            return Err(unlike(&path));
        }
        Ok(Some(hasher.count()))
    }
}

fn unlike(path: &Path) -> StoreError {
    StoreError::unsound(path, "the blob's bytes do not have the hash that is its name")
}

/// The files of a directory.
fn list(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(directory).map_err(StoreError::io("listing", directory))?;
    let paths = entries.map(|entry| Ok(entry.map_err(StoreError::io("listing", directory))?.path()));
    paths.collect()
}

fn name_of(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

// === impl Directory ===

impl Directory {
    /// Waits until nobody else puts this blob.
    fn begin(&self, hash: BlobHash) -> UnderWay<'_> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        while !under_way.insert(hash) {
            under_way = self.done.wait(under_way).unwrap_or_else(PoisonError::into_inner);
        }
        UnderWay(self, hash)
    }

    fn write(&self, hash: BlobHash, bytes: &[u8]) -> Result<(), StoreError> {
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.path.join(format!("{TEMPORARY}{number}"));
        let path = self.path.join(hash.to_string());
        match self.disk.place(&temporary, &path, |file| file.write_at(bytes, 0)) {
            Ok(_) => Ok(()),
            Err(error) => {
                if matches!(error, StoreError::Unsynced { .. }) {
                    self.failure.set("keeping a blob failed", &error);
                }
                Err(error)
            }
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Self(directory, hash) = self;
        directory.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
        directory.done.notify_all();
    }
}

// === impl BlobHash ===

impl fmt::Display for BlobHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl FromStr for BlobHash {
    type Err = InvalidBlobHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hash = blake3::Hash::from_hex(text).map_err(|_| InvalidBlobHash(text.to_owned()))?;
        Ok(Self(hash.into()))
    }
}
