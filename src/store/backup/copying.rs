//! Copies files so that they last, and hashes them on the way.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use super::progress::BackupProgress;
use crate::store::{BlobHash, Disk, StoreError};

/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Copies the first `bytes` of a file (nothing: all) to a new one, on disk when it returns, and answers their hash and number.
pub(super) fn copy(
    disk: &Disk,
    from: &Path,
    bytes: Option<u64>,
    to: &Path,
    progress: &BackupProgress,
) -> Result<(BlobHash, u64), StoreError> {
    let source = fs::File::open(from).map_err(StoreError::io("opening", from))?;
    let mut source = source.take(bytes.unwrap_or(u64::MAX));
    let target = disk.create(to)?;
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(StoreError::io("reading", from)(error)),
        };
        target.write_at(&chunk[..count], hasher.count()).map_err(StoreError::io("writing", to))?;
        hasher.update(&chunk[..count]);
        progress.add(count);
    }
    target.sync(to)?;
    Ok((BlobHash(hasher.finalize().into()), hasher.count()))
}

/// Makes the names below a directory lasting.
pub(super) fn sync_folders(disk: &Disk, directory: &Path, folders: &[&str]) -> Result<(), StoreError> {
    for folder in folders {
        disk.sync_directory(&directory.join(folder))?;
    }
    disk.sync_directory(directory)
}
