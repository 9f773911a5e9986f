//! The services that are no standard methods, through the wire: the audit trail and imports. Runs and plugins have their
//! own tests.

use merit::proto::v1::{self, ImportOutcome};
use prost::{Message, Name};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request};

use super::harness::{Harness, reason};

fn anna(id: &str, name: &str) -> v1::CreateAccountManagerRequest {
    v1::CreateAccountManagerRequest {
        parent: "teams/acme".to_owned(),
        account_manager_id: id.to_owned(),
        account_manager: Some(v1::AccountManager { display_name: name.to_owned(), ..Default::default() }),
        request_id: format!("request-{id}"),
        ..Default::default()
    }
}

fn by<T>(author: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("merit-author", author.parse().unwrap());
    request
}

fn events(filter: &str, page_size: i32) -> v1::ListEventsRequest {
    v1::ListEventsRequest {
        parent: "teams/acme".to_owned(),
        filter: filter.to_owned(),
        page_size,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_says_who_did_what() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    harness.team("other").await;
    let mut organisation = harness.organisation();
    for id in ["a", "b", "c"] {
        organisation.create_account_manager(by("anna@example.com", anna(id, id))).await.unwrap();
    }
    // What is refused, repeated or only checked leaves no trace.
    organisation.create_account_manager(by("anna@example.com", anna("a", "a"))).await.unwrap();
    organisation.create_account_manager(by("boris", anna("a", "other"))).await.unwrap_err();
    let mut checked = anna("d", "d");
    checked.validate_only = true;
    organisation.create_account_manager(checked).await.unwrap();
    let delete = v1::DeleteAccountManagerRequest {
        name: "teams/acme/accountManagers/b".to_owned(),
        ..Default::default()
    };
    let mut named = Request::new(delete);
    named
        .metadata_mut()
        .insert_bin("merit-author-bin", tonic::metadata::MetadataValue::from_bytes("张伟".as_bytes()));
    organisation.delete_account_manager(named).await.unwrap();

    let listed = harness.audit().list_events(events("", 0)).await.unwrap().into_inner();
    assert_eq!(listed.next_page_token, "");
    let seen: Vec<(&str, &str, &str, &str, v1::ChangeKind)> = listed
        .events
        .iter()
        .map(|event| {
            assert_eq!(event.changes.len(), 1, "{event:?}");
            let method = event.method.rsplit('/').next().unwrap();
            let change = &event.changes[0];
            (event.author.as_str(), method, event.request_id.as_str(), change.name.as_str(), change.kind())
        })
        .collect();
    let written = v1::ChangeKind::Written;
    let anna = "anna@example.com";
    let create = "CreateAccountManager";
    assert_eq!(
        seen,
        [
            ("anonymous", "CreateTeam", "", "teams/acme", written),
            (anna, create, "request-a", "teams/acme/accountManagers/a", written),
            (anna, create, "request-b", "teams/acme/accountManagers/b", written),
            (anna, create, "request-c", "teams/acme/accountManagers/c", written),
            ("张伟", "DeleteAccountManager", "", "teams/acme/accountManagers/b", v1::ChangeKind::Deleted),
        ]
    );
    assert!(listed.events.iter().all(|event| event.time.is_some() && event.hash.len() == 64));

    let verified =
        harness.audit().verify_journal(v1::VerifyJournalRequest::default()).await.unwrap().into_inner();
    assert!(verified.intact, "{verified:?}");
    assert_eq!(verified.hash, listed.events.last().unwrap().hash);
    assert_eq!((verified.sequence, verified.records), (6, 6));
    assert_eq!((verified.blobs, verified.blob_bytes), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_in_pages() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let mut organisation = harness.organisation();
    for index in 0..150 {
        let author = if index % 3 == 0 { "anna" } else { "boris" };
        let id = format!("m{index:03}");
        organisation.create_account_manager(by(author, anna(&id, &id))).await.unwrap();
        if index % 5 == 0 {
            harness.team(&format!("other{index}")).await;
        }
    }
    for (filter, page_size, expected) in
        [("", 7, 151), ("", 151, 151), ("author = \"anna\"", 7, 50), ("author = \"carl\"", 7, 0)]
    {
        let mut request = events(filter, page_size);
        let mut found: Vec<v1::Event> = Vec::new();
        loop {
            let page = harness.audit().list_events(request.clone()).await.unwrap().into_inner();
            assert!(page.events.len() <= usize::try_from(page_size).unwrap());
            found.extend(page.events);
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(found.len(), expected, "{filter}");
        assert!(found.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
        let other = v1::ListEventsRequest { filter: "sequence > 1".to_owned(), ..request };
        if !other.page_token.is_empty() {
            let refused = harness.audit().list_events(other).await.unwrap_err();
            assert_eq!(reason(&refused), "INVALID_PAGE_TOKEN");
        }
    }
    let first =
        harness.audit().list_events(events("name = \"teams/acme/accountManagers/m007\"", 0)).await.unwrap();
    assert_eq!(first.into_inner().events.len(), 1);
}

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
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut answers =
        harness.transfer().import_resources(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    for index in 0..3 {
        let person = v1::AccountManager { display_name: "Person".to_owned(), ..Default::default() };
        sender.send(message("teams/acme", vec![item(&format!("m{index}"), &person)])).await.unwrap();
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
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut answers =
        harness.transfer().import_resources(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    let person = v1::AccountManager { display_name: "Person".to_owned(), ..Default::default() };
    // On a busy machine it may be over before the first message is there.
    let sent = sender.send(message("teams/acme", vec![item("m1", &person)])).await;
    let status = loop {
        match answers.message().await {
            Ok(Some(answer)) => assert_eq!(answer.results[0].outcome(), ImportOutcome::Created),
            Ok(None) => panic!("a stream that is ended says so"),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    drop(sent);
}
