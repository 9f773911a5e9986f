//! Rows of a batch and their detail lines, by name. The columns are taken apart once per call, and a name is found where the
//! row before had it: what a row costs is what is computed of it.

use alloc::{format, string::String, vec::Vec};
use core::cell::Cell;

use crate::{Batch, Column, Decimal, Values};

/// The rows of a batch.
pub struct Rows<'a> {
    columns: Columns<'a>,
    line_columns: Columns<'a>,
    row_ends: &'a [u32],
    count: usize,
}

/// A row of a batch.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    rows: &'a Rows<'a>,
    index: usize,
}

/// A detail line of a row.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    columns: &'a Columns<'a>,
    index: usize,
}

/// Columns, taken apart.
struct Columns<'a> {
    all: Vec<Source<'a>>,
    /// Which is likely to be asked for next: rows ask for the same names in the same order.
    next: Cell<usize>,
}

struct Source<'a> {
    name: &'a str,
    cells: Cells<'a>,
    missing: &'a [u32],
}

#[derive(Clone, Copy)]
enum Cells<'a> {
    Numbers { unscaled: &'a [i64], scale: u8 },
    Texts { dictionary: &'a [String], codes: &'a [u32] },
}

// === impl Rows ===

impl<'a> Rows<'a> {
    /// The rows of a batch.
    #[must_use]
    pub fn new(batch: &'a Batch) -> Self {
        let (line_columns, row_ends) = match &batch.lines {
            Some(lines) => (lines.columns.as_slice(), lines.row_ends.as_slice()),
            None => (&[] as &[Column], &[] as &[u32]),
        };
        Self {
            columns: Columns::new(&batch.columns),
            line_columns: Columns::new(line_columns),
            row_ends,
            count: batch.rows as usize,
        }
    }

    /// Row `index`, from 0.
    #[must_use]
    pub fn row(&'a self, index: usize) -> Row<'a> {
        Row { rows: self, index }
    }

    /// All rows, in order.
    pub fn iter(&'a self) -> impl Iterator<Item = Row<'a>> {
        (0..self.count).map(|index| self.row(index))
    }
}

// === impl Columns ===

impl<'a> Columns<'a> {
    fn new(columns: &'a [Column]) -> Self {
        let source = |column: &'a Column| Source {
            name: &column.name,
            cells: match &column.values {
                Values::Decimals(decimals) => {
                    Cells::Numbers { unscaled: &decimals.unscaled, scale: decimals.scale }
                }
                Values::Texts(texts) => Cells::Texts { dictionary: &texts.dictionary, codes: &texts.codes },
            },
            missing: &column.missing,
        };
        Self { all: columns.iter().map(source).collect(), next: Cell::new(0) }
    }

    /// The cells of a column, where row `row` has a value.
    fn cells(&self, name: &str, row: usize) -> Option<Cells<'a>> {
        let likely = self.next.get();
        let at = match self.all.get(likely) {
            Some(source) if source.name == name => likely,
            _ => self.all.iter().position(|source| source.name == name)?,
        };
        self.next.set(if at + 1 < self.all.len() { at + 1 } else { 0 });
        let source = &self.all[at];
        let missing = source.missing;
        let there = missing.is_empty() || missing.binary_search(&u32::try_from(row).ok()?).is_err();
        there.then_some(source.cells)
    }

    fn number(&self, name: &str, row: usize) -> Option<Decimal> {
        match self.cells(name, row)? {
            Cells::Numbers { unscaled, scale } => Some(Decimal::new(i128::from(*unscaled.get(row)?), scale)),
            Cells::Texts { .. } => None,
        }
    }

    fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        match self.cells(name, row)? {
            Cells::Texts { dictionary, codes } => {
                dictionary.get(*codes.get(row)? as usize).map(String::as_str)
            }
            Cells::Numbers { .. } => None,
        }
    }
}

// === impl Row ===

impl<'a> Row<'a> {
    /// A number that has to be there.
    ///
    /// # Errors
    /// In words, when it is not.
    pub fn number(&self, name: &str) -> Result<Decimal, String> {
        self.optional_number(name).ok_or_else(|| missing(name))
    }

    /// A number, if it is there.
    #[must_use]
    pub fn optional_number(&self, name: &str) -> Option<Decimal> {
        self.rows.columns.number(name, self.index)
    }

    /// A text that has to be there.
    ///
    /// # Errors
    /// In words, when it is not.
    pub fn text(&self, name: &str) -> Result<&'a str, String> {
        self.optional_text(name).ok_or_else(|| missing(name))
    }

    /// A text, if it is there.
    #[must_use]
    pub fn optional_text(&self, name: &str) -> Option<&'a str> {
        self.rows.columns.text(name, self.index)
    }

    /// The detail lines, in order; none where the manifest asks for none.
    ///
    /// ```
    /// use merit_sdk::{Decimal, Row};
    ///
    /// /// What the deals won come to.
    /// fn won(row: &Row<'_>) -> Result<Decimal, String> {
    ///     let won = row.lines().filter(|deal| deal.optional_text("stage") == Some("WON"));
    ///     won.map(|deal| deal.number("amount")).try_fold(Decimal::ZERO, |sum, amount| sum.plus(amount?))
    /// }
    /// # use merit_sdk::{Rows, manifest, testing::Sample};
    /// # let cells = |stage: &str, amount: &str| vec![("stage".to_owned(), stage.to_owned()), ("amount".to_owned(), amount.to_owned())];
    /// # let sample = Sample { rows: vec![vec![]], lines: vec![vec![cells("WON", "10.5"), cells("LOST", "7"), cells("WON", "1")]] };
    /// # let batch = sample.batch(&manifest("").line_text("stage").line_number("amount").build());
    /// # assert_eq!(won(&Rows::new(&batch).row(0))?, Decimal::new(115, 1));
    /// # Ok::<(), String>(())
    /// ```
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        let rows = self.rows;
        let end = |row: usize| rows.row_ends.get(row).map_or(0, |&end| end as usize);
        let start = if self.index == 0 { 0 } else { end(self.index - 1) };
        (start..end(self.index)).map(move |index| Line { columns: &rows.line_columns, index })
    }
}

// === impl Line ===

impl<'a> Line<'a> {
    /// A number that has to be there.
    ///
    /// # Errors
    /// In words, when it is not.
    pub fn number(&self, name: &str) -> Result<Decimal, String> {
        self.optional_number(name).ok_or_else(|| missing(name))
    }

    /// A number, if it is there.
    #[must_use]
    pub fn optional_number(&self, name: &str) -> Option<Decimal> {
        self.columns.number(name, self.index)
    }

    /// A text that has to be there.
    ///
    /// # Errors
    /// In words, when it is not.
    pub fn text(&self, name: &str) -> Result<&'a str, String> {
        self.optional_text(name).ok_or_else(|| missing(name))
    }

    /// A text, if it is there.
    #[must_use]
    pub fn optional_text(&self, name: &str) -> Option<&'a str> {
        self.columns.text(name, self.index)
    }
}

fn missing(name: &str) -> String {
    format!("{name} is missing")
}
