//! The life of a revision from the command line: approve, activate, retire, and which runs used it.

use clap::Args;

use super::arguments::Common;
use crate::{
    cli::{
        connection::{Connection, client},
        failure::Failure,
        output::{Format, Sheet, dynamic, json, print_json, print_line, print_record},
    },
    proto::v1,
};

/// Which revision.
#[derive(Debug, Args)]
pub(super) struct RevisionArguments {
    /// The revision, by id or name: `commission-2`.
    revision: String,
    /// Makes a repeat safe: the same id with the same content gives the first answer.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Checks everything and changes nothing.
    #[arg(long)]
    validate_only: bool,
}

/// Which revision's runs.
#[derive(Debug, Args)]
pub(super) struct RunsArguments {
    /// The revision, by id or name: `commission-2`.
    revision: String,
}

/// What becomes of a revision.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Approve,
    Activate,
    Retire,
}

/// Changes the state of a revision.
pub(super) async fn change(step: Step, common: &Common<RevisionArguments>) -> Result<(), Failure> {
    let connection = Connection::open(&common.connection).await?;
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let arguments = &common.arguments;
    let name = connection.name("pluginRevisions", &arguments.revision)?;
    let request_id = arguments.request_id.clone().unwrap_or_default();
    let (validate_only, etag) = (arguments.validate_only, String::new());
    let answer = match step {
        Step::Approve => {
            let request = v1::ApprovePluginRevisionRequest { name, etag, request_id, validate_only };
            client.approve_plugin_revision(connection.request(request)).await
        }
        Step::Activate => {
            let request = v1::ActivatePluginRevisionRequest { name, etag, request_id, validate_only };
            client.activate_plugin_revision(connection.request(request)).await
        }
        Step::Retire => {
            let request = v1::RetirePluginRevisionRequest { name, etag, request_id, validate_only };
            client.retire_plugin_revision(connection.request(request)).await
        }
    };
    let revision = answer.map_err(|status| connection.failure(status))?.into_inner();
    match common.output.output {
        Format::Table => print_line(&format!("{} is {}", revision.name, state(&revision))),
        format => print_record(format, &dynamic(&revision)),
    }
}

/// The state of a revision, as people say it.
pub(super) fn state(revision: &v1::PluginRevision) -> String {
    revision.state().as_str_name().trim_start_matches("PLUGIN_REVISION_STATE_").to_ascii_lowercase()
}

/// Lists the runs that used a revision.
pub(super) async fn runs(common: &Common<RunsArguments>) -> Result<(), Failure> {
    let connection = Connection::open(&common.connection).await?;
    let mut client = client!(connection, plugin_service_client::PluginServiceClient);
    let name = connection.name("pluginRevisions", &common.arguments.revision)?;
    let mut all = v1::ListPluginRevisionRunsResponse::default();
    let mut page_token = String::new();
    loop {
        let request = v1::ListPluginRevisionRunsRequest { name: name.clone(), page_size: 1000, page_token };
        let answer = client.list_plugin_revision_runs(connection.request(request)).await;
        let answer = answer.map_err(|status| connection.failure(status))?.into_inner();
        all.runs.extend(answer.runs);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    match common.output.output {
        format @ (Format::Json | Format::Jsonl) => print_json(format, &json(&dynamic(&all))),
        Format::Table if all.runs.is_empty() => print_line(&format!("no run used {name}")),
        format => {
            let mut sheet = Sheet::new(&["run"]);
            all.runs.into_iter().for_each(|run| sheet.row([run]));
            sheet.print(format)
        }
    }
}
