//! Tries a plugin out on rows that the request brings along: describe, score, explain. Nothing is kept.

use std::{collections::BTreeMap, rc::Rc};

use prost::Message;

use super::{
    answer::AnswerRoom,
    column::count_u32,
    dataset::RowFault,
    described::manifest_message,
    evaluator::Evaluator,
    execute::{plugin_fault, verdict_fault},
    explain::step_message,
    plugin_limits::team_limits,
    plugins::{LoadedPlugin, rejection},
    team::team_context,
    written::{batch, check_row, output_bytes, output_value},
};
use crate::{
    model::{
        name::Name,
        period::Period,
        rejection::{PluginReason, Reason, Rejection},
    },
    proto::v1,
    sandbox::{Batch, Context, Limits, Outcome, Scope, Verdict, verify_steps},
    store::WriteError,
};

/// What a plugin sees for a period where the request names none.
const DEFAULT_PERIOD: (&str, &str) = ("2000-01-01", "2000-04-01");

/// Fuel for each call of a request that is tried in a moment: some hundredths of a second.
const BRIEF_FUEL: u64 = 20_000_000;

const SHORT_OF_FUEL: Reason = Reason::Plugin(PluginReason::OutOfFuel);

/// How much a request may take. What is tried in a moment and takes longer is done again with all of it: it is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// One call of each kind, with little fuel.
    Brief,
    /// All that the team's plugins may take.
    Whole,
}

/// What came of a request; nothing where it takes longer than it may.
type Tried<T> = Result<Option<T>, WriteError>;

/// Why a request is not answered.
enum Untried {
    /// It takes longer than a moment.
    TakesLonger,
    Failed(WriteError),
}

// === impl Untried ===

impl<E: Into<WriteError>> From<E> for Untried {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

// === impl Pace ===

impl Pace {
    fn limits(self, limits: Limits) -> Limits {
        match self {
            Self::Whole => limits,
            Self::Brief => {
                Limits { fuel_per_call: limits.fuel_per_call.min(BRIEF_FUEL), fuel_per_row: 0, ..limits }
            }
        }
    }

    /// What is done about a verdict that is no answer for a row: of the host, or of fuel that was short.
    fn check(self, verdict: &Verdict) -> Result<(), Untried> {
        if verdict.is_of_host() {
            return Err(rejection(verdict).into());
        }
        match self {
            Self::Brief if verdict.reason == PluginReason::OutOfFuel => Err(Untried::TakesLonger),
            _ => Ok(()),
        }
    }
}

/// Rows of a request, ready to be scored.
struct TryOut {
    loaded: LoadedPlugin,
    context: Context,
    limits: Limits,
    pace: Pace,
    rows: Vec<v1::PluginRow>,
    /// The required input that a row lacks, by row.
    lacking: BTreeMap<usize, String>,
}

/// What became of a row.
#[derive(Clone, Default)]
struct Scored {
    result: v1::PluginResult,
    /// The answer that it comes from; nothing where there was none.
    from: Option<Origin>,
}

/// A row of an answer.
#[derive(Clone)]
struct Origin {
    outcome: Rc<Outcome>,
    place: u32,
}

// === impl Scored ===

impl Scored {
    fn fault(&mut self, reason: String, message: String, room: &mut AnswerRoom) -> Result<(), Rejection> {
        room.take(reason.len() + message.len())?;
        self.result.fault = Some(v1::Fault { reason, message, ..v1::Fault::default() });
        Ok(())
    }
}

// === impl Evaluator ===

impl Evaluator {
    /// See `PluginService.DescribePlugin`.
    ///
    /// # Errors
    /// What is wrong with the plugin or its parameters.
    pub fn describe_plugin(
        &self,
        request: &v1::DescribePluginRequest,
        pace: Pace,
    ) -> Tried<v1::DescribePluginResponse> {
        let describe = || {
            let team = self.team(&request.parent)?;
            let (loaded, _) = self.source(&team, request.plugin.as_ref(), pace)?;
            Ok(v1::DescribePluginResponse { manifest: Some(manifest_message(&loaded.manifest)) })
        };
        tried(describe())
    }

    /// See `PluginService.EvaluatePlugin`.
    ///
    /// # Errors
    /// What is wrong with the plugin, its parameters or the rows; `OUTPUT_TOO_LARGE`.
    pub fn evaluate_plugin(
        &self,
        request: &v1::EvaluatePluginRequest,
        pace: Pace,
    ) -> Tried<v1::EvaluatePluginResponse> {
        let evaluate = || {
            let period = (request.period_start.as_str(), request.period_end.as_str());
            let try_out =
                self.try_out(&request.parent, request.plugin.as_ref(), period, &request.rows, pace)?;
            let results = try_out.results()?.into_iter().map(|scored| scored.result).collect();
            Ok(v1::EvaluatePluginResponse { results })
        };
        tried(evaluate())
    }

    /// See `PluginService.ExplainPlugin`.
    ///
    /// # Errors
    /// What is wrong with the plugin, its parameters or the rows; `OUTPUT_TOO_LARGE`.
    pub fn explain_plugin(
        &self,
        request: &v1::ExplainPluginRequest,
        pace: Pace,
    ) -> Tried<v1::ExplainPluginResponse> {
        let explain = || {
            let period = (request.period_start.as_str(), request.period_end.as_str());
            let try_out =
                self.try_out(&request.parent, request.plugin.as_ref(), period, &request.rows, pace)?;
            let row = usize::try_from(request.row).ok().filter(|&row| row < request.rows.len());
            let row = row.ok_or_else(|| {
                let what = format!("{} is not one of the {} rows", request.row, request.rows.len());
                Rejection::field("row", what)
            })?;
            let Scored { result, from } = try_out.results()?.swap_remove(row);
            let steps = match from {
                Some(from) if result.fault.is_none() => try_out.explain(row, &from)?,
                _ => Vec::new(),
            };
            let answer = v1::ExplainPluginResponse { result: Some(result), steps };
            AnswerRoom::new().take(answer.encoded_len())?;
            Ok(answer)
        };
        tried(explain())
    }

    /// The plugin of a request and what it may use, for as long as somebody waits: whatever a run's calls may take.
    fn source(
        &self,
        team: &v1::Team,
        source: Option<&v1::PluginSource>,
        pace: Pace,
    ) -> Result<(LoadedPlugin, Limits), Untried> {
        let limits = pace.limits(team_limits(team, self.options()));
        let briefly = self.waiting(&self.patience().at_most(self.options().try_out));
        match briefly.plugins().within(limits).source(source) {
            Ok(loaded) => Ok((loaded, limits)),
            Err(WriteError::Rejected(rejection))
                if pace == Pace::Brief && rejection.reason == SHORT_OF_FUEL =>
            {
                Err(Untried::TakesLonger)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn try_out(
        &self,
        team: &str,
        source: Option<&v1::PluginSource>,
        period: (&str, &str),
        rows: &[v1::PluginRow],
        pace: Pace,
    ) -> Result<TryOut, Untried> {
        let team = self.team(team)?;
        let or = |given: &str, default: &'static str| match given {
            "" => default.to_owned(),
            given => given.to_owned(),
        };
        let (start, end) = (or(period.0, DEFAULT_PERIOD.0), or(period.1, DEFAULT_PERIOD.1));
        let period = Period::parse(&start, &end)?;
        let (loaded, limits) = self.source(&team, source, pace)?;
        let mut lacking = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            if let Some(input) = check_row(&loaded.manifest, place, row)? {
                lacking.insert(place, input);
            }
        }
        Ok(TryOut {
            context: team_context(&team, period),
            limits,
            pace,
            loaded,
            rows: rows.to_vec(),
            lacking,
        })
    }

    /// The team of a request.
    pub(super) fn team(&self, name: &str) -> Result<v1::Team, WriteError> {
        self.resources().get(&Name::parse(name)?)
    }
}

fn tried<T>(result: Result<T, Untried>) -> Tried<T> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(Untried::TakesLonger) => Ok(None),
        Err(Untried::Failed(error)) => Err(error),
    }
}

// === impl TryOut ===

impl TryOut {
    /// The rows that the plugin sees.
    fn seen(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|row| !self.lacking.contains_key(row)).collect()
    }

    fn results(&self) -> Result<Vec<Scored>, Untried> {
        let mut results = vec![Scored::default(); self.rows.len()];
        let mut room = AnswerRoom::new();
        for (&row, message) in &self.lacking {
            let reason = PluginReason::MissingInput.code().to_owned();
            results[row].fault(reason, message.clone(), &mut room)?;
        }
        self.score(&self.seen(), &mut results, &mut room)?;
        Ok(results)
    }

    /// Scores rows; where the call does not end well, each row alone, so that the cause alone is faulted.
    fn score(&self, rows: &[usize], results: &mut [Scored], room: &mut AnswerRoom) -> Result<(), Untried> {
        if rows.is_empty() {
            return Ok(());
        }
        let LoadedPlugin { plugin, parameters, manifest, .. } = &self.loaded;
        let batch = self.batch(rows)?;
        let verdict = match plugin.evaluate(parameters, &self.context, manifest, &batch, &self.limits) {
            Ok(outcome) => return Ok(self.take(rows, &Rc::new(outcome), results, room)?),
            Err(verdict) => verdict,
        };
        self.pace.check(&verdict)?;
        if rows.len() > 1 && manifest.scope == Scope::Row {
            // Many calls are no matter of a moment.
            if self.pace == Pace::Brief {
                return Err(Untried::TakesLonger);
            }
            return rows.iter().try_for_each(|row| self.score(&[*row], results, room));
        }
        let RowFault { reason, message } = verdict_fault(&verdict);
        for &row in rows {
            results[row].fault(reason.clone(), message.clone(), room)?;
        }
        Ok(())
    }

    fn take(
        &self,
        rows: &[usize],
        outcome: &Rc<Outcome>,
        results: &mut [Scored],
        room: &mut AnswerRoom,
    ) -> Result<(), Rejection> {
        for fault in &outcome.faults {
            let RowFault { reason, message } = plugin_fault(fault);
            results[rows[fault.row as usize]].fault(reason, message, room)?;
        }
        for (place, &row) in rows.iter().enumerate() {
            let scored = &mut results[row];
            if scored.result.fault.is_some() {
                continue;
            }
            for (output, column) in self.loaded.manifest.outputs.iter().zip(&outcome.columns) {
                room.take(output_bytes(output, column, place))?;
                scored.result.outputs.push(output_value(output, column, place));
            }
            scored.from = Some(Origin { outcome: Rc::clone(outcome), place: count_u32(place) });
        }
        Ok(())
    }

    /// Has a row explained, and holds the steps to what it was scored with.
    fn explain(&self, row: usize, from: &Origin) -> Result<Vec<v1::ExplanationStep>, Untried> {
        let LoadedPlugin { plugin, parameters, manifest, .. } = &self.loaded;
        let rows = match manifest.scope {
            Scope::Row => vec![row],
            Scope::Group => self.seen(),
        };
        let place = rows.iter().position(|&other| other == row).unwrap_or_default();
        let place = u32::try_from(place).unwrap_or_default();
        let batch = self.batch(&rows)?;
        let steps = plugin
            .explain(parameters, &self.context, manifest, &batch, place, &self.limits)
            .map_err(|verdict| match self.pace.check(&verdict) {
                Ok(()) => rejection(&verdict).into(),
                Err(untried) => untried,
            })?;
        // An explanation that does not lead to what is paid explains nothing.
        for column in &from.outcome.columns {
            verify_steps(column, from.place, &steps).map_err(|verdict| rejection(&verdict))?;
        }
        Ok(steps.iter().map(step_message).collect())
    }

    fn batch(&self, rows: &[usize]) -> Result<Batch, Rejection> {
        let rows: Vec<&v1::PluginRow> = rows.iter().map(|&row| &self.rows[row]).collect();
        batch(&self.loaded.manifest, &rows)
    }
}
