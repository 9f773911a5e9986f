//! `merit plugin explain --case`: how a case of a file comes about, step by step, and whether the steps add up. No server is
//! asked.

use super::{
    cases::{Case, CasesFile},
    local::{PluginArguments, refused},
};
use crate::{
    cli::{
        failure::Failure,
        output::{Format, Sheet, print_json},
    },
    evaluate::author::{AuthoredPlugin, Scored},
    model::decimal::decimal_text,
    proto::v1,
    sandbox::{Context, Scope, Step, Verdict, verify_steps},
};

/// A case to be explained.
pub(super) struct Why<'a> {
    pub(super) plugin: PluginArguments,
    /// The file of cases.
    pub(super) cases: &'a str,
    /// The case, by name or number.
    pub(super) case: &'a str,
    pub(super) output: Format,
}

/// Explains a case.
pub(super) fn why(arguments: &Why<'_>) -> Result<(), Failure> {
    let file = CasesFile::read(arguments.cases)?;
    let plugin = arguments.plugin.load(file.parameters.as_deref())?;
    let cases = file.cases(&plugin)?;
    let named = |case: &&Case| case.name == arguments.case;
    let numbered = || cases.get(arguments.case.parse::<usize>().ok()?.checked_sub(1)?);
    let case = cases.iter().find(named).or_else(numbered).ok_or_else(|| {
        let known: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        Failure::Usage(format!(
            "{} has no case {:?}; it has {}",
            arguments.cases,
            arguments.case,
            known.join(", ")
        ))
    })?;
    explain(arguments, &plugin, &arguments.plugin.context()?, case, &cases)
}

fn explain(
    arguments: &Why<'_>,
    plugin: &AuthoredPlugin,
    context: &Context,
    case: &Case,
    cases: &[Case],
) -> Result<(), Failure> {
    let wrong = |rejection| refused(arguments.plugin.name(), &rejection);
    // Who lacks what is required is not seen by the plugin, here as in a run.
    let seen = |case: &Case| plugin.lacks(&case.row).map(|lacking| lacking.is_none()).map_err(wrong);
    let mut together: Vec<&Case> = Vec::new();
    for other in cases {
        let with = plugin.manifest.scope == Scope::Group && other.group == case.group;
        if std::ptr::eq(other, case) || with && seen(other)? {
            together.push(other);
        }
    }
    if let Some(lacking) = plugin.lacks(&case.row).map_err(wrong)? {
        return Err(Failure::Differs(format!("{}: {lacking}", case.name)));
    }
    let place = together.iter().position(|other| std::ptr::eq(*other, case)).unwrap_or_default();
    let rows: Vec<&v1::PluginRow> = together.iter().map(|case| &case.row).collect();
    let batch = plugin.batch(&rows).map_err(wrong)?;
    let stopped = |verdict: Verdict| {
        Failure::Differs(format!("{}: {}: {}", case.name, verdict.reason.code(), verdict.message))
    };
    let outcome = plugin.evaluate(context, &batch).map_err(stopped)?;
    let outputs = match plugin.of_row(&outcome, place) {
        Scored::Fault(fault) => return Err(Failure::Differs(format!("{}: {fault}", case.name))),
        Scored::Outputs(outputs) => outputs,
    };
    let row = u32::try_from(place).unwrap_or_default();
    let steps = plugin.explain(context, &batch, row).map_err(stopped)?;
    print_steps(arguments.output, &steps, &outputs)?;
    outcome.columns.iter().try_for_each(|column| verify_steps(column, row, &steps)).map_err(stopped)
}

fn print_steps(format: Format, steps: &[Step], outputs: &[(String, Option<String>)]) -> Result<(), Failure> {
    let mut sheet = Sheet::new(&["step", "amount", "of", "how"]);
    for step in steps {
        let amount = decimal_text(step.unscaled.into(), step.scale, false);
        sheet.row([step.label.clone(), amount, step.output.clone().unwrap_or_default(), step.note.clone()]);
    }
    for (name, value) in outputs {
        sheet.row(["", value.as_deref().unwrap_or(""), name, "the output"]);
    }
    match format {
        format @ (Format::Json | Format::Jsonl) => {
            let rows: Vec<_> = sheet
                .rows
                .iter()
                .map(|row| serde_json::json!({ "step": row[0], "amount": row[1], "of": row[2], "how": row[3] }))
                .collect();
            print_json(format, &serde_json::Value::Array(rows))
        }
        format => sheet.print(format),
    }
}
