//! Merit's expression language: one syntax, from a list filter to a payout.
//!
//! Expressions are compiled once against the names they may use, and evaluated column by column, in exact decimals.
//! A formula is a sheet of them. Needs an allocator and nothing else, so that it runs inside the sandbox too.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod date;
mod decimal;
mod evaluate;
mod expression;
mod fault;
mod present;
mod problem;
mod sheet;
mod text;
mod wide;

pub use expression::Expression;
pub use sheet::{
    SHEET_SCALE, Sheet, SheetContext, SheetInput, SheetLines, SheetOutcome, SheetOutput, SheetRole, SheetStep,
};

use alloc::{string::String, sync::Arc, vec::Vec};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An exact decimal.
    Number,
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// A calendar date.
    Date,
}

/// The names that an expression may use.
pub trait Scope {
    /// What the name is; nothing where it is not known.
    fn kind(&self, name: &str) -> Option<Kind>;
    /// All names, to find the nearest to one that is not known.
    fn names(&self) -> Vec<String>;
}

/// Something wrong in the text of an expression or a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters are meant, at least 1.
    pub length: usize,
    /// What is wrong, what was expected, and the nearest known name.
    pub message: String,
}

/// A column of values. Never changes; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The values; what stands in a missing row means nothing.
    pub values: Values,
    /// One flag per row, true where the value is missing; nothing where none is.
    pub missing: Option<Arc<Vec<bool>>>,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// The number in row i is unscaled\[i\] × 10^-scale.
    Number {
        /// Decimals, 0 to 28.
        scale: u8,
        /// The digits.
        unscaled: Unscaled,
    },
    /// The text in row i is dictionary[codes\[i\]].
    Text {
        /// The texts, not necessarily sorted, without repeats.
        dictionary: Arc<Vec<Arc<str>>>,
        /// One per row.
        codes: Arc<Vec<u32>>,
    },
    /// One flag per row.
    Boolean(Arc<Vec<bool>>),
    /// Days since 1970-01-01, one per row.
    Date(Arc<Vec<i32>>),
}

/// The digits of a number column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unscaled {
    /// Where every value fits 64 bits.
    Narrow(Arc<Vec<i64>>),
    /// Where one does not.
    Wide(Arc<Vec<i128>>),
}

/// Why a row has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// The row, from 0.
    pub row: u32,
    /// What happened: `division by zero in line 3 (attainment)`.
    pub message: String,
}

/// What an evaluation gave.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// One value per row; a faulted row is missing.
    pub column: Column,
    /// At most one per row, ascending.
    pub faults: Vec<RowFault>,
}
