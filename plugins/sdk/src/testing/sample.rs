//! Inputs written as text, made a batch.

use alloc::{string::String, vec::Vec};

use crate::{Batch, Column, Decimal, Decimals, Input, Kind, Lines, Manifest, Rounding, Texts, Values};

/// The cells of a row or line by name; what is absent is missing.
pub type Cells = Vec<(String, String)>;

/// Rows, and the detail lines of each.
#[derive(Default)]
pub struct Sample {
    /// The inputs of each row.
    pub rows: Vec<Cells>,
    /// The lines of each row; a row beyond the end has none.
    pub lines: Vec<Vec<Cells>>,
}

// === impl Sample ===

impl Sample {
    /// The batch that a plugin of this manifest gets.
    #[must_use]
    pub fn batch(&self, manifest: &Manifest) -> Batch {
        let rows: Vec<&Cells> = self.rows.iter().collect();
        let lines: Vec<&Cells> = self.lines.iter().flatten().collect();
        let ends = (0..rows.len()).scan(0, |end, row| {
            *end += self.lines.get(row).map_or(0, Vec::len) as u32;
            Some(*end)
        });
        let with_lines = !manifest.line_inputs.is_empty();
        Batch {
            rows: rows.len() as u32,
            columns: manifest.inputs.iter().map(|input| column(input, &rows)).collect(),
            lines: with_lines.then(|| Lines {
                row_ends: ends.collect(),
                columns: manifest.line_inputs.iter().map(|input| column(input, &lines)).collect(),
            }),
        }
    }
}

fn column(input: &Input, rows: &[&Cells]) -> Column {
    let cell = |cells: &&Cells| {
        let found = cells.iter().find(|(name, _)| *name == input.name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let cells: Vec<Option<String>> = rows.iter().map(cell).collect();
    let missing = (0..).zip(&cells).filter(|(_, cell)| cell.is_none()).map(|(row, _)| row).collect();
    let values = match input.kind {
        Kind::Number => Values::Decimals(Decimals {
            scale: input.scale,
            unscaled: cells.iter().map(|cell| unscaled(cell.as_deref(), input.scale)).collect(),
        }),
        Kind::Text => Values::Texts(Texts {
            codes: (0..cells.len() as u32).collect(),
            dictionary: cells.into_iter().map(Option::unwrap_or_default).collect(),
        }),
    };
    Column { name: input.name.clone(), values, missing }
}

fn unscaled(cell: Option<&str>, scale: u8) -> i64 {
    let text = cell.unwrap_or("0");
    let number = Decimal::parse(text).unwrap_or_else(|| panic!("{text} is not a number"));
    let number = number.rounded(scale, Rounding::HalfEven).expect("fits");
    i64::try_from(number.unscaled()).expect("fits")
}
