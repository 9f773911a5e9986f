//! Connections: accepts them up to a number, has each speak HTTP/2 or go, and brings them all to an end in time when the
//! service goes down, also those that say nothing. Who goes when there are too many is in `places`.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use super::{
    front::Front,
    limits::Limits,
    phase::{Phase, Phases},
    places::{Place, Places},
    unread::Unread,
};
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, join},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

/// The first bytes of every HTTP/2 connection.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes that a client may send on a stream, and on a connection, before it has to wait for the service.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Bytes of an answer that the transport takes before the client has room for them.
const SEND_BUFFER: usize = 64 << 10;
/// Metadata that is beyond the limit, and by no more than so many times, is refused with the call. What is larger yet ends
/// the connection: the transport does not read it.
const METADATA_READ: u32 = 8;
/// How long to wait when the system has no room for a connection: it is not going to have any right away.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// How long a connection without calls that is told to end may take to do so.
const GOODBYE: Duration = Duration::from_secs(1);

/// Accepts connections until the service drains, then sees them to their end. When the phase is `Ended`, calls that are
/// still under way are told so, and a moment later what is left is cut.
pub async fn serve(listener: TcpListener, front: Arc<Front>, limits: &Limits, phases: Phases) {
    let mut connections = accept(listener, &front, limits, &phases).await;
    let drained = async { while connections.join_next().await.is_some() {} };
    let given_up = async {
        phases.reached(Phase::Ended).await;
        sleep(GOODBYE).await;
    };
    tokio::select! {
        () = drained => {}
        () = given_up => {
            tracing::warn!(connections = connections.len(), "connections are cut: they did not end in time");
            connections.shutdown().await;
        }
    }
}

/// What a connection is served with.
#[derive(Clone)]
struct Serving {
    front: Arc<Front>,
    protocol: http2::Builder<TokioExecutor>,
    /// How long it may take to say that it speaks HTTP/2.
    preface: Duration,
    /// How long an answer waits for its client.
    unread: Duration,
    /// For those who have said that.
    speaking: Places,
    phases: Phases,
}

/// Accepts connections until the service drains. The listener is gone then: who comes later is refused by the system.
/// Who has said nothing yet has a place among those like it, where a newcomer takes that of the oldest.
async fn accept(listener: TcpListener, front: &Arc<Front>, limits: &Limits, phases: &Phases) -> JoinSet<()> {
    let silent = Places::new(limits.silent_connections);
    let serving = Serving {
        front: Arc::clone(front),
        protocol: protocol(limits),
        preface: Duration::from_millis(limits.preface_ms),
        unread: limits.message_wait(),
        speaking: Places::new(limits.connections),
        phases: phases.clone(),
    };
    let mut connections = JoinSet::new();
    let mut draining = std::pin::pin!(phases.clone().reached(Phase::Draining));
    loop {
        tokio::select! {
            () = &mut draining => return connections,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let Some(place) = silent.enter().await else { continue };
                    let connection = serving.clone().connection(stream, place);
                    connections.spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::debug!(%peer, %error, "a connection ended");
                        }
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
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(limits.metadata_bytes.saturating_mul(METADATA_READ))
        .keep_alive_interval(Duration::from_millis(limits.ping_ms))
        .keep_alive_timeout(Duration::from_millis(limits.ping_answer_ms));
    protocol
}

// === impl Serving ===

impl Serving {
    /// Serves a connection to its end, from the place of one that has said nothing yet.
    async fn connection(
        self,
        mut stream: TcpStream,
        silent: Place,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Self { front, protocol, preface, unread: wait, speaking, phases } = self;
        // Answers are small and awaited.
        stream.set_nodelay(true)?;
        let mut draining = std::pin::pin!(phases.reached(Phase::Draining));
        let let_in = async {
            let first = hello(&mut stream).await?;
            Ok::<_, io::Error>((first, speaking.enter().await))
        };
        let (first, place) = tokio::select! {
            // Who has not said a word when the service goes down has nothing to finish.
            () = &mut draining => return Ok(()),
            () = silent.wanted() => return Err("it said nothing, and another came".into()),
            let_in = timeout(preface, let_in) => let_in??,
        };
        drop(silent);
        let Some(place) = place else {
            tracing::warn!("a connection is closed: as many as the server takes have calls under way");
            return Ok(());
        };
        let (read, write) = stream.into_split();
        let stream = TokioIo::new(join(io::Cursor::new(first).chain(read), write));
        let (share, unread) = (front.share(), Unread::default());
        let service = service_fn(|request| {
            let (call, front) = (place.call(), Arc::clone(&front));
            let (share, unread) = (share.clone(), unread.clone());
            async move {
                let answer = front.answer(share, request).await?;
                Ok::<_, Infallible>(answer.map(|inner| unread.counted(inner, call)))
            }
        });
        let mut connection = std::pin::pin!(protocol.serve_connection(stream, service));
        tokio::select! {
            ended = &mut connection => return Ok(ended?),
            () = &mut draining => {}
            () = place.wanted() => {}
            () = unread.overdue(wait) => return Err("its client does not read".into()),
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            biased;
            ended = connection => Ok(ended?),
            // Nothing is under way, and the client does not say goodbye.
            () = place.idle_for(GOODBYE) => Ok(()),
            () = unread.overdue(wait) => Err("its client does not read".into()),
        }
    }
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
