//! Connections that others would have to wait for: too many, silent, idle, and those of clients that mean harm.

use std::{net::SocketAddr, time::Duration};

use hyper_util::rt::{TokioExecutor, TokioIo};
use merit::proto::v1;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tonic::{Code, Streaming, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_client::HealthClient};

use super::harness::{Harness, framed, in_time, reason, request, whole};

/// Frames of HTTP/2.
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const PING: u8 = 6;
/// Flags of frames.
const END_OF_STREAM: u8 = 1;
const END_OF_HEADERS: u8 = 4;

/// The preface of HTTP/2, and settings without a setting.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A connection that says so much, and then nothing more.
async fn saying(address: SocketAddr, words: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(words).await.unwrap();
    stream
}

/// Waits until the server has closed the connection; a reset says the same as an end.
async fn closed(stream: &mut TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// A call without an end of its own, on a connection of its own.
async fn watching(harness: &Harness) -> Streaming<HealthCheckResponse> {
    let channel = Channel::from_shared(format!("http://{}", harness.address)).unwrap().connect_lazy();
    let mut watched =
        HealthClient::new(channel).watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    watched.message().await.unwrap().unwrap();
    watched
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_are_silent_keep_nobody_out() {
    let harness = Harness::start_with(|config| {
        (config.limits.connections, config.limits.silent_connections) = (4, 4);
    })
    .await;
    let mut silent = Vec::new();
    for place in 0..20 {
        silent.push(saying(harness.address, if place % 2 == 0 { b"" } else { b"PRI * HT" }).await);
    }
    harness.team("acme").await;
    // The oldest went; the last are there until another comes.
    for stream in &mut silent[..16] {
        closed(stream).await;
    }
    harness.team("other").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_are_idle_make_room() {
    let harness = Harness::start_with(|config| config.limits.connections = 2).await;
    harness.team("acme").await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut stream = saying(harness.address, HELLO).await;
        // It is let in: it is told the server's settings.
        assert_ne!(stream.read(&mut [0; 64]).await.unwrap(), 0);
        idle.push(stream);
    }
    for stream in &mut idle[..2] {
        closed(stream).await;
    }
    // On a connection of its own: that of the harness had to go.
    let get = v1::GetTeamRequest { name: "teams/acme".to_owned() };
    let answer = harness.send(request("merit.v1.OrganisationService/GetTeam", whole(framed(&get)))).await;
    assert_eq!(answer.status().code(), Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_are_busy_stay() {
    let harness = Harness::start_with(|config| config.limits.connections = 1).await;
    let watched = watching(&harness).await;
    let mut refused = saying(harness.address, HELLO).await;
    let mut said = Vec::new();
    let _ = refused.read_to_end(&mut said).await;
    assert_eq!(said, b"", "there is no room, and it is told nothing");
    // Once the call has ended, its connection makes room.
    drop(watched);
    let let_in = async {
        loop {
            let mut stream = saying(harness.address, HELLO).await;
            if stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {
                return;
            }
        }
    };
    in_time("a place for a connection", let_in).await;
}

/// The calls of one connection, without an end of their requests, are no more than its share.
#[tokio::test(flavor = "multi_thread")]
async fn one_connection_does_not_keep_the_others_out() {
    let harness = Harness::start_with(|config| config.limits.calls = 4).await;
    let mut stream = saying(harness.address, HELLO).await;
    let calls: Vec<u8> = (0..20).flat_map(|number| call(2 * number + 1)).collect();
    stream.write_all(&calls).await.unwrap();
    // All but one are answered: there is no room for them.
    let mut told = Vec::new();
    let answered = async {
        while told.windows(9).filter(|frame| frame[3..5] == [HEADERS, END_OF_HEADERS | END_OF_STREAM]).count()
            < 19
        {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "the connection goes on");
            told.extend_from_slice(&buffer[..read]);
        }
    };
    in_time("the refusals", answered).await;
    harness.team("acme").await;
}

/// A client that has room for a kilobyte, and takes no more than that.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_takes_keeps_its_place_and_then_ends_its_connection() {
    let harness = Harness::start_with(|config| {
        (config.limits.calls, config.limits.message_wait_ms) = (1, 2_000);
    })
    .await;
    harness.team("acme").await;
    let labels = (0..64).map(|index| (format!("l{index}"), "x".repeat(1000))).collect();
    for index in 0..4 {
        let customer = v1::Customer {
            display_name: format!("{index}"),
            labels: std::clone::Clone::clone(&labels),
            ..Default::default()
        };
        let create = v1::CreateCustomerRequest {
            parent: "teams/acme".to_owned(),
            customer: Some(customer),
            ..Default::default()
        };
        harness.crm().create_customer(create).await.unwrap();
    }
    let stream = TokioIo::new(TcpStream::connect(harness.address).await.unwrap());
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = client.initial_stream_window_size(1000).handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let list = v1::ListCustomersRequest { parent: "teams/acme".to_owned(), ..Default::default() };
    let list = request("merit.v1.CrmService/ListCustomers", whole(framed(&list)));
    let _unread = sender.send_request(list).await.unwrap();
    // The answer is made, and begun, and the place is taken.
    let get = v1::GetTeamRequest { name: "teams/acme".to_owned() };
    let busy = harness.organisation().get_team(get.clone()).await.unwrap_err();
    assert_eq!(reason(&busy), "BUSY");
    // In the end it is the connection that goes.
    let ended = in_time("the end of the connection", connection).await.unwrap();
    assert!(ended.is_err(), "{ended:?}");
    let let_in = async {
        while harness.organisation().get_team(get.clone()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the place of the call", let_in).await;
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a call, whose body is still to come.
fn call(stream: u32) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    // By the table that HPACK begins with: POST, http, a path, an authority, a content type; and `te`.
    let headers = [
        vec![0x83, 0x86, 0x04],
        text("/merit.v1.OrganisationService/GetTeam"),
        vec![0x01],
        text("merit"),
        vec![0x0f, 0x10],
        text("application/grpc"),
        vec![0x00],
        text("te"),
        text("trailers"),
    ];
    frame(HEADERS, 4, stream, &headers.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_begun_and_given_up_end_the_connection() {
    let harness = Harness::start().await;
    let mut stream = saying(harness.address, HELLO).await;
    let mut flood = Vec::new();
    for number in 0..1_000_000 {
        flood.extend(call(2 * number + 1));
        flood.extend(frame(RESET, 0, 2 * number + 1, &8_u32.to_be_bytes()));
        if flood.len() > 64 << 10 {
            if stream.write_all(&flood).await.is_err() {
                // Nobody listens any more; and others are served.
                harness.team("acme").await;
                return;
            }
            flood.clear();
        }
    }
    panic!("a million calls were begun and given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_reads_holds_up_neither_others_nor_the_stop() {
    let mut harness = Harness::start().await;
    let mut deaf = saying(harness.address, HELLO).await;
    // Of 17 bytes each.
    let pings = frame(PING, 0, 0, &[7; 8]).repeat(1000);
    let mut written = 0;
    // Until the answers to the pings fill what is between, and the server stops reading: that is no matter of time, but of
    // how much fits between. Slow is who takes a little in a while.
    let fill = async {
        while let Ok(more) = timeout(Duration::from_secs(3), deaf.write(&pings[written % 17..])).await {
            written += more.unwrap();
            assert!(written < 1 << 30, "the server reads on, and keeps what nobody takes");
        }
    };
    in_time("the server stops reading", fill).await;
    assert!(written > 0);
    harness.team("acme").await;
    harness.tell_to_stop();
    harness.stopped().await;
}
