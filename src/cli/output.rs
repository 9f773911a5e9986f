//! What commands print: tables for people, JSON, JSON lines and CSV for programs.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use prost::Name;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value as Json;

use super::failure::Failure;
use super::sheet::{csv_error, stdout_failure, terminal_width};
pub(super) use super::{
    format::{Format, OutputArguments, print_note},
    sheet::{Sheet, print_line},
};
use crate::{proto::descriptors, transfer::Columns};

/// The longest text of a cell, where nobody asks for all of it.
const CELL_MAX: usize = 40;

/// Prints records page by page, in any format.
pub(super) struct RecordPrinter {
    format: Format,
    message: MessageDescriptor,
    fields: Vec<String>,
    /// Whether a table has everything, however wide that is.
    wide: bool,
    /// Fields with values that a table did not show.
    hidden: BTreeSet<String>,
    begun: bool,
    out: Box<dyn Write>,
}

// === impl RecordPrinter ===

impl RecordPrinter {
    /// A printer to stdout of records of this message; without fields, those that have values are shown.
    pub(super) fn new(
        format: Format,
        message: &MessageDescriptor,
        fields: &[String],
    ) -> Result<Self, Failure> {
        Self::to(Box::new(io::BufWriter::new(io::stdout())), format, message, fields)
    }

    /// The same to anywhere.
    pub(super) fn to(
        out: Box<dyn Write>,
        format: Format,
        message: &MessageDescriptor,
        fields: &[String],
    ) -> Result<Self, Failure> {
        Columns::select(message, fields).map_err(Failure::Usage)?;
        let (message, fields, hidden) = (message.clone(), fields.to_vec(), BTreeSet::new());
        Ok(Self { format, message, fields, wide: false, hidden, begun: false, out })
    }

    /// The same; a table shows everything then, if that is wanted.
    pub(super) fn wide(mut self, wide: bool) -> Self {
        self.wide = wide;
        self
    }

    /// Prints a page of records.
    pub(super) fn page(&mut self, records: &[DynamicMessage]) -> Result<(), Failure> {
        let written = match self.format {
            Format::Table => self.table(records),
            Format::Csv => self.csv(records),
            Format::Json | Format::Jsonl => self.json(records),
        };
        self.begun |= !records.is_empty();
        written.map_err(stdout_failure)
    }

    /// Prints what comes after the last page.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let written = match (self.format, self.begun) {
            (Format::Json, true) => writeln!(self.out, "\n]"),
            (Format::Json, false) => writeln!(self.out, "[]"),
            (Format::Csv, false) => self.csv(&[]),
            (Format::Table, false) => writeln!(self.out, "nothing found"),
            _ => Ok(()),
        };
        written.and_then(|()| self.out.flush()).map_err(stdout_failure)?;
        if !self.hidden.is_empty() {
            let hidden: Vec<&str> = self.hidden.iter().map(String::as_str).collect();
            print_note(&format!(
                "not shown: {} (--wide shows everything, --fields what it names)",
                hidden.join(", ")
            ));
        }
        Ok(())
    }

    fn columns(&self) -> Columns {
        if self.fields.is_empty() {
            return Columns::of(&self.message);
        }
        Columns::select(&self.message, &self.fields).unwrap_or_else(|_| Columns::of(&self.message))
    }

    fn table(&mut self, records: &[DynamicMessage]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let columns = self.columns().used(records);
        if !self.fields.is_empty() || self.wide {
            let columns = if self.wide { columns } else { self.columns() };
            let sheet = sheet(&columns, records, |text| text);
            return writeln!(self.out, "{}", if self.wide { sheet.unbroken() } else { sheet.table() });
        }
        let (shown, hidden) = columns.for_people();
        let (sheet, left_out) = sheet(&shown, records, cut).fitting(terminal_width());
        let is_kept = |path: &str| !["etag", "create_time", "update_time"].contains(&path);
        let tops = hidden.paths().filter(|path| is_kept(path)).filter_map(|path| path.split('.').next());
        self.hidden.extend(tops.map(str::to_owned));
        self.hidden.extend(left_out);
        writeln!(self.out, "{}", sheet.table())
    }

    fn csv(&mut self, records: &[DynamicMessage]) -> io::Result<()> {
        let columns = self.columns();
        let mut writer = csv::Writer::from_writer(&mut self.out);
        if !self.begun {
            writer.write_record(columns.paths()).map_err(csv_error)?;
        }
        for record in records {
            writer.write_record(columns.texts(record)).map_err(csv_error)?;
        }
        writer.flush()
    }

    fn json(&mut self, records: &[DynamicMessage]) -> io::Result<()> {
        let mut begun = self.begun;
        for record in records {
            let json = json(record);
            if self.format == Format::Jsonl {
                writeln!(self.out, "{json}")?;
                continue;
            }
            let text = serde_json::to_string_pretty(&json).map_err(io::Error::other)?;
            let opening = if begun { ",\n" } else { "[\n" };
            write!(self.out, "{opening}{text}")?;
            begun = true;
        }
        Ok(())
    }
}

/// Records as rows.
fn sheet(columns: &Columns, records: &[DynamicMessage], text: fn(String) -> String) -> Sheet {
    let paths: Vec<&str> = columns.paths().collect();
    let mut sheet = Sheet::new(&paths);
    for record in records {
        sheet.row(columns.texts(record).into_iter().map(|cell| text(short_name(&cell))));
    }
    sheet
}

/// A text for a cell: of one that is long, the beginning. Texts without space are names, numbers and dates.
fn cut(text: String) -> String {
    if text.chars().count() <= CELL_MAX || !text.contains(' ') {
        return text;
    }
    let kept: String = text.chars().take(CELL_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}

/// A message as JSON, with the names of the protos.
pub(super) fn json(message: &DynamicMessage) -> Json {
    let options = SerializeOptions::new().use_proto_field_name(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap_or_default()
}

/// A generated message as one that can be looked into.
pub(super) fn dynamic<T: Name>(message: &T) -> DynamicMessage {
    let descriptor = descriptors()
        .get_message_by_name(&T::full_name())
        .expect("every generated message is in the descriptors");
    DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .expect("what was encoded by the same descriptors can be decoded")
}

/// Prints one record: field by field for people.
pub(super) fn print_record(format: Format, record: &DynamicMessage) -> Result<(), Failure> {
    use prost_reflect::ReflectMessage as _;
    match format {
        Format::Json => print_line(&serde_json::to_string_pretty(&json(record)).unwrap_or_default()),
        Format::Jsonl => print_line(&json(record).to_string()),
        Format::Csv => {
            let mut printer = RecordPrinter::new(format, &record.descriptor(), &[])?;
            printer.page(std::slice::from_ref(record))?;
            printer.finish()
        }
        Format::Table => {
            let columns = Columns::of(&record.descriptor()).used(std::slice::from_ref(record));
            let mut sheet = Sheet::new(&["field", "value"]);
            for (path, text) in columns.paths().zip(columns.texts(record)) {
                sheet.row([path.to_owned(), text]);
            }
            sheet.print(format)
        }
    }
}

/// Prints a JSON document, as one line or many.
pub(super) fn print_json(format: Format, json: &Json) -> Result<(), Failure> {
    match format {
        Format::Jsonl => print_line(&json.to_string()),
        _ => print_line(&serde_json::to_string_pretty(json).unwrap_or_default()),
    }
}

/// The last part of a name of a record, for people; other texts as they are.
pub(super) fn short_name(text: &str) -> String {
    match text.strip_prefix("teams/") {
        Some(rest) => rest.rsplit('/').next().unwrap_or(text).to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn names_are_short_for_people() {
        assert_eq!(short_name("teams/t/customers/acme"), "acme");
        assert_eq!(short_name("a/b"), "a/b");
    }
}
