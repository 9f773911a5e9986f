//! The checkpoint: a note beside the journal of how far it was applied, and with which hash, so that a lost tail is
//! noticed even where the index is lost as well.

use std::{fs, io, path::Path};

use crate::store::{Sequence, StoreError, files};

const MAGIC: [u8; 8] = *b"MeritC\0\x01";
const BYTES: usize = 52;

/// How far the journal was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// A sequence that was acknowledged.
    pub sequence: Sequence,
    /// Its hash.
    pub hash: [u8; 32],
}

// === impl Checkpoint ===

impl Checkpoint {
    /// Reads it. A damaged one is reported and counts as none: the journal has its own proofs.
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("reading", path)(error)),
        };
        let checkpoint = (bytes.len() == BYTES).then(|| Self {
            sequence: u64::from_le_bytes(bytes[8..16].try_into().expect("eight bytes")),
            hash: bytes[16..48].try_into().expect("as many bytes as a hash has"),
        });
        let sound = checkpoint.filter(|checkpoint| checkpoint.encode()[..] == bytes);
        if sound.is_none() {
            tracing::warn!(file = %path.display(), "the checkpoint is damaged; the journal is checked without it");
        }
        Ok(sound)
    }

    /// Replaces it, lasting.
    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        files::replace(path, &self.encode())
    }

    fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..48].copy_from_slice(&self.hash);
        let checksum = crc32c::crc32c(&bytes[..48]);
        bytes[48..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }
}
