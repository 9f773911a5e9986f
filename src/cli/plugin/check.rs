//! `merit plugin check`: whether a plugin keeps the contract, stays within the limits, answers the same when it is asked
//! again, does not care how rows are cut into batches or in which order they come, and explains what it gives.

use clap::Args;

use super::{
    cases::CasesFile,
    local::{PluginArguments, refused},
    sample, shown,
    trial::Trial,
};
use crate::{
    cli::{
        failure::Failure,
        output::{Format, OutputArguments, Sheet, print_json},
    },
    evaluate::author::{AuthoredPlugin, Scored},
    proto::v1,
    sandbox::{Limits, Role, Scope, verify_steps},
};

/// Rows whose explanations are asked for.
const EXPLAINED: usize = 50;

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    plugin: PluginArguments,
    /// Rows from a file of cases instead of made up ones.
    #[arg(long, value_name = "FILE")]
    cases: Option<String>,
    /// How many rows to make up.
    #[arg(long, value_name = "COUNT", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rows: u32,
    #[command(flatten)]
    output: OutputArguments,
}

/// What a check found.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Fine(String),
    /// What an author should know, and may mean.
    Doubtful(String),
    Wrong(String),
}

/// A plugin, the rows that it is checked with, and what it makes of them.
struct Subject<'p> {
    plugin: &'p AuthoredPlugin,
    trial: Trial<'p>,
    rows: Vec<&'p v1::PluginRow>,
    /// Nobody has given the rows.
    made_up: bool,
    whole: Vec<Scored>,
}

/// Checks a plugin.
pub(super) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let file = arguments.cases.as_deref().map(CasesFile::read).transpose()?;
    let parameters = file.as_ref().and_then(|file| file.parameters.as_deref());
    let plugin = arguments.plugin.load(parameters)?;
    let rows: Vec<v1::PluginRow> = match &file {
        Some(file) => file.cases(&plugin)?.into_iter().map(|case| case.row).collect(),
        None => sample::hard_rows(&plugin.manifest, arguments.rows as usize),
    };
    let mut seen = Vec::new();
    for row in &rows {
        if plugin.lacks(row).map_err(|rejection| refused(arguments.plugin.name(), &rejection))?.is_none() {
            seen.push(row);
        }
    }
    if seen.is_empty() {
        return Err(Failure::Usage("every case lacks a required input: nothing to check".to_owned()));
    }
    let trial = Trial { plugin: &plugin, context: arguments.plugin.context()? };
    let found = match trial.scored(&seen) {
        Ok(whole) => Subject { plugin: &plugin, trial, rows: seen, made_up: file.is_none(), whole }.checks(),
        Err(what) => vec![("contract", contract(&plugin)), ("limits", Found::Wrong(what))],
    };
    report(arguments, found)
}

fn report(arguments: &CheckArguments, checks: Vec<(&'static str, Found)>) -> Result<(), Failure> {
    let mut sheet = Sheet::new(&["check", "result", "what"]);
    let mut failed = Vec::new();
    for (name, found) in checks {
        let (result, what) = match found {
            Found::Fine(what) => ("ok", what),
            Found::Doubtful(what) => ("warning", what),
            Found::Wrong(what) => {
                failed.push(name);
                ("wrong", what)
            }
        };
        sheet.row([name.to_owned(), result.to_owned(), what]);
    }
    match arguments.output.output {
        format @ (Format::Json | Format::Jsonl) => {
            let told =
                |row: &Vec<String>| serde_json::json!({ "check": row[0], "result": row[1], "what": row[2] });
            print_json(format, &serde_json::Value::Array(sheet.rows.iter().map(told).collect()))?;
        }
        format => sheet.print(format)?,
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Differs(format!("{}: wrong in {}", arguments.plugin.name(), failed.join(", "))))
}

/// Loading has checked exports, types and imports.
fn contract(plugin: &AuthoredPlugin) -> Found {
    match plugin.describe() {
        Err(verdict) => Found::Wrong(verdict.message),
        Ok(manifest) if manifest != plugin.manifest => {
            Found::Wrong("describe gives another manifest when it is asked again".to_owned())
        }
        Ok(manifest) => {
            let inputs = manifest.inputs.len() + manifest.line_inputs.len();
            let (bytes, outputs) = (plugin.component_bytes, manifest.outputs.len());
            Found::Fine(format!("{bytes} bytes, imports nothing; {inputs} inputs, {outputs} outputs"))
        }
    }
}

// === impl Subject ===

impl Subject<'_> {
    fn checks(&self) -> Vec<(&'static str, Found)> {
        let told = |found: Result<Found, String>| found.unwrap_or_else(Found::Wrong);
        vec![
            ("contract", contract(self.plugin)),
            ("limits", self.limits()),
            ("faults", self.faults()),
            ("no rows", told(self.nothing())),
            ("determinism", told(self.determinism())),
            ("chunking", told(self.chunking())),
            ("order", told(self.order())),
            ("explanation", told(self.explanation())),
        ]
    }

    fn limits(&self) -> Found {
        let Limits { fuel_per_call, fuel_per_row, memory_bytes, .. } = Limits::default();
        let (rows, memory) = (self.rows.len(), memory_bytes >> 20);
        Found::Fine(format!(
            "{rows} rows within {fuel_per_call} fuel a call and {fuel_per_row} a row, {memory} MiB"
        ))
    }

    /// That nothing goes wrong says little of a plugin that scores nobody.
    fn faults(&self) -> Found {
        let faulted = |scored: &Scored| matches!(scored, Scored::Fault(_));
        let Some(first) = self.whole.iter().position(faulted) else {
            return Found::Fine("no row has one".to_owned());
        };
        let (count, rows) = (self.whole.iter().filter(|scored| faulted(scored)).count(), self.rows.len());
        let (row, scored) = (shown::row(self.rows[first]), shown::scored(&self.whole[first]));
        let told = format!("{count} of {rows} rows have one; the first is row {first} ({row}): {scored}");
        match (count == rows, self.made_up) {
            (true, true) => Found::Wrong(format!("{told}; give rows that can be scored, with --cases")),
            (true, false) => Found::Doubtful(told),
            (false, _) => Found::Fine(told),
        }
    }

    fn nothing(&self) -> Result<Found, String> {
        match self.trial.scored(&[])?.is_empty() {
            true => Ok(Found::Fine("a batch of none is answered".to_owned())),
            false => Err("rows of nobody".to_owned()),
        }
    }

    fn determinism(&self) -> Result<Found, String> {
        self.same("when asked again", &self.trial.scored(&self.rows)?)?;
        Ok(Found::Fine("the same answer when asked twice".to_owned()))
    }

    fn chunking(&self) -> Result<Found, String> {
        if self.plugin.manifest.scope == Scope::Group {
            return Ok(Found::Fine("does not apply: a group is never cut".to_owned()));
        }
        for size in [1, 7] {
            let mut cut = Vec::new();
            for rows in self.rows.chunks(size) {
                cut.extend(self.trial.scored(rows)?);
            }
            self.same(&format!("in batches of {size}"), &cut)?;
        }
        Ok(Found::Fine("the same answers in batches of 1, of 7, and in one".to_owned()))
    }

    fn order(&self) -> Result<Found, String> {
        if self.plugin.manifest.scope == Scope::Group {
            return Ok(Found::Fine("does not apply: in a group it may decide ties".to_owned()));
        }
        let reversed: Vec<&v1::PluginRow> = self.rows.iter().rev().copied().collect();
        let mut scored = self.trial.scored(&reversed)?;
        scored.reverse();
        self.same("in the opposite order", &scored)?;
        Ok(Found::Fine("the same answers in the opposite order".to_owned()))
    }

    fn explanation(&self) -> Result<Found, String> {
        let scored = |row: &usize| matches!(self.whole[*row], Scored::Outputs(_));
        let explained: Vec<usize> = (0..self.rows.len()).filter(scored).take(EXPLAINED).collect();
        if explained.is_empty() {
            return Ok(Found::Doubtful("no row was scored: there is nothing to explain".to_owned()));
        }
        // Outputs that people ask about, with a value somewhere that no step explains.
        let mut silent: Vec<&str> = Vec::new();
        let batch = self.plugin.batch(&self.rows).map_err(|rejection| rejection.message)?;
        let context = &self.trial.context;
        let outcome = self.plugin.evaluate(context, &batch).map_err(|verdict| verdict.message)?;
        for &place in &explained {
            let row = u32::try_from(place).unwrap_or(u32::MAX);
            let told = |what: String| {
                let (row, scored) = (shown::row(self.rows[place]), shown::scored(&self.whole[place]));
                format!("row {place} ({row}), which is {scored}: {what}")
            };
            let steps = self.plugin.explain(context, &batch, row).map_err(|verdict| told(verdict.message))?;
            for (output, column) in self.plugin.manifest.outputs.iter().zip(&outcome.columns) {
                verify_steps(column, row, &steps).map_err(|verdict| told(verdict.message))?;
                let asked = matches!(output.role, Role::Payout | Role::Score);
                let valued = column.missing.binary_search(&row).is_err();
                let named = steps.iter().any(|step| step.output.as_deref() == Some(output.name.as_str()));
                if asked && valued && !named && !silent.contains(&output.name.as_str()) {
                    silent.push(&output.name);
                }
            }
        }
        let rows = explained.len();
        if silent.is_empty() {
            return Ok(Found::Fine(format!("the steps of {rows} rows add up to their outputs")));
        }
        Ok(Found::Doubtful(format!(
            "the steps of {rows} rows add up where there are any, but there are rows where none says how {} comes about",
            silent.join(", ")
        )))
    }

    /// That another answer for all rows is the same.
    fn same(&self, when: &str, other: &[Scored]) -> Result<(), String> {
        let Some(row) = (0..self.rows.len()).find(|&row| other.get(row) != self.whole.get(row)) else {
            return Ok(());
        };
        let other = other.get(row).map_or_else(|| "nothing".to_owned(), shown::scored);
        let (inputs, once) = (shown::row(self.rows[row]), shown::scored(&self.whole[row]));
        Err(format!("row {row} ({inputs}) is {once}; {when} it is {other}"))
    }
}
