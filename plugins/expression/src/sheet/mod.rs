//! Formula sheets: named lines of expressions, from inputs to scores, payouts and grades.

mod compile;
mod evaluate;
mod explain;
mod inputs;
mod names;
mod result;
mod steps;

use crate::text::check::Node;
use crate::{Column, Kind, Problem, RowFault};
use alloc::{string::String, sync::Arc, vec::Vec};

/// Decimals in which a sheet takes numbers, and gives scores and details.
pub const SHEET_SCALE: u8 = 6;

/// A value that a sheet asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetInput {
    /// Its name in the sheet.
    pub name: String,
    /// A number or a text.
    pub kind: Kind,
    /// Whether a row without it is faulted.
    pub required: bool,
    /// Decimals in which a number is wanted.
    pub scale: u8,
}

/// What an output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetRole {
    /// A number.
    Score,
    /// An amount of the team's currency.
    Payout,
    /// A text.
    Grade,
    /// A named line that is a number: an intermediate value that people may look at.
    Detail,
}

impl SheetRole {
    /// As sheets and messages have it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Payout => "payout",
            Self::Grade => "grade",
            Self::Detail => "detail",
        }
    }
}

/// A value that a sheet gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetOutput {
    /// Its name in the sheet.
    pub name: String,
    /// What it is for.
    pub role: SheetRole,
    /// Decimals of a score or detail. A payout has those of the currency, known when it is evaluated; a grade none: 0.
    pub scale: u8,
}

/// What an evaluation depends on besides its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SheetContext {
    /// Decimals of the currency's amounts, 0 to 28.
    pub currency_scale: u8,
    /// Whether a payout is rounded half to even; half up (away from zero) otherwise.
    pub half_even: bool,
}

/// The detail lines of all rows, laid end to end.
#[derive(Clone, Copy, Debug)]
pub struct SheetLines<'l> {
    /// The lines of row i are those from `row_ends[i - 1]` (0 for the first row) up to `row_ends[i]`.
    pub row_ends: &'l [u32],
    /// The columns of `line_inputs`, in that order.
    pub columns: &'l [Column],
}

/// What a sheet gave.
#[derive(Clone, Debug)]
pub struct SheetOutcome {
    /// One column per output, in their order. A faulted row is missing in all of them.
    pub columns: Vec<Column>,
    /// At most one per row, ascending.
    pub faults: Vec<RowFault>,
}

/// One step of an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetStep {
    /// What this step is.
    pub label: String,
    /// The output that it is a part of: the amounts of all steps that name an output add up to it exactly. A remark
    /// names none.
    pub output: Option<String>,
    /// The amount: `unscaled` × 10^-`scale`; 0 where the remark is about a text, a date or a condition.
    pub unscaled: i128,
    /// Decimals of the amount.
    pub scale: u8,
    /// How it comes about, or the value of what is not a number.
    pub note: String,
}

/// A value that stands in for a missing input.
#[derive(Clone, Debug)]
enum Fallback {
    Number { unscaled: i128, scale: u8 },
    Text(Arc<str>),
}

/// What an `input` does where there is no value.
#[derive(Clone, Debug)]
enum Absence {
    Faults,
    StaysMissing,
    Takes(Fallback),
}

/// What a line does.
#[derive(Clone, Debug)]
enum Statement {
    /// Takes the input of that number.
    Input { at: usize, kind: Kind, absence: Absence },
    /// Evaluates an expression; `output` is its number among the outputs, where it is one.
    Line { node: Node, output: Option<usize> },
}

/// A line with a name; its place among the sheet's lines is that of its value among the lanes.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    line: usize,
    statement: Statement,
}

/// A formula sheet, parsed and checked.
///
/// ```
/// use merit_expression::Sheet;
///
/// let sheet = Sheet::compile("input revenue\npayout commission = TIERED(revenue, 0, 5%, 1000, 8%)").unwrap();
/// assert_eq!(sheet.inputs()[0].name, "revenue");
/// assert_eq!(sheet.outputs()[0].name, "commission");
/// ```
#[derive(Clone, Debug)]
pub struct Sheet {
    text: String,
    lines: Vec<Named>,
    inputs: Vec<SheetInput>,
    line_inputs: Vec<SheetInput>,
    outputs: Vec<SheetOutput>,
}

impl Sheet {
    /// Parses and checks a sheet: all problems of all lines. A text is at most 64 KiB long, and names at most 500 things.
    ///
    /// # Errors
    /// The problems, by position.
    pub fn compile(text: &str) -> Result<Self, Vec<Problem>> {
        compile::compile(text)
    }

    /// The text it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values it asks for, one per row.
    #[must_use]
    pub fn inputs(&self) -> &[SheetInput] {
        &self.inputs
    }

    /// The values it asks for, one per detail line.
    #[must_use]
    pub fn line_inputs(&self) -> &[SheetInput] {
        &self.line_inputs
    }

    /// The values it gives, in the order of its lines.
    #[must_use]
    pub fn outputs(&self) -> &[SheetOutput] {
        &self.outputs
    }

    /// Evaluates it over `rows` rows; `inputs` are the columns of [`Sheet::inputs`], in that order.
    ///
    /// Lines use the values of lines above as they are; only outputs are rounded: payouts by the rule of the context, scores
    /// and details half to even. A row is faulted by a missing required input, or by a fault in a score, payout or grade. A
    /// fault in a detail alone leaves that detail missing. An input column of another kind, or too short, faults every row.
    #[must_use]
    pub fn evaluate(
        &self,
        context: &SheetContext,
        rows: usize,
        inputs: &[Column],
        lines: Option<SheetLines<'_>>,
    ) -> SheetOutcome {
        evaluate::evaluate(self, context, rows, inputs, lines)
    }

    /// How the outputs of one row come about; the arguments are those of [`Sheet::evaluate`]. Every line gives a remark
    /// with its value, and every output that is a number gives steps that add up to it exactly. No steps for a row beyond
    /// `rows`.
    #[must_use]
    pub fn explain(
        &self,
        context: &SheetContext,
        rows: usize,
        inputs: &[Column],
        lines: Option<SheetLines<'_>>,
        row: usize,
    ) -> Vec<SheetStep> {
        if row >= rows { Vec::new() } else { explain::explain(self, context, inputs, lines, row) }
    }
}
