//! `merit plugin`: publishes revisions of formulas and components, and tries them out.

use std::collections::BTreeMap;

use bytes::Bytes;
use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::{
    argument::{read_bytes, read_text, text_of},
    connection::{Connection, ConnectionArguments, client},
    failure::Failure,
    output::{
        Format, OutputArguments, RecordPrinter, Sheet, dynamic, json, print_json, print_line, print_record,
        short_name,
    },
    pages::Pages,
    period,
};
use crate::{
    model::schema::schemas,
    proto::v1::{
        self, plugin_source, plugin_value::Value as PluginValueKind,
        publish_plugin_revision_request as publish,
    },
};

/// What `merit plugin` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Publishes a revision of a plugin; creates the plugin where there is none.
    Publish(PublishArguments),
    /// Lists the revisions of the team's plugins.
    List(Common<ListArguments>),
    /// Lists the standard plugins that the server ships with.
    Standard(Common<NoArguments>),
    /// Says what a plugin needs and gives.
    Describe(Common<SourceArguments>),
    /// Scores a row, or the rows of a file.
    Evaluate(Common<TryArguments>),
    /// Explains the answer for a row.
    Explain(Common<TryArguments>),
}

#[derive(Debug, Args)]
struct Common<A: Args> {
    #[command(flatten)]
    arguments: A,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

#[derive(Debug, Args)]
struct NoArguments {}

#[derive(Debug, Args)]
struct ListArguments {
    /// The plugin [default: all].
    plugin: Option<String>,
}

/// Which plugin is meant.
#[derive(Debug, Args)]
struct SourceArguments {
    /// A published revision, by id or name.
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
struct TryArguments {
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
    /// The period that the plugin is told.
    #[arg(long, value_name = "PERIOD")]
    period: Option<String>,
}

#[derive(Debug, Args)]
struct PublishArguments {
    /// The plugin, by id or name.
    plugin: String,
    /// The file of a formula sheet.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["component", "standard"], conflicts_with_all = ["component", "standard"])]
    formula: Option<String>,
    /// The file of a WebAssembly component.
    #[arg(long, value_name = "FILE", conflicts_with = "standard")]
    component: Option<String>,
    /// The id of a standard plugin: `merit plugin standard` lists them.
    #[arg(long, value_name = "ID")]
    standard: Option<String>,
    /// Parameters that become a part of the revision, JSON or @FILE.
    #[arg(long, value_name = "JSON")]
    parameters: Option<String>,
    /// What people call the plugin, where it is created.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Makes a repeat safe: the same id with the same content gives the first answer.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Checks everything and publishes nothing.
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Runs `merit plugin`.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Publish(arguments) => publish(arguments).await,
        Command::List(common) => list(common).await,
        Command::Standard(common) => standard(common).await,
        Command::Describe(common) => describe(common).await,
        Command::Evaluate(common) => evaluate(common).await,
        Command::Explain(common) => explain(common).await,
    }
}

async fn publish(arguments: &PublishArguments) -> Result<(), Failure> {
    let connection = Connection::open(&arguments.connection).await?;
    let plugin = connection.name("plugins", &arguments.plugin)?;
    let source = match (&arguments.formula, &arguments.component, &arguments.standard) {
        (Some(path), _, _) => publish::Source::Formula(read_text(path)?),
        (_, Some(path), _) => publish::Source::Component(Bytes::from(read_bytes(path)?)),
        (_, _, Some(id)) => publish::Source::Standard(id.clone()),
        _ => return Err(Failure::Usage("give --formula, --component or --standard".to_owned())),
    };
    ensure(&connection, &plugin, arguments.display_name.as_deref(), arguments.validate_only).await?;
    let request = v1::PublishPluginRevisionRequest {
        plugin,
        source: Some(source),
        parameters: parameters(arguments.parameters.as_deref())?,
        request_id: arguments.request_id.clone().unwrap_or_default(),
        validate_only: arguments.validate_only,
    };
    let revision = publish_revision(&connection, request).await?;
    match arguments.output.output {
        Format::Table => {
            if arguments.validate_only {
                print_line("nothing is wrong; nothing was published")?;
            } else {
                print_line(&format!("{}, component {}", revision.name, revision.component))?;
            }
            print_line(&manifest_sheet(&revision.manifest.unwrap_or_default()).table())
        }
        format => print_record(format, &dynamic(&revision)),
    }
}

/// Publishes a revision.
pub(super) async fn publish_revision(
    connection: &Connection,
    request: v1::PublishPluginRevisionRequest,
) -> Result<v1::PluginRevision, Failure> {
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let answer = client.publish_plugin_revision(connection.request(request)).await;
    answer.map(tonic::Response::into_inner).map_err(|status| connection.failure(status))
}

/// Creates the plugin where there is none. A publication that is only checked needs one that is there.
pub(super) async fn ensure(
    connection: &Connection,
    name: &str,
    display_name: Option<&str>,
    validate_only: bool,
) -> Result<(), Failure> {
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let request = connection.request(v1::GetPluginRequest { name: name.to_owned() });
    match client.get_plugin(request).await {
        Err(status) if status.code() == tonic::Code::NotFound && !validate_only => {}
        Err(status) => return Err(connection.failure(status)),
        Ok(_) => return Ok(()),
    }
    let id = short_name(name);
    let plugin = v1::Plugin { display_name: display_name.unwrap_or(&id).to_owned(), ..v1::Plugin::default() };
    let parent = connection.team()?.to_owned();
    let request = v1::CreatePluginRequest {
        parent,
        plugin: Some(plugin),
        plugin_id: id,
        ..v1::CreatePluginRequest::default()
    };
    match client.create_plugin(connection.request(request)).await {
        Err(status) if status.code() != tonic::Code::AlreadyExists => Err(connection.failure(status)),
        _ => Ok(()),
    }
}

async fn list(common: &Common<ListArguments>) -> Result<(), Failure> {
    let connection = Connection::open(&common.connection).await?;
    let schema = &schemas()["pluginRevisions"];
    let filter = match &common.arguments.plugin {
        Some(plugin) => Some(format!("plugin = \"{}\"", connection.name("plugins", plugin)?)),
        None => None,
    };
    let fields: Vec<String> = match common.output.output {
        Format::Table => ["name", "plugin", "number", "standard", "component", "author", "create_time"]
            .map(str::to_owned)
            .to_vec(),
        _ => Vec::new(),
    };
    let mut printer = RecordPrinter::new(common.output.output, &schema.message, &fields)?;
    let mut pages = Pages::new(&connection, schema, filter.as_deref(), None, None)?;
    while let Some(page) = pages.next().await? {
        printer.page(&page)?;
    }
    printer.finish()
}

async fn standard(common: &Common<NoArguments>) -> Result<(), Failure> {
    let connection = Connection::open(&common.connection).await?;
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let answer = client.list_standard_plugins(connection.request(v1::ListStandardPluginsRequest {})).await;
    let answer = answer.map_err(|status| connection.failure(status))?.into_inner();
    match common.output.output {
        format @ (Format::Json | Format::Jsonl) => print_json(format, &json(&dynamic(&answer))),
        format => {
            let mut sheet = Sheet::new(&["id", "summary", "component", "bytes"]);
            for plugin in answer.standard_plugins {
                sheet.row([plugin.id, plugin.summary, plugin.component, plugin.component_bytes.to_string()]);
            }
            sheet.print(format)
        }
    }
}

async fn describe(common: &Common<SourceArguments>) -> Result<(), Failure> {
    let connection = Connection::open(&common.connection).await?;
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let plugin = Some(source(&connection, &common.arguments)?);
    let parent = connection.team()?.to_owned();
    let answer =
        client.describe_plugin(connection.request(v1::DescribePluginRequest { parent, plugin })).await;
    let manifest = answer.map_err(|status| connection.failure(status))?.into_inner();
    match common.output.output {
        format @ (Format::Json | Format::Jsonl) => print_json(format, &json(&dynamic(&manifest))),
        Format::Table => {
            print_line(&manifest.summary)?;
            manifest_sheet(&manifest).print(Format::Table)
        }
        format => manifest_sheet(&manifest).print(format),
    }
}

/// What a plugin needs and gives, one a row.
fn manifest_sheet(manifest: &v1::Manifest) -> Sheet {
    let mut sheet = Sheet::new(&["what", "name", "kind", "decimals", "required"]);
    for (what, inputs) in [("input", &manifest.inputs), ("line input", &manifest.line_inputs)] {
        for input in inputs {
            let kind = if input.kind() == v1::ValueKind::Text { "text" } else { "number" };
            let required = if input.required { "yes" } else { "no" };
            let row = [what, &input.name, kind, &input.scale.to_string(), required];
            sheet.row(row);
        }
    }
    for output in &manifest.outputs {
        sheet.row(["output", &output.name, role_name(output.role()), &output.scale.to_string(), ""]);
    }
    sheet
}

fn role_name(role: v1::OutputRole) -> &'static str {
    match role {
        v1::OutputRole::Score => "score",
        v1::OutputRole::Payout => "payout",
        v1::OutputRole::Grade => "grade",
        v1::OutputRole::Detail => "detail",
        v1::OutputRole::Unspecified => "",
    }
}

async fn evaluate(common: &Common<TryArguments>) -> Result<(), Failure> {
    let connection = Connection::open(&common.connection).await?;
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let (period_start, period_end) = told_period(&common.arguments)?;
    let request = v1::EvaluatePluginRequest {
        parent: connection.team()?.to_owned(),
        plugin: Some(source(&connection, &common.arguments.source)?),
        period_start,
        period_end,
        rows: rows(&common.arguments)?,
    };
    let answer = client.evaluate_plugin(connection.request(request)).await;
    let answer = answer.map_err(|status| connection.failure(status))?.into_inner();
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
            result.outputs.iter().find(|output| &output.name == name).map(value).unwrap_or_default()
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

fn value(output: &v1::PluginValue) -> String {
    match &output.value {
        Some(PluginValueKind::Number(text) | PluginValueKind::Text(text)) => text.clone(),
        None => String::new(),
    }
}

async fn explain(common: &Common<TryArguments>) -> Result<(), Failure> {
    let connection = Connection::open(&common.connection).await?;
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let (period_start, period_end) = told_period(&common.arguments)?;
    let request = v1::ExplainPluginRequest {
        parent: connection.team()?.to_owned(),
        plugin: Some(source(&connection, &common.arguments.source)?),
        period_start,
        period_end,
        rows: rows(&common.arguments)?,
        row: common.arguments.row,
    };
    let answer = client.explain_plugin(connection.request(request)).await;
    let answer = answer.map_err(|status| connection.failure(status))?.into_inner();
    if let format @ (Format::Json | Format::Jsonl) = common.output.output {
        return print_json(format, &json(&dynamic(&answer)));
    }
    let mut sheet = Sheet::new(&["step", "amount", "of", "how"]);
    for step in &answer.steps {
        sheet.row([&step.label, &step.amount, &step.output, &step.note].map(Clone::clone));
    }
    sheet.print(common.output.output)?;
    if common.output.output == Format::Table
        && let Some(result) = &answer.result
    {
        results_sheet(std::slice::from_ref(result)).print(Format::Table)?;
    }
    Ok(())
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

fn parameters(argument: Option<&str>) -> Result<String, Failure> {
    argument.map_or(Ok(String::new()), |argument| text_of("--parameters", argument))
}

fn told_period(arguments: &TryArguments) -> Result<(String, String), Failure> {
    match &arguments.period {
        Some(text) => period::parse(text).map_err(|message| Failure::Usage(format!("--period: {message}"))),
        None => Ok((String::new(), String::new())),
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
            let mut object: serde_json::Map<String, Json> =
                serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            let lines = match object.remove("lines") {
                Some(Json::Array(lines)) => {
                    lines.iter().map(|line| v1::PluginLine { inputs: texts(line) }).collect()
                }
                Some(_) => return Err(wrong("`lines` has to be a list of objects".to_owned())),
                None => Vec::new(),
            };
            Ok(v1::PluginRow { inputs: texts(&Json::Object(object)), lines })
        })
        .collect()
}

fn texts(object: &Json) -> BTreeMap<String, String> {
    let entries = object.as_object().into_iter().flatten();
    let entries = entries.filter(|(_, value)| !value.is_null());
    entries
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}
