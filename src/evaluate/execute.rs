//! Executes one step of a run: cuts the rows into batches, calls the plugin on several threads, and puts the answers
//! together in the order of the rows, so that neither the cut nor the threads show in them.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    batch::StepInputs,
    column::Column,
    dataset::{Faults, OutputHeader, RowFault},
    hopeless::{Hopeless, Trial},
    outputs::{Outputs, RUN_TEXT_BYTES, Taken, TextRoom, TooMuchText},
};
use crate::{
    model::rejection::{PluginReason, Reason, Rejection, ServiceReason},
    sandbox::{self, Context, Limits, Manifest, Outcome, Patience, Plugin, Scope, Verdict},
};

/// The most rows of a step that may end their plugin's call (traps, fuel, contract) before the run is given up: each
/// costs calls to be told from its neighbours, and a plugin that does this to so many needs mending, not running.
pub const VERDICTS_PER_STEP: usize = 1_000;

/// The most rows that are taken out of a group, one call after the other, before the whole group is faulted.
const GROUP_RETRIES: usize = 16;

/// A step, ready to be executed.
pub struct StepJob<'a> {
    /// The plugin.
    pub plugin: &'a Plugin,
    /// Its parameters.
    pub parameters: &'a str,
    /// What it needs and gives under them.
    pub manifest: &'a Manifest,
    /// The outputs of the manifest, with the scales that they have in the run.
    pub outputs: &'a [OutputHeader],
    /// What it sees of the run.
    pub context: &'a Context,
    /// What it may use.
    pub limits: &'a Limits,
    /// What goes in.
    pub inputs: StepInputs<'a>,
}

// === impl StepJob ===

impl StepJob<'_> {
    /// Scores some rows in one call.
    ///
    /// # Errors
    /// The verdict of the sandbox.
    pub fn evaluate(&self, rows: &[u32]) -> Result<Outcome, Verdict> {
        let batch = self.inputs.batch(self.manifest, rows);
        self.plugin.evaluate(self.parameters, self.context, self.manifest, &batch, self.limits)
    }
}

/// How a step is executed; the answer does not depend on it.
pub struct Conduct<'a> {
    /// Rows of a batch, for a plugin of scope row.
    pub chunk_rows: usize,
    /// Threads.
    pub threads: usize,
    /// Whether the answer is still wanted.
    pub patience: &'a Patience,
    /// Counts rows that are done.
    pub done: &'a AtomicU64,
    /// Room for the texts of all steps.
    pub texts: &'a TextRoom,
    /// Whether the step is given up when its plugin finishes its call for nobody. Not so where results are on file.
    pub may_give_up: bool,
}

/// What a step gave.
#[derive(Debug)]
pub struct StepOutcome {
    /// The outputs, one value per row of the run.
    pub outputs: Vec<Column>,
    /// The rows that could not be scored, those without a required input included.
    pub faults: Faults,
}

/// Why a step was not executed to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// It was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Too many rows ended their plugin's call.
    #[error(
        "the plugin could not finish its call for more than {VERDICTS_PER_STEP} rows, and a run with so many is given up: \
         the rows after them were not tried; one of them: {0}"
    )]
    TooManyVerdicts(Verdict),
    /// No row of a sample got through.
    #[error(transparent)]
    Hopeless(Hopeless),
    /// The host could not do its part, which says nothing of the plugin.
    #[error("{0}")]
    Host(Verdict),
    /// The plugins gave more text than a run keeps.
    #[error(
        "the grades and the reasons of faults that the plugins of the run gave take more than {RUN_TEXT_BYTES} bytes, each \
         grade counted once: give fewer or shorter ones"
    )]
    TooMuchText,
}

// === impl Stopped ===

impl Stopped {
    /// What whoever had the step executed is told.
    #[must_use]
    pub fn rejection(&self, step: &str) -> Rejection {
        let reason = match self {
            Self::Cancelled => Reason::Service(ServiceReason::DeadlineExceeded),
            Self::TooManyVerdicts(verdict)
            | Self::Hopeless(Hopeless { verdict, .. })
            | Self::Host(verdict) => Reason::Plugin(verdict.reason),
            Self::TooMuchText => Reason::Plugin(PluginReason::OutputTooLarge),
        };
        Rejection::new(reason, format!("step {step}: {self}"))
    }
}

/// What some rows gave, by row of the run.
enum Piece {
    Scored { rows: Vec<u32>, taken: Taken },
    Faulted { rows: Vec<u32>, fault: RowFault },
}

/// Executes a step.
///
/// # Errors
/// When it was stopped; row by row, errors are faults.
pub fn execute(job: &StepJob<'_>, conduct: &Conduct<'_>) -> Result<StepOutcome, Stopped> {
    let rows = job.inputs.rows();
    let mut faults = job.inputs.faults(job.manifest);
    conduct.done.fetch_add(faults.len() as u64, Ordering::Relaxed);
    let batches = match job.manifest.scope {
        Scope::Row => {
            let eligible: Vec<u32> = (0..rows).filter(|row| !faults.contains_key(row)).collect();
            job.inputs.cut(&eligible, conduct.chunk_rows)
        }
        Scope::Group => job.inputs.groups(&faults),
    };
    let outputs = Outputs::new(job.outputs, conduct.texts);
    let mut calls = Vec::new();
    for piece in call_all(job, conduct, &outputs, &batches)?.into_iter().flatten() {
        match piece {
            Piece::Faulted { rows, fault } => faults.extend(rows.into_iter().map(|row| (row, fault.clone()))),
            Piece::Scored { rows, taken } => {
                for fault in &taken.faults {
                    faults.insert(rows[fault.row as usize], plugin_fault(fault));
                }
                calls.push((rows, taken));
            }
        }
    }
    let (rows_of, taken): (Vec<Vec<u32>>, Vec<Taken>) = calls.into_iter().unzip();
    let calls = rows_of.iter().map(Vec::as_slice).zip(taken);
    let outputs = outputs.finish(rows, calls, &faults);
    Ok(StepOutcome { outputs, faults })
}

/// The fault of a row that the plugin itself reports.
pub fn plugin_fault(fault: &sandbox::Fault) -> RowFault {
    RowFault { reason: PluginReason::PluginFault.code().to_owned(), message: fault.message.clone() }
}

/// The fault of a row that ended the plugin's call.
pub fn verdict_fault(verdict: &Verdict) -> RowFault {
    RowFault { reason: verdict.reason.code().to_owned(), message: verdict.message.clone() }
}

/// Calls the plugin for every batch, on as many threads as wanted; the pieces are in the order of the batches.
fn call_all(
    job: &StepJob<'_>,
    conduct: &Conduct<'_>,
    outputs: &Outputs<'_>,
    batches: &[Vec<u32>],
) -> Result<Vec<Vec<Piece>>, Stopped> {
    let next = AtomicUsize::new(0);
    let verdicts = AtomicUsize::new(0);
    let stopped: Mutex<Option<Stopped>> = Mutex::new(None);
    let comfortable = AtomicUsize::new(usize::MAX);
    let trial = Trial::new(job.manifest.scope, batches);
    let caller = Caller {
        job,
        conduct,
        outputs,
        trial: &trial,
        verdicts: &verdicts,
        stopped: &stopped,
        comfortable: &comfortable,
    };
    let work = || {
        let mut mine = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(batch) = batches.get(index) else { return mine };
            let mut pieces = Vec::new();
            if caller.is_stopped() {
                return mine;
            }
            match job.manifest.scope {
                Scope::Row => {
                    caller.call_rows(batch, &mut pieces);
                }
                Scope::Group => caller.call_group(batch, &mut pieces),
            }
            // What was cut in the middle of a batch is not done.
            if caller.is_stopped() {
                return mine;
            }
            conduct.done.fetch_add(batch.len() as u64, Ordering::Relaxed);
            mine.push((index, pieces));
        }
    };
    let threads = conduct.threads.clamp(1, batches.len().max(1));
    let pieces: BTreeMap<usize, Vec<Piece>> = thread::scope(|scope| {
        // One worker is this thread.
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut pieces = work();
        for other in others {
            pieces.extend(other.join().expect("a worker calls plugins, whose failures are verdicts"));
        }
        pieces.into_iter().collect()
    });
    if let Some(stopped) = stopped.into_inner().expect("no worker panics") {
        return Err(stopped);
    }
    Ok(pieces.into_values().collect())
}

/// Calls the plugin for one batch after the other.
struct Caller<'a> {
    job: &'a StepJob<'a>,
    conduct: &'a Conduct<'a>,
    outputs: &'a Outputs<'a>,
    trial: &'a Trial<'a>,
    verdicts: &'a AtomicUsize,
    stopped: &'a Mutex<Option<Stopped>>,
    /// Rows that go into a call, as far as is known by now.
    comfortable: &'a AtomicUsize,
}

// === impl Caller ===

impl Caller<'_> {
    fn is_stopped(&self) -> bool {
        if self.conduct.patience.is_over() {
            self.stop(Stopped::Cancelled);
        }
        self.stopped.lock().expect("no worker panics").is_some()
    }

    fn stop(&self, why: Stopped) {
        self.stopped.lock().expect("no worker panics").get_or_insert(why);
    }

    /// A verdict that says something of the host alone stops the step: it is nobody's fault, and in no dataset.
    fn evaluate(&self, rows: &[u32]) -> Result<Outcome, Verdict> {
        let verdict = match self.job.evaluate(rows) {
            Ok(outcome) => return Ok(outcome),
            Err(verdict) => verdict,
        };
        // What was told to stop did not time out.
        if verdict.is_of_host() && !self.is_stopped() {
            self.stop(Stopped::Host(verdict.clone()));
        }
        Err(verdict)
    }

    /// Keeps what a call gave.
    fn score(&self, rows: &[u32], outcome: Outcome, pieces: &mut Vec<Piece>) {
        match self.outputs.take(outcome) {
            Ok(taken) => pieces.push(Piece::Scored { rows: rows.to_vec(), taken }),
            Err(TooMuchText) => self.stop(Stopped::TooMuchText),
        }
    }

    /// Whether the step is given up after a verdict, since nobody gets through.
    fn gives_up(&self, verdict: &Verdict) -> bool {
        if !self.conduct.may_give_up || self.is_stopped() {
            return false;
        }
        // A verdict of a call that was stopped says nothing.
        let counts = |rows: &[u32]| self.evaluate(rows).err().filter(|_| !self.is_stopped());
        let hopeless = self.trial.after(verdict, counts);
        if let Some(hopeless) = hopeless {
            self.stop(Stopped::Hopeless(hopeless.clone()));
        }
        hopeless.is_some()
    }

    /// Scores independent rows. A call that does not end well is made again for fewer rows, down to the ones that are
    /// the cause: they alone are faulted, with what is said of them alone, however the rows were cut. Answers whether
    /// all were scored by one call.
    fn call_rows(&self, rows: &[u32], pieces: &mut Vec<Piece>) -> bool {
        if rows.is_empty() || self.is_stopped() {
            return true;
        }
        let comfortable = self.comfortable.load(Ordering::Relaxed);
        if rows.len() > comfortable {
            for part in rows.chunks(comfortable) {
                self.call_rows(part, pieces);
            }
            return false;
        }
        let verdict = match self.evaluate(rows) {
            Ok(outcome) => {
                self.score(rows, outcome, pieces);
                return true;
            }
            Err(verdict) => verdict,
        };
        if self.gives_up(&verdict) {
            return false;
        }
        if let [_] = rows {
            self.fault(rows, verdict, pieces);
            return false;
        }
        let suspect = verdict.row.map(|row| row as usize).filter(|&row| row < rows.len());
        match suspect {
            Some(row) => {
                self.call_rows(&rows[..row], pieces);
                self.call_rows(&rows[row..=row], pieces);
                self.call_rows(&rows[row + 1..], pieces);
            }
            None => {
                let (left, right) = rows.split_at(rows.len().div_ceil(2));
                let left_scored = self.call_rows(left, pieces);
                if self.call_rows(right, pieces) && left_scored {
                    // No row was the cause: together they were too much. Others like them need not find that out.
                    self.comfortable.fetch_min(left.len(), Ordering::Relaxed);
                }
            }
        }
        false
    }

    /// Scores a group, which is never cut. A row that the verdict names is taken out; else the group is faulted.
    fn call_group(&self, rows: &[u32], pieces: &mut Vec<Piece>) {
        let mut rows = rows.to_vec();
        for attempt in 0.. {
            if rows.is_empty() || self.is_stopped() {
                return;
            }
            let verdict = match self.evaluate(&rows) {
                Ok(outcome) => return self.score(&rows, outcome, pieces),
                Err(verdict) => verdict,
            };
            if self.gives_up(&verdict) {
                return;
            }
            let named = verdict.row.map(|row| row as usize).filter(|&row| row < rows.len());
            match named {
                Some(row) if attempt < GROUP_RETRIES => {
                    let row = rows.remove(row);
                    self.fault(&[row], verdict, pieces);
                }
                _ => return self.fault(&rows, verdict, pieces),
            }
        }
    }

    fn fault(&self, rows: &[u32], verdict: Verdict, pieces: &mut Vec<Piece>) {
        if self.is_stopped() {
            // It was stopped, and says nothing about the row.
            return;
        }
        if self.conduct.texts.take(rows.len().saturating_mul(verdict.message.len())).is_err() {
            return self.stop(Stopped::TooMuchText);
        }
        pieces.push(Piece::Faulted { rows: rows.to_vec(), fault: verdict_fault(&verdict) });
        let before = self.verdicts.fetch_add(1, Ordering::Relaxed);
        if before >= VERDICTS_PER_STEP {
            self.stop(Stopped::TooManyVerdicts(verdict));
        }
    }
}
