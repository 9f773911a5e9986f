//! `merit plugin`: publishes revisions of formulas and components, tries them out, and helps those who write them.

mod bench;
mod build;
mod cases;
mod check;
mod local;
mod new;
mod sample;
mod test;
mod try_out;

use bytes::Bytes;
use clap::{Args, Subcommand};

use super::{
    argument::{read_bytes, read_text, text_of},
    connection::{Connection, ConnectionArguments, client},
    failure::Failure,
    output::{
        Format, OutputArguments, RecordPrinter, Sheet, dynamic, json, print_json, print_line, print_record,
        short_name,
    },
    pages::Pages,
};
use crate::{
    model::schema::schemas,
    proto::v1::{self, publish_plugin_revision_request as publish},
};
use try_out::{SourceArguments, TryArguments};

/// What `merit plugin` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
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
    /// Explains the answer for a row; with --case, without a server.
    Explain(Common<TryArguments>),
    /// Makes a folder with a plugin to begin with, in the language asked for.
    New(new::NewArguments),
    /// Makes a component of a core module.
    Build(build::BuildArguments),
    /// Checks contract, limits, determinism and chunking of a plugin. Asks no server.
    Check(check::CheckArguments),
    /// Runs a plugin over a file of cases. Asks no server.
    Test(test::TestArguments),
    /// Measures a plugin. Asks no server.
    Bench(bench::BenchArguments),
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
pub(in crate::cli) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Publish(arguments) => publish(arguments).await,
        Command::List(common) => list(common).await,
        Command::Standard(common) => standard(common).await,
        Command::Describe(common) => try_out::describe(common).await,
        Command::Evaluate(common) => try_out::evaluate(common).await,
        Command::Explain(common) => try_out::explain(common).await,
        Command::New(arguments) => new::run(arguments),
        Command::Build(arguments) => build::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
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
        activate: false,
        signature: None,
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
pub(in crate::cli) async fn publish_revision(
    connection: &Connection,
    request: v1::PublishPluginRevisionRequest,
) -> Result<v1::PluginRevision, Failure> {
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let answer = client.publish_plugin_revision(connection.request(request)).await;
    answer.map(tonic::Response::into_inner).map_err(|status| connection.failure(status))
}

/// Creates the plugin where there is none. A publication that is only checked needs one that is there.
pub(in crate::cli) async fn ensure(
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

fn parameters(argument: Option<&str>) -> Result<String, Failure> {
    argument.map_or(Ok(String::new()), |argument| text_of("--parameters", argument))
}
