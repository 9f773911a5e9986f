//! The runs at work in this process, and how far they are. Kept in memory only: the stored run has its figures when it
//! has ended.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::{model::name::Name, sandbox::Patience};

/// The runs at work.
#[derive(Default)]
pub struct Board {
    runs: Mutex<HashMap<Name, Arc<Progress>>>,
    stopping: AtomicBool,
}

/// How far a run is.
pub struct Progress {
    /// Whether its answer is still wanted.
    pub patience: Patience,
    /// Rows done, of all steps together.
    pub done: AtomicU64,
    rows: AtomicU64,
    steps: AtomicU64,
    started: Instant,
}

// === impl Board ===

impl Board {
    /// Takes a run up; nothing where it is at work already, or all are told to stop.
    pub fn begin(&self, run: &Name) -> Option<Arc<Progress>> {
        let mut runs = self.lock();
        if runs.contains_key(run) || self.is_stopping() {
            return None;
        }
        let progress = Arc::new(Progress {
            patience: Patience::default(),
            done: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            steps: AtomicU64::new(1),
            started: Instant::now(),
        });
        runs.insert(run.clone(), progress.clone());
        Some(progress)
    }

    /// The run is no longer at work.
    pub fn end(&self, run: &Name) {
        self.lock().remove(run);
    }

    /// How far a run is, if it is at work.
    pub fn get(&self, run: &Name) -> Option<Arc<Progress>> {
        self.lock().get(run).cloned()
    }

    /// How many runs are at work.
    pub fn count(&self) -> u64 {
        self.lock().len() as u64
    }

    /// Tells every run to stop, and begins none any more.
    pub fn stop_all(&self) {
        let runs = self.lock();
        self.stopping.store(true, Ordering::Relaxed);
        runs.values().for_each(|progress| progress.patience.give_up());
    }

    /// Whether all are told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Arc<Progress>>> {
        // A map of counters is whole between calls.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Progress ===

impl Progress {
    /// Says how much there is to do.
    pub fn expect(&self, rows: u64, steps: usize) {
        self.rows.store(rows, Ordering::Relaxed);
        self.steps.store(steps.max(1) as u64, Ordering::Relaxed);
    }

    /// Rows to score.
    pub fn rows_total(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows scored, all steps together counted once.
    pub fn rows_done(&self) -> u64 {
        self.done.load(Ordering::Relaxed) / self.steps.load(Ordering::Relaxed)
    }

    /// Thousandths of a second since the run was taken up.
    pub fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_taken_up_once() {
        let board = Board::default();
        let name = Name::parse("teams/t/runs/r").unwrap();
        let progress = board.begin(&name).unwrap();
        assert!(board.begin(&name).is_none());
        progress.expect(10, 2);
        progress.done.store(5, Ordering::Relaxed);
        assert_eq!((progress.rows_done(), progress.rows_total()), (2, 10));
        board.end(&name);
        assert!(board.get(&name).is_none());
        assert!(board.begin(&name).is_some());
    }
}
