//! `merit audit`: who changed what, and whether the journal is whole.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use prost_reflect::DynamicMessage;

use super::{
    connection::{Connection, ConnectionArguments, client},
    failure::Failure,
    output::{
        Format, OutputArguments, RecordPrinter, Sheet, dynamic, json, print_json, print_line, print_record,
    },
    progress::Progress,
    record::target,
};
use crate::{
    proto::{descriptors, v1},
    resource::blobs_named,
    store::{BlobHash, Mark, Verification, verify_directory},
};

/// What `merit audit` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists who changed what, the oldest first.
    List(ListArguments),
    /// Walks the whole journal, checks every hash, and reads every component and dataset that a record rests on.
    Verify(VerifyArguments),
}

#[derive(Debug, Args)]
struct ListArguments {
    /// Which changes, over sequence, time, author, method, request_id and name (of a record that changed):
    /// `author = "anna" AND time >= "2026-11-01"`.
    #[arg(short, long, value_name = "EXPRESSION", default_value = "", hide_default_value = true)]
    filter: String,
    /// The changes of one record: `goals/g1`, or its whole name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Tells what the records were from then on.
    #[arg(long)]
    full: bool,
    /// The newest first.
    #[arg(long)]
    newest_first: bool,
    /// The most changes, at least 1 [default: all].
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

#[derive(Debug, Args)]
struct VerifyArguments {
    /// The data directory to read, whether or not a service uses it; without it, the server is asked.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// A record that an earlier verification showed, and that was kept elsewhere: the history has to have it still.
    #[arg(long, value_name = "SEQUENCE:HASH")]
    expect: Option<Mark>,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Runs `merit audit`.
pub(super) async fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::List(arguments) => list(arguments).await,
        Command::Verify(arguments) => verify(arguments).await,
    }
}

async fn list(arguments: &ListArguments) -> Result<(), Failure> {
    let connection = Connection::open(&arguments.connection).await?;
    let mut client = client!(connection, audit_service_client::AuditServiceClient);
    let format = arguments.output.output;
    let message = dynamic(&v1::Event::default());
    let mut printer = RecordPrinter::new(format, &prost_reflect::ReflectMessage::descriptor(&message), &[])?;
    let filter = filter(&connection, arguments)?;
    let view = if arguments.full { v1::EventView::Full } else { v1::EventView::Basic };
    let order_by = if arguments.newest_first { "sequence desc" } else { "" };
    let (mut token, mut count) = (String::new(), 0);
    let mut shown = false;
    loop {
        let left = arguments.limit.map_or(1000, |limit| limit.saturating_sub(count).min(1000));
        let request = v1::ListEventsRequest {
            parent: connection.team()?.to_owned(),
            page_size: i32::try_from(left).unwrap_or(1000),
            page_token: token,
            filter: filter.clone(),
            view: view.into(),
            order_by: order_by.to_owned(),
        };
        let answer = client.list_events(connection.request(request)).await;
        let answer = answer.map_err(|status| connection.failure(status))?.into_inner();
        count += answer.events.len() as u64;
        if format == Format::Table {
            if !answer.events.is_empty() {
                shown = true;
                match arguments.full {
                    true => answer.events.iter().try_for_each(print_full)?,
                    false => print_line(&sheet(&answer.events).table())?,
                }
            }
        } else {
            printer.page(&answer.events.iter().map(dynamic).collect::<Vec<_>>())?;
        }
        token = answer.next_page_token;
        if token.is_empty() || arguments.limit.is_some_and(|limit| count >= limit) {
            break;
        }
    }
    if shown { Ok(()) } else { printer.finish() }
}

/// The condition of the request: what is asked for by name and by condition.
fn filter(connection: &Connection, arguments: &ListArguments) -> Result<String, Failure> {
    let Some(name) = &arguments.name else { return Ok(arguments.filter.clone()) };
    let (_, name) = target(connection, name, None)?;
    let of_name = format!("name = {name:?}");
    Ok(if arguments.filter.is_empty() { of_name } else { format!("{of_name} AND ({})", arguments.filter) })
}

/// Prints an event and what the records were from then on.
fn print_full(event: &v1::Event) -> Result<(), Failure> {
    print_line(&sheet(std::slice::from_ref(event)).table())?;
    for record in event.changes.iter().filter_map(|change| unpacked(change.record.as_ref()?)) {
        print_record(Format::Table, &record)?;
    }
    Ok(())
}

/// The record that is packed; nothing where it is of no message of the contract.
fn unpacked(record: &prost_types::Any) -> Option<DynamicMessage> {
    let message = descriptors().get_message_by_name(record.type_url.rsplit('/').next()?)?;
    DynamicMessage::decode(message, record.value.as_slice()).ok()
}

fn sheet(events: &[v1::Event]) -> Sheet {
    let mut sheet = Sheet::new(&["sequence", "time", "author", "method", "changed"]);
    for event in events {
        let message = dynamic(event);
        let time =
            json(&message).get("time").and_then(|time| time.as_str().map(to_the_second)).unwrap_or_default();
        let method = event.method.rsplit('/').next().unwrap_or_default().to_owned();
        let mut names: Vec<String> = event.changes.iter().take(3).map(change).collect();
        if event.changes.len() > names.len() {
            names.push(format!("and {} more", event.changes.len() - names.len()));
        }
        sheet.row([event.sequence.to_string(), time, event.author.clone(), method, names.join(", ")]);
    }
    sheet
}

/// A time for people, who do not read nanoseconds.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

fn change(change: &v1::Change) -> String {
    let name = change.name.splitn(3, '/').nth(2).unwrap_or(&change.name);
    let what = match change.kind() {
        v1::ChangeKind::Created => "created ",
        v1::ChangeKind::Deleted => "deleted ",
        v1::ChangeKind::Updated | v1::ChangeKind::Unspecified => "",
    };
    format!("{what}{name}")
}

async fn verify(arguments: &VerifyArguments) -> Result<(), Failure> {
    let found = match &arguments.data {
        Some(directory) => {
            let (place, expect) = (directory.clone(), arguments.expect);
            let verifying =
                tokio::task::spawn_blocking(move || verify_directory(&place, &blobs_named, expect));
            let verified = Progress::waiting("verifying").during(verifying, |_| ()).await;
            let verified = verified.map_err(|error| Failure::Service(error.to_string()))?;
            let doing = format!("verifying {}", directory.display());
            offline(verified.map_err(|error| Failure::of_store(&doing, error))?)
        }
        None => {
            let connection = Connection::open(&arguments.connection).await?;
            let mut client = client!(connection, audit_service_client::AuditServiceClient);
            let expected = arguments.expect.as_ref().map(Mark::to_string).unwrap_or_default();
            let request = connection.long_request(v1::VerifyJournalRequest { expected });
            let answer = Progress::waiting("verifying").during(client.verify_journal(request), |_| ()).await;
            answer.map_err(|status| connection.failure(status))?.into_inner()
        }
    };
    match arguments.output.output {
        Format::Table if found.intact => {
            print_line(&format!(
                "intact: {} records, up to sequence {}, hash {}; {} blobs, {} bytes",
                found.records, found.sequence, found.hash, found.blobs, found.blob_bytes
            ))?;
            print_line(&format!(
                "keep this elsewhere, to see later that nothing of it was taken away or changed: --expect {}:{}",
                found.sequence, found.hash
            ))?
        }
        Format::Table => {
            print_line(&format!("{} records are good, up to sequence {}", found.records, found.sequence))?
        }
        Format::Csv => {
            let mut sheet =
                Sheet::new(&["intact", "records", "sequence", "hash", "damage", "blobs", "blob_bytes"]);
            let v1::VerifyJournalResponse { intact, records, sequence, hash, damage, blobs, blob_bytes } =
                found.clone();
            let [records, sequence, blobs, blob_bytes] =
                [records, sequence, blobs, blob_bytes].map(|number| number.to_string());
            sheet.row([intact.to_string(), records, sequence, hash, damage, blobs, blob_bytes]);
            sheet.print(Format::Csv)?;
        }
        format => print_json(format, &json(&dynamic(&found)))?,
    }
    if found.intact {
        return Ok(());
    }
    Err(Failure::Damaged(format!("the data is damaged: {}", found.damage)))
}

fn offline(found: Verification) -> v1::VerifyJournalResponse {
    v1::VerifyJournalResponse {
        intact: found.damage.is_none(),
        records: found.records,
        sequence: found.mark.sequence,
        hash: BlobHash(found.mark.hash).to_string(),
        damage: found.damage.unwrap_or_default(),
        blobs: found.blobs,
        blob_bytes: found.blob_bytes,
    }
}
