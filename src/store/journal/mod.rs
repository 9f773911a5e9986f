//! The journal: the truth, and the audit trail. Records in segments, each chained to the one before by its hash.

mod appending;
mod checkpoint;
mod past;
mod reader;
mod record;
mod segment;
mod walk;

pub(super) use appending::{Found, survey, verify};
pub(super) use past::Past;
pub(super) use record::{BODY_MAX_BYTES, Head, Sealed, body_bytes};
pub use record::{Origin, Record};

use super::{Sequence, StoreError};

/// Where the writer's groups go.
pub(super) trait Log: Send {
    /// Writes a group. Where there is no room, nothing of it is written, and the error says so
    /// ([`StoreError::is_disk_full`]); after any other error the log is not used again.
    fn write(&mut self, group: &[Sealed]) -> Result<(), StoreError>;
    /// Makes what was written lasting. After an error the log is not used again.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// Notes how far everything was applied.
    fn checkpoint(&mut self, head: &Head) -> Result<(), StoreError>;
}

/// What verifying the journal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Records walked.
    pub records: u64,
    /// The last good sequence and its hash.
    pub sequence: Sequence,
    /// See `sequence`.
    pub hash: [u8; 32],
    /// The first damage, in words that name the file and the place.
    pub damage: Option<String>,
}

// === impl Verification ===

impl Verification {
    /// Sequences count from 1 without gaps: the last good one is the number of records.
    pub(super) fn new(head: Head, damage: Option<StoreError>) -> Self {
        let damage = damage.map(|damage| damage.to_string());
        Self { records: head.sequence, sequence: head.sequence, hash: head.hash, damage }
    }
}
