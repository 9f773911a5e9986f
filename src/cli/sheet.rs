//! Rows of texts: a table for people, CSV for programs.

use std::{
    env,
    io::{self, Write},
};

use comfy_table::{
    Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
};

use super::{failure::Failure, format::Format};
use crate::model::text::visible;

/// A line under the names of the columns, and no other.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Space that a column of a table has before and behind its texts, and between it and the next one.
const PADDING: u16 = 2;
const SPACING: u16 = 1;

/// The longest word that is never broken: an id. What is longer is JSON, or a hash.
const WORD_MAX: usize = 63;

/// Rows for people, or for CSV.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sheet {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
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

    /// The sheet without the columns that a line of this width has no room for, and which they are. The first one stays.
    pub(super) fn fitting(self, width: Option<u16>) -> (Self, Vec<String>) {
        let Some(width) = width else { return (self, Vec::new()) };
        let widths = self.built(false).column_max_content_widths();
        let mut left = usize::from(width);
        let fits: Vec<bool> = widths
            .iter()
            .enumerate()
            .map(|(place, column)| {
                let wanted = usize::from(*column) + usize::from(PADDING + SPACING);
                let fits = place == 0 || wanted <= left;
                left = if fits { left.saturating_sub(wanted) } else { left };
                fits
            })
            .collect();
        let fits_in = |place: usize| fits.get(place).copied().unwrap_or_default();
        let keep = |row: Vec<String>| -> Vec<String> {
            row.into_iter().enumerate().filter(|(place, _)| fits_in(*place)).map(|(_, cell)| cell).collect()
        };
        let left_out = self.columns.iter().enumerate().filter(|(place, _)| !fits_in(*place));
        let left_out = left_out.map(|(_, column)| column.clone()).collect();
        (Self { columns: keep(self.columns), rows: self.rows.into_iter().map(keep).collect() }, left_out)
    }

    /// The table for people, in the width of their terminal. Numbers stand to the right; no word, number or date is broken.
    pub(super) fn table(&self) -> String {
        self.arranged(terminal_width())
    }

    /// The table with every row on a line, however wide that is.
    pub(super) fn unbroken(&self) -> String {
        self.arranged(None)
    }

    fn arranged(&self, width: Option<u16>) -> String {
        let styled = width.is_some() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let mut table = self.built(styled);
        match width {
            Some(width) => {
                table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
            }
            None => {
                table.force_no_tty();
            }
        }
        let bounds: Vec<u16> = (0..self.columns.len()).map(|place| self.longest_word(place)).collect();
        let room =
            bounds.iter().map(|bound| usize::from(*bound) + usize::from(PADDING + SPACING)).sum::<usize>();
        let tight = width.is_some_and(|width| room > usize::from(width));
        for (column, bound) in table.column_iter_mut().zip(bounds) {
            let bound = Width::Fixed(bound.saturating_add(PADDING));
            column.set_constraint(match tight {
                // Wider than the terminal, which goes on in its next line.
                true => ColumnConstraint::Absolute(bound),
                false => ColumnConstraint::LowerBoundary(bound),
            });
        }
        table.trim_fmt()
    }

    /// The width of the longest word of a column.
    fn longest_word(&self, place: usize) -> u16 {
        let cells = self.rows.iter().filter_map(|row| row.get(place)).chain(self.columns.get(place));
        let words = cells.flat_map(|cell| cell.split_whitespace()).map(|word| word.chars().count());
        let longest = words.filter(|word| *word <= WORD_MAX).max().unwrap_or_default();
        u16::try_from(longest).unwrap_or(u16::MAX)
    }

    fn built(&self, styled: bool) -> Table {
        let mut table = Table::new();
        table.load_style(STYLE);
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
        table
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

/// How wide the terminal is that is written to; nothing where it is none.
pub(super) fn terminal_width() -> Option<u16> {
    Table::new().width()
}

/// Prints a line to stdout; a reader that went away is no failure worth a message.
pub(super) fn print_line(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(stdout_failure)
}

fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']).trim_end_matches('%');
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',')
}

/// What went wrong with a file, of what went wrong with its CSV.
pub(super) fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// What cannot be written where commands print.
pub(super) fn stdout_failure(error: io::Error) -> Failure {
    Failure::file("writing the output", error)
}

#[cfg(test)]
mod tests {
    use super::{Sheet, is_number};

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

    #[test]
    fn nothing_is_broken_and_what_has_no_room_is_named() {
        let sheet = || {
            let mut sheet = Sheet::new(&["name", "amount", "close_date", "note"]);
            sheet.row(["d-2026-17", "5872.5", "2026-03-31", "one two three four five six seven"]);
            sheet
        };
        for width in [20, 40, 60, 80] {
            let table = sheet().arranged(Some(width));
            for whole in ["d-2026-17", "5872.5", "2026-03-31", "three", "close_date"] {
                assert!(table.contains(whole), "{whole} at {width}: {table}");
            }
        }
        let check = |width: Option<u16>, columns: &[&str], left_out: &[&str]| {
            let (sheet, left) = sheet().fitting(width);
            assert_eq!(
                (sheet.columns, left),
                (
                    columns.iter().map(ToString::to_string).collect(),
                    left_out.iter().map(ToString::to_string).collect()
                ),
                "{width:?}"
            );
            assert_eq!(sheet.rows[0].len(), columns.len());
        };
        check(None, &["name", "amount", "close_date", "note"], &[]);
        check(Some(80), &["name", "amount", "close_date", "note"], &[]);
        check(Some(40), &["name", "amount", "close_date"], &["note"]);
        check(Some(30), &["name", "amount"], &["close_date", "note"]);
        check(Some(1), &["name"], &["amount", "close_date", "note"]);
        let (short, _) = sheet().fitting(Some(40));
        assert!(short.arranged(Some(40)).lines().all(|line| line.chars().count() <= 40));
    }
}
