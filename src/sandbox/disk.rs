//! Compiled plugins on disk, so that a restart does not compile again. A file counts only when its keyed hash is right;
//! in any doubt it is as if it were not there. What may go wrong here costs time, never an answer.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use rand::TryRngCore;
use rustix::{
    fs::{OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens},
    process::geteuid,
};
use wasmtime::{Engine, component::Component};

use super::compiled::{self, Authenticated};

/// Bytes of key, hash and authentication code.
const HASH: usize = blake3::OUT_LEN;

/// The compiled cache. Files are named `COMPONENT-ENGINE.compiled` (both hashes in hex) and hold the authentication code,
/// then what the compiler gave.
#[derive(Debug)]
pub struct Disk {
    directory: PathBuf,
    /// Bytes that all files may take together; the ones used longest ago go first.
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
        check_private(&fs::metadata(&directory).map_err(words)?, 0o022)
            .map_err(|what| format!("the cache of compiled plugins, {}: {what}", directory.display()))?;
        let mut name = directory.file_name().ok_or("the cache of compiled plugins cannot be /")?.to_owned();
        name.push(".key");
        let key_path = directory.with_file_name(name);
        let key = open_key(&key_path)
            .map_err(|error| format!("the key of compiled plugins, {}: {error}", key_path.display()))?;
        Ok(Self { directory, capacity, key, engine })
    }

    /// Loads what was compiled from the component of this hash.
    pub fn load(&self, engine: &Engine, component: &[u8; HASH]) -> Found {
        let bytes = match read(&self.path(component), 0o022) {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(what)) => return Found::Refused(what),
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
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((used, metadata.len(), entry.path()));
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

/// Nothing, when the file is not a key or not of this account alone.
fn read_key(path: &Path) -> io::Result<Option<[u8; HASH]>> {
    let bytes = read(path, 0o077)?;
    Ok(bytes.ok().and_then(|bytes| bytes.try_into().ok()))
}

/// The bytes of a file, which counts as used now; or why they are not believed, in words. Whatever else has its name is not
/// followed, and not waited for.
fn read(path: &Path, others_may_not: u32) -> io::Result<Result<Vec<u8>, String>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
        // A link.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Ok(Err("it is a link".to_owned()));
        }
        other => other?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(Err("it is not a file".to_owned()));
    }
    if let Err(what) = check_private(&metadata, others_may_not) {
        return Ok(Err(what));
    }
    note_use(&file);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Ok(bytes))
}

/// Notes that a file was used, by which the next to go is found. That it cannot be noted costs time only.
fn note_use(file: &File) {
    let time = |nanoseconds| Timespec { tv_sec: 0, tv_nsec: nanoseconds };
    let now = Timestamps { last_access: time(UTIME_OMIT), last_modification: time(UTIME_NOW) };
    let _ = futimens(file, &now);
}

/// Holds what is there to be of this account, and out of reach of the others.
fn check_private(metadata: &Metadata, others_may_not: u32) -> Result<(), String> {
    check_owner(metadata.uid(), geteuid().as_raw(), metadata.mode(), others_may_not)
}

fn check_owner(owner: u32, own: u32, mode: u32, others_may_not: u32) -> Result<(), String> {
    if owner != own {
        return Err(format!("it belongs to user {owner}, and this service runs as user {own}"));
    }
    let mode = mode & 0o7777;
    if mode & others_may_not != 0 {
        return Err(format!("others may reach it (its mode is {mode:03o}): take that away with chmod"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_others_or_may_be_changed_by_them_is_not_believed() {
        let check = |owner, mode, others_may_not, refused: Option<&str>| {
            let told = check_owner(owner, 1_000, mode, others_may_not);
            let told = told.err().map(|what| what.split("):").next().unwrap_or_default().to_owned());
            assert_eq!(told.as_deref(), refused, "{owner} {mode:o}");
        };
        check(1_000, 0o100_600, 0o077, None);
        check(1_000, 0o040_755, 0o022, None);
        // Though nobody else could read it.
        let other = "it belongs to user 65534, and this service runs as user 1000";
        check(65_534, 0o100_600, 0o077, Some(other));
        check(1_000, 0o100_640, 0o077, Some("others may reach it (its mode is 640"));
        check(1_000, 0o040_777, 0o022, Some("others may reach it (its mode is 777"));
        check(1_000, 0o040_720, 0o022, Some("others may reach it (its mode is 720"));
    }
}
