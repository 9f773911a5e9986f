//! The audit trail, through the wire: who did what to which records, and what they were.

use merit::proto::v1;
use prost::Message;
use tonic::Request;

use super::{
    asking::{by, events},
    harness::{Harness, reason},
};

fn anna(id: &str, name: &str) -> v1::CreateAccountManagerRequest {
    v1::CreateAccountManagerRequest {
        parent: "teams/acme".to_owned(),
        account_manager_id: id.to_owned(),
        account_manager: Some(v1::AccountManager { display_name: name.to_owned(), ..Default::default() }),
        request_id: format!("request-{id}"),
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
    let created = v1::ChangeKind::Created;
    let anna = "anna@example.com";
    let create = "CreateAccountManager";
    assert_eq!(
        seen,
        [
            ("anonymous", "CreateTeam", "", "teams/acme", created),
            (anna, create, "request-a", "teams/acme/accountManagers/a", created),
            (anna, create, "request-b", "teams/acme/accountManagers/b", created),
            (anna, create, "request-c", "teams/acme/accountManagers/c", created),
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

/// The history of a record: its kinds of changes, and what it was each time, in either direction.
#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_record_can_be_read() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let mut organisation = harness.organisation();
    let name = "teams/acme/accountManagers/a";
    organisation.create_account_manager(anna("a", "first")).await.unwrap();
    organisation.create_account_manager(anna("b", "other")).await.unwrap();
    for display_name in ["second", "third"] {
        let account_manager = v1::AccountManager {
            name: name.to_owned(),
            display_name: display_name.to_owned(),
            ..Default::default()
        };
        let update =
            v1::UpdateAccountManagerRequest { account_manager: Some(account_manager), ..Default::default() };
        organisation.update_account_manager(update).await.unwrap();
    }
    let delete = v1::DeleteAccountManagerRequest { name: name.to_owned(), ..Default::default() };
    organisation.delete_account_manager(delete).await.unwrap();

    let history = async |view: v1::EventView, order_by: &str, page_size: i32| {
        let mut request = v1::ListEventsRequest {
            view: view.into(),
            order_by: order_by.to_owned(),
            ..events(&format!("name = {name:?}"), page_size)
        };
        let mut told = Vec::new();
        loop {
            let page = harness.audit().list_events(request.clone()).await.unwrap().into_inner();
            assert!(page.events.len() <= usize::try_from(page_size).unwrap());
            for change in page.events.into_iter().flat_map(|event| event.changes) {
                let kind = change.kind().as_str_name().trim_start_matches("CHANGE_KIND_").to_owned();
                let record = change.record.map(|record| {
                    assert_eq!(record.type_url, "type.googleapis.com/merit.v1.AccountManager");
                    v1::AccountManager::decode(record.value.as_slice()).unwrap().display_name
                });
                told.push((kind, record.unwrap_or_default()));
            }
            if page.next_page_token.is_empty() {
                return told;
            }
            request.page_token = page.next_page_token;
        }
    };
    let told = |kind: &str, record: &str| (kind.to_owned(), record.to_owned());
    let mut full = vec![
        told("CREATED", "first"),
        told("UPDATED", "second"),
        told("UPDATED", "third"),
        told("DELETED", ""),
    ];
    let basic: Vec<_> = full.iter().map(|(kind, _)| told(kind, "")).collect();
    for page_size in [1, 3, 100] {
        assert_eq!(history(v1::EventView::Full, "", page_size).await, full);
        assert_eq!(history(v1::EventView::Unspecified, "sequence", page_size).await, basic);
    }
    full.reverse();
    for page_size in [1, 3, 100] {
        assert_eq!(history(v1::EventView::Full, "sequence desc", page_size).await, full);
    }
    let wrong = v1::ListEventsRequest { order_by: "time desc".to_owned(), ..events("", 0) };
    assert_eq!(reason(&harness.audit().list_events(wrong).await.unwrap_err()), "INVALID_FILTER");
}

/// More records than are taken from the journal at a time, backwards.
#[tokio::test(flavor = "multi_thread")]
async fn the_newest_come_first_where_that_is_asked_for() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    for index in 0..140 {
        let id = format!("m{index:03}");
        harness.organisation().create_account_manager(anna(&id, &id)).await.unwrap();
    }
    let mut request = v1::ListEventsRequest { order_by: "sequence desc".to_owned(), ..events("", 50) };
    let mut found = Vec::new();
    loop {
        let page = harness.audit().list_events(request.clone()).await.unwrap().into_inner();
        found.extend(page.events.iter().map(|event| event.sequence));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(found, (1..=141).rev().collect::<Vec<u64>>());
}
