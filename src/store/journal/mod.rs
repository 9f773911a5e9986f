//! The journal: the truth, and the audit trail. Records in segments, each chained to the one before by its hash.

mod appending;
mod checkpoint;
mod found;
mod past;
mod pointer;
mod reader;
mod record;
mod segment;
mod untouched;
mod walk;

pub(super) use found::{Found, survey, verify};
pub(super) use past::Past;
pub use pointer::{Pointer, Values};
pub(super) use record::{BODY_MAX_BYTES, Head, Sealed, body_bytes};
pub use record::{Journaled, Origin, Record};

use super::StoreError;

/// Where the writer's groups go.
pub(super) trait Log: Send {
    /// Writes a group, and answers where in its segment the first record is. Where there is no room, nothing of it is
    /// written, and the error says so ([`StoreError::is_disk_full`]); after any other error the log is not used again.
    fn write(&mut self, group: &[Sealed]) -> Result<u64, StoreError>;
    /// Makes what was written lasting. After an error the log is not used again.
    fn sync(&mut self) -> Result<(), StoreError>;
    /// Makes lasting how far that was. As for `write`: without room, nothing was changed.
    fn checkpoint(&mut self) -> Result<(), StoreError>;
}
