//! `merit plugin describe`, `evaluate` and `explain`: a plugin tried out, published or not.

use std::collections::BTreeMap;

use bytes::Bytes;
use clap::Args;
use serde_json::Value as Json;

use super::{
    arguments::Common,
    contents::parameters,
    explain_case::{self, Why},
    local::{ContextArguments, PluginArguments},
    manifest::manifest_sheet,
};
use crate::{
    cli::{
        argument::{read_bytes, read_text},
        connection::{Connection, client},
        evaluation::text,
        failure::Failure,
        output::{Format, Sheet, dynamic, json, print_json, print_line},
    },
    proto::v1::{self, plugin_source},
    transfer::parse_json_object,
};

/// Which plugin is meant.
#[derive(Debug, Args)]
pub(super) struct SourceArguments {
    /// A published revision, by id or name; with --case a file (.wasm, .formula), or the id of a standard plugin.
    #[arg(required_unless_present_any = ["formula", "component", "standard"])]
    revision: Option<String>,
    /// The file of a formula sheet.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["revision", "component", "standard"])]
    formula: Option<String>,
    /// The file of a WebAssembly component.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["revision", "standard"])]
    component: Option<String>,
    /// The id of a standard plugin.
    #[arg(long, value_name = "ID", conflicts_with = "revision")]
    standard: Option<String>,
    /// The parameters, JSON or @FILE.
    #[arg(long, value_name = "JSON")]
    parameters: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct TryArguments {
    #[command(flatten)]
    source: SourceArguments,
    /// An input: `--input revenue=1200.50`.
    #[arg(short, long, value_name = "NAME=VALUE")]
    input: Vec<String>,
    /// Rows as JSON lines: `{"revenue": "1200.50", "lines": [{"amount": "10"}]}`.
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    rows: Option<String>,
    /// The row of --rows to explain, from 0.
    #[arg(long, value_name = "ROW", default_value_t)]
    row: i32,
    /// A case of a file to explain, by name or number. No server is asked.
    #[arg(long, value_name = "CASE", conflicts_with_all = ["input", "rows"])]
    case: Option<String>,
    /// The file of cases (.toml, .json, .csv).
    #[arg(long, value_name = "FILE", default_value = "cases.toml", requires = "case")]
    cases: String,
    #[command(flatten)]
    context: ContextArguments,
}

/// Says what a plugin needs and gives.
pub(super) async fn describe(common: &Common<SourceArguments>) -> Result<(), Failure> {
    let connection = Connection::open(&common.connection).await?;
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let plugin = source(&connection, &common.arguments)?;
    let sheet = sheet_of(&plugin);
    let parent = connection.team()?.to_owned();
    let answer = client
        .describe_plugin(connection.request(v1::DescribePluginRequest { parent, plugin: Some(plugin) }))
        .await;
    let answer = answer.map_err(|status| connection.failure(status).about(sheet.as_deref()))?.into_inner();
    let manifest = answer.manifest.unwrap_or_default();
    match common.output.output {
        format @ (Format::Json | Format::Jsonl) => print_json(format, &json(&dynamic(&manifest))),
        Format::Table => {
            print_line(&manifest.summary)?;
            manifest_sheet(&manifest).print(Format::Table)
        }
        format => manifest_sheet(&manifest).print(format),
    }
}

/// Scores rows.
pub(super) async fn evaluate(common: &Common<TryArguments>) -> Result<(), Failure> {
    if common.arguments.case.is_some() {
        let what = "--case is explained by `merit plugin explain`; `merit plugin test` scores all cases";
        return Err(Failure::Usage(what.to_owned()));
    }
    let (period_start, period_end) = common.arguments.context.period_of_team()?.unwrap_or_default();
    let connection = Connection::open(&common.connection).await?;
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let plugin = source(&connection, &common.arguments.source)?;
    let sheet = sheet_of(&plugin);
    let request = v1::EvaluatePluginRequest {
        parent: connection.team()?.to_owned(),
        plugin: Some(plugin),
        period_start,
        period_end,
        rows: rows(&common.arguments)?,
    };
    let answer = client.evaluate_plugin(connection.request(request)).await;
    let answer = answer.map_err(|status| connection.failure(status).about(sheet.as_deref()))?.into_inner();
    let faulted = answer.results.iter().filter(|result| result.fault.is_some()).count();
    match common.output.output {
        format @ (Format::Json | Format::Jsonl) => print_json(format, &json(&dynamic(&answer)))?,
        format => results_sheet(&answer.results).print(format)?,
    }
    if faulted == 0 { Ok(()) } else { Err(Failure::Differs(format!("{faulted} rows could not be scored"))) }
}

fn results_sheet(results: &[v1::PluginResult]) -> Sheet {
    let mut sheet = Sheet::new(&["row"]);
    let outputs = results.iter().find(|result| !result.outputs.is_empty());
    let names: Vec<String> = outputs
        .map(|result| result.outputs.iter().map(|output| output.name.clone()).collect())
        .unwrap_or_default();
    sheet.columns.extend(names.iter().cloned());
    sheet.columns.push("fault".to_owned());
    for (number, result) in results.iter().enumerate() {
        let mut row = vec![number.to_string()];
        row.extend(names.iter().map(|name| {
            result.outputs.iter().find(|output| &output.name == name).map(text).unwrap_or_default()
        }));
        row.push(
            result
                .fault
                .as_ref()
                .map(|fault| format!("{}: {}", fault.reason, fault.message))
                .unwrap_or_default(),
        );
        sheet.rows.push(row);
    }
    sheet.without_empty_columns()
}

/// Explains the answer for a row.
pub(super) async fn explain(common: &Common<TryArguments>) -> Result<(), Failure> {
    if let Some(case) = &common.arguments.case {
        return explain_case(common, case);
    }
    let (period_start, period_end) = common.arguments.context.period_of_team()?.unwrap_or_default();
    let connection = Connection::open(&common.connection).await?;
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let plugin = source(&connection, &common.arguments.source)?;
    let sheet = sheet_of(&plugin);
    let request = v1::ExplainPluginRequest {
        parent: connection.team()?.to_owned(),
        plugin: Some(plugin),
        period_start,
        period_end,
        rows: rows(&common.arguments)?,
        row: common.arguments.row,
    };
    let answer = client.explain_plugin(connection.request(request)).await;
    let answer = answer.map_err(|status| connection.failure(status).about(sheet.as_deref()))?.into_inner();
    match common.output.output {
        format @ (Format::Json | Format::Jsonl) => print_json(format, &json(&dynamic(&answer)))?,
        format => {
            let mut sheet = Sheet::new(&["step", "amount", "of", "how"]);
            for step in &answer.steps {
                sheet.row([&step.label, &step.amount, &step.output, &step.note].map(Clone::clone));
            }
            sheet.print(format)?;
            if let Some(result) = answer.result.as_ref().filter(|_| format == Format::Table) {
                results_sheet(std::slice::from_ref(result)).print(format)?;
            }
        }
    }
    match answer.result.and_then(|result| result.fault) {
        Some(fault) => {
            Err(Failure::Differs(format!("the row could not be scored: {}: {}", fault.reason, fault.message)))
        }
        None => Ok(()),
    }
}

/// Explains a case of a file, here.
fn explain_case(common: &Common<TryArguments>, case: &str) -> Result<(), Failure> {
    let SourceArguments { revision, formula, component, standard, parameters } = &common.arguments.source;
    let plugin = formula.as_ref().or(component.as_ref()).or(standard.as_ref()).or(revision.as_ref());
    let plugin = plugin.ok_or_else(|| {
        Failure::Usage("--case explains what is here: give a file, or the id of a standard plugin".to_owned())
    })?;
    explain_case::why(&Why {
        plugin: PluginArguments::of(plugin, parameters.clone(), common.arguments.context.clone()),
        cases: &common.arguments.cases,
        case,
        output: common.output.output,
    })
}

fn source(connection: &Connection, arguments: &SourceArguments) -> Result<v1::PluginSource, Failure> {
    let source = match arguments {
        SourceArguments { formula: Some(path), .. } => plugin_source::Source::Formula(read_text(path)?),
        SourceArguments { component: Some(path), .. } => {
            plugin_source::Source::Component(Bytes::from(read_bytes(path)?))
        }
        SourceArguments { standard: Some(id), .. } => plugin_source::Source::Standard(id.clone()),
        SourceArguments { revision, .. } => plugin_source::Source::Revision(
            connection.name("pluginRevisions", revision.as_deref().unwrap_or_default())?,
        ),
    };
    Ok(v1::PluginSource { source: Some(source), parameters: parameters(arguments.parameters.as_deref())? })
}

/// The sheet of a formula.
fn sheet_of(plugin: &v1::PluginSource) -> Option<String> {
    match &plugin.source {
        Some(plugin_source::Source::Formula(sheet)) => Some(sheet.clone()),
        _ => None,
    }
}

/// The rows that the flags or the file give.
fn rows(arguments: &TryArguments) -> Result<Vec<v1::PluginRow>, Failure> {
    let Some(path) = &arguments.rows else {
        let mut inputs = BTreeMap::new();
        for input in &arguments.input {
            let (name, value) = input
                .split_once('=')
                .ok_or_else(|| Failure::Usage(format!("--input {input}: write it NAME=VALUE")))?;
            inputs.insert(name.to_owned(), value.to_owned());
        }
        return Ok(vec![v1::PluginRow { inputs, lines: Vec::new() }]);
    };
    let text = read_text(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let wrong = |why: String| Failure::Usage(format!("{path}, line {}: {why}", number + 1));
            let mut object = parse_json_object(line).map_err(&wrong)?;
            let lines = match object.remove("lines") {
                Some(Json::Array(lines)) => lines
                    .iter()
                    .enumerate()
                    .map(|(place, line)| match line {
                        Json::Object(line) => {
                            texts(&format!("lines[{place}]."), line).map(|inputs| v1::PluginLine { inputs })
                        }
                        _ => Err(format!("lines[{place}]: an object of inputs is expected, not {line}")),
                    })
                    .collect::<Result<_, _>>()
                    .map_err(&wrong)?,
                Some(_) => return Err(wrong("`lines` has to be a list of objects".to_owned())),
                None => Vec::new(),
            };
            Ok(v1::PluginRow { inputs: texts("", &object).map_err(&wrong)?, lines })
        })
        .collect()
}

/// The inputs that an object gives, as texts: numbers keep their digits, null gives nothing.
fn texts(above: &str, object: &serde_json::Map<String, Json>) -> Result<BTreeMap<String, String>, String> {
    let given = object.iter().filter(|(_, value)| !value.is_null());
    let text = |(name, value): (&String, &Json)| match value {
        Json::String(text) => Ok((name.clone(), text.clone())),
        Json::Number(number) => Ok((name.clone(), number.to_string())),
        _ => Err(format!("{above}{name}: a text or a number is expected, not {value}")),
    };
    given.map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::texts;
    use crate::transfer::parse_json_object;

    #[test]
    fn inputs_are_texts_and_numbers() {
        let check = |text: &str, expected: Result<&[(&str, &str)], &str>| {
            let found = parse_json_object(text).and_then(|object| texts("lines[1].", &object));
            let pairs = |pairs: &[(&str, &str)]| {
                pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
            };
            assert_eq!(found, expected.map(pairs).map_err(str::to_owned));
        };
        check(
            r#"{"a": "5", "b": 12345678901234567.50, "c": null}"#,
            Ok(&[("a", "5"), ("b", "12345678901234567.50")]),
        );
        check(r#"{"a": [5]}"#, Err("lines[1].a: a text or a number is expected, not [5]"));
        check(r#"{"a": true}"#, Err("lines[1].a: a text or a number is expected, not true"));
        check(r#"{"a": 1, "a": 2}"#, Err("a is given twice at line 1 column 12"));
    }
}
