//! Tries a plugin out on rows that the request brings along: describe, score, explain. Nothing is kept.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    column::count_u32,
    dataset::{self, RowFault},
    evaluator::Evaluator,
    execute::{plugin_fault, verdict_fault},
    explain::step_message,
    made::digits_of,
    plugin_limits::team_limits,
    plugins::{LoadedPlugin, rejection},
    team::team_context,
};
use crate::{
    model::{
        decimal::decimal_text,
        name::Name,
        period::Period,
        rejection::{PluginReason, Rejection},
    },
    proto::v1,
    sandbox::{self, Batch, Context, Kind, Limits, Outcome, Role, Scope, Verdict, verify_steps},
    store::WriteError,
};

/// What a plugin sees for a period where the request names none.
const DEFAULT_PERIOD: (&str, &str) = ("2000-01-01", "2000-04-01");

/// Rows of a request, ready to be scored.
struct TryOut {
    loaded: LoadedPlugin,
    context: Context,
    limits: Limits,
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
    fn fault(&mut self, reason: String, message: String) {
        self.result.fault = Some(v1::Fault { reason, message, ..v1::Fault::default() });
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
    ) -> Result<v1::DescribePluginResponse, WriteError> {
        let team = self.team(&request.parent)?;
        let limits = team_limits(&team, self.options());
        let loaded = self.briefly().plugins().within(limits).source(request.plugin.as_ref())?;
        Ok(v1::DescribePluginResponse { manifest: Some(manifest_message(&loaded.manifest)) })
    }

    /// See `PluginService.EvaluatePlugin`.
    ///
    /// # Errors
    /// What is wrong with the plugin, its parameters or the rows.
    pub fn evaluate_plugin(
        &self,
        request: &v1::EvaluatePluginRequest,
    ) -> Result<v1::EvaluatePluginResponse, WriteError> {
        let try_out = self.try_out(
            &request.parent,
            request.plugin.as_ref(),
            (&request.period_start, &request.period_end),
            &request.rows,
        )?;
        let results = try_out.results()?.into_iter().map(|scored| scored.result).collect();
        Ok(v1::EvaluatePluginResponse { results })
    }

    /// See `PluginService.ExplainPlugin`.
    ///
    /// # Errors
    /// What is wrong with the plugin, its parameters or the rows.
    pub fn explain_plugin(
        &self,
        request: &v1::ExplainPluginRequest,
    ) -> Result<v1::ExplainPluginResponse, WriteError> {
        let try_out = self.try_out(
            &request.parent,
            request.plugin.as_ref(),
            (&request.period_start, &request.period_end),
            &request.rows,
        )?;
        let row = usize::try_from(request.row).ok().filter(|&row| row < request.rows.len());
        let row = row.ok_or_else(|| {
            Rejection::field("row", format!("{} is not one of the {} rows", request.row, request.rows.len()))
        })?;
        let Scored { result, from } = try_out.results()?.swap_remove(row);
        let steps = match from {
            Some(from) if result.fault.is_none() => try_out.explain(row, &from)?,
            _ => Vec::new(),
        };
        Ok(v1::ExplainPluginResponse { result: Some(result), steps })
    }

    /// The same evaluator, with little patience: whatever a run's calls may take, somebody waits for this answer.
    fn briefly(&self) -> Self {
        self.waiting(&self.patience().at_most(self.options().try_out))
    }

    fn try_out(
        &self,
        team: &str,
        source: Option<&v1::PluginSource>,
        period: (&str, &str),
        rows: &[v1::PluginRow],
    ) -> Result<TryOut, WriteError> {
        let team = self.team(team)?;
        let or = |given: &str, default: &'static str| match given {
            "" => default.to_owned(),
            given => given.to_owned(),
        };
        let (start, end) = (or(period.0, DEFAULT_PERIOD.0), or(period.1, DEFAULT_PERIOD.1));
        let period = Period::parse(&start, &end)?;
        let limits = team_limits(&team, self.options());
        let loaded = self.briefly().plugins().within(limits).source(source)?;
        let mut lacking = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            if let Some(input) = check_row(&loaded.manifest, place, row)? {
                lacking.insert(place, input);
            }
        }
        Ok(TryOut { context: team_context(&team, period), limits, loaded, rows: rows.to_vec(), lacking })
    }

    /// The team of a request.
    pub(super) fn team(&self, name: &str) -> Result<v1::Team, WriteError> {
        self.resources().get(&Name::parse(name)?)
    }
}

// === impl TryOut ===

impl TryOut {
    /// The rows that the plugin sees.
    fn seen(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|row| !self.lacking.contains_key(row)).collect()
    }

    fn results(&self) -> Result<Vec<Scored>, WriteError> {
        let mut results = vec![Scored::default(); self.rows.len()];
        for (&row, message) in &self.lacking {
            results[row].fault(PluginReason::MissingInput.code().to_owned(), message.clone());
        }
        self.score(&self.seen(), &mut results)?;
        Ok(results)
    }

    /// Scores rows; where the call does not end well, each row alone, so that the cause alone is faulted.
    fn score(&self, rows: &[usize], results: &mut [Scored]) -> Result<(), WriteError> {
        if rows.is_empty() {
            return Ok(());
        }
        match self.evaluate(rows)? {
            Ok(outcome) => self.take(rows, &Rc::new(outcome), results),
            Err(verdict) if rows.len() > 1 && self.loaded.manifest.scope == Scope::Row => {
                drop(verdict);
                for row in rows {
                    self.score(&[*row], results)?;
                }
            }
            Err(verdict) => {
                let fault = verdict_fault(&verdict);
                for &row in rows {
                    results[row].fault(fault.reason.clone(), fault.message.clone());
                }
            }
        }
        Ok(())
    }

    fn evaluate(&self, rows: &[usize]) -> Result<Result<Outcome, Verdict>, Rejection> {
        let batch = self.batch(rows)?;
        let LoadedPlugin { plugin, parameters, manifest, .. } = &self.loaded;
        Ok(plugin.evaluate(parameters, &self.context, manifest, &batch, &self.limits))
    }

    fn take(&self, rows: &[usize], outcome: &Rc<Outcome>, results: &mut [Scored]) {
        for fault in &outcome.faults {
            let RowFault { reason, message } = plugin_fault(fault);
            results[rows[fault.row as usize]].fault(reason, message);
        }
        for (place, &row) in rows.iter().enumerate() {
            let scored = &mut results[row];
            if scored.result.fault.is_some() {
                continue;
            }
            let outputs = self.loaded.manifest.outputs.iter().zip(&outcome.columns);
            scored.result.outputs =
                outputs.map(|(output, column)| output_value(output, column, place)).collect();
            scored.from = Some(Origin { outcome: Rc::clone(outcome), place: count_u32(place) });
        }
    }

    /// Has a row explained, and holds the steps to what it was scored with.
    fn explain(&self, row: usize, from: &Origin) -> Result<Vec<v1::ExplanationStep>, WriteError> {
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
            .map_err(|verdict| rejection(&verdict))?;
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

/// The batch of rows that are written as texts.
pub(super) fn batch(manifest: &sandbox::Manifest, rows: &[&v1::PluginRow]) -> Result<Batch, Rejection> {
    let given: Vec<&BTreeMap<String, String>> = rows.iter().map(|row| &row.inputs).collect();
    let columns = manifest.inputs.iter().map(|input| column(input, &given)).collect::<Result<_, _>>()?;
    let lines = if manifest.line_inputs.is_empty() {
        None
    } else {
        let mut given: Vec<&BTreeMap<String, String>> = Vec::new();
        let mut row_ends = Vec::new();
        for row in rows {
            given.extend(row.lines.iter().map(|line| &line.inputs));
            row_ends.push(count_u32(given.len()));
        }
        let columns = manifest.line_inputs.iter().map(|input| column(input, &given));
        Some(sandbox::Lines { row_ends, columns: columns.collect::<Result<_, _>>()? })
    };
    Ok(Batch { rows: count_u32(rows.len()), columns, lines })
}

/// Checks the values of a row; answers what a required input that is missing makes of it.
pub(super) fn check_row(
    manifest: &sandbox::Manifest,
    place: usize,
    row: &v1::PluginRow,
) -> Result<Option<String>, Rejection> {
    check_values(&manifest.inputs, &format!("rows[{place}].inputs"), &row.inputs)?;
    let mut lacking = manifest
        .inputs
        .iter()
        .find(|input| input.required && !row.inputs.contains_key(&input.name))
        .map(|input| format!("the required input {} is missing", input.name));
    for (line_place, line) in row.lines.iter().enumerate() {
        let path = format!("rows[{place}].lines[{line_place}].inputs");
        check_values(&manifest.line_inputs, &path, &line.inputs)?;
        let missing = manifest
            .line_inputs
            .iter()
            .find(|input| input.required && !line.inputs.contains_key(&input.name));
        if let (None, Some(input)) = (&lacking, missing) {
            lacking = Some(format!("the required line input {} is missing in line {line_place}", input.name));
        }
    }
    Ok(lacking)
}

fn check_values(
    inputs: &[sandbox::Input],
    path: &str,
    values: &BTreeMap<String, String>,
) -> Result<(), Rejection> {
    for (name, value) in values {
        let path = format!("{path}[{name:?}]");
        let Some(input) = inputs.iter().find(|input| input.name == *name) else {
            let known: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!("the plugin has no such input; it has {known}");
            return Err(Rejection::field(path, message));
        };
        if input.kind == Kind::Number {
            digits_of(value, input.scale).map_err(|what| Rejection::field(path, what))?;
        }
    }
    Ok(())
}

fn column(input: &sandbox::Input, rows: &[&BTreeMap<String, String>]) -> Result<sandbox::Column, Rejection> {
    let values = rows.iter().map(|row| row.get(&input.name));
    let places = values.clone().enumerate().filter(|(_, value)| value.is_none());
    let missing = places.map(|(place, _)| count_u32(place)).collect();
    let values = match input.kind {
        Kind::Number => {
            let digits = values.map(|value| value.map_or(Ok(0), |text| digits_of(text, input.scale)));
            let unscaled =
                digits.collect::<Result<_, _>>().map_err(|what| Rejection::field(&*input.name, what))?;
            sandbox::Values::Decimals(sandbox::Decimals { scale: input.scale, unscaled })
        }
        Kind::Text => {
            let texts: super::column::Texts = values.map(|value| value.map_or("", |text| text)).collect();
            let dictionary = texts.dictionary.iter().map(ToString::to_string).collect();
            sandbox::Values::Texts(sandbox::Texts { dictionary, codes: texts.codes })
        }
    };
    Ok(sandbox::Column { name: input.name.clone(), values, missing })
}

pub(super) fn output_value(output: &sandbox::Output, column: &sandbox::Column, place: usize) -> v1::Value {
    use v1::value::Value;
    let missing = column.missing.iter().any(|&row| row as usize == place);
    let trim = output.role != Role::Payout;
    let value = match &column.values {
        _ if missing => None,
        sandbox::Values::Decimals(decimals) => {
            Some(Value::Number(decimal_text(i128::from(decimals.unscaled[place]), decimals.scale, trim)))
        }
        sandbox::Values::Texts(texts) => {
            texts.dictionary.get(texts.codes[place] as usize).cloned().map(Value::Text)
        }
    };
    let role = dataset::Role::from(output.role).message().into();
    v1::Value { step: String::new(), name: output.name.clone(), role, value }
}

/// A manifest as clients see it.
#[must_use]
pub fn manifest_message(manifest: &sandbox::Manifest) -> v1::Manifest {
    let input = |input: &sandbox::Input| v1::PluginInput {
        name: input.name.clone(),
        kind: match input.kind {
            Kind::Number => v1::ValueKind::Number.into(),
            Kind::Text => v1::ValueKind::Text.into(),
        },
        scale: i32::from(input.scale),
        required: input.required,
    };
    v1::Manifest {
        summary: manifest.summary.clone(),
        scope: match manifest.scope {
            Scope::Row => v1::PluginScope::Row.into(),
            Scope::Group => v1::PluginScope::Group.into(),
        },
        inputs: manifest.inputs.iter().map(input).collect(),
        line_inputs: manifest.line_inputs.iter().map(input).collect(),
        outputs: manifest
            .outputs
            .iter()
            .map(|output| v1::PluginOutput {
                name: output.name.clone(),
                role: dataset::Role::from(output.role).message().into(),
                scale: i32::from(output.scale),
            })
            .collect(),
    }
}
