//! The records behind an input of an evaluation, all of them, by pages: those that a figure was made of, or those that are
//! detail lines, each with its value.

use super::{
    dataset::{Dataset, InputHeader, LineData, LineHeader, Source, StepHeader},
    evaluation::{find_row, value},
    evaluator::Evaluator,
    results::{account_manager, run_name},
};
use crate::{
    model::{
        name::{EvaluationName, Id},
        rejection::Rejection,
    },
    proto::v1,
    resource::page::{self, Binding, Position},
    store::WriteError,
};

// === impl Evaluator ===

impl Evaluator {
    /// See `EvaluationService.ListEvaluationRecords`.
    ///
    /// # Errors
    /// `INVALID_FIELD` for a step or input that the run does not have, `INVALID_PAGE_TOKEN`, `NOT_FOUND`,
    /// `RUN_NOT_FINISHED`, `DATASET_DAMAGED`; when the store fails.
    pub fn evaluation_records(
        &self,
        request: &v1::ListEvaluationRecordsRequest,
    ) -> Result<v1::ListEvaluationRecordsResponse, WriteError> {
        let name = EvaluationName::parse(&request.parent)?;
        let size = page::size(request.page_size.into())?;
        let run: v1::Run = self.resources().get(&run_name(&name.run.to_string())?)?;
        let dataset = self.results().dataset(&run)?;
        let row = find_row(&dataset, &name)?;
        // A dataset never changes: a place in it stays what it is.
        let parts = ["ListEvaluationRecords", &request.parent, &request.step, &request.input, &run.dataset];
        let binding = Binding::new(&parts);
        let start = Position::read_number(&request.page_token, binding)?;
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let all = found(&dataset, name.run.team(), row, request)?;
        let end = start.saturating_add(size);
        let next_page_token = match end < all.len() {
            true => Position::of_number(end as u64).token(binding),
            false => String::new(),
        };
        let total_size = all.len() as u64;
        let records = all.into_iter().skip(start).take(size).collect();
        Ok(v1::ListEvaluationRecordsResponse { records, next_page_token, total_size })
    }
}

/// All records behind the input that is asked for.
fn found(
    dataset: &Dataset,
    team: &Id,
    row: usize,
    request: &v1::ListEvaluationRecordsRequest,
) -> Result<Vec<v1::EvaluationRecord>, Rejection> {
    let live = || dataset.header.live();
    let (place, header) = live().find(|(_, step)| step.step == request.step).ok_or_else(|| {
        let known: Vec<&str> = live().map(|(_, step)| step.step.as_str()).collect();
        Rejection::field(
            "step",
            format!("{:?} is no step of the run: it has {}", request.step, known.join(", ")),
        )
    })?;
    let data = &dataset.steps[place];
    if let Some(input) = header.inputs.iter().find(|input| input.name == request.input) {
        let names = of_input(dataset, team, input, row);
        return Ok(names.into_iter().map(|name| v1::EvaluationRecord { name, value: None }).collect());
    }
    if let (Some(line_header), Some(lines)) = (&header.lines, &data.lines)
        && let Some(input) = line_header.inputs.iter().position(|input| input.name == request.input)
    {
        let names = of_lines(line_header, lines, team, row);
        let values = lines
            .range(row)
            .map(|line| value(&header.step, &request.input, None, &lines.columns[input], line));
        let records = names.zip(values);
        return Ok(records.map(|(name, value)| v1::EvaluationRecord { name, value: Some(value) }).collect());
    }
    Err(unknown_input(header, &request.input))
}

fn unknown_input(header: &StepHeader, input: &str) -> Rejection {
    let lines = header.lines.iter().flat_map(|lines| &lines.inputs);
    let known: Vec<&str> = header.inputs.iter().chain(lines).map(|input| input.name.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Rejection::field("input", format!("{input:?} is no input of step {}: it has {known}", header.step))
}

/// The names of the records that an input came from: by collection, then by id.
#[must_use]
pub fn of_input(dataset: &Dataset, team: &Id, input: &InputHeader, row: usize) -> Vec<String> {
    if matches!(input.source, Source::Attribute(_)) {
        return vec![account_manager(team, &dataset.ids[row])];
    }
    let found = dataset.behind.of(&dataset.header.bases_of(input), &input.bases, row);
    let named = found.into_iter().flat_map(|(collection, ids)| {
        ids.into_iter().map(move |id| format!("teams/{team}/{collection}/{id}"))
    });
    named.collect()
}

/// The names of the records that are detail lines, in the order in which the plugin saw them.
pub fn of_lines<'a>(
    header: &'a LineHeader,
    lines: &'a LineData,
    team: &'a Id,
    row: usize,
) -> impl Iterator<Item = String> + use<'a> {
    lines
        .range(row)
        .map(move |line| format!("teams/{team}/{}/{}", header.collection, lines.records.get(line)))
}
