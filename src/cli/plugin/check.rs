//! `merit plugin check`: whether a plugin keeps the contract, stays within the limits, answers the same when it is asked
//! again, and does not care how rows are cut into batches.

use clap::Args;

use super::{
    cases::CasesFile,
    local::{PluginArguments, refused},
    sample,
};
use crate::{
    cli::{
        failure::Failure,
        output::{OutputArguments, Sheet},
    },
    evaluate::author::{AuthoredPlugin, Scored},
    proto::v1,
    sandbox::{Context, Limits, Scope, verify_steps},
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

/// A plugin and the rows that it is checked with.
struct Subject<'p> {
    plugin: &'p AuthoredPlugin,
    context: Context,
    rows: Vec<&'p v1::PluginRow>,
}

/// What a check found: how it went, or what is wrong.
type Found = Result<String, String>;

/// Checks a plugin.
pub(super) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let file = arguments.cases.as_deref().map(CasesFile::read).transpose()?;
    let parameters = file.as_ref().and_then(|file| file.parameters.as_deref());
    let plugin = arguments.plugin.load(parameters)?;
    let rows: Vec<v1::PluginRow> = match &file {
        Some(file) => file.cases(&plugin.manifest)?.into_iter().map(|case| case.row).collect(),
        None => sample::rows(&plugin.manifest, arguments.rows as usize),
    };
    let mut seen = Vec::new();
    for row in &rows {
        if plugin.lacks(row).map_err(|rejection| refused(arguments.plugin.name(), &rejection))?.is_none() {
            seen.push(row);
        }
    }
    let subject = Subject { plugin: &plugin, context: arguments.plugin.context()?, rows: seen };
    let checks: [(&str, Found); 6] = [
        ("contract", subject.contract()),
        ("limits", subject.limits()),
        ("no rows", subject.nothing()),
        ("determinism", subject.determinism()),
        ("chunking", subject.chunking()),
        ("explanation", subject.explanation()),
    ];
    let mut sheet = Sheet::new(&["check", "result", "what"]);
    let mut failed = Vec::new();
    for (name, found) in checks {
        match found {
            Ok(what) => sheet.row([name.to_owned(), "ok".to_owned(), what]),
            Err(what) => {
                failed.push(name);
                sheet.row([name.to_owned(), "wrong".to_owned(), what]);
            }
        }
    }
    sheet.print(arguments.output.output)?;
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Differs(format!("{}: wrong in {}", arguments.plugin.name(), failed.join(", "))))
}

// === impl Subject ===

impl Subject<'_> {
    /// Loading has checked exports, types and imports.
    fn contract(&self) -> Found {
        let manifest = self.plugin.describe().map_err(|verdict| verdict.message)?;
        if manifest != self.plugin.manifest {
            return Err("describe gives another manifest when it is asked again".to_owned());
        }
        let (inputs, outputs) = (manifest.inputs.len() + manifest.line_inputs.len(), manifest.outputs.len());
        Ok(format!(
            "{} bytes, imports nothing; {inputs} inputs, {outputs} outputs",
            self.plugin.component_bytes
        ))
    }

    fn limits(&self) -> Found {
        let scored = self.whole()?;
        let faults = scored.iter().filter(|scored| matches!(scored, Scored::Fault(_))).count();
        let Limits { fuel_per_call, fuel_per_row, memory_bytes, .. } = Limits::default();
        Ok(format!(
            "{} rows, {faults} of them with a fault, within {fuel_per_call} fuel a call and {fuel_per_row} a row, {} MiB",
            scored.len(),
            memory_bytes >> 20
        ))
    }

    fn nothing(&self) -> Found {
        let scored = self.scored(&[])?;
        if scored.is_empty() {
            Ok("a batch of none is answered".to_owned())
        } else {
            Err("rows of nobody".to_owned())
        }
    }

    fn determinism(&self) -> Found {
        let (once, again) = (self.whole()?, self.whole()?);
        same(&once, &again)?;
        Ok("the same answer when asked twice".to_owned())
    }

    fn chunking(&self) -> Found {
        if self.plugin.manifest.scope == Scope::Group {
            return Ok("does not apply: a group is never cut".to_owned());
        }
        let whole = self.whole()?;
        for size in [1, 7] {
            let mut cut = Vec::new();
            for rows in self.rows.chunks(size) {
                cut.extend(self.scored(rows)?);
            }
            same(&whole, &cut).map_err(|what| format!("in batches of {size}: {what}"))?;
        }
        Ok("the same answers in batches of 1, of 7, and in one".to_owned())
    }

    fn explanation(&self) -> Found {
        let batch = self.plugin.batch(&self.rows).map_err(|rejection| rejection.message)?;
        let outcome = self.plugin.evaluate(&self.context, &batch).map_err(|verdict| verdict.message)?;
        let mut explained = 0;
        for row in (0..batch.rows).filter(|row| outcome.faults.iter().all(|fault| fault.row != *row)) {
            let told = |what: String| format!("row {row}: {what}");
            let steps =
                self.plugin.explain(&self.context, &batch, row).map_err(|verdict| told(verdict.message))?;
            for column in &outcome.columns {
                verify_steps(column, row, &steps).map_err(|verdict| told(verdict.message))?;
            }
            explained += 1;
            if explained == EXPLAINED {
                break;
            }
        }
        Ok(format!("the steps of {explained} rows add up to their outputs"))
    }

    fn whole(&self) -> Result<Vec<Scored>, String> {
        self.scored(&self.rows)
    }

    /// What becomes of some rows in one batch.
    fn scored(&self, rows: &[&v1::PluginRow]) -> Result<Vec<Scored>, String> {
        let batch = self.plugin.batch(rows).map_err(|rejection| rejection.message)?;
        let outcome = self.plugin.evaluate(&self.context, &batch).map_err(|verdict| verdict.message)?;
        Ok((0..rows.len()).map(|row| self.plugin.of_row(&outcome, row)).collect())
    }
}

/// Where two answers differ.
fn same(one: &[Scored], other: &[Scored]) -> Result<(), String> {
    match one.iter().zip(other).position(|(one, other)| one != other) {
        Some(row) => Err(format!("row {row} is {:?} and then {:?}", one[row], other[row])),
        None => Ok(()),
    }
}
