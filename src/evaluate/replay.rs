//! Replays a finished run: executes the plugins again over the inputs on file, and compares every output and fault.

use std::sync::atomic::AtomicU64;

use super::{
    column::{Column, Values, count_u32},
    dataset::{self, Dataset, RowFault},
    evaluator::Evaluator,
    execute::{Conduct, StepJob, StepOutcome, execute},
    outputs::TextRoom,
    plugins::hash_text,
    quarantine::{depends_on_the_machine, two_answers},
    recorded::RecordedStep,
    results::account_manager,
    results::run_name,
};
use crate::{
    model::{
        decimal::decimal_text,
        name::Id,
        rejection::{EvaluationReason, Reason, Rejection},
    },
    proto::v1,
    store::WriteError,
};

/// The most rows of a call.
const LARGEST_CHUNK: i32 = 65_536;

/// The most threads.
const MOST_THREADS: i32 = 64;

/// What a difference calls the faults of a step.
const FAULT: &str = "fault";

// === impl Evaluator ===

impl Evaluator {
    /// See `EvaluationService.ReplayRun`.
    ///
    /// # Errors
    /// `INVALID_FIELD`, `RUN_NOT_FINISHED`, `DATASET_DAMAGED`, what the sandbox says of a plugin it no longer takes; when
    /// the store fails.
    pub fn replay(&self, request: &v1::ReplayRunRequest) -> Result<v1::ReplayRunResponse, WriteError> {
        let name = run_name(&request.name)?;
        let chunk_rows = within("chunk_rows", request.chunk_rows, LARGEST_CHUNK, self.options().chunk_rows)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = within("threads", request.threads, MOST_THREADS, cores)?;
        let run: v1::Run = self.resources().get(&name)?;
        let recorded = self.results().on_file(&run)?;
        let conduct = Conduct {
            chunk_rows,
            threads,
            patience: self.patience(),
            done: &AtomicU64::new(0),
            texts: &TextRoom::default(),
            may_give_up: false,
        };
        let mut replayed = recorded.clone();
        let mut first_difference = None;
        // Nothing rests on shadows: they stay as they are on file.
        for (place, _) in recorded.header.live() {
            // Each step gets what is on file, also where a step before gave it: a difference is told where it arises.
            let outcome = self.replay_step(&recorded, place, &conduct)?;
            if let Some((row, found)) = difference(&recorded, place, &outcome, name.team()) {
                let row = count_u32(row);
                let faults = [recorded.steps[place].faults.get(&row), outcome.faults.get(&row)];
                if !faults.into_iter().any(depends_on_the_machine) {
                    let v1::Difference { account_manager, output, recorded: before, replayed: now, .. } =
                        &found;
                    let when =
                        format!("the run was executed again, its {output} was {now}, and had been {before}");
                    self.quarantine_recorded(&recorded, place, &two_answers(account_manager, &when));
                }
                first_difference.get_or_insert(found);
            }
            replayed.steps[place].outputs = outcome.outputs;
            replayed.steps[place].faults = outcome.faults;
        }
        let bytes = dataset::write(&replayed).map_err(|error| {
            let reason = Reason::Evaluation(EvaluationReason::DatasetDamaged);
            Rejection::new(reason, format!("{name}: {error}"))
        })?;
        Ok(v1::ReplayRunResponse {
            identical: first_difference.is_none(),
            rows: recorded.rows() as u64,
            first_difference,
            dataset: hash_text(*blake3::hash(&bytes).as_bytes()),
        })
    }

    fn replay_step(
        &self,
        recorded: &Dataset,
        place: usize,
        conduct: &Conduct<'_>,
    ) -> Result<StepOutcome, WriteError> {
        let header = &recorded.header.steps[place];
        let step = RecordedStep::load(self, recorded, place)?;
        let job = StepJob {
            plugin: &step.loaded.plugin,
            parameters: &step.loaded.parameters,
            manifest: &step.loaded.manifest,
            outputs: &header.outputs,
            context: &recorded.header.context(),
            limits: &step.limits,
            inputs: step.inputs(recorded, place),
        };
        execute(&job, conduct).map_err(|stopped| stopped.rejection(&header.step).into())
    }
}

fn within(field: &str, asked: i32, most: i32, default: usize) -> Result<usize, Rejection> {
    match asked {
        0 => Ok(default),
        asked if (1..=most).contains(&asked) => Ok(usize::try_from(asked).unwrap_or(default)),
        asked => {
            Err(Rejection::field(field, format!("{asked} is not one of 1 to {most}, or 0 for the default")))
        }
    }
}

/// The first difference of a step, and its row: by account manager, then by output, faults last.
fn difference(
    recorded: &Dataset,
    place: usize,
    outcome: &StepOutcome,
    team: &Id,
) -> Option<(usize, v1::Difference)> {
    let (header, data) = (&recorded.header.steps[place], &recorded.steps[place]);
    if data.outputs == outcome.outputs && data.faults == outcome.faults {
        return None;
    }
    (0..recorded.rows()).find_map(|row| {
        let found = |output: &str, recorded_value, replayed| {
            let found = v1::Difference {
                account_manager: account_manager(team, &recorded.ids[row]),
                step: header.step.clone(),
                output: output.to_owned(),
                recorded: recorded_value,
                replayed,
            };
            (row, found)
        };
        for ((output, on_file), now) in header.outputs.iter().zip(&data.outputs).zip(&outcome.outputs) {
            let (on_file, now) = (cell(on_file, row), cell(now, row));
            if on_file != now {
                return Some(found(&output.name, shown(on_file), shown(now)));
            }
        }
        let place = count_u32(row);
        let (on_file, now) = (data.faults.get(&place), outcome.faults.get(&place));
        (on_file != now).then(|| found(FAULT, fault_text(on_file), fault_text(now)))
    })
}

fn cell(column: &Column, row: usize) -> Option<String> {
    match &column.values {
        Values::Number { .. } => {
            column.number(row).map(|(digits, scale)| decimal_text(i128::from(digits), scale, false))
        }
        Values::Text(_) => column.text(row).map(str::to_owned),
    }
}

fn shown(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "missing".to_owned())
}

fn fault_text(fault: Option<&RowFault>) -> String {
    fault.map_or_else(|| "none".to_owned(), |fault| format!("{}: {}", fault.reason, fault.message))
}
