//! What becomes of the rows of an import: counted, kept where they were rejected, and sent again where they were too early.

use tokio::sync::mpsc;

use super::{
    connection::Connection,
    failure::Failure,
    output::{Format, Sheet, print_json, print_line},
    sender::{self, BATCH_ITEMS, Batch},
};
use crate::{
    model::schema::{Schema, refers_to},
    proto::v1::{ImportOutcome, ImportResult},
    transfer::{Record, RejectedFile, Row},
};

/// Records that may wait for others further down.
const EARLY_MAX: usize = 100_000;

/// Why a record is rejected that refers to one that is not there.
const REFERENCE_NOT_FOUND: &str = "REFERENCE_NOT_FOUND";

/// A row, until its result comes.
pub(super) enum Fate {
    Sent(Record),
    Rejected(Row, String),
    Skipped,
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) rows: u64,
    created: u64,
    updated: u64,
    unchanged: u64,
    skipped: u64,
    rejected: u64,
}

/// The book of an import.
pub(super) struct Ledger {
    schema: &'static Schema,
    counts: Counts,
    rejected: RejectedFile,
    /// Whether records may refer to others of the same file, further down.
    may_wait: bool,
    /// Records that refer to what was not there, and what was said of them.
    early: Vec<(Record, String)>,
}

// === impl Ledger ===

impl Ledger {
    /// A book of records of a collection. What is only checked is not there for others: nothing waits then.
    pub(super) fn new(schema: &'static Schema, rejected: RejectedFile, validate_only: bool) -> Self {
        let may_wait = !validate_only && refers_to(&schema.message, &schema.collection);
        Self { schema, counts: Counts::default(), rejected, may_wait, early: Vec::new() }
    }

    /// The counts until now.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Notes what became of the rows of a batch.
    pub(super) fn settle(&mut self, fates: Vec<Fate>, results: Vec<ImportResult>) -> Result<(), Failure> {
        let mut results = results.into_iter();
        for fate in fates {
            match fate {
                Fate::Skipped => {
                    self.counts.rows += 1;
                    self.counts.skipped += 1;
                }
                Fate::Rejected(row, reason) => self.reject(&row, &reason)?,
                Fate::Sent(record) => {
                    let result = results.next().ok_or_else(|| {
                        Failure::Service("the server answered fewer results than items".to_owned())
                    })?;
                    self.note(record, &result)?;
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, record: Record, result: &ImportResult) -> Result<(), Failure> {
        let count = match result.outcome() {
            ImportOutcome::Created => &mut self.counts.created,
            ImportOutcome::Updated => &mut self.counts.updated,
            ImportOutcome::Unchanged => &mut self.counts.unchanged,
            ImportOutcome::Rejected | ImportOutcome::Unspecified => {
                let reason = format!("{}: {}", result.reason, result.message);
                let early = result.reason == REFERENCE_NOT_FOUND && self.early.len() < EARLY_MAX;
                if early && self.may_wait {
                    self.early.push((record, reason));
                    return Ok(());
                }
                return self.reject(&record.row, &reason);
            }
        };
        *count += 1;
        self.counts.rows += 1;
        Ok(())
    }

    fn reject(&mut self, row: &Row, reason: &str) -> Result<(), Failure> {
        self.counts.rows += 1;
        self.counts.rejected += 1;
        let added = self.rejected.add(row, reason);
        added.map_err(|error| Failure::file(format!("writing {}", self.rejected.path().display()), error))
    }

    /// Sends the records again that referred to what was not there, as long as that helps any of them.
    pub(super) async fn send_again(&mut self, connection: &Connection) -> Result<(), Failure> {
        loop {
            let early = std::mem::take(&mut self.early);
            let before = early.len();
            if before == 0 {
                return Ok(());
            }
            let schema = self.schema;
            let (sender, batches) = mpsc::channel(2);
            let feeding = tokio::spawn(async move {
                let mut records = early.into_iter().map(|(record, _)| record).peekable();
                while records.peek().is_some() {
                    let note: Vec<Record> = records.by_ref().take(BATCH_ITEMS).collect();
                    let items = note.iter().cloned();
                    let items =
                        items.map(|Record { id, encoded, mask, .. }| sender::item(schema, id, encoded, mask));
                    let items = items.collect();
                    if sender.send(Batch { items, note }).await.is_err() {
                        return;
                    }
                }
            });
            let sent = sender::send(connection, false, batches, |records, results| {
                self.settle(records.into_iter().map(Fate::Sent).collect(), results)
            });
            let sent = sent.await;
            feeding.abort();
            sent?;
            if self.early.len() == before {
                self.may_wait = false;
                let never = std::mem::take(&mut self.early);
                never.iter().try_for_each(|(record, reason)| self.reject(&record.row, reason))?;
            }
        }
    }

    /// Puts the file of rejected rows in its place, and prints what became of all.
    pub(super) fn close(self, format: Format) -> Result<(), Failure> {
        let path = self.rejected.path().display().to_string();
        let finished = self.rejected.finish();
        finished.map_err(|error| Failure::file(format!("writing {path}"), error))?;
        report(format, self.counts, &path)
    }
}

/// Prints what became of the rows.
fn report(format: Format, counts: Counts, rejected: &str) -> Result<(), Failure> {
    let Counts { rows, created, updated, unchanged, skipped, rejected: refused } = counts;
    let file = if refused > 0 { rejected.to_owned() } else { String::new() };
    match format {
        Format::Table => {
            print_line(&format!(
                "{rows} rows: {created} created, {updated} updated, {unchanged} unchanged, {skipped} skipped, {refused} rejected"
            ))?;
        }
        Format::Csv => {
            let mut sheet =
                Sheet::new(&["rows", "created", "updated", "unchanged", "skipped", "rejected", "file"]);
            let numbers =
                [rows, created, updated, unchanged, skipped, refused].map(|count| count.to_string());
            sheet.row(numbers.into_iter().chain([file.clone()]));
            sheet.print(format)?;
        }
        Format::Json | Format::Jsonl => print_json(
            format,
            &serde_json::json!({ "rows": rows, "created": created, "updated": updated, "unchanged": unchanged,
                "skipped": skipped, "rejected": refused, "rejected_file": file }),
        )?,
    }
    if refused == 0 {
        return Ok(());
    }
    Err(Failure::Differs(format!(
        "{refused} of {rows} rows were rejected: {file} has them, with line and reason"
    )))
}
