//! Makes what goes into a step of a run: its inputs from where they are bound to, its detail lines, its groups.

use std::sync::Arc;

use super::{
    binding::BoundStep,
    binding_rules::check_kind,
    column::{Column, TextsBuilder, Values},
    dataset::{Faults, InputData, InputHeader, Kind, RowFault, Source, StepData, StepHeader},
    fields::FieldExpression,
    hierarchy::Hierarchy,
    input::{InputMaker, Seen},
    lines,
    made::{Made, convert, rescaled},
    population::ACCOUNT_MANAGERS,
    run_error::RunError,
};
use crate::model::rejection::{PluginReason, Rejection};

/// The group that is who is reported to, rather than an expression.
const MANAGER: &str = "manager";

/// Makes what goes into a step, and the rows whose inputs could not be made.
pub fn make_step(
    seen: &Seen<'_>,
    maker: &mut InputMaker<'_>,
    bound: &BoundStep,
    steps: &[BoundStep],
    finished: &[StepData],
) -> Result<(StepData, Faults), RunError> {
    let (mut unfit, mut earlier) = (Faults::new(), Faults::new());
    let step = &bound.header.step;
    let mut inputs = Vec::new();
    for input in &bound.header.inputs {
        let made = match &input.source {
            Source::Output { step, output } => {
                let headers: Vec<&StepHeader> = steps.iter().map(|bound| &bound.header).collect();
                let made =
                    earlier_output(input, step, output, &headers, finished).expect("checked when bound");
                note_unfit(input, &made, PluginReason::EarlierFault, &mut earlier);
                made
            }
            source => {
                let made = maker.make(step, &input.name, source, input.kind, input.scale)?;
                note_unfit(input, &made, PluginReason::InputFault, &mut unfit);
                made
            }
        };
        inputs.push(InputData { column: made.column, records: made.records });
    }
    let mut made_lines = None;
    if let (Some(header), Some(binding)) = (&bound.header.lines, &bound.lines) {
        let made = lines::make(step, binding, header, seen)?;
        for (row, why) in made.unfit {
            unfit.entry(row).or_insert_with(|| input_fault(format!("detail lines: {why}")));
        }
        made_lines = Some(made.lines);
    }
    let groups = match &bound.header.group_by {
        Some(group_by) => Some(groups(seen, step, group_by, &mut unfit)?),
        None => None,
    };
    note_earlier(&mut unfit, earlier);
    let data = StepData { inputs, lines: made_lines, groups, outputs: Vec::new(), faults: Faults::new() };
    Ok((data, unfit))
}

/// The fault of a row whose inputs could not be made.
#[must_use]
pub fn input_fault(message: String) -> RowFault {
    RowFault { reason: PluginReason::InputFault.code().to_owned(), message }
}

/// Whether the row is one that the plugin does not get to see, because an input could not be made.
#[must_use]
pub fn is_unfit(fault: &RowFault) -> bool {
    [PluginReason::InputFault, PluginReason::EarlierFault].iter().any(|reason| fault.reason == reason.code())
}

/// Notes the rows for which an input could not be made, and why.
pub fn note_unfit(input: &InputHeader, made: &Made, reason: PluginReason, faults: &mut Faults) {
    for (row, why) in made.unfit.iter() {
        let message = format!("the input {} ({}): {why}", input.name, input.source.words());
        faults.entry(*row).or_insert_with(|| RowFault { reason: reason.code().to_owned(), message });
    }
}

/// Adds the faults that are of steps before. A row's own come first: they stay, whatever becomes of the steps before.
pub fn note_earlier(unfit: &mut Faults, earlier: Faults) {
    for (row, fault) in earlier {
        unfit.entry(row).or_insert(fault);
    }
}

/// An output of a step before as an input; a row that the step could not score is unfit, so that no default stands in for an
/// error. Nothing where there is no such output.
pub fn earlier_output(
    input: &InputHeader,
    step: &str,
    output: &str,
    headers: &[&StepHeader],
    finished: &[StepData],
) -> Option<Made> {
    let place = headers.iter().position(|header| header.step == step)?;
    let output = headers[place].outputs.iter().position(|known| known.name == output)?;
    let data = finished.get(place)?;
    let mut made = rescaled(&data.outputs[output], input.scale);
    let faulted = data.faults.iter();
    let faulted =
        faulted.map(|(row, fault)| (*row, format!("step {step} could not score the row ({})", fault.reason)));
    made.unfit = Arc::new(made.unfit.iter().cloned().chain(faulted).collect());
    Some(made)
}

/// What makes the group of each row.
fn groups(seen: &Seen<'_>, step: &str, group_by: &str, unfit: &mut Faults) -> Result<Arc<Column>, Rejection> {
    if group_by == MANAGER {
        let hierarchy = Hierarchy::as_of(seen.people, seen.period.last_day());
        let (mut builder, mut missing) = (TextsBuilder::default(), Vec::new());
        for &row in seen.population {
            let manager = hierarchy.manager[row as usize];
            missing.push(manager.is_none());
            match manager {
                Some(manager) => builder.push(&seen.people.ids[manager as usize]),
                None => builder.push_missing(),
            }
        }
        return Ok(Arc::new(Column { values: Values::Text(builder.finish()), missing }));
    }
    let role = format!("step {step}, group_by");
    let expression = FieldExpression::compile(ACCOUNT_MANAGERS, group_by, &role)?;
    check_kind(step, "group_by", group_by, expression.kind(), Kind::Text)?;
    let made = convert(&expression.evaluate(seen.people)?, seen.population, 0);
    for (row, why) in made.unfit.iter() {
        unfit.entry(*row).or_insert_with(|| input_fault(format!("group_by {group_by}: {why}")));
    }
    Ok(made.column)
}
