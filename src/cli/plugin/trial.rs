//! Rows scored in one batch, and when that does not end well, the row that is the cause.

use super::shown;
use crate::{
    evaluate::author::{AuthoredPlugin, Scored},
    proto::v1,
    sandbox::{Context, Scope, Verdict},
};

/// A plugin, and what it is told.
pub(super) struct Trial<'p> {
    pub(super) plugin: &'p AuthoredPlugin,
    pub(super) context: Context,
}

// === impl Trial ===

impl Trial<'_> {
    /// What becomes of some rows in one batch, or what stopped it at which row.
    pub(super) fn scored(&self, rows: &[&v1::PluginRow]) -> Result<Vec<Scored>, String> {
        match self.batch(rows)? {
            Ok(scored) => Ok(scored),
            Err(verdict) => Err(self.cause(rows, verdict)?),
        }
    }

    fn batch(&self, rows: &[&v1::PluginRow]) -> Result<Result<Vec<Scored>, Verdict>, String> {
        let batch = self.plugin.batch(rows).map_err(|rejection| rejection.message)?;
        let outcome = match self.plugin.evaluate(&self.context, &batch) {
            Ok(outcome) => outcome,
            Err(verdict) => return Ok(Err(verdict)),
        };
        Ok(Ok((0..rows.len()).map(|row| self.plugin.of_row(&outcome, row)).collect()))
    }

    /// The verdict, with the row that it is about: a batch of independent rows is halved until one is left.
    fn cause(&self, rows: &[&v1::PluginRow], mut verdict: Verdict) -> Result<String, String> {
        let (mut start, mut part) = (0, rows);
        while part.len() > 1 && self.plugin.manifest.scope == Scope::Row {
            let (first, second) = part.split_at(part.len() / 2);
            if let Err(of_first) = self.batch(first)? {
                (part, verdict) = (first, of_first);
            } else if let Err(of_second) = self.batch(second)? {
                (start, part, verdict) = (start + first.len(), second, of_second);
            } else {
                break;
            }
        }
        let what = format!("{}: {}", verdict.reason.code(), verdict.message);
        Ok(match part {
            [] => what,
            [row] => format!("row {start} ({}): {what}", shown::row(row)),
            _ => format!("rows {start} to {} together: {what}", start + part.len() - 1),
        })
    }
}
