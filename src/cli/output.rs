//! What commands print: tables for people, JSON, JSON lines and CSV for programs.

use std::{
    env,
    io::{self, IsTerminal as _, Write},
};

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use prost::Name;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value as Json;

use super::failure::Failure;
pub(super) use super::format::{Format, OutputArguments, print_note};
use crate::{model::text::visible, proto::descriptors, transfer::Columns};

/// Columns of a list for people, where nobody says which.
const TABLE_COLUMNS_MAX: usize = 9;

/// A line under the names of the columns, and no other.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Rows for people, or for CSV.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sheet {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Prints records page by page, in any format.
pub(super) struct RecordPrinter {
    format: Format,
    message: MessageDescriptor,
    fields: Vec<String>,
    begun: bool,
    out: Box<dyn Write>,
}

// === impl Sheet ===

impl Sheet {
    /// A sheet with these columns.
    pub(super) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|column| (*column).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn row<T: Into<String>>(&mut self, row: impl IntoIterator<Item = T>) {
        self.rows.push(row.into_iter().map(Into::into).collect());
    }

    /// The sheet without the columns that nothing stands in.
    pub(super) fn without_empty_columns(mut self) -> Self {
        let used: Vec<bool> = (0..self.columns.len())
            .map(|place| self.rows.iter().any(|row| row.get(place).is_some_and(|cell| !cell.is_empty())))
            .collect();
        for row in self.rows.iter_mut().chain([&mut self.columns]) {
            let mut place = 0;
            row.retain(|_| {
                place += 1;
                used.get(place - 1).copied().unwrap_or_default()
            });
        }
        self
    }

    /// The table for people; numbers stand to the right.
    pub(super) fn table(&self) -> String {
        let terminal = io::stdout().is_terminal();
        let styled = terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let mut table = Table::new();
        table.load_style(STYLE);
        if terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.force_no_tty();
        }
        table.set_header(self.columns.iter().map(|column| {
            let cell = Cell::new(column);
            if styled { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| visible(cell).replace('\t', " ")));
        }
        for (place, column) in table.column_iter_mut().enumerate() {
            let mut cells =
                self.rows.iter().filter_map(|row| row.get(place)).filter(|cell| !cell.is_empty()).peekable();
            if cells.peek().is_some() && cells.all(|cell| is_number(cell)) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.trim_fmt()
    }

    /// Prints the sheet as a table or as CSV.
    pub(super) fn print(&self, format: Format) -> Result<(), Failure> {
        if format == Format::Csv {
            return self.print_csv(true);
        }
        print_line(&self.table())
    }

    /// Prints the sheet as CSV, with or without the names of the columns.
    pub(super) fn print_csv(&self, header: bool) -> Result<(), Failure> {
        let mut writer = csv::Writer::from_writer(io::stdout().lock());
        let header = header.then_some(&self.columns);
        for record in header.into_iter().chain(&self.rows) {
            writer.write_record(record).map_err(|error| stdout_failure(csv_error(error)))?;
        }
        writer.flush().map_err(stdout_failure)
    }
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
        Ok(Self { format, message: message.clone(), fields: fields.to_vec(), begun: false, out })
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
        written.and_then(|()| self.out.flush()).map_err(stdout_failure)
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
        let mut columns = self.columns();
        if self.fields.is_empty() {
            let plain: Vec<String> = columns
                .used(records)
                .paths()
                .filter(|path| !["etag", "create_time", "update_time"].contains(path))
                .take(TABLE_COLUMNS_MAX)
                .map(str::to_owned)
                .collect();
            columns = Columns::select(&self.message, &plain).map_err(io::Error::other)?;
        }
        let paths: Vec<&str> = columns.paths().collect();
        let mut sheet = Sheet::new(&paths);
        for record in records {
            sheet.row(columns.texts(record).into_iter().map(|text| short_name(&text)));
        }
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

/// Prints a line to stdout; a reader that went away is no failure worth a message.
pub(super) fn print_line(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(stdout_failure)
}

/// The last part of a name of a record, for people; other texts as they are.
pub(super) fn short_name(text: &str) -> String {
    match text.strip_prefix("teams/") {
        Some(rest) => rest.rsplit('/').next().unwrap_or(text).to_owned(),
        None => text.to_owned(),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']).trim_end_matches('%');
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',')
}

fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

pub(super) fn stdout_failure(error: io::Error) -> Failure {
    Failure::file("writing the output", error)
}

#[cfg(test)]
mod tests {
    use super::{Sheet, is_number, short_name};

    #[test]
    fn names_are_short_for_people() {
        assert_eq!(short_name("teams/t/customers/acme"), "acme");
        assert_eq!(short_name("a/b"), "a/b");
    }

    #[test]
    fn numbers_are_told_from_dates() {
        assert!(is_number("-12.50") && is_number("1,234") && is_number("5%"));
        assert!(!is_number("2026-11-23") && !is_number("a1") && !is_number("-"));
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let mut sheet = Sheet::new(&["who"]);
        sheet.row(["An\u{1b}[31mna\u{202e}"]);
        assert!(sheet.table().contains(r"An\u{1b}[31mna\u{202e}"), "{}", sheet.table());
    }

    #[test]
    fn numbers_stand_to_the_right() {
        let mut sheet = Sheet::new(&["who", "pay"]);
        sheet.row(["Anna", "7.50"]);
        sheet.row(["Bo", "1234.00"]);
        let table = sheet.table();
        assert!(table.contains("Anna      7.50"), "{table}");
    }
}
