//! Explains an evaluation: each input with the records behind it and the definition of what it measures, and the plugin's own
//! steps, which add up to what is on file or are not shown. All of it is in the dataset: what has become of the records and
//! measures since does not show.

use prost::Message;

use super::{
    answer::AnswerRoom,
    dataset::{Dataset, Header, Source, restored_measure},
    evaluation::{evaluation, find_row, value},
    evaluator::Evaluator,
    headline::Headline,
    measure::with_parts,
    plugins::rejection,
    quarantine::untrue_explanation,
    recorded::RecordedStep,
    records,
    results::{account_manager, run_name},
};
use crate::{
    evaluate::column::count_u32,
    model::{
        decimal::decimal_text,
        name::{EvaluationName, Id, Name},
        rejection::{PluginReason, Rejection},
    },
    proto::v1,
    sandbox::{self, Verdict, verify_steps},
    store::WriteError,
};

/// Names of records that an input source has; `ListEvaluationRecords` has all.
const RECORD_NAMES: usize = 100;

/// Why there is no explanation.
pub(super) enum Unexplained {
    /// The plugin explains something else than what it gave.
    Contradiction(Verdict),
    /// Whatever else.
    Other(WriteError),
}

// === impl Unexplained ===

impl Unexplained {
    fn into_error(self) -> WriteError {
        match self {
            Self::Contradiction(verdict) => rejection(&verdict).into(),
            Self::Other(error) => error,
        }
    }
}

impl<E: Into<WriteError>> From<E> for Unexplained {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

// === impl Evaluator ===

impl Evaluator {
    /// See `EvaluationService.ExplainEvaluation`.
    ///
    /// # Errors
    /// `NOT_FOUND`, `RUN_NOT_FINISHED`, `DATASET_DAMAGED`, what the sandbox says; when the store fails.
    pub fn explain(&self, name: &EvaluationName) -> Result<v1::ExplainEvaluationResponse, WriteError> {
        let run: v1::Run = self.resources().get(&run_name(&name.run.to_string())?)?;
        let dataset = self.results().dataset(&run)?;
        let row = find_row(&dataset, name)?;
        let mut room = AnswerRoom::new();
        let mut steps = Vec::new();
        for (place, header) in dataset.header.live() {
            let step = v1::StepExplanation {
                step: header.step.clone(),
                revision: header.revision.clone(),
                component: header.component.clone(),
                inputs: input_sources(&dataset, place, row, name.run.team()),
                explanation: self.plugin_steps(&dataset, place, row).map_err(|unexplained| {
                    if let Unexplained::Contradiction(verdict) = &unexplained {
                        let who = account_manager(name.run.team(), &dataset.ids[row]);
                        let reason = untrue_explanation(&who, &verdict.message);
                        self.quarantine_recorded(&dataset, place, &reason);
                    }
                    unexplained.into_error()
                })?,
            };
            room.take(step.encoded_len())?;
            steps.push(step);
        }
        let evaluation = evaluation(&dataset, &Headline::of(&dataset.header), &name.run, row);
        Ok(v1::ExplainEvaluationResponse { evaluation: Some(evaluation), steps })
    }

    /// The plugin's own account; nothing for a row that it could not score.
    ///
    /// # Errors
    /// What the sandbox says; when the store fails.
    pub(super) fn plugin_steps(
        &self,
        dataset: &Dataset,
        place: usize,
        row: usize,
    ) -> Result<Vec<v1::ExplanationStep>, Unexplained> {
        let (header, data) = (&dataset.header.steps[place], &dataset.steps[place]);
        let row = count_u32(row);
        let step = RecordedStep::load(self, dataset, place)?;
        let inputs = step.inputs(dataset, place);
        let manifest = &step.loaded.manifest;
        // A row that the plugin itself faulted was in the batch all the same, and may be explained.
        let unseen = inputs.faults(manifest);
        if data.faults.contains_key(&row) {
            return Ok(Vec::new());
        }
        let Some(rows) = inputs.batch_of(row, manifest, &unseen) else { return Ok(Vec::new()) };
        let batch = inputs.batch(manifest, &rows);
        let position = count_u32(rows.iter().position(|&other| other == row).unwrap_or_default());
        let context = dataset.header.context();
        let steps = step
            .loaded
            .plugin
            .explain(&header.parameters, &context, manifest, &batch, position, &step.limits)
            .and_then(|steps| {
                let mut outputs = header.outputs.iter().zip(&data.outputs);
                outputs.try_for_each(|(output, column)| {
                    verify_steps(&column.gather(&output.name, &[row]), 0, &steps)
                })?;
                Ok(steps)
            });
        // A group that lost a row on the way was not scored as it is explained.
        let own = PluginReason::PluginFault.code();
        let as_scored = |row: &u32| data.faults.get(row).is_none_or(|fault| fault.reason == own);
        match steps {
            Ok(steps) => Ok(steps.iter().map(step_message).collect()),
            Err(verdict)
                if verdict.reason == PluginReason::ContractViolation && rows.iter().all(as_scored) =>
            {
                Err(Unexplained::Contradiction(verdict))
            }
            Err(verdict) => Err(rejection(&verdict).into()),
        }
    }
}

/// A step as clients see it.
pub(super) fn step_message(step: &sandbox::Step) -> v1::ExplanationStep {
    v1::ExplanationStep {
        label: step.label.clone(),
        output: step.output.clone().unwrap_or_default(),
        amount: decimal_text(i128::from(step.unscaled), step.scale, false),
        note: step.note.clone(),
    }
}

/// Where the inputs of a step came from, detail lines last.
fn input_sources(dataset: &Dataset, place: usize, row: usize, team: &Id) -> Vec<v1::InputSource> {
    let (header, data) = (&dataset.header.steps[place], &dataset.steps[place]);
    let inputs = header.inputs.iter().zip(&data.inputs).map(|(input, values)| {
        let found = records::of_input(dataset, team, input, row);
        v1::InputSource {
            value: Some(value(&header.step, &input.name, None, &values.column, row)),
            source: input.source.words(),
            records: values.records.as_ref().map_or(found.len() as u64, |records| records[row].into()),
            record_names: found.into_iter().take(RECORD_NAMES).collect(),
            measures: definitions(&dataset.header, &input.source, team),
        }
    });
    let mut sources: Vec<v1::InputSource> = inputs.collect();
    if let (Some(line_header), Some(lines)) = (&header.lines, &data.lines) {
        let names: Vec<String> =
            records::of_lines(line_header, lines, team, row).take(RECORD_NAMES).collect();
        sources.extend(line_header.inputs.iter().map(|input| v1::InputSource {
            value: Some(v1::Value {
                step: header.step.clone(),
                name: input.name.clone(),
                ..v1::Value::default()
            }),
            source: format!("{} of each of the {}", input.source.words(), line_header.collection),
            records: lines.range(row).len() as u64,
            record_names: names.clone(),
            measures: Vec::new(),
        }));
    }
    sources
}

/// The measure that a source names, as it was, and then those that it is made of.
fn definitions(header: &Header, source: &Source, team: &Id) -> Vec<v1::Measure> {
    let (Source::Measure(id) | Source::Target(id)) = source else { return Vec::new() };
    let Ok(id) = Id::parse(id) else { return Vec::new() };
    let name = Name::new(team.clone(), "measures", id);
    let find = |name: &Name| {
        let kept = header.measures.get(name.id().as_str());
        Ok::<_, Rejection>(kept.and_then(restored_measure))
    };
    let mut found = with_parts(vec![name.clone()], find).unwrap_or_default();
    let name = name.to_string();
    found.sort_by_key(|measure| measure.name != name);
    found
}
