//! A row of a batch, and its detail lines, by name.

use alloc::{format, string::String};

use crate::{Batch, Column, Decimal, Values};

/// A row of a batch.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    batch: &'a Batch,
    index: usize,
}

/// A detail line of a row.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    columns: &'a [Column],
    index: usize,
}

// === impl Row ===

impl<'a> Row<'a> {
    /// Row `index` of the batch, from 0.
    #[must_use]
    pub fn new(batch: &'a Batch, index: usize) -> Self {
        Self { batch, index }
    }

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
        number(&self.batch.columns, name, self.index)
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
        text(&self.batch.columns, name, self.index)
    }

    /// The detail lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        let (columns, range) = match &self.batch.lines {
            Some(lines) => {
                let end = |row: usize| lines.row_ends.get(row).map_or(0, |&end| end as usize);
                let start = if self.index == 0 { 0 } else { end(self.index - 1) };
                (lines.columns.as_slice(), start..end(self.index))
            }
            None => (&[] as &[Column], 0..0),
        };
        range.map(move |index| Line { columns, index })
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
        number(self.columns, name, self.index)
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
        text(self.columns, name, self.index)
    }
}

fn missing(name: &str) -> String {
    format!("{name} is missing")
}

fn column<'a>(columns: &'a [Column], name: &str, row: usize) -> Option<&'a Values> {
    let column = columns.iter().find(|column| column.name == name)?;
    let there = column.missing.binary_search(&u32::try_from(row).ok()?).is_err();
    there.then_some(&column.values)
}

fn number(columns: &[Column], name: &str, row: usize) -> Option<Decimal> {
    match column(columns, name, row)? {
        Values::Decimals(decimals) => {
            Some(Decimal::new(i128::from(*decimals.unscaled.get(row)?), decimals.scale))
        }
        Values::Texts(_) => None,
    }
}

fn text<'a>(columns: &'a [Column], name: &str, row: usize) -> Option<&'a str> {
    match column(columns, name, row)? {
        Values::Texts(texts) => texts.dictionary.get(*texts.codes.get(row)? as usize).map(String::as_str),
        Values::Decimals(_) => None,
    }
}
