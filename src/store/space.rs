//! Room on the disk: the floor below which writes are refused, and the ballast that gives room to recover.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{StoreError, files};

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
    pub(super) fn open(directory: &Path, floor_bytes: u64) -> Result<Self, StoreError> {
        let space = Self { directory: directory.to_owned(), floor_bytes, short: false };
        let ballast = directory.join("ballast");
        let free = space.free_bytes()?;
        if free < floor_bytes && ballast.exists() {
            tracing::warn!(free, floor_bytes, "the disk is nearly full: the ballast is given up");
            fs::remove_file(&ballast).map_err(StoreError::io("removing", &ballast))?;
        } else if free / 4 > floor_bytes.saturating_add(BALLAST_BYTES) && !ballast.exists() {
            let file = fs::File::create(&ballast).map_err(StoreError::io("creating", &ballast))?;
            allocate(&file, BALLAST_BYTES).map_err(StoreError::io("allocating", &ballast))?;
            files::sync_directory(directory)?;
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

/// Takes room for a file, so that writing to it later cannot find the disk full.
pub(super) fn allocate(file: &fs::File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        // Some file systems cannot: then the length at least is right, and the floor has to do.
        Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(bytes),
        Err(errno) => Err(io::Error::from(errno)),
    }
}
