//! The journal: the truth, and the audit trail. Records in segments, each chained to the one before by its hash.

mod appending;
mod checkpoint;
mod past;
mod reader;
mod record;
mod segment;
mod untouched;
mod walk;

pub(super) use appending::{Found, survey, verify};
pub(super) use past::Past;
pub(super) use record::{BODY_MAX_BYTES, Head, Sealed, body_bytes};
pub use record::{Origin, Record};

use super::StoreError;

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
