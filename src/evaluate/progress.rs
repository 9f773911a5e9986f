//! The runs at work in this process, and how far they are. Kept in memory only: the stored run has its figures when it
//! has ended.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use super::{evaluator::Evaluator, results::run_name};
use crate::{
    model::name::Name,
    proto::v1::{self, RunState},
    sandbox::Patience,
    store::WriteError,
};

/// The runs at work.
#[derive(Default)]
pub struct Board {
    runs: Mutex<HashMap<Name, Arc<Progress>>>,
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

/// A run as a watcher sees it.
pub struct Watched {
    /// What is told.
    pub response: v1::WatchRunResponse,
    /// Whether nothing more will be told.
    pub ended: bool,
}

// === impl Board ===

impl Board {
    /// Takes a run up; nothing where it is at work already.
    pub fn begin(&self, run: &Name) -> Option<Arc<Progress>> {
        let mut runs = self.lock();
        if runs.contains_key(run) {
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

    /// Tells every run to stop.
    pub fn stop_all(&self) {
        self.lock().values().for_each(|progress| progress.patience.give_up());
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

// === impl Evaluator ===

impl Evaluator {
    /// The run as it stands, with its progress. Progress is kept in memory; the stored run has it when it has ended.
    ///
    /// # Errors
    /// `NOT_FOUND`; when the store fails.
    pub fn watched(&self, run: &Name) -> Result<Watched, WriteError> {
        let name = run_name(&run.to_string())?;
        // Asked before the run is read: a run that ends in between shows its end.
        let progress = self.board().get(&name);
        let mut run: v1::Run = self.resources().get(&name)?;
        let ended = match run.state() {
            RunState::Succeeded | RunState::Failed => true,
            // One that was at work has its figures when the last of it has stopped.
            RunState::Cancelled => progress.is_none() || run.start_time.is_none() || run.end_time.is_some(),
            RunState::Unspecified | RunState::Pending | RunState::Running => false,
        };
        let rows_per_second = match progress {
            Some(progress) if !ended && run.start_time.is_some() => {
                run.rows_total = progress.rows_total();
                run.rows_done = progress.rows_done().min(run.rows_total);
                rate(run.rows_done, progress.milliseconds())
            }
            _ => rate(run.rows_done, milliseconds(&run)),
        };
        Ok(Watched { response: v1::WatchRunResponse { run: Some(run), rows_per_second }, ended })
    }
}

/// Thousandths of a second that a finished run took.
fn milliseconds(run: &v1::Run) -> u64 {
    let (Some(start), Some(end)) = (&run.start_time, &run.end_time) else { return 0 };
    let seconds = end.seconds.saturating_sub(start.seconds).saturating_mul(1_000);
    u64::try_from(seconds + i64::from(end.nanos - start.nanos) / 1_000_000).unwrap_or(0)
}

/// Rows a second, to the thousandth; 0 before anything can be said.
#[must_use]
pub fn rate(rows: u64, milliseconds: u64) -> f64 {
    if milliseconds == 0 {
        return 0.0;
    }
    let thousandths = u128::from(rows) * 1_000_000 / u128::from(milliseconds);
    // For people to look at: the only place where a float is made, and never computed with.
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000).parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::Name;

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

    #[test]
    fn a_rate_is_rows_by_seconds() {
        let check = |rows, milliseconds, expected: &str| {
            assert_eq!(rate(rows, milliseconds).to_string(), expected);
        };
        check(0, 0, "0");
        check(100, 0, "0");
        check(100, 2_000, "50");
        check(1, 3_000, "0.333");
        check(u64::MAX, 1, "18446744073709552000000");
    }
}
