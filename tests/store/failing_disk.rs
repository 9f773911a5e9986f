//! A disk that fails, or takes its time, where it is told to.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Condvar, Mutex},
    time::Duration,
};

use merit::store::{DiskStep, DiskWatcher, Refusal};

/// What is done to a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    CreateDirectory,
    Create,
    Open,
    Write,
    Allocate,
    Sync,
    SyncDirectory,
    Rename,
    Remove,
}

/// A disk that fails where it is told to.
#[derive(Default)]
pub struct FailingDisk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    paths: HashMap<u64, PathBuf>,
    rules: Vec<Rule>,
    /// What is held, and how many are.
    held: Option<(Deed, &'static str)>,
    waiting: u32,
}

struct Rule {
    deed: Deed,
    of: &'static str,
    left: u64,
    kind: io::ErrorKind,
}

// === impl FailingDisk ===

impl FailingDisk {
    /// Lets this be done so many times to paths that end like this, and then fail. Of a write, half gets there.
    pub fn fail(&self, deed: Deed, of: &'static str, successes: u64, kind: io::ErrorKind) {
        self.state.lock().unwrap().rules.push(Rule { deed, of, left: successes, kind });
    }

    /// Fails no more.
    pub fn mend(&self) {
        self.state.lock().unwrap().rules.clear();
    }

    /// Lets the next of these wait until it is released.
    pub fn hold(&self, deed: Deed, of: &'static str) {
        self.state.lock().unwrap().held = Some((deed, of));
    }

    /// Waits until one is held.
    pub fn wait_for_held(&self) {
        let state = self.state.lock().unwrap();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, Duration::from_secs(20), |state| state.waiting == 0)
            .unwrap();
        assert_eq!(state.waiting, 1);
    }

    /// Lets go on what is held.
    pub fn release(&self) {
        self.state.lock().unwrap().waiting = 0;
        self.changed.notify_all();
    }
}

impl DiskWatcher for FailingDisk {
    fn allow(&self, step: &DiskStep<'_>) -> Result<(), Refusal> {
        let mut state = self.state.lock().unwrap();
        let (deed, path, bytes) = state.see(step);
        if state.held.is_some_and(|(held, of)| held == deed && is_of(&path, of)) {
            (state.held, state.waiting) = (None, 1);
            self.changed.notify_all();
            state = self.changed.wait_while(state, |state| state.waiting > 0).unwrap();
        }
        let Some(rule) = state.rules.iter_mut().find(|rule| rule.deed == deed && is_of(&path, rule.of))
        else {
            return Ok(());
        };
        if rule.left > 0 {
            rule.left -= 1;
            return Ok(());
        }
        Err(Refusal { written: bytes / 2, error: io::Error::new(rule.kind, "injected") })
    }
}

fn is_of(path: &Path, of: &str) -> bool {
    path.to_string_lossy().ends_with(of)
}

// === impl State ===

impl State {
    /// What is done, to what, and how many bytes are written.
    fn see(&mut self, step: &DiskStep<'_>) -> (Deed, PathBuf, usize) {
        let (deed, path, bytes) = match *step {
            DiskStep::CreateDirectory(path) => (Deed::CreateDirectory, path.to_owned(), 0),
            DiskStep::Create(path, number) | DiskStep::Open(path, number) => {
                self.paths.insert(number, path.to_owned());
                let deed = if matches!(step, DiskStep::Open(..)) { Deed::Open } else { Deed::Create };
                (deed, path.to_owned(), 0)
            }
            DiskStep::Write(number, _, bytes) => (Deed::Write, self.paths[&number].clone(), bytes.len()),
            DiskStep::Allocate(number, _) => (Deed::Allocate, self.paths[&number].clone(), 0),
            DiskStep::Sync(number) => (Deed::Sync, self.paths[&number].clone(), 0),
            DiskStep::SyncDirectory(path) => (Deed::SyncDirectory, path.to_owned(), 0),
            DiskStep::Rename(from, to) => {
                let renamed = self.paths.values_mut().filter(|path| *path == from);
                renamed.for_each(|path| *path = to.to_owned());
                (Deed::Rename, to.to_owned(), 0)
            }
            DiskStep::Remove(path) => (Deed::Remove, path.to_owned(), 0),
        };
        (deed, path, bytes)
    }
}
