//! Shadows: candidates that are executed beside the steps of a run, on the same inputs, and held to the same. Whatever
//! becomes of them, the results of the run do not show it.

use std::collections::BTreeMap;

use super::{
    binding::{BoundStep, Known, bind_shadow},
    column::{Column, Texts, Values},
    dataset::{Faults, Kind, OutputHeader, RowFault},
    execute::{self, Conduct, StepJob, StepOutcome, Stopped},
    hopeless::Hopeless,
    plugins::Plugins,
    team::currency_scale,
};
use crate::{
    model::{
        name::Name,
        rejection::{PluginReason, Rejection},
    },
    proto::v1,
    store::WriteError,
};

/// Binds the candidate of each step that has one, and puts them behind the steps. What stands against one is told when the
/// run is asked for; a run that is at work goes on without it.
///
/// # Errors
/// As for the steps.
pub fn bind_shadows(
    plugins: &Plugins,
    run: &v1::Run,
    team: &v1::Team,
    measures: &BTreeMap<Name, v1::Measure>,
    bound: &mut Vec<BoundStep>,
) -> Result<(), WriteError> {
    let mut shadows = Vec::new();
    for (place, step) in run.steps.iter().enumerate().filter(|(_, step)| !step.shadow.is_empty()) {
        let known = Known { measures, before: &bound[..place], currency_scale: currency_scale(team) };
        let found = plugins
            .candidate(&step.shadow, &step.parameters)
            .and_then(|loaded| Ok(bind_shadow(step, loaded, &known)?));
        match found {
            Ok(shadow) => shadows.push(shadow),
            Err(WriteError::Rejected(rejection)) if run.state() != v1::RunState::Unspecified => {
                tracing::warn!(run = %run.name, step = step.step, %rejection, "the run goes without a shadow");
            }
            Err(WriteError::Rejected(rejection)) => {
                let message = format!("the shadow of step {}: {}", step.step, rejection.message);
                return Err(Rejection { message, ..rejection }.into());
            }
            Err(error) => return Err(error),
        }
    }
    bound.extend(shadows);
    Ok(())
}

/// Executes a shadow. One that is given up has every row faulted.
///
/// # Errors
/// When the run was cancelled, or the host could not do its part.
pub fn execute(job: &StepJob<'_>, conduct: &Conduct<'_>) -> Result<StepOutcome, Stopped> {
    match execute::execute(job, conduct) {
        Err(Stopped::TooManyVerdicts(verdict) | Stopped::Hopeless(Hopeless { verdict, .. })) => {
            let why = "the candidate was given up: it could not finish its call for too many rows";
            Ok(given_up(job, verdict.reason, why))
        }
        Err(Stopped::TooMuchText) => {
            let why = "the candidate was given up: it gave more text than a run keeps";
            Ok(given_up(job, PluginReason::OutputTooLarge, why))
        }
        other => other,
    }
}

/// What becomes of a shadow that is given up: every row is faulted.
pub fn given_up(job: &StepJob<'_>, reason: PluginReason, why: &str) -> StepOutcome {
    let fault = RowFault { reason: reason.code().to_owned(), message: why.to_owned() };
    let rows = job.inputs.rows();
    let faults: Faults = (0..rows).map(|row| (row, fault.clone())).collect();
    let outputs = job.outputs.iter().map(|output| nothing(output, rows as usize)).collect();
    StepOutcome { outputs, faults }
}

/// An output that no row has.
fn nothing(output: &OutputHeader, rows: usize) -> Column {
    match output.role.kind() {
        Kind::Number => Column::missing_numbers(output.scale, rows),
        Kind::Text => {
            let texts: Texts = std::iter::repeat_n("", rows).collect();
            Column { values: Values::Text(texts), missing: vec![true; rows] }
        }
    }
}
