//! Components that come in pieces, are kept once, and the runs that used them.

use std::fs;

use merit::proto::v1::{
    self, publish_plugin_revision_request::Source, upload_plugin_revision_request::Piece,
};
use tokio_stream::iter;
use tonic::{Code, Status};

use super::{SHEET, TEAM, organisation, publication, publish, publish_two, run, step, two_steps};
use crate::{
    guest::Guest,
    harness::{Harness, reason},
};

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

#[tokio::test(flavor = "multi_thread")]
async fn the_runs_that_used_a_revision() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    publish(&harness, "third", SHEET).await;
    for id in ["r1", "r2", "r3"] {
        run(&harness, id, two_steps()).await;
    }
    let shadowed =
        v1::RunStep { shadow: format!("{TEAM}/pluginRevisions/kpi-1"), ..step("third", "third", vec![]) };
    run(&harness, "r4", vec![shadowed]).await;
    run(&harness, "r5", vec![step("third", "third", vec![])]).await;
    let request = |id: &str, page_size, page_token: &str| v1::ListPluginRevisionRunsRequest {
        name: format!("{TEAM}/pluginRevisions/{id}"),
        page_size,
        page_token: page_token.to_owned(),
    };
    for (id, page_size, expected) in [
        ("kpi-1", 0, &["r1", "r2", "r3", "r4"][..]),
        ("kpi-1", 1, &["r1", "r2", "r3", "r4"]),
        ("kpi-1", 3, &["r1", "r2", "r3", "r4"]),
        ("gated-1", 2, &["r1", "r2", "r3"]),
        ("third-1", 50, &["r4", "r5"]),
    ] {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = harness.plugins().list_plugin_revision_runs(request(id, page_size, &token)).await;
            let page = page.unwrap().into_inner();
            assert!(page_size == 0 || page.runs.len() <= usize::try_from(page_size).unwrap());
            found.extend(page.runs.iter().map(|run| run.rsplit('/').next().unwrap().to_owned()));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found, expected, "{id} by {page_size}");
    }
    let page =
        harness.plugins().list_plugin_revision_runs(request("kpi-1", 1, "")).await.unwrap().into_inner();
    let other =
        harness.plugins().list_plugin_revision_runs(request("gated-1", 1, &page.next_page_token)).await;
    assert_eq!(reason(&other.unwrap_err()), "INVALID_PAGE_TOKEN");
    let unknown = harness.plugins().list_plugin_revision_runs(request("none-1", 1, "")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}
