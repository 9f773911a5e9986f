//! Looks for plugins that are not to be trusted: some rows of a finished step are scored again in other company, where what a
//! plugin keeps between rows, or makes of the size of a batch, shows; and some are explained, to see whether the steps add
//! up to what was scored.
//!
//! It is a sample: what only few rows show can escape it, and is found by a replay of the whole run in other chunks, or when
//! the row is explained.

use std::{collections::BTreeSet, time::Duration};

use super::{
    column::{Column, count_u32},
    dataset::{OutputHeader, Role, RowFault},
    execute::{Conduct, StepJob, StepOutcome, plugin_fault},
};
use crate::{
    model::{decimal::decimal_text, rejection::PluginReason},
    sandbox::{self, Outcome, Plugin, Scope, verify_steps},
};

/// Rows that are scored again, all in one batch and in the opposite order.
const TOGETHER: usize = 64;

/// Of these, the rows that are scored again each alone.
const ALONE: usize = 16;

/// Of these, the rows that are explained; fewer of a plugin of groups, which sees the whole group for each.
const EXPLAINED: usize = 16;
const EXPLAINED_OF_GROUPS: usize = 4;

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

/// Scores some rows of a finished step again, and has some explained, for as long as `explaining` at most: an explanation
/// that never ends is no reason for the run to wait. Which rows they are depends on the plugin and the number of rows alone.
///
/// # Errors
/// A row whose answer is another one now, or whose explanation does not add up to it.
pub fn check(
    job: &StepJob<'_>,
    conduct: &Conduct<'_>,
    outcome: &StepOutcome,
    explaining: Duration,
) -> Result<(), Distrust> {
    let own = PluginReason::PluginFault.code();
    let scored = |row: &u32| outcome.faults.get(row).is_none_or(|fault| fault.reason == own);
    let scored: Vec<u32> = (0..job.inputs.rows()).filter(scored).collect();
    let sample = sample(&job.plugin.hash(), &scored);
    let explaining = job.plugin.waiting(&conduct.patience.at_most(explaining));
    let checker = Checker { job, conduct, outcome, explaining };
    match job.manifest.scope {
        Scope::Row => {
            let reversed: Vec<u32> = sample.iter().rev().copied().collect();
            checker.check(&reversed)?;
            sample.iter().take(ALONE).try_for_each(|row| checker.check(&[*row]))?;
            sample.iter().take(EXPLAINED).try_for_each(|row| checker.explain(*row, &[*row]))
        }
        Scope::Group => {
            // A group that lost a row on the way was not scored as it would be explained.
            let is_whole = |rows: &Vec<u32>| rows.iter().all(|row| scored.binary_search(row).is_ok());
            let mut groups = job.inputs.groups(&job.inputs.faults(job.manifest));
            groups.retain(is_whole);
            sample.iter().take(EXPLAINED_OF_GROUPS).try_for_each(|row| {
                let group = groups.iter().find(|rows| rows.contains(row));
                group.map_or(Ok(()), |rows| checker.explain(*row, rows))
            })
        }
    }
}

/// Some of the rows, ascending.
fn sample(plugin: &[u8; 32], scored: &[u32]) -> Vec<u32> {
    if scored.len() <= TOGETHER {
        return scored.to_vec();
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(plugin).update(&(scored.len() as u64).to_le_bytes());
    let mut random = hasher.finalize_xof();
    let mut sample = BTreeSet::new();
    while sample.len() < TOGETHER {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let place = u64::from_le_bytes(bytes) % scored.len() as u64;
        sample.insert(scored[usize::try_from(place).unwrap_or_default()]);
    }
    sample.into_iter().collect()
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
    fn check(&self, rows: &[u32]) -> Result<(), Distrust> {
        if rows.is_empty() || self.conduct.patience.is_over() {
            return Ok(());
        }
        let job = self.job;
        let batch = job.inputs.batch(job.manifest, rows);
        let again = job.plugin.evaluate(job.parameters, job.context, job.manifest, &batch, job.limits);
        match (again, rows) {
            (Ok(again), rows) => self.compare(rows, &again),
            // It is the host that was slow.
            (Err(verdict), _) if verdict.reason == PluginReason::TimedOut => Ok(()),
            (Err(verdict), &[row]) => {
                let what = Shown::TwoAnswers(format!("it was scored; now {verdict}"));
                Err(Distrust { row, what })
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
    fn explain(&self, row: u32, rows: &[u32]) -> Result<(), Distrust> {
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
                Err(Distrust { row, what: Shown::Explanation(verdict.message) })
            }
            // One that it cannot give within its limits is no lie; whoever asks for it is told.
            _ => Ok(()),
        }
    }

    fn compare(&self, rows: &[u32], again: &Outcome) -> Result<(), Distrust> {
        for (place, &row) in rows.iter().enumerate() {
            let different = |difference| Err(Distrust { row, what: Shown::TwoAnswers(difference) });
            let now = again.faults.iter().find(|fault| fault.row == count_u32(place)).map(plugin_fault);
            let before = self.outcome.faults.get(&row);
            if before != now.as_ref() {
                return different(format!("it was {}, now it is {}", fault(before), fault(now.as_ref())));
            }
            if now.is_some() {
                continue;
            }
            let outputs = self.job.outputs.iter().zip(&self.outcome.outputs).zip(&again.columns);
            for ((output, before), now) in outputs {
                let (before, now) = (cell(output, before, row), cell_again(output, now, place));
                if before != now {
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

fn cell(output: &OutputHeader, column: &Column, row: u32) -> String {
    let row = row as usize;
    let cell = match output.role {
        Role::Grade => column.text(row).map(|text| format!("{text:?}")),
        _ => column.number(row).map(|(digits, scale)| decimal_text(i128::from(digits), scale, false)),
    };
    cell.unwrap_or_else(|| "missing".to_owned())
}

fn cell_again(output: &OutputHeader, column: &sandbox::Column, place: usize) -> String {
    if column.missing.binary_search(&count_u32(place)).is_ok() {
        return "missing".to_owned();
    }
    match &column.values {
        sandbox::Values::Decimals(decimals) => {
            decimal_text(i128::from(decimals.unscaled[place]), output.scale, false)
        }
        sandbox::Values::Texts(texts) => texts
            .dictionary
            .get(texts.codes[place] as usize)
            .map_or_else(String::new, |text| format!("{text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_a_function_of_plugin_and_rows() {
        let rows: Vec<u32> = (0..10_000).filter(|row| row % 3 == 0).collect();
        let one = sample(&[1; 32], &rows);
        assert_eq!((one.len(), one.is_sorted()), (TOGETHER, true));
        assert!(one.iter().all(|row| row % 3 == 0));
        assert_eq!(one, sample(&[1; 32], &rows));
        assert_ne!(one, sample(&[2; 32], &rows));
        assert_eq!(sample(&[1; 32], &rows[..TOGETHER]), rows[..TOGETHER]);
    }
}
