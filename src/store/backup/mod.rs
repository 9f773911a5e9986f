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
    Blobs, Database, Disk, Mark, Naming, Options, StoreError, journal,
    place::{BLOBS, JOURNAL, MANIFEST, RESTORING, check_journal},
    verification::{Inspection, check_blob},
};

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The last record in it: everything acknowledged when it was begun, or later.
    pub mark: Mark,
    /// Files, the manifest left out.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// What is backed up.
const FOLDERS: [&str; 2] = [JOURNAL, BLOBS];

/// How files get from one place to another.
struct Copies<'a> {
    disk: Disk,
    progress: &'a BackupProgress,
}

/// Copies a consistent state of a database's directory into a new directory, whether or not a service uses it just now:
/// the journal up to some sequence, and every blob that records rest on as of then, since it is on disk before they are. The
/// manifest is written last: a directory without one is no backup.
///
/// # Errors
/// `NotOurs` where there is no such directory, or the target is not empty, or within it; something of this is missing or
/// damaged, which a backup must not hide; a file cannot be read or written. Nothing is left in the target then.
pub fn create_backup(
    directory: &Path,
    target: &Path,
    naming: Naming<'_>,
    progress: &BackupProgress,
) -> Result<Backup, StoreError> {
    check_journal(directory)?;
    let (from, to) = (real(directory), real(target));
    if to.starts_with(&from) {
        let (target, directory) = (to.display(), from.display());
        let what = format!("{target} is within the data directory {directory}: name another place");
        return Err(StoreError::NotOurs(what));
    }
    let copies = Copies { disk: Disk::default(), progress };
    in_place(&copies.disk, target, || copies.of_database(directory, target, naming))
}

/// A path without links and detours, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = path.ancestors().find_map(|above| {
        let rest = path.strip_prefix(above).expect("it is above");
        Some(fs::canonicalize(above).ok()?.join(rest))
    });
    real.unwrap_or(path)
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
    let found = database.verify(naming, Some(restored.mark))?;
    match found.damage {
        Some(damage) => {
            Err(StoreError::unsound(backup, format!("what it restores to is not whole: {damage}")))
        }
        None if found.mark != restored.mark => {
            let what = format!("it restores to {}, which is not what its manifest says", found.mark);
            Err(StoreError::unsound(backup, what))
        }
        None => Ok(restored),
    }
}

/// Copies a backup into an empty directory, on which a service can then be started. Every file is checked before the first is
/// in its place; while that is not done, there is a mark that keeps a service from starting on a part of the history.
///
/// # Errors
/// As for [`verify_backup`], or the target is not empty. Nothing is left in it then.
pub fn restore_backup(backup: &Path, target: &Path, progress: &BackupProgress) -> Result<Backup, StoreError> {
    let path = backup.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(StoreError::io("reading", &path))?;
    let manifest = Manifest::parse(&text).map_err(|what| StoreError::unsound(&path, what))?;
    let copies = Copies { disk: Disk::default(), progress };
    let (disk, restoring) = (&copies.disk, target.join(RESTORING));
    in_place(disk, target, || {
        disk.create_directory(&restoring)?;
        copies.of_backup(&manifest, backup, &restoring)
    })?;
    for folder in FOLDERS {
        disk.rename(&restoring.join(folder), &target.join(folder))?;
    }
    disk.sync_directory(target)?;
    fs::remove_dir(&restoring).map_err(StoreError::io("removing", &restoring))?;
    disk.sync_directory(target)?;
    Ok(manifest.backup())
}

/// Does something in a directory that is made for it, or is empty. If that fails, nothing is left of it.
fn in_place<T>(
    disk: &Disk,
    target: &Path,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let made = !target.exists();
    disk.create_directory(target)?;
    let mut entries = fs::read_dir(target).map_err(StoreError::io("listing", target))?;
    if entries.next().is_some() {
        return Err(StoreError::NotOurs(format!("{} is not empty: name a new directory", target.display())));
    }
    let done = work();
    if done.is_err() {
        fs::remove_dir_all(target).map_err(StoreError::io("removing", target))?;
        if !made {
            disk.create_directory(target)?;
        }
    }
    done
}

// === impl Copies ===

impl Copies<'_> {
    fn of_database(&self, directory: &Path, target: &Path, naming: Naming<'_>) -> Result<Backup, StoreError> {
        let mut inspection = Inspection::new(naming, None);
        let (mark, extents) = journal::survey(&directory.join(JOURNAL), &mut inspection)?;
        let mut listed = Vec::new();
        for folder in FOLDERS {
            self.disk.create_directory(&target.join(folder))?;
        }
        for extent in &extents {
            listed.push(self.take(&extent.path, Some(extent.bytes), target, JOURNAL)?);
        }
        let blobs = Blobs::unopened(&directory.join(BLOBS));
        for (hash, key) in inspection.blobs() {
            // Read first, so that what is missing or damaged is told with what rests on it.
            check_blob(&blobs, hash, key)?;
            let path = blobs.path_of(hash);
            let copied = self.take(&path, None, target, BLOBS)?;
            if copied.hash != hash {
                return Err(StoreError::unsound(&path, "the blob was changed while it was copied"));
            }
            listed.push(copied);
        }
        sync_folders(&self.disk, target, &FOLDERS)?;
        let manifest = Manifest { mark, files: listed };
        self.disk.replace(&target.join(MANIFEST), manifest.text().as_bytes())?;
        Ok(manifest.backup())
    }

    /// Each file is checked against the manifest.
    fn of_backup(&self, manifest: &Manifest, backup: &Path, target: &Path) -> Result<(), StoreError> {
        for folder in FOLDERS {
            self.disk.create_directory(&target.join(folder))?;
        }
        for listed in &manifest.files {
            let from = backup.join(&listed.path);
            if !from.exists() {
                return Err(StoreError::unsound(&from, "the file is missing"));
            }
            if copy(&self.disk, &from, None, &target.join(&listed.path), self.progress)?.0 != listed.hash {
                let what = "the file does not have the hash that the manifest says";
                return Err(StoreError::unsound(&from, what));
            }
        }
        sync_folders(&self.disk, target, &FOLDERS)
    }

    /// Copies a file of the database into a folder of the backup.
    fn take(
        &self,
        from: &Path,
        bytes: Option<u64>,
        target: &Path,
        folder: &str,
    ) -> Result<Listed, StoreError> {
        let name =
            from.file_name().and_then(|name| name.to_str()).expect("the store names its files in ASCII");
        let path = format!("{folder}/{name}");
        let (hash, bytes) = copy(&self.disk, from, bytes, &target.join(&path), self.progress)?;
        Ok(Listed { path, bytes, hash })
    }
}

// === impl Manifest ===

impl Manifest {
    fn backup(&self) -> Backup {
        Backup {
            mark: self.mark,
            files: self.files.len(),
            bytes: self.files.iter().map(|listed| listed.bytes).sum(),
        }
    }
}
