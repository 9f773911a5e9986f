//! What every call has in common, whatever it is about: health, reflection, compression, deadlines, limits, and answers
//! to requests that are none.

use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use merit::proto::{descriptors, v1};
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};
use tonic::{Code, codec::CompressionEncoding};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;

use super::harness::{Answer, Harness, frame, framed, in_time, reason, request, spoken, timed, whole};

const GET_TEAM: &str = "merit.v1.OrganisationService/GetTeam";
const LIST_EVENTS: &str = "merit.v1.AuditService/ListEvents";
const IMPORT: &str = "merit.v1.TransferService/ImportResources";

#[tokio::test(flavor = "multi_thread")]
async fn health_of_every_service() {
    let harness = Harness::start().await;
    let mut health = HealthClient::new(harness.channel.clone());
    let services = descriptors().services().map(|service| service.full_name().to_owned());
    for service in services.chain([String::new()]) {
        let response = health.check(HealthCheckRequest { service: service.clone() }).await.unwrap();
        assert_eq!(response.into_inner().status(), ServingStatus::Serving, "{service}");
    }
    let unknown = health.check(HealthCheckRequest { service: "merit.v1.No".to_owned() }).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}

/// The number of the option on fields.
const EXTENSION: i32 = 428_530_102;

/// Both versions of the protocol have the same messages, in modules of their own.
macro_rules! reflection_test {
    ($name:ident, $version:ident) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            use tonic_reflection::pb::$version::{
                ExtensionRequest, ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
            };
            let harness = Harness::start().await;
            let mut client = ServerReflectionClient::new(harness.channel.clone());
            let asked = [
                MessageRequest::ListServices(String::new()),
                MessageRequest::FileContainingSymbol("merit.v1.GoalService.CreateGoal".to_owned()),
                MessageRequest::FileContainingSymbol("grpc.health.v1.Health".to_owned()),
                MessageRequest::FileContainingExtension(ExtensionRequest {
                    containing_type: "google.protobuf.FieldOptions".to_owned(),
                    extension_number: EXTENSION,
                }),
                MessageRequest::FileByFilename("merit/v1/nothing.proto".to_owned()),
                MessageRequest::FileContainingSymbol("merit.v1.Nothing".to_owned()),
                MessageRequest::AllExtensionNumbersOfType("google.protobuf.FieldOptions".to_owned()),
            ]
            .map(|asked| ServerReflectionRequest { host: String::new(), message_request: Some(asked) });
            let mut answers =
                client.server_reflection_info(tokio_stream::iter(asked)).await.unwrap().into_inner();

            let Some(MessageResponse::ListServicesResponse(list)) =
                answers.message().await.unwrap().unwrap().message_response
            else {
                panic!("no list")
            };
            let served: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
            for service in descriptors().services() {
                assert!(served.contains(&service.full_name().to_owned()), "{served:?}");
            }

            for expected in ["merit/v1/goal.proto", "health.proto", "merit/v1/options.proto"] {
                let answer = answers.message().await.unwrap().unwrap().message_response;
                let Some(MessageResponse::FileDescriptorResponse(found)) = answer else {
                    panic!("{answer:?}")
                };
                let file =
                    prost_types::FileDescriptorProto::decode(found.file_descriptor_proto[0].as_slice())
                        .unwrap();
                assert!(file.name().ends_with(expected), "{}", file.name());
            }
            // What there is not is said, and the stream goes on.
            for _ in 0..2 {
                let answer = answers.message().await.unwrap().unwrap().message_response;
                let Some(MessageResponse::ErrorResponse(error)) = answer else { panic!("{answer:?}") };
                assert_eq!(error.error_code, Code::NotFound as i32, "{error:?}");
                assert!(error.error_message.to_lowercase().contains("nothing"), "{error:?}");
            }
            let answer = answers.message().await.unwrap().unwrap().message_response;
            let Some(MessageResponse::AllExtensionNumbersResponse(numbers)) = answer else {
                panic!("{answer:?}")
            };
            assert_eq!(numbers.extension_number, [EXTENSION]);
            assert!(answers.message().await.unwrap().is_none());
        }
    };
}

reflection_test!(reflection_v1, v1);
reflection_test!(reflection_v1alpha, v1alpha);

#[tokio::test(flavor = "multi_thread")]
async fn compression_both_ways() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    for (encoding, name) in [(CompressionEncoding::Gzip, "gzip"), (CompressionEncoding::Zstd, "zstd")] {
        let mut client = harness.organisation().send_compressed(encoding).accept_compressed(encoding);
        let response = client.get_team(v1::GetTeamRequest { name: "teams/acme".to_owned() }).await.unwrap();
        assert_eq!(response.metadata().get("grpc-encoding").unwrap(), name);
        assert_eq!(response.into_inner().name, "teams/acme");
        let mut client = harness.audit().send_compressed(encoding).accept_compressed(encoding);
        let listed = v1::ListEventsRequest { parent: "teams/acme".to_owned(), ..Default::default() };
        let response = client.list_events(listed).await.unwrap();
        assert_eq!(response.metadata().get("grpc-encoding").unwrap(), name);
        assert_eq!(response.into_inner().events.len(), 1);
    }

    let mut unknown = request(GET_TEAM, whole(frame(b"x", true)));
    unknown.headers_mut().insert("grpc-encoding", "br".parse().unwrap());
    let answer = harness.send(unknown).await;
    check(&answer, Code::Unimplemented, "UNSUPPORTED_ENCODING");
    let accepted = answer.metadata.get("grpc-accept-encoding").unwrap().to_str().unwrap();
    assert!(accepted.contains("gzip") && accepted.contains("zstd"), "{accepted}");
}

fn check(answer: &Answer, code: Code, expected: &str) {
    let status = answer.status();
    assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_of_a_method() {
    let harness = Harness::start().await;
    let team = v1::GetTeamRequest { name: "teams/acme".to_owned() };
    let unknown_method =
        harness.send(request("merit.v1.OrganisationService/Fire", whole(framed(&team)))).await;
    check(&unknown_method, Code::Unimplemented, "UNKNOWN_METHOD");
    let unknown_service =
        harness.send(request("merit.v2.OrganisationService/GetTeam", whole(framed(&team)))).await;
    check(&unknown_service, Code::Unimplemented, "UNKNOWN_METHOD");

    // A field that says it is longer than the message; no message at all; half a frame.
    let truncated = frame(&[0x0a, 0x7f, b'x'], false);
    for method in [GET_TEAM, LIST_EVENTS] {
        let answer = harness.send(request(method, whole(truncated.clone()))).await;
        check(&answer, Code::InvalidArgument, "MALFORMED_REQUEST");
        let answer = harness.send(request(method, whole(Bytes::new()))).await;
        check(&answer, Code::InvalidArgument, "MALFORMED_REQUEST");
        let answer = harness.send(request(method, whole(truncated.slice(..6)))).await;
        check(&answer, Code::InvalidArgument, "MALFORMED_REQUEST");
    }

    // Two messages where one is expected.
    let two = [framed(&team), framed(&team)].concat();
    for method in [GET_TEAM, LIST_EVENTS, "merit.v1.EvaluationService/WatchRun"] {
        let answer = harness.send(request(method, whole(two.clone()))).await;
        check(&answer, Code::InvalidArgument, "MALFORMED_REQUEST");
    }

    let mut unnamed = request(GET_TEAM, whole(framed(&team)));
    unnamed.headers_mut().insert("merit-author", "".parse().unwrap());
    check(&harness.send(unnamed).await, Code::InvalidArgument, "MALFORMED_REQUEST");
    let mut timeless = request(GET_TEAM, whole(framed(&team)));
    timeless.headers_mut().insert("grpc-timeout", "soon".parse().unwrap());
    check(&harness.send(timeless).await, Code::InvalidArgument, "MALFORMED_REQUEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_grpc() {
    let harness = Harness::start().await;
    let get = http::Request::get(format!("http://merit/{GET_TEAM}")).body(whole(Bytes::new())).unwrap();
    assert_eq!(harness.send(get).await.http, 405);
    for (kind, status) in [
        ("application/json", 415),
        ("application/grpc+json", 415),
        ("application/grpc-web", 415),
        ("application/grpc-web+proto", 415),
        ("application/grpcx", 415),
        ("application/grpc", 200),
        ("application/grpc+proto", 200),
        ("application/grpc; charset=utf-8", 200),
    ] {
        let mut sent = request(GET_TEAM, whole(Bytes::new()));
        sent.headers_mut().insert("content-type", kind.parse().unwrap());
        assert_eq!(harness.send(sent).await.http, status, "{kind}");
    }

    // HTTP/1 is no language of this server: it hangs up.
    let mut stream = TcpStream::connect(harness.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: merit\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // A reset says the same as an end.
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(answer, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_a_call() {
    let harness = Harness::start().await;
    let (_silent, body) = spoken();
    check(&harness.send(timed(GET_TEAM, body)).await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let (_silent, body) = spoken();
    check(&harness.send(timed(LIST_EVENTS, body)).await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let (_silent, body) = spoken();
    check(&harness.send(timed(IMPORT, body)).await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_deadline_has_the_servers() {
    let harness = Harness::start_with(|config| config.limits.call_ms = 50).await;
    let (_silent, body) = spoken();
    check(&harness.send(request(GET_TEAM, body)).await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}

/// However long the call may take: nobody has a place for saying nothing, or next to nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_to_come_in_time() {
    let harness = Harness::start_with(|config| config.limits.message_wait_ms = 100).await;
    let reflection = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let watch = "grpc.health.v1.Health/Watch";
    for method in [GET_TEAM, LIST_EVENTS, IMPORT, reflection, watch] {
        let (_silent, body) = spoken();
        let answer = in_time(method, harness.send(request(method, body))).await;
        let status = answer.status();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{method}: {status:?}");
        assert!(status.message().contains("limits.message_wait_ms"), "{method}: {status:?}");
    }
    // Byte by byte, each in time.
    let (speaker, body) = spoken();
    let call = harness.send(request(GET_TEAM, body));
    let drip = async {
        let bytes = Bytes::from(vec![0, 0, 0, 1, 0]);
        while speaker.send(Ok(Frame::data(bytes.clone()))).await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = call => check(&answer, Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
        () = in_time("the end of the call", drip) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_when_everything_is_busy() {
    let harness = Harness::start_with(|config| {
        (config.limits.calls, config.limits.streams) = (1, 1);
    })
    .await;
    let _calls = harness.hold(GET_TEAM, Bytes::new()).await;
    let _streams = harness.hold(IMPORT, Bytes::new()).await;
    let mut health = HealthClient::new(harness.channel.clone());
    health.check(HealthCheckRequest::default()).await.unwrap();
    let mut watched = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let unknown = HealthCheckRequest { service: "merit.v1.No".to_owned() };
    let mut watched = HealthClient::new(harness.new_channel()).watch(unknown).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_a_largest_size() {
    let harness = Harness::start_with(|config| {
        config.limits.message_bytes = 1000;
        config.limits.component_message_bytes = 5000;
    })
    .await;
    let describe = "merit.v1.PluginService/DescribePlugin";
    for (method, bytes) in [(GET_TEAM, 1001), (LIST_EVENTS, 1001), (describe, 5001)] {
        let answer = harness.send(request(method, whole(frame(&vec![0; bytes], false)))).await;
        check(&answer, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
        // Many zeros, in a frame of few bytes.
        for (encoding, bomb) in [("zstd", zstd_of_zeros()), ("gzip", gzip_of_zeros())] {
            assert!(bomb.len() < 1000);
            let mut request = request(method, whole(frame(&bomb, true)));
            request.headers_mut().insert("grpc-encoding", encoding.parse().unwrap());
            check(&harness.send(request).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
        }
    }
}

/// A Zstandard frame of one run-length block: 128 KiB of zeros.
fn zstd_of_zeros() -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd];
    // No checksum, no dictionary, no content size; a window of 128 KiB.
    frame.extend([0x00, 0x38]);
    // The last block, a run of one byte, repeated 128 Ki times.
    let header: u32 = 1 | (1 << 1) | ((128 << 10) << 3);
    frame.extend(&header.to_le_bytes()[..3]);
    frame.push(0);
    frame
}

/// A gzip stream that never gets to its end: a zero, and then 258 of the byte before, again and again.
fn gzip_of_zeros() -> Vec<u8> {
    let mut bits = Vec::new();
    let mut put = |code: u32, length: u32| bits.extend((0..length).rev().map(|bit| code >> bit & 1));
    // Not the last block; its codes are the fixed ones.
    put(0b010, 3);
    put(0b0011_0000, 8);
    for _ in 0..500 {
        // A length of 258, at a distance of 1.
        put(0b1100_0101, 8);
        put(0, 5);
    }
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    stream.extend(bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | *bit as u8)));
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_at_a_time_is_told_to_come_back() {
    let harness = Harness::start_with(|config| {
        config.limits.calls = 1;
        config.limits.streams = 1;
    })
    .await;
    // Each call has a connection of its own: the limit is over all of them.
    for method in [GET_TEAM, IMPORT] {
        let held = harness.hold(method, Bytes::new()).await;
        check(&held.refusal, Code::ResourceExhausted, "BUSY");
        let details = held.refusal.status().get_error_details();
        assert!(details.retry_info().unwrap().retry_delay.is_some());
        let mut health = HealthClient::new(harness.channel.clone());
        health.check(HealthCheckRequest::default()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_has_a_largest_size() {
    let harness = Harness::start_with(|config| config.limits.metadata_bytes = 2000).await;
    let team = v1::GetTeamRequest { name: "teams/acme".to_owned() };
    let mut request = request(GET_TEAM, whole(framed(&team)));
    request.headers_mut().insert("x-large", "a".repeat(3000).parse().unwrap());
    check(&harness.send(request).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
}

/// Far more than is accepted is refused with the call too, and the others of the connection go on.
#[tokio::test(flavor = "multi_thread")]
async fn large_metadata_do_not_end_the_connection() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let mut client = harness.organisation();
    let mut request = tonic::Request::new(v1::GetTeamRequest { name: "teams/acme".to_owned() });
    for number in 0..66 {
        let name = tonic::metadata::MetadataKey::from_bytes(format!("x-large-{number}").as_bytes()).unwrap();
        request.metadata_mut().insert(name, "a".repeat(1000).parse().unwrap());
    }
    let mut watched = HealthClient::new(harness.channel.clone())
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    watched.message().await.unwrap().unwrap();
    let refused = client.get_team(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    // The connection is the same: what was begun on it before goes on.
    assert!(timeout(Duration::from_millis(200), watched.message()).await.is_err());
    client.get_team(v1::GetTeamRequest { name: "teams/acme".to_owned() }).await.unwrap();
}
