//! Executes a revision in the place of a step of a finished run, over the inputs on file, and again the steps that take what
//! it gives.

use std::{collections::BTreeSet, sync::Arc, sync::atomic::AtomicU64};

use crate::{
    evaluate::{
        batch::StepInputs,
        column::{Column, Texts, Values, count_u32},
        dataset::{
            Dataset, Faults, InputData, InputHeader, Kind, LineData, LineHeader, OutputHeader, Source,
            StepData, StepHeader,
        },
        evaluator::Evaluator,
        execute::{Conduct, StepJob, execute},
        made::rescaled,
        outputs::TextRoom,
        plugins::LoadedPlugin,
        recorded::RecordedStep,
        step_inputs::{earlier_output, input_fault, is_unfit, note_earlier, note_unfit},
    },
    model::rejection::{EvaluationReason, PluginReason, Reason, Rejection},
    sandbox::{self, Limits, Role},
    store::WriteError,
};

/// What the dataset would have been, and the steps that were executed for it.
pub struct Substituted {
    /// The dataset.
    pub dataset: Dataset,
    /// The places of the steps that were executed: the one replaced, and those that depend on it.
    pub executed: Vec<usize>,
    /// Optional inputs that the evidence does not have.
    pub left_out: Vec<String>,
}

/// The dataset that the run would have with another revision in the place of a step.
///
/// # Errors
/// `INVALID_BINDING` that names the inputs that the revision takes and the evidence lacks, or the output that a later step
/// takes and the revision does not give; what the sandbox says; when the store fails.
pub fn substitute(
    evaluator: &Evaluator,
    recorded: &Dataset,
    place: usize,
    revision: &str,
    loaded: &LoadedPlugin,
) -> Result<Substituted, WriteError> {
    let limits = recorded.header.limits.restore(&evaluator.options().ceilings);
    let Refitted { header, data, unfit, left_out } = refit(recorded, place, revision, loaded)?;
    let mut substituted = Substituted { dataset: recorded.clone(), executed: vec![place], left_out };
    let dataset = &mut substituted.dataset;
    (dataset.header.steps[place], dataset.steps[place]) = (header, data);
    run(evaluator, dataset, place, loaded, &limits, &unfit)?;
    let mut changed: BTreeSet<String> = BTreeSet::from([dataset.header.steps[place].step.clone()]);
    let later: Vec<usize> =
        recorded.header.live().map(|(later, _)| later).filter(|&later| later > place).collect();
    for later in later {
        let header = recorded.header.steps[later].clone();
        let takes = |input: &InputHeader| matches!(&input.source, Source::Output { step, .. } if changed.contains(step));
        if !header.inputs.iter().any(takes) {
            continue;
        }
        let step = RecordedStep::load(evaluator, recorded, later)?;
        // What was wrong with steps before is found anew.
        let (mut unfit, mut earlier) = (step.unfit.clone(), Faults::new());
        unfit.retain(|_, fault| fault.reason != PluginReason::EarlierFault.code());
        for (number, input) in header.inputs.iter().enumerate() {
            let Source::Output { step: from, output } = &input.source else { continue };
            let headers: Vec<&StepHeader> = dataset.header.steps.iter().collect();
            let made = earlier_output(input, from, output, &headers, &dataset.steps);
            let made = made.filter(|made| kind_of(&made.column) == input.kind).ok_or_else(|| {
                lacking(format!("step {} takes {from}.{output}, which {revision} does not give", header.step))
            })?;
            note_unfit(input, &made, PluginReason::EarlierFault, &mut earlier);
            dataset.steps[later].inputs[number] = InputData { column: made.column, records: None };
        }
        note_earlier(&mut unfit, earlier);
        run(evaluator, dataset, later, &step.loaded, &step.limits, &unfit)?;
        changed.insert(header.step);
        substituted.executed.push(later);
    }
    Ok(substituted)
}

/// Executes a step over the inputs that the dataset has for it, and puts what comes out there.
fn run(
    evaluator: &Evaluator,
    dataset: &mut Dataset,
    place: usize,
    loaded: &LoadedPlugin,
    limits: &Limits,
    unfit: &Faults,
) -> Result<(), WriteError> {
    let (header, data) = (&dataset.header.steps[place], &dataset.steps[place]);
    let job = StepJob {
        plugin: &loaded.plugin,
        parameters: &loaded.parameters,
        manifest: &loaded.manifest,
        outputs: &header.outputs,
        context: &dataset.header.context(),
        limits,
        inputs: StepInputs::new(dataset.ids.len(), header, data, unfit),
    };
    let options = evaluator.options();
    let conduct = Conduct {
        chunk_rows: options.chunk_rows,
        threads: options.threads,
        patience: evaluator.patience(),
        done: &AtomicU64::new(0),
        texts: &TextRoom::default(),
        may_give_up: true,
    };
    let outcome = execute(&job, &conduct).map_err(|stopped| stopped.rejection(&header.step))?;
    drop(job);
    let data = &mut dataset.steps[place];
    (data.outputs, data.faults) = (outcome.outputs, outcome.faults);
    Ok(())
}

/// A step as another revision takes it.
struct Refitted {
    header: StepHeader,
    data: StepData,
    unfit: Faults,
    left_out: Vec<String>,
}

/// The inputs on file of a step, as another revision takes them.
fn refit(
    recorded: &Dataset,
    place: usize,
    revision: &str,
    loaded: &LoadedPlugin,
) -> Result<Refitted, Rejection> {
    let (before, on_file) = (&recorded.header.steps[place], &recorded.steps[place]);
    let manifest = &loaded.manifest;
    let mut fitting = Fitting {
        unfit: on_file
            .faults
            .iter()
            .filter(|(_, fault)| is_unfit(fault))
            .map(|(row, fault)| (*row, fault.clone()))
            .collect(),
        lacking: Vec::new(),
        left_out: Vec::new(),
    };
    let columns: Vec<&Column> = on_file.inputs.iter().map(|input| &*input.column).collect();
    let rows: Vec<u32> = (0..count_u32(recorded.rows())).collect();
    let (inputs, fitted) = fitting.fit(&manifest.inputs, &before.inputs, &columns, &rows);
    let inputs_data =
        fitted.into_iter().map(|column| InputData { column, records: None }).collect::<Vec<_>>();
    let (line_header, lines) = fitting.lines(manifest, before, on_file);
    if !fitting.lacking.is_empty() {
        return Err(lacking(format!(
            "{revision} takes what the evidence of {}, step {}, does not have: {}",
            recorded.header.run,
            before.step,
            fitting.lacking.join(", ")
        )));
    }
    let is_group = manifest.scope == sandbox::Scope::Group;
    let outputs = manifest.outputs.iter().map(|output| OutputHeader {
        name: output.name.clone(),
        role: output.role.into(),
        scale: if output.role == Role::Payout { recorded.header.currency_scale } else { output.scale },
    });
    let header = StepHeader {
        step: before.step.clone(),
        shadow_of: None,
        revision: revision.to_owned(),
        component: loaded.component.clone(),
        parameters: loaded.parameters.clone(),
        group_by: before.group_by.clone().filter(|_| is_group),
        inputs,
        lines: line_header,
        outputs: outputs.collect(),
    };
    let groups = on_file.groups.clone().filter(|_| is_group);
    let data = StepData { inputs: inputs_data, lines, groups, outputs: Vec::new(), faults: Faults::new() };
    Ok(Refitted { header, data, unfit: fitting.unfit, left_out: fitting.left_out })
}

/// Inputs on their way from one revision to another.
struct Fitting {
    unfit: Faults,
    /// What the evidence does not have.
    lacking: Vec<String>,
    /// What it does not have either, and the revision can do without.
    left_out: Vec<String>,
}

// === impl Fitting ===

impl Fitting {
    /// Finds each input among those on file, in the decimals wanted. `rows` says to which row each value belongs.
    fn fit(
        &mut self,
        wanted: &[sandbox::Input],
        headers: &[InputHeader],
        columns: &[&Column],
        rows: &[u32],
    ) -> (Vec<InputHeader>, Vec<Arc<Column>>) {
        let (mut inputs, mut fitted) = (Vec::new(), Vec::new());
        for input in wanted {
            let kind = Kind::from(input.kind);
            let found = headers.iter().position(|header| header.name == input.name && header.kind == kind);
            let (source, bases) = match found {
                Some(found) => (headers[found].source.clone(), headers[found].bases.clone()),
                None => (Source::Nothing, Vec::new()),
            };
            let column = match found {
                Some(found) => {
                    let made = rescaled(columns[found], input.scale);
                    for (place, why) in made.unfit.iter() {
                        let fault = || input_fault(format!("the input {}: {why}", input.name));
                        self.unfit.entry(rows[*place as usize]).or_insert_with(fault);
                    }
                    made.column
                }
                None if input.required => {
                    self.lacking.push(format!("{} (a {})", input.name, kind.word()));
                    continue;
                }
                None => {
                    self.left_out.push(format!("{} (a {})", input.name, kind.word()));
                    Arc::new(nothing(kind, input.scale, rows.len()))
                }
            };
            inputs.push(InputHeader { name: input.name.clone(), kind, scale: input.scale, source, bases });
            fitted.push(column);
        }
        (inputs, fitted)
    }

    fn lines(
        &mut self,
        manifest: &sandbox::Manifest,
        before: &StepHeader,
        on_file: &StepData,
    ) -> (Option<LineHeader>, Option<LineData>) {
        if manifest.line_inputs.is_empty() {
            return (None, None);
        }
        let (Some(header), Some(lines)) = (&before.lines, &on_file.lines) else {
            self.lacking.push("detail lines".to_owned());
            return (None, None);
        };
        let mut rows = Vec::new();
        for row in 0..lines.ends.len() {
            rows.extend(lines.range(row).map(|_| count_u32(row)));
        }
        let columns: Vec<&Column> = lines.columns.iter().collect();
        let (inputs, fitted) = self.fit(&manifest.line_inputs, &header.inputs, &columns, &rows);
        let columns = fitted.into_iter().map(Arc::unwrap_or_clone).collect();
        let data = LineData { ends: lines.ends.clone(), records: lines.records.clone(), columns };
        (Some(LineHeader { collection: header.collection.clone(), inputs }), Some(data))
    }
}

fn nothing(kind: Kind, scale: u8, rows: usize) -> Column {
    match kind {
        Kind::Number => Column::missing_numbers(scale, rows),
        Kind::Text => {
            let texts: Texts = std::iter::repeat_n("", rows).collect();
            Column { values: Values::Text(texts), missing: vec![true; rows] }
        }
    }
}

fn kind_of(column: &Column) -> Kind {
    match column.values {
        Values::Number { .. } => Kind::Number,
        Values::Text(_) => Kind::Text,
    }
}

fn lacking(message: String) -> Rejection {
    Rejection::new(Reason::Evaluation(EvaluationReason::InvalidBinding), message)
}
