//! A machine that can be killed and whose power can be cut: knows of every file what was made lasting, and leaves after a cut
//! that and any part of the rest, by sectors and by names. The index is as trusted as it is: not at all.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use merit::store::{Database, Disk, DiskStep, DiskWatcher, Options, Refusal, StoreError};
use rand::{Rng, rngs::StdRng};
use tempfile::TempDir;

/// What a disk writes whole, or not at all.
const SECTOR: usize = 512;

/// A machine with a database on its disk.
pub struct Machine {
    root: TempDir,
    disk: Arc<Mutex<Platter>>,
}

/// What was done to the disk, and what of it lasts.
#[derive(Default)]
struct Platter {
    files: Vec<File>,
    /// By the number it was opened as.
    open: HashMap<u64, usize>,
    names: BTreeMap<PathBuf, usize>,
    lasting: BTreeMap<PathBuf, Entry>,
    /// What was done to names since their directory was synced.
    renamed: Vec<(PathBuf, Naming)>,
    /// Steps that are still taken; nothing: all.
    left: Option<u64>,
    /// Bytes of the write that is taken last.
    torn: usize,
}

#[derive(Default)]
struct File {
    lasting: Vec<u8>,
    written: Vec<Written>,
}

#[derive(Clone, Copy)]
enum Entry {
    Directory,
    File(usize),
}

/// What was done to a file since it was synced.
enum Written {
    Emptied,
    Length(u64),
    Bytes(u64, Vec<u8>),
}

/// What was done to a name.
enum Naming {
    Given(PathBuf, Entry),
    Moved(PathBuf, PathBuf, usize),
    Taken(PathBuf),
}

// === impl Machine ===

impl Machine {
    pub fn new() -> Self {
        // What lasts is known here: a file system in memory spares the waiting.
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self { root: root.unwrap(), disk: Arc::default() }
    }

    pub fn path(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// Takes so many more steps; of the one after that, if it is a write, so many bytes get there, and nothing afterwards.
    pub fn die_after(&self, steps: u64, torn: usize) {
        let mut platter = self.disk.lock().unwrap();
        (platter.left, platter.torn) = (Some(steps), torn);
    }

    /// Goes on after a kill: what was written and not synced is still there.
    pub fn go_on(&self) {
        self.disk.lock().unwrap().left = None;
    }

    pub fn open(&self) -> Result<Database, StoreError> {
        let options = Options {
            // So that a new one is often under way.
            segment_bytes: 4 << 10,
            free_floor_bytes: 0,
            cache_bytes: 1 << 20,
            disk: Disk::watched(Arc::new(Watcher(self.disk.clone()))),
            ..Options::default()
        };
        Database::open(&self.path(), options)
    }

    /// The machine after its power was cut. What is not lasting is there with these odds, each part by itself. Of the index,
    /// which syncs nothing, everything may be there, or nothing.
    pub fn cut(self, odds: f64, random: &mut StdRng) -> Self {
        let after = Self::new();
        self.disk.lock().unwrap().leave(self.root.path(), after.root.path(), odds, random);
        let index = self.path().join("index");
        if index.is_dir() && after.path().join("journal").is_dir() && random.random_bool(0.7) {
            fs::create_dir_all(after.path().join("index")).unwrap();
            copy_all(&index, &after.path().join("index"));
        }
        after.disk.lock().unwrap().know(after.root.path());
        after
    }
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

// === impl Platter ===

impl Platter {
    /// Takes what is in a directory as lasting.
    fn know(&mut self, directory: &Path) {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                self.lasting.insert(path.clone(), Entry::Directory);
                self.know(&path);
            } else {
                let file = File { lasting: fs::read(&path).unwrap(), written: Vec::new() };
                self.files.push(file);
                self.names.insert(path.clone(), self.files.len() - 1);
                self.lasting.insert(path, Entry::File(self.files.len() - 1));
            }
        }
    }

    fn take(&mut self, step: &DiskStep<'_>) {
        match *step {
            DiskStep::CreateDirectory(path) => self.name(path, Naming::Given(path.into(), Entry::Directory)),
            DiskStep::Create(path, number) => {
                let file = self.names.get(path).copied().unwrap_or_else(|| {
                    self.files.push(File::default());
                    let file = self.files.len() - 1;
                    self.names.insert(path.into(), file);
                    self.name(path, Naming::Given(path.into(), Entry::File(file)));
                    file
                });
                self.files[file].written.push(Written::Emptied);
                self.open.insert(number, file);
            }
            DiskStep::Open(path, number) => drop(self.open.insert(number, self.names[path])),
            DiskStep::Write(number, offset, bytes) => {
                self.file(number).written.push(Written::Bytes(offset, bytes.to_vec()));
            }
            DiskStep::Allocate(number, bytes) => self.file(number).written.push(Written::Length(bytes)),
            DiskStep::Sync(number) => {
                let File { lasting, written } = self.file(number);
                written.drain(..).for_each(|written| written.reach(lasting, |_| true));
            }
            DiskStep::SyncDirectory(path) => {
                let (reached, left) = std::mem::take(&mut self.renamed)
                    .into_iter()
                    .partition(|(directory, _)| directory == path);
                self.renamed = left;
                let reached: Vec<(PathBuf, Naming)> = reached;
                reached.into_iter().for_each(|(_, naming)| naming.reach(&mut self.lasting));
            }
            DiskStep::Rename(from, to) => {
                let Some(file) = self.names.remove(from) else { return };
                self.names.insert(to.into(), file);
                self.name(to, Naming::Moved(from.into(), to.into(), file));
            }
            DiskStep::Remove(path) => {
                if self.names.remove(path).is_some() {
                    self.name(path, Naming::Taken(path.into()));
                }
            }
        }
    }

    fn name(&mut self, path: &Path, naming: Naming) {
        self.renamed.push((path.parent().unwrap().into(), naming));
    }

    fn file(&mut self, number: u64) -> &mut File {
        let file = self.open[&number];
        &mut self.files[file]
    }

    /// Makes in `to` what a power cut leaves in `from`.
    fn leave(&mut self, from: &Path, to: &Path, odds: f64, random: &mut StdRng) {
        for (_, naming) in self.renamed.drain(..) {
            if random.random_bool(odds) {
                naming.reach(&mut self.lasting);
            }
        }
        for (path, entry) in &self.lasting {
            let path = to.join(path.strip_prefix(from).unwrap());
            // What is in a directory that did not last is gone with it; directories come before what is in them.
            if !path.parent().unwrap().is_dir() || path.file_name().unwrap() == "index" {
                continue;
            }
            match *entry {
                Entry::Directory => fs::create_dir(&path).unwrap(),
                Entry::File(file) => {
                    let File { lasting, written } = &self.files[file];
                    let mut bytes = lasting.clone();
                    written
                        .iter()
                        .for_each(|written| written.reach(&mut bytes, |_| random.random_bool(odds)));
                    fs::write(&path, bytes).unwrap();
                }
            }
        }
    }
}

// === impl Written ===

impl Written {
    /// Does it to what is on disk, each sector that gets there.
    fn reach(&self, bytes: &mut Vec<u8>, mut gets_there: impl FnMut(usize) -> bool) {
        match self {
            Self::Emptied => {
                if gets_there(0) {
                    bytes.clear();
                }
            }
            Self::Length(length) => {
                let length = usize::try_from(*length).unwrap();
                if length > bytes.len() && gets_there(0) {
                    bytes.resize(length, 0);
                }
            }
            Self::Bytes(offset, written) => {
                let (mut at, end) =
                    (usize::try_from(*offset).unwrap(), usize::try_from(*offset).unwrap() + written.len());
                let begin = at;
                while at < end {
                    let next = end.min((at / SECTOR + 1) * SECTOR);
                    if gets_there(at) {
                        bytes.resize(bytes.len().max(next), 0);
                        bytes[at..next].copy_from_slice(&written[at - begin..next - begin]);
                    }
                    at = next;
                }
            }
        }
    }
}

// === impl Naming ===

impl Naming {
    fn reach(self, names: &mut BTreeMap<PathBuf, Entry>) {
        match self {
            Self::Given(path, entry) => drop(names.insert(path, entry)),
            Self::Moved(from, to, file) => {
                names.remove(&from);
                names.insert(to, Entry::File(file));
            }
            Self::Taken(path) => drop(names.remove(&path)),
        }
    }
}

struct Watcher(Arc<Mutex<Platter>>);

// === impl Watcher ===

impl DiskWatcher for Watcher {
    fn allow(&self, step: &DiskStep<'_>) -> Result<(), Refusal> {
        let mut platter = self.0.lock().unwrap();
        let gone = || io::Error::other("the machine is dead");
        match platter.left {
            Some(0) => {
                let mut written = std::mem::take(&mut platter.torn);
                if let DiskStep::Write(number, offset, bytes) = *step {
                    written = written.min(bytes.len());
                    platter.take(&DiskStep::Write(number, offset, &bytes[..written]));
                }
                return Err(Refusal { written, error: gone() });
            }
            Some(left) => platter.left = Some(left - 1),
            None => {}
        }
        platter.take(step);
        Ok(())
    }
}
