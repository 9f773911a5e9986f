//! `merit status`: how the server is doing.

use clap::Args;
use prost_reflect::ReflectMessage as _;

use super::{
    connection::{Connection, client},
    failure::Failure,
    output::{Format, OutputArguments, RecordPrinter, dynamic, json, print_json, print_line},
};
use crate::proto::v1;

/// What `merit status` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    output: OutputArguments,
}

/// Runs `merit status`.
pub(super) async fn run(connection: &Connection, arguments: &Arguments) -> Result<(), Failure> {
    let mut client = client!(connection, server_service_client::ServerServiceClient);
    let answer = client.get_status(connection.request(v1::GetStatusRequest {})).await;
    let status = answer.map_err(|status| connection.failure(status))?.into_inner();
    match arguments.output.output {
        Format::Table => {
            for (label, value) in lines(&status) {
                print_line(&format!("{label:<18} {value}"))?;
            }
            Ok(())
        }
        Format::Csv => {
            let status = dynamic(&status);
            let mut printer = RecordPrinter::new(Format::Csv, &status.descriptor(), &[])?;
            printer.page(std::slice::from_ref(&status))?;
            printer.finish()
        }
        format => print_json(format, &json(&dynamic(&status))),
    }
}

fn lines(status: &v1::GetStatusResponse) -> Vec<(&'static str, String)> {
    let of = |used: u64, limit: u64| format!("{used} of {limit}");
    let mut lines = vec![
        ("version", format!("{}, {}", status.version, status.engine)),
        ("sequence", status.sequence.to_string()),
        ("runs at work", status.runs.to_string()),
        ("calls computing", of(status.computing_calls, status.computing_calls_limit)),
        (
            "plugins at work",
            format!("{} calls, {} bytes of memory", status.plugin_calls, status.plugin_memory_bytes),
        ),
        ("bytes of views", of(status.view_bytes, status.view_bytes_limit)),
    ];
    let views = status.views.iter();
    lines.extend(views.map(|view| ("  view", format!("{}/{}: {}", view.team, view.collection, view.bytes))));
    if !status.failure.is_empty() {
        lines.push(("failure", status.failure.clone()));
    }
    lines
}
