//! The command line by TLS: a proxy with a certificate of its own stands before a server, as one has to where others reach it.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring::default_provider,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use super::{command_line::CommandLine, harness::Harness};

/// Takes TLS connections for a server that has none; answers where, and the certificate that vouches for it.
async fn proxy(server: SocketAddr) -> (u16, String) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not speak TLS is not spoken to.
                let Ok(mut outer) = acceptor.accept(stream).await else { return };
                let mut inner = TcpStream::connect(server).await.unwrap();
                let _ = copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });
    (port, own.cert.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_tls_with_a_certificate_that_somebody_vouches_for() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let cli = CommandLine::new(harness.address, "acme");
    let (port, certificate) = proxy(harness.address).await;
    std::fs::write(cli.home().join("ca.pem"), certificate).unwrap();
    std::fs::write(cli.home().join("empty.pem"), "").unwrap();
    let (by_tls, in_the_clear) = (format!("https://localhost:{port}"), format!("http://localhost:{port}"));
    let plain = format!("https://localhost:{}", harness.address.port());

    let listed = cli.json(&["list", "teams", "--server", &by_tls, "--ca", "ca.pem"]);
    assert_eq!(listed[0]["name"], "teams/acme");
    let check = |arguments: &[&str], code: i32, parts: &[&str]| {
        let said = cli.refused(&[&["list", "teams", "--timeout", "60"], arguments].concat(), code);
        assert!(parts.iter().all(|part| said.contains(part)), "{arguments:?}: {said}");
    };
    check(&["--server", &by_tls], 3, &["invalid peer certificate", "next: ", "--ca"]);
    check(
        &["--server", &by_tls.replace("localhost", "127.0.0.1"), "--ca", "ca.pem"],
        3,
        &["invalid peer certificate"],
    );
    check(&["--server", &in_the_clear], 3, &[&in_the_clear]);
    check(&["--server", &plain, "--ca", "ca.pem"], 3, &[&plain]);
    check(&["--server", &in_the_clear, "--ca", "ca.pem"], 2, &["in the clear", "say https://"]);
    check(&["--server", &by_tls, "--ca", "empty.pem"], 2, &["empty.pem: it has no certificate"]);
    check(&["--server", &by_tls, "--ca", "none.pem"], 5, &["none.pem"]);
    check(&["--server", "ftp://localhost"], 2, &["ftp is not spoken"]);
    harness.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_no_server_is_not_reached() {
    let check = async |answer: &'static [u8]| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut preface = [0; 24];
                let _ = stream.read_exact(&mut preface).await;
                let _ = stream.write_all(answer).await;
            }
        });
        let cli = CommandLine::new(address, "acme");
        let said = cli.refused(&["list", "customers"], 3);
        assert!(said.contains("no answer from http://"), "{said}");
    };
    check(b"").await;
    check(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
}
