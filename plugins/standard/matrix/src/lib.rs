//! A two-way table: a value by two inputs, with straight lines between its points, or in steps. `MANUAL.md` beside this crate
//! says what the parameters mean.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod axis;

use alloc::{format, string::String, vec::Vec};

use merit_sdk::{
    Answer, Context, Decimal, Fraction, Manifest, ParameterError, Parameters, Problems, Row, Scorer, manifest,
};

use axis::{Axis, Place};

/// A two-way table.
pub struct Matrix {
    rows: Axis,
    columns: Axis,
    values: Vec<Vec<Decimal>>,
    pays: Pays,
}

/// What the value of the table is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pays {
    /// A score.
    Nothing,
    /// An amount that is paid.
    Value,
    /// A rate of the input `amount`.
    Rate,
}

// === impl Matrix ===

impl Scorer for Matrix {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        problems.read(parameters.only(&["rows", "columns", "values", "between", "outside", "pays"]));
        let steps = problems.read(parameters.choice("between", &["lines", "steps"])) == "steps";
        let outside = problems.read(parameters.choice("outside", &["nearest", "fault"])) == "fault";
        let mut axis = |key: &str| {
            let axis = parameters.object(key).and_then(|object| Axis::read(&object, steps, outside));
            problems.read(axis.map(Some))
        };
        let (rows, columns) = (axis("rows"), axis("columns"));
        let values = problems.read(parameters.table("values"));
        let pays = match problems.read(parameters.choice("pays", &["nothing", "value", "rate"])) {
            "value" => Pays::Value,
            "rate" => Pays::Rate,
            _ => Pays::Nothing,
        };
        if let (Some(rows), Some(columns), true) = (&rows, &columns, problems.none()) {
            problems.read(fits(parameters, rows, columns, &values));
            if pays == Pays::Rate {
                problems.check(rows.input != "amount" && columns.input != "amount", || {
                    parameters
                        .error("pays", "amount is an input of the table already: give the axis another name")
                });
            }
        }
        problems.finish()?;
        match (rows, columns) {
            (Some(rows), Some(columns)) => Ok(Self { rows, columns, values, pays }),
            _ => Err(parameters.error("rows", "is missing")),
        }
    }

    fn manifest(&self) -> Manifest {
        let mut manifest = manifest("Looks a value up in a two-way table, with lines between its points.");
        manifest = self.columns.add_to(self.rows.add_to(manifest));
        if self.pays == Pays::Rate {
            manifest = manifest.number("amount");
        }
        match self.pays {
            Pays::Nothing => manifest.score("value").build(),
            _ => manifest.payout("payout").detail("value").build(),
        }
    }

    fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer<'_>) -> Result<(), String> {
        let (down, across) =
            (self.rows.place(row, answer.explaining())?, self.columns.place(row, answer.explaining())?);
        let value = self.value(&down, &across)?;
        let note =
            if answer.explaining() { format!("{}, {}", down.words, across.words) } else { String::new() };
        answer.step("value", "table", value, &note);
        match self.pays {
            Pays::Nothing => {}
            Pays::Value => answer.step("payout", "table", value, &note),
            Pays::Rate => {
                let amount = row.number("amount")?;
                answer.step("payout", "table", value.times(amount)?, format_args!("{amount} × {value}"));
            }
        }
        Ok(())
    }
}

impl Matrix {
    /// The mean of the four points around, each weighted by how near it is; divided once, at the end.
    fn value(&self, down: &Place, across: &Place) -> Result<Fraction, String> {
        let across_at = |row: usize| {
            let values = &self.values[row];
            across.between(values[across.index], || values[across.index + 1])
        };
        let here = across_at(down.index)?;
        let next = if down.is_on_point() { Decimal::ZERO } else { across_at(down.index + 1)? };
        let sum = down.between(here, || next)?;
        Fraction::new(sum, down.whole)?.over(across.whole)
    }
}

/// Refuses a table that does not have a value for every pair.
fn fits(
    parameters: &Parameters<'_>,
    rows: &Axis,
    columns: &Axis,
    values: &[Vec<Decimal>],
) -> Result<(), ParameterError> {
    let mut problems = Problems::new();
    problems.check(rows.input != columns.input, || {
        parameters.error("columns.input", "is the input of the rows; give another")
    });
    problems.check(values.len() == rows.len(), || {
        parameters
            .error("values", &format!("has {} rows, and there are {} in rows", values.len(), rows.len()))
    });
    for (index, row) in values.iter().enumerate() {
        problems.check(row.len() == columns.len(), || {
            let what = format!("has {} values, and there are {} in columns", row.len(), columns.len());
            parameters.error(&format!("values[{index}]"), &what)
        });
    }
    problems.finish()
}

merit_sdk::export!(Matrix);

#[cfg(test)]
mod tests;
