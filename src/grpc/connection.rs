//! Connections: accepts them up to a number, has each speak HTTP/2 or go, and brings them all to an end in time when the
//! service goes down, also those that say nothing.

use std::{io, sync::Arc, time::Duration};

use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, join},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    front::Front,
    limits::Limits,
    phase::{Phase, Phases},
};

/// The first bytes of every HTTP/2 connection.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes that a client may send on a stream, and on a connection, before it has to wait for the service.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// How long to wait when the system has no room for a connection: it is not going to have any right away.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Accepts connections until the service drains, then sees them to their end. Takes no longer for that than
/// `limits.drain()`.
pub async fn serve(listener: TcpListener, front: Arc<Front>, limits: &Limits, phases: Phases) {
    let mut connections = accept(listener, &front, limits, &phases).await;
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.drain(), drained).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections are cut: they did not end in time");
        connections.shutdown().await;
    }
}

/// Accepts connections until the service drains. The listener is gone then: who comes later is refused by the system.
async fn accept(listener: TcpListener, front: &Arc<Front>, limits: &Limits, phases: &Phases) -> JoinSet<()> {
    let places = Arc::new(Semaphore::new(limits.connections));
    let protocol = protocol(limits);
    let preface = Duration::from_millis(limits.preface_ms);
    let mut connections = JoinSet::new();
    let mut draining = std::pin::pin!(phases.clone().reached(Phase::Draining));
    loop {
        tokio::select! {
            () = &mut draining => return connections,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                        tracing::warn!(%peer, "a connection is closed: there are as many as the server takes");
                        continue;
                    };
                    let connection = connection(stream, protocol.clone(), preface, Arc::clone(front), phases.clone());
                    connections.spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::debug!(%peer, %error, "a connection ended");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
}

fn protocol(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut protocol = http2::Builder::new(TokioExecutor::new());
    protocol
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(limits.calls_per_connection)
        .max_header_list_size(limits.metadata_bytes)
        .keep_alive_interval(Duration::from_millis(limits.ping_ms))
        .keep_alive_timeout(Duration::from_millis(limits.ping_answer_ms));
    protocol
}

/// Serves a connection to its end.
async fn connection(
    mut stream: TcpStream,
    protocol: http2::Builder<TokioExecutor>,
    preface: Duration,
    front: Arc<Front>,
    phases: Phases,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // Answers are small and awaited.
    stream.set_nodelay(true)?;
    let mut draining = std::pin::pin!(phases.reached(Phase::Draining));
    let first = tokio::select! {
        // Who has not said a word when the service goes down has nothing to finish.
        () = &mut draining => return Ok(()),
        first = timeout(preface, hello(&mut stream)) => first??,
    };
    let (read, write) = stream.into_split();
    let stream = TokioIo::new(join(io::Cursor::new(first).chain(read), write));
    let service = service_fn(move |request| Arc::clone(&front).answer(request));
    let mut connection = std::pin::pin!(protocol.serve_connection(stream, service));
    tokio::select! {
        ended = &mut connection => return Ok(ended?),
        () = &mut draining => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

/// Reads the preface of HTTP/2, and nothing else.
async fn hello(stream: &mut TcpStream) -> io::Result<[u8; PREFACE.len()]> {
    let mut first = [0; PREFACE.len()];
    let mut length = 0;
    while length < first.len() {
        let read = stream.read(&mut first[length..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        length += read;
        if !PREFACE.starts_with(&first[..length]) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "this is no HTTP/2"));
        }
    }
    Ok(first)
}
