//! The server stops in order and in time, whatever clients do.

use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use merit::{config::Config, proto::v1, server::Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::harness::{self, Harness, framed, reason};

/// No measure of speed: only what tells a server that hangs from one that does not.
const HANGS: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_idle_and_silent_connections() {
    // Calls under way would be waited for, for an hour.
    let mut harness = Harness::start().await;
    // Idle, after a call.
    harness.team("acme").await;
    // Never said a word.
    let mut silent = TcpStream::connect(harness.address).await.unwrap();
    // Said half of the first word.
    let mut half = TcpStream::connect(harness.address).await.unwrap();
    half.write_all(b"PRI * HTTP").await.unwrap();
    // Speaks HTTP/2, and then no more: answers neither settings nor pings.
    let mut mute = TcpStream::connect(harness.address).await.unwrap();
    mute.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    assert_ne!(mute.read(&mut [0; 64]).await.unwrap(), 0);
    // A stream that has no end of its own.
    let watched = HealthClient::new(harness.channel.clone()).watch(HealthCheckRequest::default()).await;
    let mut watched = watched.unwrap().into_inner();
    watched.message().await.unwrap().unwrap();

    harness.tell_to_stop();
    timeout(HANGS, harness.stopped()).await.expect("the server stops in time");
    for stream in [&mut silent, &mut half] {
        assert_eq!(stream.read(&mut [0; 64]).await.unwrap_or(0), 0);
    }
    // It is told that the service stops, and then that the stream has ended for that.
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    let status = watched.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "UNAVAILABLE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_ends_the_service() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let watched = HealthClient::new(harness.channel.clone()).watch(HealthCheckRequest::default()).await;
    let mut watched = watched.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);

    let segment = harness.data().join("journal/00000000000000000001.journal");
    let mut bytes = std::fs::read(&segment).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[last] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let team =
        v1::Team { display_name: "Late".to_owned(), currency: "EUR".to_owned(), ..v1::Team::default() };
    let create = v1::CreateTeamRequest { team: Some(team), team_id: "late".to_owned(), ..Default::default() };
    let refused = harness.organisation().create_team(create).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    let ended = loop {
        match watched.message().await {
            Ok(Some(health)) => assert_ne!(health.status(), ServingStatus::Serving),
            Ok(None) => panic!("a stream that is ended says so"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::Unavailable);
    let failed = timeout(HANGS, harness.failed()).await.expect("the server ends in time");
    assert!(failed.is_damage && failed.what.contains("its last records were changed"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_finishes_and_its_write_stays() {
    let mut harness = Harness::start_with(|config| config.limits.calls = 1).await;
    let team =
        v1::Team { display_name: "Late".to_owned(), currency: "EUR".to_owned(), ..v1::Team::default() };
    let create = v1::CreateTeamRequest { team: Some(team), team_id: "late".to_owned(), ..Default::default() };
    let message = framed(&create);
    let held = harness.hold("merit.v1.OrganisationService/CreateTeam", message.slice(..9)).await;

    harness.tell_to_stop();
    // The listener is gone once the server drains.
    while TcpStream::connect(harness.address).await.is_ok() {}
    held.speaker.send(Ok(Frame::data(message.slice(9..)))).await.unwrap();
    drop(held.speaker);
    let answer = held.call.await.unwrap().unwrap();
    assert_eq!(answer.status().code(), Code::Ok, "{:?}", answer.status());

    let directory = timeout(HANGS, harness.stopped()).await.expect("the server stops in time");
    let harness = Harness::start_in(directory, |_| {}).await;
    harness.organisation().get_team(v1::GetTeamRequest { name: "teams/late".to_owned() }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_does_not_finish_is_cut() {
    let mut harness = Harness::start_with(|config| {
        config.limits.calls = 1;
        config.limits.drain_ms = 300;
    })
    .await;
    let held = harness.hold("merit.v1.OrganisationService/GetTeam", Bytes::new()).await;
    harness.tell_to_stop();
    timeout(HANGS, harness.stopped()).await.expect("the server stops in time");
    // It is told so, before the connection is gone.
    let status = held.call.await.unwrap().unwrap().status();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "UNAVAILABLE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_loopback_is_listened_on() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { listen: ([0, 0, 0, 0], 0).into(), ..harness::config(directory.path()) };
    let error = Server::build(&config).await.err().expect("it is refused").to_string();
    assert!(error.contains("loopback") && error.contains("SSH tunnel"), "{error}");
    assert!(!config.data.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_named() {
    let harness = Harness::start().await;
    let directory = tempfile::tempdir().unwrap();
    let config = Config { listen: harness.address, ..harness::config(directory.path()) };
    let error = Server::build(&config).await.err().expect("it is refused").to_string();
    assert!(error.contains(&harness.address.to_string()), "{error}");
}
