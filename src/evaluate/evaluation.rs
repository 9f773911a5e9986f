//! What a run found for one account manager, from a row of its dataset.

use super::{
    column::Column,
    dataset::{Dataset, Kind, Role, StepData},
    evaluator::Evaluator,
    headline::Headline,
    results::{account_manager, run_name},
};
use crate::{
    model::{
        decimal::decimal_text,
        name::{EvaluationName, Name},
        rejection::{Rejection, ResourceReason},
    },
    proto::v1,
    store::WriteError,
};

// === impl Evaluator ===

impl Evaluator {
    /// See `EvaluationService.GetEvaluation`.
    ///
    /// # Errors
    /// `NOT_FOUND`, `RUN_NOT_FINISHED`, `DATASET_DAMAGED`; when the store fails.
    pub fn evaluation(&self, name: &EvaluationName) -> Result<v1::Evaluation, WriteError> {
        let run: v1::Run = self.resources().get(&run_name(&name.run.to_string())?)?;
        let dataset = self.results().dataset(&run)?;
        let row = find_row(&dataset, name)?;
        Ok(evaluation(&dataset, &Headline::of(&dataset.header), &name.run, row))
    }

    /// The dataset of a finished run, as a Parquet file.
    ///
    /// # Errors
    /// `NOT_FOUND`, `RUN_NOT_FINISHED`, `DATASET_DAMAGED`; when the store fails.
    pub fn dataset(&self, run: &Name) -> Result<bytes::Bytes, WriteError> {
        let run: v1::Run = self.resources().get(&run_name(&run.to_string())?)?;
        self.results().bytes(&run)
    }
}

/// The row of an evaluation.
///
/// # Errors
/// `NOT_FOUND` where the run did not score the account manager.
pub fn find_row(dataset: &Dataset, name: &EvaluationName) -> Result<usize, Rejection> {
    dataset.row(name.account_manager.as_str()).ok_or_else(|| {
        let message = format!("there is no {name}: the run did not score that account manager");
        Rejection::resource(ResourceReason::NotFound, message)
    })
}

/// The evaluation in a row.
#[must_use]
pub fn evaluation(dataset: &Dataset, headline: &Headline, run: &Name, row: usize) -> v1::Evaluation {
    let id = &dataset.ids[row];
    let (mut inputs, mut outputs, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let (mut shadow_outputs, mut shadow_faults) = (Vec::new(), Vec::new());
    for (header, data) in dataset.header.steps.iter().zip(&dataset.steps) {
        if let Some(step) = &header.shadow_of {
            let values = header.outputs.iter().zip(&data.outputs);
            shadow_outputs.extend(
                values.map(|(output, column)| value(step, &output.name, Some(output.role), column, row)),
            );
            shadow_faults.extend(fault(step, data, row));
            continue;
        }
        for (input, values) in header.inputs.iter().zip(&data.inputs) {
            inputs.push(value(&header.step, &input.name, None, &values.column, row));
        }
        for (output, column) in header.outputs.iter().zip(&data.outputs) {
            outputs.push(value(&header.step, &output.name, Some(output.role), column, row));
        }
        faults.extend(fault(&header.step, data, row));
    }
    let column = |(step, output): (usize, usize)| &dataset.steps[step].outputs[output];
    let score = headline.score.and_then(|place| number_text(column(place), row, true));
    let grade = headline.grade.and_then(|place| column(place).text(row).map(str::to_owned));
    let payout = headline.payout(dataset, row);
    v1::Evaluation {
        name: format!("{run}/evaluations/{id}"),
        account_manager: account_manager(run.team(), id),
        display_name: dataset.display_names.get(row).to_owned(),
        score: score.unwrap_or_default(),
        payout: payout.map(|sum| decimal_text(sum, dataset.header.currency_scale, false)).unwrap_or_default(),
        grade: grade.unwrap_or_default(),
        inputs,
        outputs,
        faults,
        shadow_outputs,
        shadow_faults,
    }
}

/// A value as clients see it. Payouts keep the currency's decimals; of other numbers, zeros at the end are left out.
#[must_use]
pub fn value(step: &str, name: &str, role: Option<Role>, column: &Column, row: usize) -> v1::Value {
    use v1::value::Value;
    let kind = match &column.values {
        super::column::Values::Number { .. } => Kind::Number,
        super::column::Values::Text(_) => Kind::Text,
    };
    let value = match kind {
        Kind::Number => number_text(column, row, role != Some(Role::Payout)).map(Value::Number),
        Kind::Text => column.text(row).map(|text| Value::Text(text.to_owned())),
    };
    v1::Value {
        step: step.to_owned(),
        name: name.to_owned(),
        role: role.map_or(v1::OutputRole::Unspecified, Role::message).into(),
        value,
    }
}

fn number_text(column: &Column, row: usize, trim: bool) -> Option<String> {
    column.number(row).map(|(unscaled, scale)| decimal_text(i128::from(unscaled), scale, trim))
}

fn fault(step: &str, data: &StepData, row: usize) -> Option<v1::Fault> {
    let fault = data.faults.get(&super::column::count_u32(row))?;
    Some(v1::Fault { step: step.to_owned(), reason: fault.reason.clone(), message: fault.message.clone() })
}
