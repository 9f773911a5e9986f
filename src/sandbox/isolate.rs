//! Which row it is that a plugin fails at: halves of the batch are run again until one row is left.

use std::ops::Range;

use super::{Batch, Column, Decimals, Lines, Texts, Values, verdict::Verdict};
use crate::model::rejection::PluginReason;

/// Whether running a part of the batch again can tell the row: whatever the guest's own work brings about. Wall time is
/// not among them: it would be spent again and again.
pub fn is_worthwhile(reason: PluginReason) -> bool {
    matches!(
        reason,
        PluginReason::OutOfFuel
            | PluginReason::StackOverflow
            | PluginReason::OutOfMemory
            | PluginReason::Trapped
    )
}

/// Finds a row that fails alone: the first one, unless failing takes several rows in some half before it. Takes one call
/// without rows and at most two for each halving of the batch, and `fails` gets batches that are only ever smaller. Where
/// no row is to blame, the verdict of the whole batch stands.
pub fn first_row(batch: &Batch, whole: Verdict, mut fails: impl FnMut(&Batch) -> Option<Verdict>) -> Verdict {
    let blame_none = |why: &str| Verdict { message: format!("{}; {why}", whole.message), ..whole.clone() };
    if fails(&slice(batch, 0..0)).is_some_and(|verdict| is_worthwhile(verdict.reason)) {
        return blame_none("it fails without any rows as well");
    }
    let mut rows = 0..batch.rows;
    let mut verdict = whole.clone();
    while rows.len() > 1 {
        let middle = rows.start + (rows.end - rows.start) / 2;
        let halves = [rows.start..middle, middle..rows.end];
        let failing = halves.into_iter().find_map(|half| {
            let verdict = fails(&slice(batch, half.clone()))?;
            is_worthwhile(verdict.reason).then_some((half, verdict))
        });
        match failing {
            Some((half, of_half)) => (rows, verdict) = (half, of_half),
            None => return blame_none("no single row fails alone"),
        }
    }
    Verdict {
        row: Some(rows.start),
        message: format!("{}; row {} fails alone", verdict.message, rows.start),
        ..verdict
    }
}

/// Some rows of a batch, with their lines.
pub fn slice(batch: &Batch, rows: Range<u32>) -> Batch {
    Batch {
        rows: rows.end - rows.start,
        columns: batch.columns.iter().map(|column| slice_column(column, rows.clone())).collect(),
        lines: batch.lines.as_ref().map(|lines| slice_lines(lines, rows)),
    }
}

fn slice_lines(lines: &Lines, rows: Range<u32>) -> Lines {
    let end_of = |rows: u32| match rows {
        0 => 0,
        rows => lines.row_ends.get(rows as usize - 1).copied().unwrap_or(0),
    };
    let (start, end) = (end_of(rows.start), end_of(rows.end));
    Lines {
        row_ends: part(&lines.row_ends, &rows).iter().map(|row_end| row_end.saturating_sub(start)).collect(),
        columns: lines.columns.iter().map(|column| slice_column(column, start..end)).collect(),
    }
}

fn slice_column(column: &Column, rows: Range<u32>) -> Column {
    let values = match &column.values {
        Values::Decimals(decimals) => Values::Decimals(Decimals {
            scale: decimals.scale,
            unscaled: part(&decimals.unscaled, &rows).to_vec(),
        }),
        Values::Texts(texts) => Values::Texts(Texts {
            dictionary: texts.dictionary.clone(),
            codes: part(&texts.codes, &rows).to_vec(),
        }),
    };
    let missing =
        column.missing.iter().filter(|row| rows.contains(row)).map(|row| row - rows.start).collect();
    Column { name: column.name.clone(), values, missing }
}

fn part<'a, T>(all: &'a [T], rows: &Range<u32>) -> &'a [T] {
    all.get(rows.start as usize..rows.end as usize).unwrap_or(&[])
}
