//! Records to the server, many at a time: a few messages under way, results in the order sent.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    connection::{Connection, client},
    failure::Failure,
};
use crate::{model::schema::Schema, proto::v1};

/// The most records in a message.
pub(super) const BATCH_ITEMS: usize = 500;

/// The most bytes in a message: a server takes 4 MiB.
pub(super) const BATCH_BYTES: usize = 1 << 20;

/// Messages under way: enough that neither side waits for the other, few enough that memory stays small.
const UNDER_WAY: usize = 4;

/// Records to be sent, and what the caller wants to know about them when the results come.
#[derive(Debug)]
pub(super) struct Batch<T> {
    /// The records; none means that there is nothing to ask the server.
    pub(super) items: Vec<v1::ImportItem>,
    /// What belongs to it.
    pub(super) note: T,
}

/// An item of an import, which changes these fields of a record that is there.
pub(super) fn item(schema: &Schema, id: String, encoded: Vec<u8>, mask: Vec<String>) -> v1::ImportItem {
    let type_url = format!("type.googleapis.com/{}", schema.message.full_name());
    let resource = Some(prost_types::Any { type_url, value: encoded });
    v1::ImportItem { id, resource, update_mask: Some(prost_types::FieldMask { paths: mask }) }
}

/// Sends batches as they come, and calls `on_results` with every one and its results, in their order.
pub(super) async fn send<T: Send + 'static>(
    connection: &Connection,
    validate_only: bool,
    mut batches: mpsc::Receiver<Batch<T>>,
    mut on_results: impl FnMut(T, Vec<v1::ImportResult>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let parent = connection.team()?.to_owned();
    let (requests, stream) = mpsc::channel(1);
    let mut client = client!(connection, transfer_service_client::TransferServiceClient);
    let request = connection.long_request(ReceiverStream::new(stream));
    // The answer to the call itself may come with the first results only: the first message goes out meanwhile.
    let opening = tokio::spawn(async move { client.import_resources(request).await });
    let (mut opening, mut answers) = (Some(opening), None);
    let mut waiting = VecDeque::new();
    let mut requests = Some(requests);
    let mut first = true;
    loop {
        while waiting.iter().filter(|(_, sent)| *sent).count() < UNDER_WAY
            && let Some(sender) = &requests
        {
            let Some(Batch { items, note }) = batches.recv().await else {
                requests = None;
                break;
            };
            let sent = !items.is_empty();
            waiting.push_back((note, sent));
            if sent {
                let parent = if first { parent.clone() } else { String::new() };
                let validate_only = first && validate_only;
                first = false;
                let message = v1::ImportResourcesRequest { parent, items, validate_only };
                // A stream that has ended says why in its answer.
                if sender.send(message).await.is_err() {
                    requests = None;
                }
            }
            while let Some((_, false)) = waiting.front() {
                let Some((note, _)) = waiting.pop_front() else { break };
                on_results(note, Vec::new())?;
            }
        }
        let Some((note, _)) = waiting.pop_front() else { break };
        let stream = match &mut answers {
            Some(stream) => stream,
            none => {
                let opening = opening.take().expect("the call is opened once");
                let answer = opening.await.map_err(|error| Failure::Service(error.to_string()))?;
                none.insert(answer.map_err(|status| connection.failure(status))?.into_inner())
            }
        };
        let answer = stream.message().await.map_err(|status| connection.failure(status))?;
        let answer =
            answer.ok_or_else(|| Failure::Service("the server ended the import early".to_owned()))?;
        on_results(note, answer.results)?;
        while let Some((_, false)) = waiting.front() {
            let Some((note, _)) = waiting.pop_front() else { break };
            on_results(note, Vec::new())?;
        }
    }
    Ok(())
}

/// Sends the records of a collection; one that is rejected is a failure.
pub(super) async fn send_all(
    connection: &Connection,
    schema: &'static Schema,
    records: Vec<(String, Vec<u8>)>,
) -> Result<(), Failure> {
    let (sender, batches) = mpsc::channel(UNDER_WAY);
    let feeding = tokio::spawn(async move {
        let mut records = records.into_iter().peekable();
        while records.peek().is_some() {
            let items = records
                .by_ref()
                .take(BATCH_ITEMS)
                .map(|(id, encoded)| item(schema, id, encoded, Vec::new()))
                .collect();
            if sender.send(Batch { items, note: () }).await.is_err() {
                return;
            }
        }
    });
    let sent = send(connection, false, batches, |(), results| {
        for result in results {
            if result.outcome() == v1::ImportOutcome::Rejected {
                let v1::ImportResult { name, reason, message, .. } = result;
                return Err(Failure::Differs(format!("{name} was rejected: {reason}: {message}")));
            }
        }
        Ok(())
    });
    let sent = sent.await;
    feeding.abort();
    sent
}
