//! A directory of a database: what is in it, who may have it open, and whose it is.

use std::{fs, path::Path, thread, time::Duration};

use super::StoreError;

/// Where the journal is kept.
pub(super) const JOURNAL: &str = "journal";
/// Where the index is kept.
pub(super) const INDEX: &str = "index";
/// Where blobs are kept.
pub(super) const BLOBS: &str = "blobs";
/// Where a restore gathers what it then moves into place.
pub(super) const RESTORING: &str = "restoring";
/// What a backup has, and no database.
pub(super) const MANIFEST: &str = "manifest";

/// How often is asked for what somebody has in use.
const TRIES: u32 = 100;
/// How long is waited between.
const PAUSE: Duration = Duration::from_millis(20);

/// Only one process may have a database open. What is locked is the directory itself: there is no file that somebody could
/// take for a left-over. The system lets go of the lock when the process ends, however it ends; not at once where that one was
/// just starting another, which holds what it inherited until it is what it is to be.
///
/// # Errors
/// `InUse` where another has it.
pub(super) fn lock(directory: &Path) -> Result<fs::File, StoreError> {
    let handle = fs::File::open(directory).map_err(StoreError::io("opening", directory))?;
    patiently(|| match handle.try_lock() {
        Ok(()) => Ok(()),
        Err(fs::TryLockError::WouldBlock) => Err(StoreError::InUse { directory: directory.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(StoreError::io("locking", directory)(error)),
    })?;
    Ok(handle)
}

/// Asks for what somebody may have in use a moment longer: for two seconds.
///
/// # Errors
/// Those of `ask`; `InUse` only where that is so to the end.
pub(super) fn patiently<T>(mut ask: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 0..TRIES {
        match ask() {
            Err(StoreError::InUse { .. }) => thread::sleep(PAUSE),
            other => return other,
        }
    }
    ask()
}

/// Refuses a directory of somebody else's files: a slip in a path must not fill it; one that a restore has not finished
/// with, since a part of a history looks whole; and a backup, which would no longer be what its manifest says.
///
/// # Errors
/// `NotOurs`, with what to do.
pub(super) fn refuse_foreign(directory: &Path) -> Result<(), StoreError> {
    let shown = directory.display();
    if directory.join(RESTORING).exists() {
        return Err(StoreError::NotOurs(format!(
            "a restore into {shown} was not finished: remove the directory, and restore again"
        )));
    }
    if directory.join(MANIFEST).exists() && directory.join(JOURNAL).exists() {
        return Err(StoreError::NotOurs(format!(
            "{shown} is a backup: restore it with `merit backup restore {shown} --data DIRECTORY`, and use that"
        )));
    }
    let reading = |error| StoreError::io("reading", directory)(error);
    let mut foreign = None;
    for entry in fs::read_dir(directory).map_err(reading)? {
        let name = entry.map_err(reading)?.file_name();
        if [JOURNAL, INDEX, BLOBS].iter().any(|own| name == *own) {
            return Ok(());
        }
        // What a file system puts into the root of a volume is nobody's.
        if name != "lost+found" {
            foreign = Some(name);
        }
    }
    match foreign {
        None => Ok(()),
        Some(name) => Err(StoreError::NotOurs(format!(
            "{shown} has {}, and nothing of Merit's: give an empty directory, or one that Merit has made",
            name.display()
        ))),
    }
}

/// Whether a directory, as far as it is a database's, has its journal.
///
/// # Errors
/// `Damaged` where there is an index without one; `NotOurs` where there is nothing of a database.
pub(super) fn check_journal(directory: &Path) -> Result<(), StoreError> {
    let journal = directory.join(JOURNAL);
    if journal.is_dir() {
        return Ok(());
    }
    if directory.join(INDEX).is_dir() {
        return Err(StoreError::unsound(
            &journal,
            "it is missing, and there is an index that was built from it",
        ));
    }
    let what = format!("{} has no journal: it is no data directory of Merit", directory.display());
    Err(StoreError::NotOurs(what))
}
