//! Notices before each append that the segment under way is no longer the file that was written: replaced, gone, cut,
//! grown, or with other bytes at its end. What lies further back is found by a walk.

use std::{
    fs,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
};

use crate::store::StoreError;

/// Bytes before the end that are compared; they are in memory anyway, so this costs microseconds.
const TAIL_BYTES: usize = 4096;

/// What the segment under way has to look like.
pub(super) struct Untouched {
    device: u64,
    inode: u64,
    bytes: u64,
    /// The last bytes written, and where they end.
    tail: Vec<u8>,
    end: u64,
}

// === impl Untouched ===

impl Untouched {
    /// Takes the file as it is, with records up to `end`.
    pub fn of(file: &fs::File, path: &Path, end: u64) -> Result<Self, StoreError> {
        let found = file.metadata().map_err(StoreError::io("asking about", path))?;
        let count = TAIL_BYTES.min(usize::try_from(end).unwrap_or(TAIL_BYTES));
        let mut tail = vec![0; count];
        file.read_exact_at(&mut tail, end - count as u64).map_err(StoreError::io("reading", path))?;
        Ok(Self { device: found.dev(), inode: found.ino(), bytes: found.len(), tail, end })
    }

    /// Notes what was appended.
    pub fn appended(&mut self, bytes: &[u8]) {
        self.end += bytes.len() as u64;
        self.tail.extend_from_slice(bytes);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL_BYTES));
    }

    /// Whether the file at the path is still the one that was written.
    ///
    /// # Errors
    /// `Damaged` where it is not.
    pub fn check(&self, file: &fs::File, path: &Path) -> Result<(), StoreError> {
        let damaged = |offset, what: &str| {
            let what = format!("{what}, while the service was writing to it");
            Err(StoreError::damaged(path, offset, what))
        };
        let found = match fs::metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return damaged(0, "the file was removed");
            }
            Err(error) => return Err(StoreError::io("asking about", path)(error)),
        };
        if (found.dev(), found.ino()) != (self.device, self.inode) {
            return damaged(0, "another file was put in its place");
        }
        if found.len() != self.bytes {
            let what = format!("its length was changed from {} to {} bytes", self.bytes, found.len());
            return damaged(found.len().min(self.bytes), &what);
        }
        let start = self.end - self.tail.len() as u64;
        let mut tail = vec![0; self.tail.len()];
        file.read_exact_at(&mut tail, start).map_err(StoreError::io("reading", path))?;
        match tail.iter().zip(&self.tail).position(|(found, written)| found != written) {
            Some(place) => damaged(start + place as u64, "its last records were changed"),
            None => Ok(()),
        }
    }
}
