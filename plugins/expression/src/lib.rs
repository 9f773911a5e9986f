//! Merit's expression language: one syntax, from a list filter to a payout.
//!
//! - [`Expression`] is one expression: compiled once against the names it may use (a [`Scope`]), evaluated column by column
//!   in exact decimals. Filters and measures are made of it.
//! - [`Sheet`] is a formula: named lines of expressions, from inputs to scores, payouts and grades.
//!
//! The language itself (lines, operators, functions, what is missing and what is a fault) is described in `LANGUAGE.md`,
//! whose examples are tests. Needs an allocator and nothing else, so that it runs inside the sandbox too.
//!
//! # How an evaluation goes
//! A text becomes a tree (`text::parser`), names and kinds are checked (`text::check`), and each operation is a loop over
//! lanes of a few thousand rows (`evaluate`). A number lane has one scale, which follows from the scales of the columns that
//! come in and never from values: so an answer does not depend on how rows are cut into batches. Digits are 64 bits where
//! bounds show that all results fit, else 128 bits, with 256 between a multiplication and the division that follows it.
//! Beside its values a lane has a status per row: a value, none, or which fault. IF evaluates both branches and takes value
//! and status of the one that applies; so a fault in the other does not count.
//!
//! # Limits
//! A text has at most 64 KiB, 64 parentheses within each other and operations 200 deep; a sheet has at most 500 names.
//! Evaluation needs memory for a few thousand rows of every operation that is open at a time, and no recursion beyond the
//! depth of the text.
//!
//! ```
//! use merit_expression::{Expression, Kind, Scope, Value};
//!
//! struct Deal;
//! impl Scope for Deal {
//!     fn kind(&self, name: &str) -> Option<Kind> {
//!         matches!(name, "amount").then_some(Kind::Number)
//!     }
//!     fn names(&self) -> Vec<String> {
//!         vec![String::from("amount")]
//!     }
//! }
//!
//! let large = Expression::compile("amount * 5% > 100", &Deal).unwrap();
//! let amount = Value::Number { unscaled: 250_050, scale: 2 };
//! assert_eq!(large.evaluate_row(&[Some(amount)]), Ok(Some(Value::Boolean(true))));
//!
//! let problems = Expression::compile("amout * 5%", &Deal).unwrap_err();
//! assert_eq!(problems[0].message, "`amout` is not known; did you mean `amount`?");
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod closed;
mod constant;
mod date;
mod decimal;
mod evaluate;
mod expression;
mod fault;
mod power;
mod present;
mod problem;
mod row;
mod sheet;
mod text;
mod wide;

pub use expression::Expression;
pub use row::Value;
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
    /// Every text that this name can be, where they are known: a comparison with another is refused.
    fn values(&self, _name: &str) -> Option<Vec<String>> {
        None
    }
    /// What the texts that this name can be look like, where not every text can be one and this is none: a comparison with
    /// it is refused.
    fn form(&self, _name: &str, _text: &str) -> Option<String> {
        None
    }
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
