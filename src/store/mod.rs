//! What lasts: the journal, which is the truth, the index that reads go to, and blobs. What the records mean is not
//! known here.

mod backup;
mod blobs;
mod clock;
mod database;
mod error;
mod faulty;
mod files;
mod index;
mod journal;
mod keys;
mod memory;
mod open_files;
mod opening;
mod opening_progress;
mod options;
mod recent;
mod sled_store;
mod space;
mod transaction;
mod verification;
mod verifying;
mod writer;

pub use backup::{Backup, BackupProgress, create_backup, restore_backup, verify_backup};
pub use blobs::{BlobHash, Blobs, InvalidBlobHash};
pub use database::Database;
pub use error::{StoreError, WriteError};
pub use faulty::{Fault, Faults, FaultyStore};
pub use index::{Effect, Entry, Sequence, Store};
pub use journal::{Origin, Record};
pub use keys::{Key, KeyRange, System};
pub use memory::MemoryStore;
pub use open_files::allow_open_files;
pub use opening_progress::OpeningProgress;
pub use options::Options;
pub use sled_store::SledStore;
pub use transaction::Transaction;
pub use verification::{Naming, Verification};
pub use verifying::verify_directory;
