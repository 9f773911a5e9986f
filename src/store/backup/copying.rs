//! Copies files so that they last, and hashes them on the way.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use super::progress::BackupProgress;
use crate::store::{BlobHash, StoreError, files};

/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Copies the first `bytes` of a file (nothing: all) to a new one, on disk when it returns, and answers their hash.
pub(super) fn copy(
    from: &Path,
    bytes: Option<u64>,
    to: &Path,
    progress: &BackupProgress,
) -> Result<BlobHash, StoreError> {
    let source = fs::File::open(from).map_err(StoreError::io("opening", from))?;
    let mut source = source.take(bytes.unwrap_or(u64::MAX));
    let mut target = fs::File::create_new(to).map_err(StoreError::io("creating", to))?;
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(StoreError::io("reading", from)(error)),
        };
        hasher.update(&chunk[..count]);
        target.write_all(&chunk[..count]).map_err(StoreError::io("writing", to))?;
        progress.add(count);
    }
    target.sync_all().map_err(StoreError::io("syncing", to))?;
    Ok(BlobHash(hasher.finalize().into()))
}

/// Makes the names below a directory lasting.
pub(super) fn sync_folders(directory: &Path, folders: &[&str]) -> Result<(), StoreError> {
    for folder in folders {
        files::sync_directory(&directory.join(folder))?;
    }
    files::sync_directory(directory)
}
