//! Prints page after page of what is no collection: rows of a sheet for people and as CSV, messages as JSON.

use prost_reflect::DynamicMessage;

use super::{
    failure::Failure,
    output::{Format, Sheet, json, print_json, print_line},
};

/// Prints pages, in any format.
pub(super) struct PagePrinter {
    format: Format,
    begun: bool,
}

// === impl PagePrinter ===

impl PagePrinter {
    /// One that has printed nothing.
    pub(super) fn new(format: Format) -> Self {
        Self { format, begun: false }
    }

    /// Prints a page: the sheet, or the messages. What people see has no empty columns.
    pub(super) fn page(
        &mut self,
        sheet: &Sheet,
        messages: impl Iterator<Item = DynamicMessage>,
    ) -> Result<(), Failure> {
        if sheet.rows.is_empty() {
            return Ok(());
        }
        match self.format {
            Format::Table => print_line(&sheet.clone().without_empty_columns().table())?,
            Format::Csv => sheet.print_csv(!self.begun)?,
            Format::Jsonl => {
                for message in messages {
                    print_json(self.format, &json(&message))?;
                }
            }
            Format::Json => {
                for message in messages {
                    let text = serde_json::to_string_pretty(&json(&message)).unwrap_or_default();
                    print_line(&format!("{}{text}", if self.begun { "," } else { "[" }))?;
                    self.begun = true;
                }
            }
        }
        self.begun = true;
        Ok(())
    }

    /// Prints what comes after the last page; `columns` are those of a CSV without rows.
    pub(super) fn finish(self, columns: &Sheet) -> Result<(), Failure> {
        match (self.format, self.begun) {
            (Format::Json, true) => print_line("]"),
            (Format::Json, false) => print_line("[]"),
            (Format::Table, false) => print_line("nothing found"),
            (Format::Csv, false) => columns.print_csv(true),
            _ => Ok(()),
        }
    }
}
