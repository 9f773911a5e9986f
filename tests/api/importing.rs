//! Imports through the wire: in order, safe to repeat, answered while they are sent, and ended in good form.

use merit::proto::v1::{self, ImportOutcome};
use prost::{Message, Name};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::{
    asking::{by, events},
    harness::{Harness, framed, in_time, reason, request, whole},
};

const IMPORT: &str = "merit.v1.TransferService/ImportResources";

fn item<T: Message + Name>(id: &str, resource: &T) -> v1::ImportItem {
    v1::ImportItem {
        id: id.to_owned(),
        resource: Some(prost_types::Any { type_url: T::type_url(), value: resource.encode_to_vec() }),
        update_mask: None,
    }
}

fn message(parent: &str, items: Vec<v1::ImportItem>) -> v1::ImportResourcesRequest {
    v1::ImportResourcesRequest { parent: parent.to_owned(), items, validate_only: false }
}

/// Twenty messages: people, then their deals, ten of each in a message, and one deal of nobody's.
fn messages() -> Vec<v1::ImportResourcesRequest> {
    let mut messages = Vec::new();
    for group in 0..10 {
        let ids: Vec<String> = (0..10).map(|index| format!("m{group}{index}")).collect();
        let people = ids.iter().map(|id| {
            item(id, &v1::AccountManager { display_name: format!("Person {id}"), ..Default::default() })
        });
        messages.push(message(if group == 0 { "teams/acme" } else { "" }, people.collect()));
        let deals = ids.iter().map(|id| {
            let owner = if id == "m77" { "nobody" } else { id };
            let owner = format!("teams/acme/accountManagers/{owner}");
            item(id, &v1::Opportunity { owner, amount: "12.50".to_owned(), ..Default::default() })
        });
        messages.push(message("", deals.collect()));
    }
    messages
}

async fn import(
    harness: &Harness,
    messages: Vec<v1::ImportResourcesRequest>,
) -> Result<Vec<Vec<v1::ImportResult>>, tonic::Status> {
    let stream = by("importer", tokio_stream::iter(messages));
    let mut answers = harness.transfer().import_resources(stream).await?.into_inner();
    let mut results = Vec::new();
    while let Some(answer) = answers.message().await? {
        results.push(answer.results);
    }
    Ok(results)
}

/// Checks that every item fared like this, apart from the deal of nobody's.
fn check_import(results: &[Vec<v1::ImportResult>], expected: ImportOutcome) {
    assert_eq!(results.len(), 20);
    for (place, result) in results.iter().enumerate().flat_map(|(place, results)| {
        assert_eq!(results.len(), 10);
        results.iter().map(move |result| (place, result))
    }) {
        if result.name.ends_with("opportunities/m77") {
            assert_eq!(result.outcome(), ImportOutcome::Rejected);
            assert_eq!(result.reason, "REFERENCE_NOT_FOUND");
            assert!(result.violations[0].field.ends_with("owner"), "{result:?}");
        } else {
            assert_eq!(result.outcome(), expected, "{result:?}");
        }
        // Answers are in the order of the messages.
        let collection = if place % 2 == 0 { "accountManagers" } else { "opportunities" };
        assert!(result.name.starts_with(&format!("teams/acme/{collection}/m{}", place / 2)), "{result:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_safe_to_repeat() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    check_import(&import(&harness, messages()).await.unwrap(), ImportOutcome::Created);
    let trail =
        harness.audit().list_events(events("author = \"importer\"", 1000)).await.unwrap().into_inner();
    check_import(&import(&harness, messages()).await.unwrap(), ImportOutcome::Unchanged);
    let same = harness.audit().list_events(events("author = \"importer\"", 1000)).await.unwrap().into_inner();
    assert_eq!(trail, same, "what changes nothing leaves no trace");
    assert_eq!(trail.events.iter().map(|event| event.changes.len()).sum::<usize>(), 199);

    let deals = v1::ListOpportunitiesRequest {
        parent: "teams/acme".to_owned(),
        page_size: 1000,
        ..Default::default()
    };
    let deals = harness.crm().list_opportunities(deals).await.unwrap().into_inner();
    assert_eq!(deals.opportunities.len(), 99);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_only_checks_keeps_nothing() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let mut messages = messages();
    messages.truncate(1);
    messages[0].validate_only = true;
    let results = import(&harness, messages).await.unwrap();
    assert!(results[0].iter().all(|result| result.outcome() == ImportOutcome::Created));
    let trail = harness.audit().list_events(events("author = \"importer\"", 0)).await.unwrap().into_inner();
    assert_eq!(trail.events, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_says_where_to() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    harness.team("other").await;
    let refused = import(&harness, vec![message("", Vec::new())]).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
    let refused =
        import(&harness, vec![message("teams/acme", Vec::new()), message("teams/other", Vec::new())]).await;
    assert_eq!(reason(&refused.unwrap_err()), "INVALID_FIELD");
    let refused = import(&harness, vec![message("teams/nowhere", Vec::new())]).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "NOT_FOUND"));
    assert_eq!(import(&harness, Vec::new()).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_answers_while_it_is_sent() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let (sender, mut answers) = begun(&harness).await;
    for index in 0..3 {
        sender.send(person("teams/acme", &format!("m{index}"))).await.unwrap();
        // The next is not sent before this one is answered.
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.results[0].outcome(), ImportOutcome::Created);
    }
    drop(sender);
    assert!(answers.message().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_says_nothing_more_is_ended() {
    let harness = Harness::start_with(|config| config.limits.message_wait_ms = 50).await;
    harness.team("acme").await;
    let (sender, answers) = begun(&harness).await;
    // On a busy machine it may be over before the first message is there.
    let sent = sender.send(person("teams/acme", "m1")).await;
    let (_, status) = in_time("the end of the import", to_its_end(answers)).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    drop(sent);
}

/// A message with one person.
fn person(parent: &str, id: &str) -> v1::ImportResourcesRequest {
    let person = v1::AccountManager { display_name: "Person".to_owned(), ..Default::default() };
    message(parent, vec![item(id, &person)])
}

/// An import that goes on, and what it answers.
async fn begun(
    harness: &Harness,
) -> (mpsc::Sender<v1::ImportResourcesRequest>, Streaming<v1::ImportResourcesResponse>) {
    let (sender, receiver) = mpsc::channel(10);
    let answers = harness.transfer().import_resources(ReceiverStream::new(receiver)).await.unwrap();
    (sender, answers.into_inner())
}

/// What a stream answers, and how it ends.
async fn to_its_end(mut answers: Streaming<v1::ImportResourcesResponse>) -> (usize, Status) {
    let mut count = 0;
    loop {
        match answers.message().await {
            Ok(Some(answer)) => {
                count += 1;
                assert_eq!(answer.results[0].outcome(), ImportOutcome::Created);
            }
            Ok(None) => return (count, Status::ok("")),
            Err(status) => return (count, status),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_answered_before_a_mistake() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let (sender, answers) = begun(&harness).await;
    for id in ["m1", "m2", "m3"] {
        sender.send(person("teams/acme", id)).await.unwrap();
    }
    sender.send(person("teams/other", "m4")).await.unwrap();
    let (count, status) = in_time("the end of the import", to_its_end(answers)).await;
    assert_eq!((count, reason(&status).as_str()), (3, "INVALID_FIELD"), "{status:?}");
    let list = v1::ListAccountManagersRequest { parent: "teams/acme".to_owned(), ..Default::default() };
    let kept = harness.organisation().list_account_managers(list).await.unwrap().into_inner();
    assert_eq!(kept.account_managers.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_an_import() {
    // Calls under way would be waited for, for an hour.
    let mut harness = Harness::start().await;
    harness.team("acme").await;
    let (sender, mut answers) = begun(&harness).await;
    sender.send(person("teams/acme", "m1")).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().results[0].outcome(), ImportOutcome::Created);
    harness.tell_to_stop();
    let (count, status) = in_time("the end of the import", to_its_end(answers)).await;
    assert_eq!((count, status.code(), reason(&status).as_str()), (0, Code::Unavailable, "UNAVAILABLE"));
    in_time("the end of the server", harness.stopped()).await;
    drop(sender);
}

/// Messages of a stream are held to the rules of their fields, as those of any method are.
#[tokio::test(flavor = "multi_thread")]
async fn messages_are_held_to_their_rules() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let check = async |message: Vec<u8>, expected: &str| {
        let answer = harness.send(request(IMPORT, whole(super::harness::frame(&message, false)))).await;
        assert_eq!(reason(&answer.status()), expected, "{:?}", answer.status());
    };
    let good = person("teams/acme", "m1").encode_to_vec();
    let answer = harness.send(request(IMPORT, whole(framed(&person("teams/acme", "m1"))))).await;
    assert_eq!(answer.status().code(), Code::Ok);
    // Field 100 of the message, which nobody knows.
    check([&good[..], &[0xa2, 0x06, 1, b'x']].concat(), "INVALID_FIELD").await;
    let mut item = good.clone();
    // The same in the item, whose length is in the byte behind its tag.
    let place = item.iter().position(|byte| *byte == 0x12).unwrap() + 1;
    item[place] += 4;
    item.extend([0xa2, 0x06, 1, b'x']);
    check(item, "INVALID_FIELD").await;
    check(person("no team", "m1").encode_to_vec(), "INVALID_NAME").await;
    let many = message("teams/acme", vec![v1::ImportItem::default(); 1001]);
    check(many.encode_to_vec(), "INVALID_FIELD").await;
    // What is wrong with an item is said of the item.
    let results =
        import(&harness, vec![message("teams/acme", vec![v1::ImportItem::default()])]).await.unwrap();
    assert_eq!(results[0][0].reason, "INVALID_FIELD");
}
