//! The checkpoint: a note beside the journal of how far it was on disk, and with which hash, so that a lost tail is noticed
//! even where the index is lost as well. Noted after every group, and made lasting now and then.

use std::{fs, io, path::PathBuf};

use crate::store::{Disk, Mark, StoreError, disk::DiskFile, mark::MARK_BYTES};

const MAGIC: [u8; 8] = *b"MeritC\0\x01";
const CHECKED_BYTES: usize = 8 + MARK_BYTES;
/// All of it is in the first sector of its file: a note is there, or the one before it.
const BYTES: usize = CHECKED_BYTES + 4;

/// The checkpoint of a journal that is written to.
pub(super) struct Checkpoint {
    disk: Disk,
    path: PathBuf,
    file: DiskFile,
}

// === impl Checkpoint ===

impl Checkpoint {
    /// Begins with a new one, lasting.
    pub fn begin(disk: &Disk, path: PathBuf, mark: Mark) -> Result<Self, StoreError> {
        let file = disk.replace(&path, &encode(mark))?;
        Ok(Self { disk: disk.clone(), path, file })
    }

    /// Notes how far the journal is on disk. A process that is killed has noted it; a power cut may take it back.
    pub fn note(&self, mark: Mark) -> Result<(), StoreError> {
        self.file.write_at(&encode(mark), 0).map_err(StoreError::io("writing", &self.path))
    }

    /// Notes it so that it lasts.
    pub fn make_last(&mut self, mark: Mark) -> Result<(), StoreError> {
        self.file = self.disk.replace(&self.path, &encode(mark))?;
        Ok(())
    }
}

/// Reads a checkpoint. A damaged one is reported and counts as none: the journal has its own proofs.
pub(super) fn read(path: &std::path::Path) -> Result<Option<Mark>, StoreError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("reading", path)(error)),
    };
    let mark = bytes.get(8..CHECKED_BYTES).and_then(|bytes| bytes.try_into().ok()).map(Mark::decode);
    let sound = mark.filter(|mark| encode(*mark)[..] == bytes);
    if sound.is_none() {
        tracing::warn!(file = %path.display(), "the checkpoint is damaged; the journal is checked without it");
    }
    Ok(sound)
}

fn encode(mark: Mark) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..CHECKED_BYTES].copy_from_slice(&mark.encode());
    let checksum = crc32c::crc32c(&bytes[..CHECKED_BYTES]);
    bytes[CHECKED_BYTES..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}
