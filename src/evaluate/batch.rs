//! What goes into one step of a run, over all rows, and the batches that are cut out of it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    column::{Column, count_u32},
    dataset::{Faults, InputHeader, LineData, RowFault, Source, StepData, StepHeader},
};
use crate::{
    model::rejection::PluginReason,
    sandbox::{self, Batch, Manifest},
};

/// Lines of a batch for each of the rows that it may have. A batch gets the fuel of its poorest row alone, of which that of
/// the call is most: 4,096 rows with 50 lines each can need more, and would be cut in halves, one failing call after the
/// other.
const LINES_PER_ROW: usize = 8;

/// What goes into a step, over all rows of the run.
#[derive(Clone)]
pub struct StepInputs<'a> {
    rows: u32,
    /// In the order of the manifest's inputs.
    columns: Vec<&'a Column>,
    headers: &'a [InputHeader],
    line_headers: &'a [InputHeader],
    lines: Option<&'a LineData>,
    groups: Option<&'a Arc<Column>>,
    group_by: &'a str,
    /// Rows whose inputs could not be made.
    unfit: &'a Faults,
}

// === impl StepInputs ===

impl<'a> StepInputs<'a> {
    /// The inputs of a step. `unfit` are the rows whose inputs could not be made.
    #[must_use]
    pub fn new(rows: usize, header: &'a StepHeader, data: &'a StepData, unfit: &'a Faults) -> Self {
        Self {
            rows: count_u32(rows),
            columns: data.inputs.iter().map(|input| &*input.column).collect(),
            headers: &header.inputs,
            line_headers: header.lines.as_ref().map_or(&[], |lines| &lines.inputs),
            lines: data.lines.as_ref(),
            groups: data.groups.as_ref(),
            group_by: header.group_by.as_deref().unwrap_or_default(),
            unfit,
        }
    }

    /// Rows of the run.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// The rows that the plugin does not get to see: those whose inputs could not be made, or lack a required value,
    /// or belong to no group.
    #[must_use]
    pub fn faults(&self, manifest: &Manifest) -> Faults {
        let mut faults = self.unfit.clone();
        for ((input, column), header) in manifest.inputs.iter().zip(&self.columns).zip(self.headers) {
            if input.required {
                self.require(&mut faults, column, || lacking(header));
            }
        }
        if let Some(groups) = self.groups {
            let missing = || missing(format!("{} is missing: the row belongs to no group", self.group_by));
            self.require(&mut faults, groups, missing);
        }
        let Some(lines) = self.lines else { return faults };
        for ((input, column), header) in
            manifest.line_inputs.iter().zip(&lines.columns).zip(self.line_headers)
        {
            if !input.required || !column.missing.contains(&true) {
                continue;
            }
            for row in 0..self.rows {
                let lacking = lines.range(row as usize).find(|&line| column.missing[line]);
                if let Some(line) = lacking {
                    let message = format!(
                        "the required line input {} ({}) is missing in {}",
                        header.name,
                        header.source.words(),
                        lines.records.get(line)
                    );
                    faults.entry(row).or_insert_with(|| missing(message));
                }
            }
        }
        faults
    }

    fn require(&self, faults: &mut Faults, column: &Column, fault: impl Fn() -> RowFault) {
        for row in (0..self.rows).filter(|&row| column.missing[row as usize]) {
            faults.entry(row).or_insert_with(&fault);
        }
    }

    /// The groups, by what makes them, each with its rows that are not faulted.
    #[must_use]
    pub fn groups(&self, faults: &Faults) -> Vec<Vec<u32>> {
        let mut groups: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for row in (0..self.rows).filter(|row| !faults.contains_key(row)) {
            let group = self.groups.and_then(|groups| groups.text(row as usize)).unwrap_or_default();
            groups.entry(group).or_default().push(row);
        }
        groups.into_values().collect()
    }

    /// Cuts independent rows into batches of so many rows, and of no more lines than [`LINES_PER_ROW`] for each of these; a
    /// row with more is alone.
    #[must_use]
    pub fn cut(&self, rows: &[u32], most_rows: usize) -> Vec<Vec<u32>> {
        let lines = |row: u32| self.lines.map_or(0, |lines| lines.range(row as usize).len());
        cut(rows, lines, most_rows.max(1))
    }

    /// The rows that a plugin sees together with this one, itself included; nothing where the row is faulted.
    #[must_use]
    pub fn batch_of(&self, row: u32, manifest: &Manifest, faults: &Faults) -> Option<Vec<u32>> {
        if faults.contains_key(&row) {
            return None;
        }
        match manifest.scope {
            sandbox::Scope::Row => Some(vec![row]),
            sandbox::Scope::Group => self.groups(faults).into_iter().find(|rows| rows.contains(&row)),
        }
    }

    /// A batch of these rows.
    #[must_use]
    pub fn batch(&self, manifest: &Manifest, rows: &[u32]) -> Batch {
        let columns = manifest.inputs.iter().zip(&self.columns);
        let columns = columns.map(|(input, column)| column.gather(&input.name, rows)).collect();
        let lines = match self.lines {
            Some(lines) if !manifest.line_inputs.is_empty() => Some(gather_lines(lines, manifest, rows)),
            _ => None,
        };
        Batch { rows: count_u32(rows.len()), columns, lines }
    }
}

fn cut(rows: &[u32], lines: impl Fn(u32) -> usize, most_rows: usize) -> Vec<Vec<u32>> {
    let most_lines = most_rows.saturating_mul(LINES_PER_ROW);
    let (mut batches, mut batch, mut in_batch) = (Vec::new(), Vec::new(), 0_usize);
    for &row in rows {
        let more = lines(row);
        if !batch.is_empty() && (batch.len() == most_rows || in_batch + more > most_lines) {
            batches.push(std::mem::take(&mut batch));
            in_batch = 0;
        }
        batch.push(row);
        in_batch += more;
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

fn gather_lines(lines: &LineData, manifest: &Manifest, rows: &[u32]) -> sandbox::Lines {
    let mut wanted = Vec::new();
    let mut row_ends = Vec::with_capacity(rows.len());
    for &row in rows {
        wanted.extend(lines.range(row as usize).map(count_u32));
        row_ends.push(count_u32(wanted.len()));
    }
    let columns = manifest.line_inputs.iter().zip(&lines.columns);
    let columns = columns.map(|(input, column)| column.gather(&input.name, &wanted)).collect();
    sandbox::Lines { row_ends, columns }
}

fn lacking(header: &InputHeader) -> RowFault {
    let name = &header.name;
    missing(match &header.source {
        Source::Nothing => format!("the required input {name} has no source"),
        source => format!("the required input {name} ({}) is missing", source.words()),
    })
}

fn missing(message: String) -> RowFault {
    RowFault { reason: PluginReason::MissingInput.code().to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_cut_by_rows_and_lines() {
        // Each row has as many lines as its number says.
        let check = |rows: &[u32], most_rows: usize, wanted: &[&[u32]]| {
            assert_eq!(cut(rows, |row| row as usize, most_rows), wanted, "{rows:?} by {most_rows}");
        };
        check(&[], 4, &[]);
        check(&[0, 0, 0], 2, &[&[0, 0], &[0]]);
        check(&[8, 8, 8], 2, &[&[8, 8], &[8]]);
        check(&[9, 8, 7, 9], 2, &[&[9], &[8, 7], &[9]]);
        check(&[50, 50, 1], 2, &[&[50], &[50], &[1]]);
        check(&[50, 1, 1], 4096, &[&[50, 1, 1]]);
        check(&[3, 3], 1, &[&[3], &[3]]);
    }
}
