//! Components that come in pieces, are kept once, and take no more than their share while they come.

use std::{fs, time::Duration};

use merit::proto::v1::{
    self, publish_plugin_revision_request::Source, upload_plugin_revision_request::Piece,
};
use prost::Message;
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};
use tokio_stream::{iter, wrappers::ReceiverStream};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::{SHEET, TEAM, publication, publish};
use crate::{
    guest::Guest,
    harness::{Harness, frame, in_time, reason, request, whole},
};

/// What is wrong with a publication.
type Change = fn(&mut v1::PublishPluginRevisionRequest);

async fn upload(
    harness: &Harness,
    header: v1::UploadHeader,
    component: &[u8],
    chunk: usize,
) -> Result<v1::PluginRevision, Status> {
    let mut pieces = vec![Piece::Header(header)];
    pieces.extend(component.chunks(chunk).map(|chunk| Piece::Chunk(chunk.to_vec().into())));
    send(harness, pieces).await
}

async fn send(harness: &Harness, pieces: Vec<Piece>) -> Result<v1::PluginRevision, Status> {
    let messages: Vec<_> =
        pieces.into_iter().map(|piece| v1::UploadPluginRevisionRequest { piece: Some(piece) }).collect();
    Ok(harness.plugins().upload_plugin_revision(iter(messages)).await?.into_inner())
}

fn header() -> v1::UploadHeader {
    let mut publication = publication("kpi", "");
    publication.source = None;
    v1::UploadHeader { publication: Some(publication), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_a_publication_in_pieces() {
    let harness = Harness::start_with(|config| config.plugins.component_bytes = 600_000).await;
    harness.team("acme").await;
    publish(&harness, "kpi", SHEET).await;
    let component = Guest::poisoned("").component();
    let hash = blake3::hash(&component).to_hex().to_string();
    let told = |bytes: usize, hash: &str| v1::UploadHeader {
        component: hash.to_owned(),
        component_bytes: i64::try_from(bytes).unwrap(),
        ..header()
    };
    let first = upload(&harness, told(component.len(), &hash), &component, 1000).await.unwrap();
    assert_eq!((first.number, first.component.as_str()), (2, hash.as_str()));
    assert_eq!(first.component_bytes, i64::try_from(component.len()).unwrap());
    // In other pieces, and in one: the same bytes are kept once.
    let second = upload(&harness, header(), &component, 77).await.unwrap();
    let mut whole = publication("kpi", "");
    whole.source = Some(Source::Component(component.clone().into()));
    let third = harness.plugins().publish_plugin_revision(whole).await.unwrap().into_inner();
    assert_eq!((&second.component, &third.component), (&hash, &hash));
    assert_eq!((second.manifest.as_ref(), third.number), (first.manifest.as_ref(), 4));
    let verified =
        harness.audit().verify_journal(v1::VerifyJournalRequest::default()).await.unwrap().into_inner();
    assert_eq!(verified.blobs, 2, "the formula's component, and this one");

    let large = vec![0; 600_001];
    let sourced = {
        let mut header = header();
        header.publication = Some(publication("kpi", SHEET));
        header
    };
    let chunk = |bytes: &[u8]| Piece::Chunk(bytes.to_vec().into());
    for (refused, code, expected) in [
        // Refused before a byte of it comes.
        (
            send(&harness, vec![Piece::Header(told(600_001, ""))]).await,
            Code::InvalidArgument,
            "INVALID_COMPONENT",
        ),
        (upload(&harness, header(), &large, 65_536).await, Code::InvalidArgument, "INVALID_COMPONENT"),
        (
            upload(&harness, told(0, &"ab".repeat(32)), &component, 999).await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        ),
        (upload(&harness, told(7, ""), &component, 999).await, Code::InvalidArgument, "INVALID_FIELD"),
        (upload(&harness, sourced, &component, 999).await, Code::InvalidArgument, "INVALID_FIELD"),
        (
            upload(&harness, v1::UploadHeader::default(), &component, 999).await,
            Code::InvalidArgument,
            "INVALID_FIELD",
        ),
        (send(&harness, vec![]).await, Code::InvalidArgument, "MALFORMED_REQUEST"),
        (send(&harness, vec![chunk(b"x")]).await, Code::InvalidArgument, "MALFORMED_REQUEST"),
        (
            send(&harness, vec![Piece::Header(header()), Piece::Header(header())]).await,
            Code::InvalidArgument,
            "MALFORMED_REQUEST",
        ),
        (upload(&harness, header(), b"no component", 5).await, Code::InvalidArgument, "INVALID_COMPONENT"),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (code, expected), "{refused:?}");
    }
    // Nothing of what was refused is kept.
    let directory = harness.stopped().await;
    assert_eq!(fs::read_dir(directory.path().join("data/blobs")).unwrap().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_keeps_no_component_and_says_so() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    publish(&harness, "kpi", SHEET).await;
    let directory = harness.stopped().await;
    let harness = Harness::start_in(directory, |config| config.store.free_floor_bytes = u64::MAX).await;
    let refused = upload(&harness, header(), &Guest::good().component(), 999).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "DISK_FULL"));
    let directory = harness.stopped().await;
    assert_eq!(fs::read_dir(directory.path().join("data/blobs")).unwrap().count(), 1);
}

/// An upload that goes on.
async fn begun(
    harness: &Harness,
    header: v1::UploadHeader,
) -> (mpsc::Sender<v1::UploadPluginRevisionRequest>, JoinHandle<Result<(), Status>>) {
    let (sender, receiver) = mpsc::channel(10);
    let piece = Some(Piece::Header(header));
    sender.send(v1::UploadPluginRevisionRequest { piece }).await.unwrap();
    let mut plugins = harness.plugins();
    let call = async move { plugins.upload_plugin_revision(ReceiverStream::new(receiver)).await.map(drop) };
    (sender, tokio::spawn(call))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_was_told_is_waited_for() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    publish(&harness, "kpi", SHEET).await;
    let (sender, call) = begun(&harness, v1::UploadHeader { component_bytes: 10, ..header() }).await;
    let piece = Some(Piece::Chunk(vec![0; 11].into()));
    sender.send(v1::UploadPluginRevisionRequest { piece }).await.unwrap();
    // The stream has not ended.
    let refused = in_time("the refusal", call).await.unwrap().unwrap_err();
    assert_eq!(reason(&refused), "INVALID_FIELD");
    assert!(refused.message().contains("header.component_bytes"), "{refused:?}");
    // Many empty pieces would be an upload that never ends.
    let empty = vec![Piece::Header(header()), Piece::Chunk(vec![].into())];
    assert_eq!(reason(&send(&harness, empty).await.unwrap_err()), "MALFORMED_REQUEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_over_in_time_however_often_it_says_something() {
    let harness = Harness::start_with(|config| config.limits.call_ms = 400).await;
    harness.team("acme").await;
    publish(&harness, "kpi", SHEET).await;
    let (sender, call) = begun(&harness, header()).await;
    let piece = || v1::UploadPluginRevisionRequest { piece: Some(Piece::Chunk(vec![0].into())) };
    let drip = async {
        while sender.send(piece()).await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the end of the upload", drip).await;
    let status = call.await.unwrap().unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
}

/// A team's uploads that say nothing more hold up neither other teams nor its own for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_team_does_not_keep_the_places_of_others() {
    let harness = Harness::start_with(|config| {
        (config.limits.component_calls, config.limits.message_wait_ms) = (4, 1_000);
    })
    .await;
    harness.team("acme").await;
    publish(&harness, "kpi", SHEET).await;
    harness.team("other").await;
    let plugin = v1::CreatePluginRequest {
        parent: "teams/other".to_owned(),
        plugin: Some(v1::Plugin { display_name: "P".to_owned(), ..Default::default() }),
        plugin_id: "p".to_owned(),
        ..Default::default()
    };
    harness.plugins().create_plugin(plugin).await.unwrap();
    let mut others = header();
    others.publication.as_mut().unwrap().plugin = "teams/other/plugins/p".to_owned();
    let silent: Vec<_> = vec![begun(&harness, header()).await, begun(&harness, header()).await];
    // Each says that it goes on, so that it is not ended for its silence.
    let piece = || v1::UploadPluginRevisionRequest { piece: Some(Piece::Chunk(vec![0].into())) };
    let mut calls = Vec::new();
    let mut senders = Vec::new();
    for (sender, call) in silent {
        calls.push(call);
        senders.push(sender);
    }
    let drip = tokio::spawn(async move {
        loop {
            for sender in &senders {
                let _ = sender.send(piece()).await;
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    upload(&harness, others, &Guest::good().component(), 1000).await.unwrap();
    // One has the place, and the other was told that none came.
    let busy = async {
        loop {
            if let Some(place) = calls.iter().position(JoinHandle::is_finished) {
                return calls.remove(place).await.unwrap().unwrap_err();
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let busy = in_time("an answer to the one without a place", busy).await;
    assert_eq!((busy.code(), reason(&busy).as_str()), (Code::ResourceExhausted, "BUSY"), "{busy:?}");
    assert!(busy.get_error_details().retry_info().is_some());
    drip.abort();
}

/// A message of an upload is held to its rules as a publication in one piece is.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_held_to_the_rules_of_its_fields() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    publish(&harness, "kpi", SHEET).await;
    let component = Guest::good().component();
    let changes: [(Change, &str); 3] = [
        (|publication| publication.request_id = "r".repeat(129), "request_id"),
        (|publication| publication.request_id = "r\u{1b}[2J".to_owned(), "request_id"),
        (|publication| publication.parameters = "[1".to_owned(), "parameters"),
    ];
    for (change, field) in changes {
        let mut publication = publication("kpi", "");
        change(&mut publication);
        let mut whole = publication.clone();
        whole.source = Some(Source::Component(component.clone().into()));
        let whole = harness.plugins().publish_plugin_revision(whole).await.unwrap_err();
        publication.source = None;
        let header = v1::UploadHeader { publication: Some(publication), ..Default::default() };
        let pieces = upload(&harness, header, &component, 1000).await.unwrap_err();
        let told = |status: &Status| {
            let details = status.get_error_details();
            let violations = details.bad_request().unwrap().field_violations.clone();
            (
                reason(status),
                violations.into_iter().map(|wrong| (wrong.field, wrong.description)).collect::<Vec<_>>(),
            )
        };
        let (reason, violations) = told(&whole);
        let below = |(path, what): &(String, String)| (format!("header.publication.{path}"), what.clone());
        assert_eq!(violations[0].0, field);
        assert_eq!(told(&pieces), (reason, violations.iter().map(below).collect()));
    }
    let mut unknown =
        v1::UploadPluginRevisionRequest { piece: Some(Piece::Header(header())) }.encode_to_vec();
    unknown.extend([0xa2, 0x06, 1, b'x']);
    let method = "merit.v1.PluginService/UploadPluginRevision";
    let answer = harness.send(request(method, whole(frame(&unknown, false)))).await;
    assert_eq!(reason(&answer.status()), "INVALID_FIELD", "{:?}", answer.status());
}

/// Nothing of what is refused for what can be told before is kept, or even waited for.
#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_leaves_nothing_behind() {
    let harness = Harness::start().await;
    let team = v1::Team {
        display_name: "Acme".to_owned(),
        currency: "EUR".to_owned(),
        plugin_approval: v1::PluginApproval::FourEyes.into(),
        ..Default::default()
    };
    let request =
        v1::CreateTeamRequest { team: Some(team), team_id: "acme".to_owned(), ..Default::default() };
    harness.organisation().create_team(request).await.unwrap();
    let by = |author: &str, message: v1::PublishPluginRevisionRequest| {
        let mut request = Request::new(message);
        if !author.is_empty() {
            request.metadata_mut().insert("merit-author", author.parse().unwrap());
        }
        request
    };
    let plugin = v1::CreatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: Some(v1::Plugin { display_name: "K".to_owned(), ..Default::default() }),
        plugin_id: "kpi".to_owned(),
        ..Default::default()
    };
    harness.plugins().create_plugin(plugin).await.unwrap();
    let mut first = publication("kpi", SHEET);
    first.request_id = "once".to_owned();
    harness.plugins().publish_plugin_revision(by("ann", first)).await.unwrap();

    let component = |number: usize| {
        Guest::good().with(|guest| guest.module = format!("(@custom \"n\" \"{number}\")")).component()
    };
    let cases: [(&str, Change, &str, bool); 4] = [
        ("ann", |publication| publication.plugin = format!("{TEAM}/plugins/none"), "NOT_FOUND", true),
        ("ann", |publication| publication.activate = true, "SELF_APPROVAL", true),
        // Whoever it was may be whoever approves.
        ("", |_| (), "SELF_APPROVAL", true),
        // What an upload has to say of its request is not told by its header.
        ("ann", |publication| publication.request_id = "once".to_owned(), "REQUEST_ID_REUSED", false),
    ];
    for (place, (author, change, expected, by_header)) in cases.into_iter().enumerate() {
        let mut publication = publication("kpi", "");
        change(&mut publication);
        let mut whole = publication.clone();
        whole.source = Some(Source::Component(component(place).into()));
        let refused = harness.plugins().publish_plugin_revision(by(author, whole)).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{refused:?}");
        if by_header {
            publication.source = None;
            let header = v1::UploadHeader { publication: Some(publication), ..Default::default() };
            // No piece of it ever comes.
            let (sender, receiver) = mpsc::channel(10);
            let piece = Some(Piece::Header(header));
            sender.send(v1::UploadPluginRevisionRequest { piece }).await.unwrap();
            let mut request = Request::new(ReceiverStream::new(receiver));
            if !author.is_empty() {
                request.metadata_mut().insert("merit-author", author.parse().unwrap());
            }
            let upload = harness.plugins();
            let call = async move { { upload }.upload_plugin_revision(request).await };
            let refused = in_time("the refusal", call).await.unwrap_err();
            assert_eq!(reason(&refused), expected, "{refused:?}");
        }
    }
    let directory = harness.stopped().await;
    let kept = fs::read_dir(directory.path().join("data/blobs")).unwrap().count();
    assert_eq!(kept, 1, "the component of the formula");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_has_room_for_its_revisions() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let create = async |length: usize| {
        let request = v1::CreatePluginRequest {
            parent: TEAM.to_owned(),
            plugin: Some(v1::Plugin { display_name: "P".to_owned(), ..Default::default() }),
            plugin_id: "p".repeat(length),
            ..Default::default()
        };
        harness.plugins().create_plugin(request).await
    };
    for length in [57, 61, 63] {
        let refused = create(length).await.unwrap_err();
        let details = refused.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "plugin_id", "{refused:?}");
        assert!(refused.message().contains("at most 56"), "{refused:?}");
    }
    create(56).await.unwrap();
    harness.plugins().publish_plugin_revision(publication(&"p".repeat(56), SHEET)).await.unwrap();
}
