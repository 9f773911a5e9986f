//! Content-addressed files: plugins, datasets, and values too large for the index. What they hold is not known here.

use std::{
    collections::HashMap,
    fmt, fs, io,
    io::Write,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::{StoreError, files, space};

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
    Directory { path: PathBuf, temporary: AtomicU64 },
    Memory(Mutex<HashMap<BlobHash, Bytes>>),
}

/// What the name of a file under way begins with.
const TEMPORARY: &str = "temporary-";

// === impl Blobs ===

impl Blobs {
    /// Blobs in a directory, which is made where there is none. What an interrupted `put` left is removed.
    ///
    /// # Errors
    /// The directory cannot be made or read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        files::create_directory(path)?;
        for entry in fs::read_dir(path).map_err(StoreError::io("listing", path))? {
            let entry = entry.map_err(StoreError::io("listing", path))?;
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                fs::remove_file(entry.path()).map_err(StoreError::io("removing", &entry.path()))?;
            }
        }
        Ok(Self::unopened(path))
    }

    /// The blobs of a directory that a service may be using: for reading only.
    #[must_use]
    pub(super) fn unopened(path: &Path) -> Self {
        let place = Place::Directory { path: path.to_owned(), temporary: AtomicU64::new(0) };
        Self { place: Arc::new(place), floor_bytes: 0 }
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

    /// Keeps bytes and answers their hash; on disk when it returns. The same bytes are kept once.
    ///
    /// # Errors
    /// The file cannot be written, or would leave too little room on the disk; then nothing is kept.
    pub fn put(&self, bytes: &[u8]) -> Result<BlobHash, StoreError> {
        let hash = BlobHash(blake3::hash(bytes).into());
        match &*self.place {
            Place::Memory(blobs) => {
                let mut blobs = blobs.lock().unwrap_or_else(PoisonError::into_inner);
                blobs.entry(hash).or_insert_with(|| Bytes::copy_from_slice(bytes));
            }
            Place::Directory { path, temporary } => {
                // One that is there but damaged is written anew.
                if !matches!(self.get(hash), Ok(Some(_))) {
                    self.check_room(path, bytes.len() as u64)?;
                    let number = temporary.fetch_add(1, Ordering::Relaxed);
                    write(
                        path,
                        &path.join(format!("{TEMPORARY}{number}")),
                        &path.join(hash.to_string()),
                        bytes,
                    )?;
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

    /// The bytes, checked against the hash; nothing where there are none.
    ///
    /// # Errors
    /// `Damaged` where the bytes are not those that were kept.
    pub fn get(&self, hash: BlobHash) -> Result<Option<Bytes>, StoreError> {
        let path = match &*self.place {
            Place::Memory(blobs) => {
                return Ok(blobs.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned());
            }
            Place::Directory { path, .. } => path.join(hash.to_string()),
        };
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
        let Place::Directory { path, .. } = &*self.place else {
            return Ok(self.get(hash)?.map(|bytes| bytes.len() as u64));
        };
        let path = path.join(hash.to_string());
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
    StoreError::damaged(path, 0, "the blob's bytes do not have the hash that is its name")
}

fn write(directory: &Path, temporary: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let written = (|| {
        let mut file = fs::File::create(temporary).map_err(StoreError::io("creating", temporary))?;
        file.write_all(bytes).map_err(StoreError::io("writing", temporary))?;
        file.sync_all().map_err(StoreError::io("syncing", temporary))?;
        fs::rename(temporary, path).map_err(StoreError::io("renaming", temporary))
    })();
    if written.is_err() {
        // What cannot be removed now is removed when the blobs are opened.
        let _ = fs::remove_file(temporary);
    }
    written?;
    files::sync_directory(directory)
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
