//! Explains an evaluation: each input with the records behind it, and the plugin's own steps, which add up to what is on
//! file or are not shown.
//!
//! The dataset keeps every value, how many records it comes from, and the names of the records that are detail lines. The
//! names of the records behind a measure or a target are looked up when asked for, in the store as it is then; where that
//! no longer gives the value on file, the explanation says so.

use std::collections::BTreeSet;

use super::{
    dataset::{Dataset, InputData, InputHeader, Kind, LineData, LineHeader, Source, StepHeader},
    evaluation::{evaluation, find_row, value},
    evaluator::Evaluator,
    headline::Headline,
    measure::{Figures, MeasureSet},
    plugins::rejection,
    population::ACCOUNT_MANAGERS,
    recorded::RecordedStep,
    results::{account_manager, run_name},
    run::{measures_of, team_measures, view_error},
    target,
};
use crate::{
    evaluate::column::count_u32,
    model::{
        decimal::{Unscaled, decimal_text},
        name::{EvaluationName, Id, Name},
        period::Period,
        rejection::Rejection,
    },
    proto::v1,
    sandbox::{self, verify_steps},
    store::WriteError,
    view::Snapshot,
};

/// Names of records that an input source has.
const RECORD_NAMES: usize = 100;

/// The store as it is now, to look records up in.
struct Now {
    snapshot: Snapshot,
    measures: MeasureSet,
    known: BTreeSet<Name>,
    period: Period,
    team: Id,
    /// The row of the account manager, if there still is one.
    person: Option<usize>,
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
        let now = self.now(&dataset, name)?;
        let mut steps = Vec::new();
        for (place, header) in dataset.header.live() {
            steps.push(v1::StepExplanation {
                step: header.step.clone(),
                revision: header.revision.clone(),
                component: header.component.clone(),
                inputs: input_sources(&dataset, place, row, &now)?,
                explanation: self.plugin_steps(&dataset, place, row)?,
            });
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
    ) -> Result<Vec<v1::ExplanationStep>, WriteError> {
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
            .map_err(|verdict| rejection(&verdict))?;
        for (output, column) in header.outputs.iter().zip(&data.outputs) {
            let on_file = column.gather(&output.name, &[row]);
            verify_steps(&on_file, 0, &steps).map_err(|verdict| rejection(&verdict))?;
        }
        Ok(steps.iter().map(step_message).collect())
    }

    /// The store as it is now, with what the run looked at.
    fn now(&self, dataset: &Dataset, name: &EvaluationName) -> Result<Now, WriteError> {
        let team = name.run.team();
        let period = Period::parse(&dataset.header.period_start, &dataset.header.period_end)?;
        let all = team_measures(self, team)?;
        let inputs = dataset.header.steps.iter().flat_map(|step| &step.inputs);
        let ids = inputs.filter_map(|input| match &input.source {
            Source::Measure(id) => Some(id.as_str()),
            _ => None,
        });
        let wanted = measures_of(ids, &all)?;
        let measures = MeasureSet::compile(&wanted)?;
        let mut collections: BTreeSet<&str> = measures.collections();
        collections.extend([ACCOUNT_MANAGERS, target::GOALS]);
        let collections: Vec<&str> = collections.into_iter().collect();
        let snapshot = self.views().snapshot(team, &collections).map_err(view_error)?;
        let person =
            snapshot.views.get(ACCOUNT_MANAGERS).and_then(|people| people.row(name.account_manager.as_str()));
        let known = all.into_keys().collect();
        Ok(Now { snapshot, measures, known, period, team: team.clone(), person })
    }
}

fn step_message(step: &sandbox::Step) -> v1::ExplanationStep {
    v1::ExplanationStep {
        label: step.label.clone(),
        output: step.output.clone().unwrap_or_default(),
        amount: decimal_text(i128::from(step.unscaled), step.scale, false),
        note: step.note.clone(),
    }
}

fn input_sources(
    dataset: &Dataset,
    place: usize,
    row: usize,
    now: &Now,
) -> Result<Vec<v1::InputSource>, Rejection> {
    let (header, data) = (&dataset.header.steps[place], &dataset.steps[place]);
    let mut sources = Vec::new();
    for (input, values) in header.inputs.iter().zip(&data.inputs) {
        let mut source = now.source(input, values, row)?;
        source.value = Some(value(&header.step, &input.name, None, &values.column, row));
        if matches!(input.source, Source::Attribute(_)) {
            source.records = 1;
            source.record_names = vec![account_manager(&now.team, &dataset.ids[row])];
        }
        sources.push(source);
    }
    if let (Some(line_header), Some(lines)) = (&header.lines, &data.lines) {
        sources.extend(line_sources(header, line_header, lines, row, now));
    }
    Ok(sources)
}

/// The records that are detail lines: they are on file.
fn line_sources(
    header: &StepHeader,
    line_header: &LineHeader,
    lines: &LineData,
    row: usize,
    now: &Now,
) -> Vec<v1::InputSource> {
    let range = lines.range(row);
    let records = range.len() as u64;
    let name = |line| format!("teams/{}/{}/{}", now.team, line_header.collection, lines.records.get(line));
    let record_names: Vec<String> = range.take(RECORD_NAMES).map(name).collect();
    let source = |input: &InputHeader| v1::InputSource {
        value: Some(v1::Value {
            step: header.step.clone(),
            name: input.name.clone(),
            ..v1::Value::default()
        }),
        source: format!("{} of each of the {}", input.source.words(), line_header.collection),
        records,
        record_names: record_names.clone(),
    };
    line_header.inputs.iter().map(source).collect()
}

// === impl Now ===

impl Now {
    /// Where a value on file came from.
    fn source(
        &self,
        input: &InputHeader,
        values: &InputData,
        row: usize,
    ) -> Result<v1::InputSource, Rejection> {
        let words = input.source.words();
        let records = values.records.as_ref().map_or(0, |records| u64::from(records[row]));
        let told =
            |source: String, record_names| v1::InputSource { value: None, source, records, record_names };
        let (Source::Measure(id) | Source::Target(id)) = &input.source else {
            return Ok(told(words, Vec::new()));
        };
        let measure = Name::new(self.team.clone(), "measures", Id::parse(id)?);
        let Some(person) = self.person.filter(|_| self.known.contains(&measure)) else {
            let gone = format!("{words} (since the run the measure or the account manager was deleted)");
            return Ok(told(gone, Vec::new()));
        };
        let of_goals = matches!(input.source, Source::Target(_));
        let (figures, (count, names)) = if of_goals {
            (
                target::targets(&measure, &self.snapshot, self.period)?.figures,
                target_sources(&measure, &self.snapshot, self.period, person)?,
            )
        } else {
            (
                self.measures.figures(&measure, &self.snapshot, self.period, v1::RollUp::Unspecified)?,
                self.measures.sources(
                    &measure,
                    &self.snapshot,
                    self.period,
                    v1::RollUp::Unspecified,
                    person,
                    RECORD_NAMES,
                )?,
            )
        };
        let names = names.iter().map(ToString::to_string).collect();
        if count == records && is_same(&figures, person, input, values, row) {
            return Ok(told(words, names));
        }
        let changed = format!(
            "{words} (since the run its records have changed: now {count} that give {}; these are their names)",
            shown(&figures, person)
        );
        Ok(told(changed, names))
    }
}

fn target_sources(
    measure: &Name,
    snapshot: &Snapshot,
    period: Period,
    person: usize,
) -> Result<(u64, Vec<Name>), Rejection> {
    let view = super::measure::view(snapshot, target::GOALS)?;
    let goals = target::targets(measure, snapshot, period)?.goals;
    let own: Vec<u32> =
        goals.into_iter().filter(|(owner, _)| *owner as usize == person).map(|(_, goal)| goal).collect();
    let names = own.iter().take(RECORD_NAMES).map(|goal| view.name(*goal as usize)).collect();
    Ok((own.len() as u64, names))
}

/// Whether a figure of now is the value on file.
fn is_same(figures: &Figures, person: usize, input: &InputHeader, values: &InputData, row: usize) -> bool {
    debug_assert_eq!(input.kind, Kind::Number, "figures are numbers");
    let now = Unscaled { digits: figures.unscaled[person], scale: figures.scale };
    let now = (!figures.missing[person]).then(|| now.narrow(input.scale));
    match (values.column.number(row), now) {
        (Some((on_file, _)), Some(Ok(now))) => on_file == now,
        (None, None | Some(Err(_))) => true,
        _ => false,
    }
}

fn shown(figures: &Figures, person: usize) -> String {
    if figures.missing[person] {
        return "nothing".to_owned();
    }
    decimal_text(figures.unscaled[person], figures.scale, true)
}
