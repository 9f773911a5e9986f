//! Looks for plugins that are not to be trusted: rows of a finished step are scored again in other company, where what a
//! plugin keeps between rows, or makes of the size of a batch, shows; and some are explained, to see whether the steps add
//! up to what was scored. Who that is, and in which company, is drawn by `company`.
//!
//! Of a trial it is a sample; of what is paid by it is everybody. What only few rows of a trial show can escape it, and is
//! found by a final run, by a replay of the whole run in other chunks, or when the row is explained.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    column::{Column, count_u32},
    company::{Company, Whom},
    dataset::{OutputHeader, Role, RowFault},
    execute::{Conduct, StepJob, StepOutcome, Stopped, plugin_fault},
};
use crate::{
    model::{decimal::decimal_text, rejection::PluginReason},
    sandbox::{self, Outcome, Plugin, Scope, verify_steps},
};

/// Rows of the sample that are explained; fewer of a plugin of groups, which sees the whole group for each.
const EXPLAINED: usize = 16;
const EXPLAINED_OF_GROUPS: usize = 4;

/// How closely a step is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Scrutiny {
    /// Drawn for this look: who knows it can evade it.
    pub seed: [u8; 32],
    /// Whom to score again.
    pub whom: Whom,
    /// What explanations may take together: one that never ends is no reason for the run to wait.
    pub explaining: Duration,
}

/// Why a step does not count yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// A row shows that its plugin is not to be trusted.
    Distrusted(Distrust),
    /// The look was not taken to its end.
    Stopped(Stopped),
}

/// A row that shows that a plugin is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distrust {
    /// The row of the run.
    pub row: u32,
    /// What it shows, in words.
    pub what: Shown,
}

/// What a row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It got two answers: what differs.
    TwoAnswers(String),
    /// Its explanation is not one of its outputs: the verdict on it.
    Explanation(String),
}

/// Scores rows of a finished step again, and has some explained.
///
/// # Errors
/// A row whose answer is another one now, or whose explanation does not add up to it; when it was stopped.
pub fn check(
    job: &StepJob<'_>,
    conduct: &Conduct<'_>,
    outcome: &StepOutcome,
    scrutiny: &Scrutiny,
) -> Result<(), Unproven> {
    let own = PluginReason::PluginFault.code();
    let scored = |row: &u32| outcome.faults.get(row).is_none_or(|fault| fault.reason == own);
    let scored: Vec<u32> = (0..job.inputs.rows()).filter(scored).collect();
    let Scrutiny { seed, whom, explaining } = scrutiny;
    let company = Company::draw(seed, &scored, *whom, conduct.chunk_rows);
    let explaining = job.plugin.waiting(&conduct.patience.at_most(*explaining));
    let checker = Checker { job, conduct, outcome, explaining };
    match job.manifest.scope {
        Scope::Row => {
            checker.check_all(&company.calls)?;
            company.sample.iter().take(EXPLAINED).try_for_each(|row| checker.explain(*row, &[*row]))?;
        }
        Scope::Group => {
            // A group that lost a row on the way was not scored as it would be explained.
            let is_whole = |rows: &Vec<u32>| rows.iter().all(|row| scored.binary_search(row).is_ok());
            let mut groups = job.inputs.groups(&job.inputs.faults(job.manifest));
            groups.retain(is_whole);
            company.sample.iter().take(EXPLAINED_OF_GROUPS).try_for_each(|row| {
                let group = groups.iter().find(|rows| rows.contains(row));
                group.map_or(Ok(()), |rows| checker.explain(*row, rows))
            })?;
        }
    }
    // What was told to stop was not looked at to its end.
    if conduct.patience.is_over() { Err(Unproven::Stopped(Stopped::Cancelled)) } else { Ok(()) }
}

/// Scores rows again.
struct Checker<'a> {
    job: &'a StepJob<'a>,
    conduct: &'a Conduct<'a>,
    outcome: &'a StepOutcome,
    /// The plugin, with little time.
    explaining: Plugin,
}

// === impl Checker ===

impl Checker<'_> {
    /// Scores rows again in these calls, on as many threads as the step was; answers what the first of them shows.
    fn check_all(&self, calls: &[Vec<u32>]) -> Result<(), Unproven> {
        let next = AtomicUsize::new(0);
        let found: Mutex<Option<(usize, Unproven)>> = Mutex::new(None);
        let found_by = || found.lock().unwrap_or_else(PoisonError::into_inner);
        let work = || {
            while !self.conduct.patience.is_over() && found_by().is_none() {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(rows) = calls.get(index) else { return };
                for rows in self.job.inputs.cut(rows, rows.len()) {
                    if let Err(unproven) = self.check(&rows) {
                        let mut found = found_by();
                        if found.as_ref().is_none_or(|(other, _)| index < *other) {
                            *found = Some((index, unproven));
                        }
                        return;
                    }
                }
            }
        };
        let threads = self.conduct.threads.clamp(1, calls.len().max(1));
        thread::scope(|scope| {
            // One worker is this thread.
            (1..threads).for_each(|_| drop(scope.spawn(work)));
            work();
        });
        found_by().take().map_or(Ok(()), |(_, unproven)| Err(unproven))
    }

    fn check(&self, rows: &[u32]) -> Result<(), Unproven> {
        if rows.is_empty() || self.conduct.patience.is_over() {
            return Ok(());
        }
        match (self.job.evaluate(rows), rows) {
            (Ok(again), rows) => self.compare(rows, &again).map_err(Unproven::Distrusted),
            (Err(verdict), _) if verdict.is_of_host() => match self.conduct.patience.is_over() {
                true => Ok(()),
                false => Err(Unproven::Stopped(Stopped::Host(verdict))),
            },
            (Err(verdict), &[row]) => {
                let what = Shown::TwoAnswers(format!("it was scored; now {verdict}"));
                Err(Unproven::Distrusted(Distrust { row, what }))
            }
            // Together they may be too much.
            (Err(_), rows) => {
                let (left, right) = rows.split_at(rows.len() / 2);
                self.check(left)?;
                self.check(right)
            }
        }
    }

    /// Has a row explained, among those that it was scored with, and holds the steps to what was scored.
    fn explain(&self, row: u32, rows: &[u32]) -> Result<(), Unproven> {
        if self.outcome.faults.contains_key(&row) || self.conduct.patience.is_over() {
            return Ok(());
        }
        let job = self.job;
        let batch = job.inputs.batch(job.manifest, rows);
        let place = rows.iter().position(|&other| other == row).unwrap_or_default();
        let explained = self.explaining.explain(
            job.parameters,
            job.context,
            job.manifest,
            &batch,
            count_u32(place),
            job.limits,
        );
        let verified = explained.and_then(|steps| {
            let mut outputs = job.outputs.iter().zip(&self.outcome.outputs);
            outputs.try_for_each(|(output, column)| {
                verify_steps(&column.gather(&output.name, &[row]), 0, &steps)
            })
        });
        match verified {
            Err(verdict) if verdict.reason == PluginReason::ContractViolation => {
                let what = Shown::Explanation(verdict.message);
                Err(Unproven::Distrusted(Distrust { row, what }))
            }
            // One that it cannot give within its limits is no lie; whoever asks for it is told.
            _ => Ok(()),
        }
    }

    fn compare(&self, rows: &[u32], again: &Outcome) -> Result<(), Distrust> {
        for (place, &row) in rows.iter().enumerate() {
            let different = |difference| Err(Distrust { row, what: Shown::TwoAnswers(difference) });
            let fault_of = again.faults.binary_search_by_key(&count_u32(place), |fault| fault.row);
            let now = fault_of.ok().map(|found| plugin_fault(&again.faults[found]));
            let before = self.outcome.faults.get(&row);
            if before != now.as_ref() {
                return different(format!("it was {}, now it is {}", fault(before), fault(now.as_ref())));
            }
            if now.is_some() {
                continue;
            }
            let outputs = self.job.outputs.iter().zip(&self.outcome.outputs).zip(&again.columns);
            for ((output, before), now) in outputs {
                let (before, now) = (Cell::of_file(output, before, row), Cell::of_call(now, place));
                if before != now {
                    let (before, now) = (before.shown(output.scale), now.shown(output.scale));
                    return different(format!("its {} was {before}, now it is {now}", output.name));
                }
            }
        }
        Ok(())
    }
}

fn fault(fault: Option<&RowFault>) -> String {
    fault.map_or_else(|| "scored".to_owned(), |fault| format!("faulted ({})", fault.message))
}

/// What an output is for a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell<'a> {
    Missing,
    Number(i64),
    Text(&'a str),
}

// === impl Cell ===

impl<'a> Cell<'a> {
    fn of_file(output: &OutputHeader, column: &'a Column, row: u32) -> Self {
        let row = row as usize;
        let cell = match output.role {
            Role::Grade => column.text(row).map(Self::Text),
            _ => column.number(row).map(|(digits, _)| Self::Number(digits)),
        };
        cell.unwrap_or(Self::Missing)
    }

    fn of_call(column: &'a sandbox::Column, place: usize) -> Self {
        if column.missing.binary_search(&count_u32(place)).is_ok() {
            return Self::Missing;
        }
        match &column.values {
            sandbox::Values::Decimals(decimals) => Self::Number(decimals.unscaled[place]),
            sandbox::Values::Texts(texts) => {
                let text = texts.dictionary.get(texts.codes[place] as usize);
                text.map_or(Self::Missing, |text| Self::Text(text))
            }
        }
    }

    fn shown(self, scale: u8) -> String {
        match self {
            Self::Missing => "missing".to_owned(),
            Self::Number(digits) => decimal_text(i128::from(digits), scale, false),
            Self::Text(text) => format!("{text:?}"),
        }
    }
}
