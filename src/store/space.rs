//! Room on the disk: the floor below which writes are refused, and the ballast that gives room to recover.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{Disk, StoreError};

/// The ballast's file.
const BALLAST: &str = "ballast";
/// Bytes of the ballast: enough to open, to tidy up, and to take a copy of what is needed.
const BALLAST_BYTES: u64 = 64 << 20;

/// Watches over the room in a directory.
#[derive(Debug)]
pub(super) struct Space {
    directory: PathBuf,
    floor_bytes: u64,
    short: bool,
}

// === impl Space ===

impl Space {
    /// Prepares a directory: where there is plenty of room, a ballast is set aside in the file `ballast`; where there is
    /// less than the floor, the ballast is given up, so that the database can be opened.
    pub(super) fn open(disk: &Disk, directory: &Path, floor_bytes: u64) -> Result<Self, StoreError> {
        let space = Self { directory: directory.to_owned(), floor_bytes, short: false };
        let ballast = directory.join(BALLAST);
        let free = space.free_bytes()?;
        if free < floor_bytes && ballast.exists() {
            tracing::warn!(free, floor_bytes, "the disk is nearly full: the ballast is given up");
            disk.remove(&ballast)?;
        } else if free / 4 > floor_bytes.saturating_add(BALLAST_BYTES) && !ballast.exists() {
            let file = disk.create(&ballast)?;
            file.allocate(BALLAST_BYTES).map_err(StoreError::io("allocating", &ballast))?;
            disk.sync_directory(directory)?;
        }
        Ok(space)
    }

    /// Whether there is less room than the floor. Where it cannot be told, there is not.
    pub(super) fn is_short(&mut self) -> bool {
        let short = self.floor_bytes > 0
            && self.free_bytes().map_or_else(
                |error| {
                    tracing::warn!(%error, "the free room is unknown: writes are refused");
                    true
                },
                |free| free < self.floor_bytes,
            );
        if short && !self.short {
            tracing::warn!(
                floor_bytes = self.floor_bytes,
                "the disk is nearly full: writes are refused, reads go on"
            );
        } else if self.short && !short {
            tracing::info!("there is room again: writes are accepted");
        }
        self.short = short;
        short
    }

    fn free_bytes(&self) -> Result<u64, StoreError> {
        free_bytes(&self.directory)
    }
}

/// Bytes that are free where a directory is.
pub(super) fn free_bytes(directory: &Path) -> Result<u64, StoreError> {
    let room = rustix::fs::statvfs(directory)
        .map_err(|errno| StoreError::io("asking for the free room of", directory)(io::Error::from(errno)))?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}
