//! Backups: the journal and the blobs of a database, copied while a service may be writing, with a manifest of hashes. The
//! index is not in them: it is built again from the journal. What is on a manifest is in `manifest`.

mod copying;
mod manifest;
mod progress;

use std::{
    fs,
    path::{Path, PathBuf},
};

use self::{
    copying::{copy, sync_folders},
    manifest::{Listed, Manifest},
};
pub use progress::BackupProgress;

use super::{
    BlobHash, Database, Naming, Options, Sequence, StoreError, files, journal,
    opening::{self, BLOBS, JOURNAL, RESTORING},
};

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The last sequence in it: everything acknowledged when it was begun, or later.
    pub sequence: Sequence,
    /// The hash of that record, which all records before it go into.
    pub hash: [u8; 32],
    /// Files, the manifest left out.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// The manifest's file.
const MANIFEST: &str = "manifest";

/// What is backed up.
const FOLDERS: [&str; 2] = [JOURNAL, BLOBS];

/// Copies a consistent state of a database's directory into a new directory, whether or not a service uses it just now:
/// the journal up to some sequence, and every blob that its records can name, since those are on disk before them. The
/// manifest is written last: a directory without one is no backup.
///
/// # Errors
/// `NotOurs` where there is no such directory, or the target is not empty; something is damaged, which a backup must not hide;
/// a file cannot be read or written. Nothing is left in the target then.
pub fn create_backup(
    directory: &Path,
    target: &Path,
    progress: &BackupProgress,
) -> Result<Backup, StoreError> {
    let [directory, target] =
        &[directory, target].map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    let journal = opening::journal_of(directory)?;
    if target.starts_with(directory) {
        let (target, directory) = (target.display(), directory.display());
        let what = format!("{target} is within the data directory {directory}: name another place");
        return Err(StoreError::NotOurs(what));
    }
    in_place(target, || copy_all(directory, &journal, target, progress))
}

fn copy_all(
    directory: &Path,
    journal: &Path,
    target: &Path,
    progress: &BackupProgress,
) -> Result<Backup, StoreError> {
    let (head, extents) = journal::survey(journal)?;
    let mut listed = Vec::new();
    files::create_directory(&target.join(JOURNAL))?;
    for extent in &extents {
        listed.push(take(&extent.path, Some(extent.bytes), target, JOURNAL, progress)?);
    }
    files::create_directory(&target.join(BLOBS))?;
    // After the journal: what its records name is there by now.
    for blob in blobs(&directory.join(BLOBS))? {
        let copied = take(&blob, None, target, BLOBS, progress)?;
        if !copied.path.ends_with(&copied.hash.to_string()) {
            return Err(StoreError::damaged(
                &blob,
                0,
                "the blob's bytes do not have the hash that is its name",
            ));
        }
        listed.push(copied);
    }
    let manifest = Manifest { sequence: head.sequence, hash: BlobHash(head.hash), files: listed };
    files::replace(&target.join(MANIFEST), manifest.text().as_bytes())?;
    Ok(manifest.backup())
}

/// Checks every file of a backup against its manifest, restores it into an empty scratch directory, opens that as a
/// database, which walks the chain and builds the index, looks for every blob that its records name, and compares what comes
/// out with the manifest.
///
/// # Errors
/// `Damaged`, with the file, where the backup is not what was made; a file cannot be read or written.
pub fn verify_backup(
    backup: &Path,
    scratch: &Path,
    naming: Naming<'_>,
    progress: &BackupProgress,
) -> Result<Backup, StoreError> {
    let restored = restore_backup(backup, scratch, progress)?;
    // As it is opened, but for the floor: a scratch place need not have room for more.
    let options = Options { free_floor_bytes: 0, progress: progress.opening().clone(), ..Options::default() };
    let database = Database::open(scratch, options)?;
    let found = database.verify(naming)?;
    let what = match found.damage {
        Some(damage) => damage,
        None if (found.sequence, found.hash) != (restored.sequence, restored.hash) => format!(
            "it restores to sequence {}, hash {}, which is not what its manifest says",
            found.sequence,
            BlobHash(found.hash)
        ),
        None => return Ok(restored),
    };
    Err(StoreError::damaged(&backup.join(MANIFEST), 0, what))
}

/// Copies a backup into an empty directory, on which a service can then be started. Every file is checked before the first is
/// in its place; while that is not done, there is a mark that keeps a service from starting on a part of the history.
///
/// # Errors
/// As for [`verify_backup`], or the target is not empty. Nothing is left in it then.
pub fn restore_backup(backup: &Path, target: &Path, progress: &BackupProgress) -> Result<Backup, StoreError> {
    let path = backup.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(StoreError::io("reading", &path))?;
    let manifest = Manifest::parse(&text).map_err(|what| StoreError::damaged(&path, 0, what))?;
    let restoring = target.join(RESTORING);
    in_place(target, || {
        files::create_directory(&restoring)?;
        gather(&manifest, backup, &restoring, progress)
    })?;
    for folder in FOLDERS {
        let (from, to) = (restoring.join(folder), target.join(folder));
        fs::rename(&from, &to).map_err(StoreError::io("moving into place", &from))?;
    }
    files::sync_directory(target)?;
    fs::remove_dir(&restoring).map_err(StoreError::io("removing", &restoring))?;
    files::sync_directory(target)?;
    Ok(manifest.backup())
}

/// Copies the files of a backup, each checked against the manifest.
fn gather(
    manifest: &Manifest,
    backup: &Path,
    target: &Path,
    progress: &BackupProgress,
) -> Result<(), StoreError> {
    for folder in FOLDERS {
        files::create_directory(&target.join(folder))?;
    }
    for listed in &manifest.files {
        let from = backup.join(&listed.path);
        if !from.exists() {
            return Err(StoreError::damaged(&from, 0, "the file is missing"));
        }
        if copy(&from, None, &target.join(&listed.path), progress)? != listed.hash {
            return Err(StoreError::damaged(
                &from,
                0,
                "the file does not have the hash that the manifest says",
            ));
        }
    }
    sync_folders(target, &FOLDERS)
}

/// Does something in a directory that is made for it, or is empty. If that fails, nothing is left of it.
fn in_place<T>(target: &Path, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let made = !target.exists();
    files::create_directory(target)?;
    let mut entries = fs::read_dir(target).map_err(StoreError::io("listing", target))?;
    if entries.next().is_some() {
        return Err(StoreError::NotOurs(format!("{} is not empty: name a new directory", target.display())));
    }
    let done = work();
    if done.is_err() {
        fs::remove_dir_all(target).map_err(StoreError::io("removing", target))?;
        if !made {
            files::create_directory(target)?;
        }
    }
    done
}

/// Copies a file of the database into a folder of the backup.
fn take(
    from: &Path,
    bytes: Option<u64>,
    target: &Path,
    folder: &str,
    progress: &BackupProgress,
) -> Result<Listed, StoreError> {
    let name = from.file_name().and_then(|name| name.to_str()).expect("the store names its files in ASCII");
    let path = format!("{folder}/{name}");
    let hash = copy(from, bytes, &target.join(&path), progress)?;
    let bytes =
        fs::metadata(target.join(&path)).map_err(StoreError::io("asking for the length of", from))?.len();
    Ok(Listed { path, bytes, hash })
}

/// The files that are blobs, by name; what is being written has another name.
fn blobs(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut blobs = Vec::new();
    for entry in fs::read_dir(directory).map_err(StoreError::io("listing", directory))? {
        let path = entry.map_err(StoreError::io("listing", directory))?.path();
        let is_blob = |name: &str| name.parse::<BlobHash>().is_ok();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(is_blob) {
            blobs.push(path);
        }
    }
    blobs.sort();
    Ok(blobs)
}

// === impl Manifest ===

impl Manifest {
    fn backup(&self) -> Backup {
        Backup {
            sequence: self.sequence,
            hash: self.hash.0,
            files: self.files.len(),
            bytes: self.files.iter().map(|listed| listed.bytes).sum(),
        }
    }
}
