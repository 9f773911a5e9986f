//! How files are changed: written, synced, renamed, removed, so that they last or are not there. Whoever tests what a failing
//! disk or a power cut leaves sees every step here; reading goes its own way.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::StoreError;

/// What is kept is people's pay: directories and files made here are their owner's.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// How files are changed: as the system does it, unless somebody watches. Cheap to clone.
#[derive(Clone, Default)]
pub struct Disk {
    watcher: Option<Arc<dyn DiskWatcher>>,
}

/// Sees every step before it is taken.
pub trait DiskWatcher: Send + Sync {
    /// Lets the step be taken, or says what it comes to instead.
    ///
    /// # Errors
    /// What whoever asked for the step is told.
    fn allow(&self, step: &DiskStep<'_>) -> Result<(), Refusal>;
}

/// A step that is not taken, or only in part.
#[derive(Debug)]
pub struct Refusal {
    /// Bytes of a write that get there all the same.
    pub written: usize,
    /// What the system is made to say.
    pub error: io::Error,
}

/// What is about to be done. Files are named by a number, since a path may name another one later.
#[derive(Clone, Copy, Debug)]
pub enum DiskStep<'a> {
    /// A directory is made.
    CreateDirectory(&'a Path),
    /// A file is made, or emptied, and opened as this number.
    Create(&'a Path, u64),
    /// A file that is there is opened as this number.
    Open(&'a Path, u64),
    /// Bytes are written at an offset.
    Write(u64, u64, &'a [u8]),
    /// A file is given this length, without changing what it holds.
    Allocate(u64, u64),
    /// What a file holds is made lasting.
    Sync(u64),
    /// The names in a directory are made lasting.
    SyncDirectory(&'a Path),
    /// A file gets another name; what had it is gone.
    Rename(&'a Path, &'a Path),
    /// A file is removed.
    Remove(&'a Path),
}

/// A file that is open for writing.
pub(super) struct DiskFile {
    file: fs::File,
    number: u64,
    disk: Disk,
}

/// The number of the next file that is opened.
static NEXT: AtomicU64 = AtomicU64::new(0);

// === impl Disk ===

impl Disk {
    /// A disk of which somebody sees every step.
    #[must_use]
    pub fn watched(watcher: Arc<dyn DiskWatcher>) -> Self {
        Self { watcher: Some(watcher) }
    }

    fn allow(&self, step: DiskStep<'_>) -> Result<(), Refusal> {
        self.watcher.as_ref().map_or(Ok(()), |watcher| watcher.allow(&step))
    }

    /// Makes a directory and what is missing above it, lasting. One that is there may have been made by a process that was
    /// killed before it lasted.
    pub(super) fn create_directory(&self, path: &Path) -> Result<(), StoreError> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if path.is_dir() {
            return match self.sync_directory(parent.unwrap_or(Path::new("."))) {
                // Whoever may not read it did not make anything in it.
                Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => {
                    Ok(())
                }
                synced => synced,
            };
        }
        if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
            self.create_directory(parent)?;
        }
        let made = self.allow(DiskStep::CreateDirectory(path)).map_err(|refusal| refusal.error);
        match made.and_then(|()| fs::DirBuilder::new().mode(DIRECTORY_MODE).create(path)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StoreError::io("creating the directory", path)(error));
            }
            _ => {}
        }
        self.sync_directory(parent.unwrap_or(Path::new(".")))
    }

    /// Makes the names in a directory lasting.
    pub(super) fn sync_directory(&self, path: &Path) -> Result<(), StoreError> {
        let directory = fs::File::open(path).map_err(StoreError::io("opening", path))?;
        let allowed = self.allow(DiskStep::SyncDirectory(path)).map_err(|refusal| refusal.error);
        allowed.and_then(|()| directory.sync_all()).map_err(StoreError::unsynced(path))
    }

    /// Makes a file, or empties it.
    pub(super) fn create(&self, path: &Path) -> Result<DiskFile, StoreError> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let allowed = self.allow(DiskStep::Create(path, number)).map_err(|refusal| refusal.error);
        let file = allowed.and_then(|()| {
            let mut options = fs::File::options();
            options.read(true).write(true).create(true).truncate(true).mode(FILE_MODE).open(path)
        });
        Ok(DiskFile { file: file.map_err(StoreError::io("creating", path))?, number, disk: self.clone() })
    }

    /// Opens a file that is there.
    pub(super) fn open(&self, path: &Path) -> Result<DiskFile, StoreError> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let allowed = self.allow(DiskStep::Open(path, number)).map_err(|refusal| refusal.error);
        let file = allowed.and_then(|()| fs::File::options().read(true).write(true).open(path));
        Ok(DiskFile { file: file.map_err(StoreError::io("opening", path))?, number, disk: self.clone() })
    }

    /// Gives a file another name, which is not lasting yet.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        let allowed = self.allow(DiskStep::Rename(from, to)).map_err(|refusal| refusal.error);
        allowed.and_then(|()| fs::rename(from, to)).map_err(StoreError::io("renaming", from))
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        let allowed = self.allow(DiskStep::Remove(path)).map_err(|refusal| refusal.error);
        match allowed.and_then(|()| fs::remove_file(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("removing", path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Makes a file that is lasting and whole, or not there: written under another name first. Replaces one that has the
    /// name. Where there is no room, nothing was changed; whether what fails later is on disk, nobody knows.
    pub(super) fn place(
        &self,
        temporary: &Path,
        path: &Path,
        write: impl FnOnce(&DiskFile) -> io::Result<()>,
    ) -> Result<DiskFile, StoreError> {
        let made = (|| {
            let file = self.create(temporary)?;
            write(&file).map_err(StoreError::io("writing", temporary))?;
            file.sync(temporary)?;
            self.rename(temporary, path)?;
            Ok(file)
        })();
        let file = match made {
            Ok(file) => file,
            Err(error) => {
                // Nobody takes it for the file, and the next one begins by emptying it.
                let _ = self.remove(temporary);
                return Err(error);
            }
        };
        self.sync_directory(directory_of(path))?;
        Ok(file)
    }

    /// Replaces a file: after a crash there is the old one or the new one.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<DiskFile, StoreError> {
        self.place(&path.with_extension("new"), path, |file| file.write_at(bytes, 0))
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.watcher.is_some() { "Disk, watched" } else { "Disk" })
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().expect("a file is in a directory")
}

// === impl DiskFile ===

impl DiskFile {
    /// The file, for reading and asking.
    pub(super) fn file(&self) -> &fs::File {
        &self.file
    }

    /// Writes bytes at an offset. Not lasting yet.
    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let refused = self.disk.allow(DiskStep::Write(self.number, offset, bytes)).err();
        let bytes = refused.as_ref().map_or(bytes, |refusal| &bytes[..refusal.written.min(bytes.len())]);
        self.file.write_all_at(bytes, offset)?;
        refused.map_or(Ok(()), |refusal| Err(refusal.error))
    }

    /// Takes room, so that writing later cannot find the disk full.
    pub(super) fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.disk.allow(DiskStep::Allocate(self.number, bytes)).map_err(|refusal| refusal.error)?;
        match rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
            Ok(()) => Ok(()),
            // Some file systems cannot: then the length at least is right, and the floor has to do.
            Err(rustix::io::Errno::OPNOTSUPP) => self.file.set_len(bytes),
            Err(errno) => Err(io::Error::from(errno)),
        }
    }

    /// Makes lasting what the file holds. `path` is for the error.
    pub(super) fn sync(&self, path: &Path) -> Result<(), StoreError> {
        let allowed = self.disk.allow(DiskStep::Sync(self.number)).map_err(|refusal| refusal.error);
        allowed.and_then(|()| self.file.sync_data()).map_err(StoreError::unsynced(path))
    }
}
