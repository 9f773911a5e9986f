//! `merit plugin`: publishes revisions of formulas and components, tries them out, and helps those who write them.

mod arguments;
mod bench;
mod build;
mod cases;
mod check;
mod compare;
mod contents;
mod document;
mod explain_case;
mod life;
mod local;
mod manifest;
mod new;
mod sample;
mod shown;
mod sign;
mod test;
mod trial;
mod try_out;

use bytes::Bytes;
use clap::{Args, Subcommand};

use super::{
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
use arguments::Common;
use contents::Contents;
use life::RevisionArguments;
use manifest::manifest_sheet;
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
    /// Approves a draft.
    Approve(Common<RevisionArguments>),
    /// Makes an approved revision the active one of its plugin; the one before is retired.
    Activate(Common<RevisionArguments>),
    /// Retires a revision.
    Retire(Common<RevisionArguments>),
    /// Says what another revision would change of a finished run.
    Compare(Common<compare::CompareArguments>),
    /// Lists the runs that used a revision.
    Runs(Common<life::RunsArguments>),
    /// Makes a key to sign revisions with. Asks no server.
    Keygen(sign::KeygenArguments),
    /// Adds a key to those that the team trusts, or takes one away.
    Trust(Common<sign::TrustArguments>),
    /// Prints the signature of what would be published. Asks no server.
    Sign(sign::SignArguments),
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
    #[command(flatten)]
    contents: Contents,
    /// Approves and activates it at once, where the team does not ask for four eyes.
    #[arg(long)]
    activate: bool,
    #[command(flatten)]
    key: sign::KeyArguments,
    /// A signature that `merit plugin sign` printed, instead of a key.
    #[arg(long, value_name = "HEX", requires = "key_id", conflicts_with = "key")]
    signature: Option<String>,
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
        Command::Approve(common) => life::change(life::Step::Approve, common).await,
        Command::Activate(common) => life::change(life::Step::Activate, common).await,
        Command::Retire(common) => life::change(life::Step::Retire, common).await,
        Command::Compare(common) => compare::compare(common).await,
        Command::Runs(common) => life::runs(common).await,
        Command::Keygen(arguments) => sign::keygen(arguments),
        Command::Trust(common) => sign::trust(common).await,
        Command::Sign(arguments) => sign::print(arguments),
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
    let (source, parameters) = arguments.contents.read()?;
    let signature = match (&arguments.signature, &arguments.key.key_id) {
        (Some(signature), Some(key_id)) => {
            Some(v1::PluginSignature { key_id: key_id.clone(), signature: signature.clone() })
        }
        _ => sign::signed(&plugin, &source, &parameters, &arguments.key)?,
    };
    let created =
        ensure(&connection, &plugin, arguments.display_name.as_deref(), arguments.validate_only).await?;
    let request = v1::PublishPluginRevisionRequest {
        activate: arguments.activate,
        signature,
        plugin: plugin.clone(),
        source: Some(source),
        parameters,
        request_id: arguments.request_id.clone().unwrap_or_default(),
        validate_only: arguments.validate_only,
    };
    let revision = match publish_revision(&connection, request).await {
        Err(failure) if created => {
            // Made for this revision alone. One that somebody has used in the meantime stays, by the rules of deletion.
            let mut client = client!(connection, plugin_service_client::PluginServiceClient);
            let request = v1::DeletePluginRequest { name: plugin, ..v1::DeletePluginRequest::default() };
            let _ = client.delete_plugin(connection.request(request)).await;
            return Err(failure);
        }
        answer => answer?,
    };
    match arguments.output.output {
        Format::Table => {
            if arguments.validate_only {
                print_line("nothing is wrong; nothing was published")?;
            } else {
                let state = life::state(&revision);
                print_line(&format!("{} is {state}, component {}", revision.name, revision.component))?;
            }
            print_line(&manifest_sheet(&revision.manifest.unwrap_or_default()).table())
        }
        format => print_record(format, &dynamic(&revision)),
    }
}

/// Publishes a revision; a component goes in pieces, whatever its size.
pub(in crate::cli) async fn publish_revision(
    connection: &Connection,
    mut request: v1::PublishPluginRevisionRequest,
) -> Result<v1::PluginRevision, Failure> {
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let sheet = match &request.source {
        Some(publish::Source::Formula(sheet)) => Some(sheet.clone()),
        _ => None,
    };
    let answer = match request.source.take() {
        Some(publish::Source::Component(component)) => {
            let pieces = pieces(request, &component);
            client.upload_plugin_revision(connection.long_request(tokio_stream::iter(pieces))).await
        }
        source => {
            let request = v1::PublishPluginRevisionRequest { source, ..request };
            client.publish_plugin_revision(connection.request(request)).await
        }
    };
    answer
        .map(tonic::Response::into_inner)
        .map_err(|status| connection.failure(status).about(sheet.as_deref()))
}

/// An upload: what is published, then the component.
fn pieces(
    publication: v1::PublishPluginRevisionRequest,
    component: &Bytes,
) -> Vec<v1::UploadPluginRevisionRequest> {
    use v1::upload_plugin_revision_request::Piece;
    /// Bytes of a piece.
    const PIECE: usize = 256 << 10;
    let header = v1::UploadHeader {
        publication: Some(publication),
        component: blake3::hash(component).to_hex().to_string(),
        component_bytes: i64::try_from(component.len()).unwrap_or(i64::MAX),
    };
    let chunks = (0..component.len())
        .step_by(PIECE)
        .map(|start| Piece::Chunk(component.slice(start..component.len().min(start + PIECE))));
    let pieces = std::iter::once(Piece::Header(header)).chain(chunks);
    pieces.map(|piece| v1::UploadPluginRevisionRequest { piece: Some(piece) }).collect()
}

/// Creates the plugin where there is none, and says whether it did. For a publication that is only checked this is checked too.
pub(in crate::cli) async fn ensure(
    connection: &Connection,
    name: &str,
    display_name: Option<&str>,
    validate_only: bool,
) -> Result<bool, Failure> {
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let request = connection.request(v1::GetPluginRequest { name: name.to_owned() });
    match client.get_plugin(request).await {
        Err(status) if status.code() == tonic::Code::NotFound => {}
        Err(status) => return Err(connection.failure(status)),
        Ok(_) => return Ok(false),
    }
    let id = short_name(name);
    let plugin = v1::Plugin { display_name: display_name.unwrap_or(&id).to_owned(), ..v1::Plugin::default() };
    let parent = connection.team()?.to_owned();
    let request = v1::CreatePluginRequest {
        parent,
        plugin: Some(plugin),
        plugin_id: id,
        validate_only,
        ..v1::CreatePluginRequest::default()
    };
    match client.create_plugin(connection.request(request)).await {
        Err(status) if status.code() != tonic::Code::AlreadyExists => Err(connection.failure(status)),
        answer => Ok(answer.is_ok() && !validate_only),
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
        Format::Table => [
            "name",
            "state",
            "quarantine_reason",
            "standard",
            "component",
            "author",
            "approver",
            "create_time",
        ]
        .map(str::to_owned)
        .to_vec(),
        _ => Vec::new(),
    };
    let mut printer = RecordPrinter::new(common.output.output, &schema.message, &fields)?;
    // As people count: c-2 before c-10.
    let mut pages = Pages::new(&connection, schema, filter.as_deref(), Some("plugin, number"), None)?;
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
