//! What makes a file last: directories synced, files replaced whole.

use std::{fs, io::Write, path::Path};

use super::StoreError;

/// Makes a directory and what is missing above it, lasting.
pub(super) fn create_directory(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_directory(parent)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(StoreError::io("creating the directory", path)(error));
        }
        _ => {}
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

/// Makes the names in a directory lasting.
pub(super) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let directory = fs::File::open(path).map_err(StoreError::io("opening", path))?;
    directory.sync_all().map_err(StoreError::io("syncing", path))
}

/// Replaces a file: after a crash there is the old one or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = path.with_extension("new");
    let mut file = fs::File::create(&temporary).map_err(StoreError::io("creating", &temporary))?;
    file.write_all(bytes).map_err(StoreError::io("writing", &temporary))?;
    file.sync_all().map_err(StoreError::io("syncing", &temporary))?;
    fs::rename(&temporary, path).map_err(StoreError::io("renaming", &temporary))?;
    sync_directory(path.parent().expect("a file is in a directory"))
}
