//! Compiled plugins on disk, so that a restart does not compile again. A file counts only when its keyed hash is right;
//! in any doubt it is as if it were not there. What may go wrong here costs time, never an answer.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use rand::TryRngCore;
use wasmtime::{Engine, component::Component};

use super::compiled::{self, Authenticated};

/// Bytes of key, hash and authentication code.
const HASH: usize = blake3::OUT_LEN;

/// The compiled cache. Files are named `COMPONENT-ENGINE.compiled` (both hashes in hex) and hold the authentication code,
/// then what the compiler gave.
#[derive(Debug)]
pub struct Disk {
    directory: PathBuf,
    /// Bytes that all files may take together; the ones written longest ago go first.
    capacity: u64,
    key: [u8; HASH],
    engine: [u8; HASH],
}

/// What came of looking for a compiled component.
pub enum Found {
    Loaded(Component),
    Absent,
    /// A file was there and is not to be trusted, or does not load.
    Refused(String),
}

// === impl Disk ===

impl Disk {
    /// Opens the cache in a folder, which is made where it does not exist; its key is in a file beside the folder, so that
    /// copying the folder elsewhere copies nothing that is believed there.
    pub fn open(directory: PathBuf, capacity: u64, engine: [u8; HASH]) -> Result<Self, String> {
        let words =
            |error: io::Error| format!("the cache of compiled plugins, {}: {error}", directory.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(words)?;
        let directory = directory.canonicalize().map_err(words)?;
        let mut name = directory.file_name().ok_or("the cache of compiled plugins cannot be /")?.to_owned();
        name.push(".key");
        let key_path = directory.with_file_name(name);
        let key = open_key(&key_path)
            .map_err(|error| format!("the key of compiled plugins, {}: {error}", key_path.display()))?;
        Ok(Self { directory, capacity, key, engine })
    }

    /// Loads what was compiled from the component of this hash.
    pub fn load(&self, engine: &Engine, component: &[u8; HASH]) -> Found {
        let bytes = match fs::read(self.path(component)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Found::Absent,
            Err(error) => return Found::Refused(error.to_string()),
        };
        let Some((code, compiled)) = bytes.split_first_chunk::<HASH>() else {
            return Found::Refused("it is too short".into());
        };
        // `blake3::Hash` compares in constant time.
        if blake3::Hash::from_bytes(*code) != self.code(component, compiled) {
            return Found::Refused("its authentication code is wrong".into());
        }
        match compiled::load(engine, &Authenticated::vouch(compiled)) {
            Ok(component) => Found::Loaded(component),
            Err(error) => Found::Refused(error.to_string()),
        }
    }

    /// Keeps what was compiled from the component of this hash, unless it is larger than the whole cache may be.
    pub fn keep(&self, component: &[u8; HASH], compiled: &[u8]) -> io::Result<()> {
        let bytes = (HASH + compiled.len()) as u64;
        if bytes > self.capacity {
            // Others would have to go, and it would be the next to go.
            return Ok(());
        }
        self.make_room(bytes)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(self.code(component, compiled).as_bytes())?;
        file.write_all(compiled)?;
        // Not synced: what a crash tears fails its authentication.
        file.persist(self.path(component))?;
        Ok(())
    }

    fn path(&self, component: &[u8; HASH]) -> PathBuf {
        let hex = |hash: &[u8; HASH]| blake3::Hash::from_bytes(*hash).to_hex();
        self.directory.join(format!("{}-{}.compiled", hex(component), hex(&self.engine)))
    }

    fn code(&self, component: &[u8; HASH], compiled: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(component).update(&self.engine);
        hasher.update(&(compiled.len() as u64).to_le_bytes()).update(compiled);
        hasher.finalize()
    }

    fn make_room(&self, bytes: u64) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                let written = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((written, metadata.len(), entry.path()));
            }
        }
        files.sort();
        let mut used: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if used.saturating_add(bytes) <= self.capacity {
                break;
            }
            fs::remove_file(path)?;
            used -= length;
        }
        Ok(())
    }
}

/// The key in the file; a new one where there is none, or where it is not a secret of this account (any more).
fn open_key(path: &Path) -> io::Result<[u8; HASH]> {
    match read_key(path) {
        Ok(Some(key)) => return Ok(key),
        Ok(None) => fs::remove_file(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut key = [0; HASH];
    rand::rngs::OsRng.try_fill_bytes(&mut key).map_err(io::Error::other)?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    // Readable by its owner alone from the start, and whole when it gets its name.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&key)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(key),
        // Another process was quicker: its key is the key.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            read_key(path)?.ok_or_else(|| io::Error::other("it is not a key"))
        }
        Err(error) => Err(error.error),
    }
}

/// Nothing, when the file is not a key or others may read it.
fn read_key(path: &Path) -> io::Result<Option<[u8; HASH]>> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o077 != 0 {
        return Ok(None);
    }
    Ok(fs::read(path)?.try_into().ok())
}
