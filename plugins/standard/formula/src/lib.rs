//! Formulas as people know them from spreadsheets: the expression language inside the sandbox.
//!
//! The parameter is `{"sheet": "…"}`, the text of the sheet. What a sheet may say, and what its numbers mean, is in
//! `plugins/expression/LANGUAGE.md`; here its columns are carried over the plugin contract and back.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod columns;
mod problems;

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use merit_expression::{
    Kind, Sheet, SheetContext, SheetInput, SheetLines, SheetOutput, SheetRole, SheetStep,
};
use merit_sdk::{
    Batch, Context, Fault, Input, Manifest, Outcome, Output, ParameterError, Parameters, Plugin, Refusal,
    Role, Rounding, Scope, Step,
};

/// A sheet, compiled.
pub struct Formula(Sheet);

// === impl Formula ===

impl Plugin for Formula {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        parameters.only(&["sheet"])?;
        let text = parameters.text("sheet")?;
        Sheet::compile(text).map(Self).map_err(|problems| problems::error(parameters, text, &problems))
    }

    fn manifest(&self) -> Manifest {
        let sheet = &self.0;
        Manifest {
            summary: String::from("Evaluates a formula sheet."),
            scope: Scope::Row,
            inputs: sheet.inputs().iter().map(input).collect(),
            line_inputs: sheet.line_inputs().iter().map(input).collect(),
            outputs: sheet.outputs().iter().map(output).collect(),
        }
    }

    fn evaluate(&self, context: &Context, batch: &Batch) -> Result<Outcome, Refusal> {
        let (inputs, lines) = self.carried(batch)?;
        let lines = lines.as_ref().map(|(row_ends, columns)| SheetLines { row_ends, columns });
        let outcome = self.0.evaluate(&sheet_context(context), batch.rows as usize, &inputs, lines);
        let outputs = self.0.outputs().iter().zip(&outcome.columns);
        let columns = outputs.map(|(output, column)| columns::to_contract(&output.name, column));
        Ok(Outcome {
            columns: columns.collect::<Result<_, _>>().map_err(Refusal::BadBatch)?,
            faults: outcome
                .faults
                .into_iter()
                .map(|fault| Fault { row: fault.row, message: fault.message })
                .collect(),
        })
    }

    fn explain(&self, context: &Context, batch: &Batch, row: u32) -> Result<Vec<Step>, Refusal> {
        if row >= batch.rows {
            return Err(Refusal::BadBatch(format!("there is no row {row}: the batch has {}", batch.rows)));
        }
        let (inputs, lines) = self.carried(batch)?;
        let lines = lines.as_ref().map(|(row_ends, columns)| SheetLines { row_ends, columns });
        let steps =
            self.0.explain(&sheet_context(context), batch.rows as usize, &inputs, lines, row as usize);
        steps.into_iter().map(step).collect::<Result<_, _>>().map_err(Refusal::BadBatch)
    }
}

type Carried = (Vec<merit_expression::Column>, Option<(Vec<u32>, Vec<merit_expression::Column>)>);

impl Formula {
    /// The columns of the batch as the sheet takes them, in the order of its inputs.
    fn carried(&self, batch: &Batch) -> Result<Carried, Refusal> {
        let inputs = columns::from_contract(self.0.inputs(), &batch.columns, batch.rows as usize)?;
        if self.0.line_inputs().is_empty() {
            return Ok((inputs, None));
        }
        let Some(lines) = &batch.lines else {
            return Err(Refusal::BadBatch(
                "the sheet wants detail lines, and the batch has none".to_string(),
            ));
        };
        let rows = lines.row_ends.last().map_or(0, |&end| end as usize);
        let columns = columns::from_contract(self.0.line_inputs(), &lines.columns, rows)?;
        Ok((inputs, Some((lines.row_ends.clone(), columns))))
    }
}

fn input(input: &SheetInput) -> Input {
    let kind = match input.kind {
        Kind::Text => merit_sdk::Kind::Text,
        _ => merit_sdk::Kind::Number,
    };
    Input { name: input.name.clone(), kind, scale: input.scale, required: input.required }
}

fn output(output: &SheetOutput) -> Output {
    let role = match output.role {
        SheetRole::Score => Role::Score,
        SheetRole::Payout => Role::Payout,
        SheetRole::Grade => Role::Grade,
        SheetRole::Detail => Role::Detail,
    };
    Output { name: output.name.clone(), role, scale: output.scale }
}

fn sheet_context(context: &Context) -> SheetContext {
    SheetContext {
        currency_scale: context.currency_scale,
        half_even: matches!(context.rounding, Rounding::HalfEven),
    }
}

fn step(step: SheetStep) -> Result<Step, String> {
    let unscaled =
        i64::try_from(step.unscaled).map_err(|_| format!("{} is too large to be shown", step.label))?;
    Ok(Step { label: step.label, output: step.output, unscaled, scale: step.scale, note: step.note })
}

merit_sdk::export!(Formula);

#[cfg(test)]
mod tests;
