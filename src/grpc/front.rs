//! Where every request comes in: finds the method, a place for the call, the caller and the deadline, and has the call
//! answered, whatever happens.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method as Verb, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::{Status, body::Body, service::Routes};
use tower::Service;

use super::{
    author,
    awaited::Awaited,
    body::{End, Lasting},
    deadline,
    gate::{Gate, Place, Share},
    limits::Limits,
    method::{Lane, Method, methods},
    panic,
    phase::{Phase, Phases},
    standard::Standard,
    status,
};
use crate::store::OpeningProgress;

/// What the names of the methods of this contract begin with.
const OWN: &str = "merit.";

/// Where every request comes in.
pub struct Front {
    methods: HashMap<String, Method>,
    /// Health and reflection, which need no store.
    early: Routes,
    opened: OnceLock<Opened>,
    progress: OpeningProgress,
    gate: Gate,
    call: Duration,
    /// How long the next piece of a request is waited for.
    wait: Duration,
    metadata_bytes: u32,
    phases: Phases,
}

/// What is served once the store is open.
pub struct Opened {
    /// The standard methods.
    pub standard: Standard,
    /// All others.
    pub routes: Routes,
}

// === impl Front ===

impl Front {
    /// A front that serves what needs no store, and tells everybody else how far the store is until `open`.
    #[must_use]
    pub fn new(early: Routes, progress: OpeningProgress, limits: &Limits, phases: Phases) -> Self {
        Self {
            methods: methods(),
            early: early.prepare(),
            opened: OnceLock::new(),
            progress,
            gate: Gate::new(limits),
            call: limits.call(),
            wait: limits.message_wait(),
            metadata_bytes: limits.metadata_bytes,
            phases,
        }
    }

    /// Serves everything from now on.
    pub fn open(&self, opened: Opened) {
        let Opened { standard, routes } = opened;
        // There is one store: it is opened once.
        let _ = self.opened.set(Opened { standard, routes: routes.prepare() });
    }

    /// What a new connection may have under way.
    #[must_use]
    pub fn share(&self) -> Share {
        self.gate.share()
    }

    /// Answers a request of a connection that has this share. Never fails: what goes wrong is an answer.
    pub async fn answer<B>(
        self: Arc<Self>,
        share: Share,
        request: Request<B>,
    ) -> Result<Response<Body>, Infallible>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    {
        if let Some(refusal) = not_grpc(&request) {
            return Ok(refusal);
        }
        let Some(method) = self.methods.get(request.uri().path()) else {
            return Ok(status::unknown_method(request.uri().path()).into_http());
        };
        let start = Instant::now();
        let response = match self.call(method, start, &share, request.map(Body::new)).await {
            Ok(response) => response,
            Err(status) => status.into_http(),
        };
        let response = in_our_words(method, response);
        let code = response.headers().get("grpc-status").and_then(|value| value.to_str().ok()).unwrap_or("0");
        tracing::debug!(method = method.name, code, elapsed = ?start.elapsed(), "call");
        Ok(response)
    }

    async fn call(
        &self,
        method: &Method,
        start: Instant,
        share: &Share,
        request: Request<Body>,
    ) -> Result<Response<Body>, Status> {
        self.check_metadata(request.headers())?;
        let caller = author::caller(request.headers(), &method.name)?;
        let asked = deadline::asked(request.headers())?;
        let cap = (!matches!(method.lane, Lane::Stream | Lane::Watch)).then_some(self.call);
        // Beyond what the clock can count there is no deadline.
        let until = asked.into_iter().chain(cap).min().and_then(|time| start.checked_add(time));

        let work = async {
            let request = match method.single {
                true => request.map(|body| Body::new(Awaited::new(body, self.wait))),
                false => request,
            };
            let (place, mut request) = self.gate.enter(method.lane, share, request).await?;
            request.extensions_mut().insert(caller.clone());
            let response = panic::caught(self.dispatch(method, request)).await?;
            Ok((response, place))
        };
        let (response, place) = tokio::select! {
            done = within(until, work) => done?,
            () = self.phases.clone().reached(Phase::Ended) => return Err(status::unavailable("the server has stopped")),
        };
        Ok(self.lasting(method, until, response, place))
    }

    /// Refuses metadata beyond the limit, counted as HTTP/2 counts it.
    fn check_metadata(&self, headers: &HeaderMap) -> Result<(), Status> {
        let sizes = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
        let bytes: usize = sizes.sum();
        if bytes <= self.metadata_bytes as usize {
            return Ok(());
        }
        Err(status::metadata_too_large(bytes, self.metadata_bytes))
    }

    async fn dispatch(&self, method: &Method, request: Request<Body>) -> Response<Body> {
        let mut routes = match self.opened.get() {
            _ if !method.name.starts_with(OWN) => self.early.clone(),
            None => {
                let what = format!("the server is opening its data: {}", self.progress);
                return status::unavailable(&what).into_http();
            }
            Some(opened) => match &method.standard {
                Some(descriptor) => return opened.standard.serve(descriptor, request).await,
                None => opened.routes.clone(),
            },
        };
        match routes.call(request).await {
            Ok(response) => response,
        }
    }

    /// Keeps the place of a call until its answer is taken, and ends it when it is time.
    fn lasting(
        &self,
        method: &Method,
        until: Option<Instant>,
        response: Response<Body>,
        place: Place,
    ) -> Response<Body> {
        let last = if method.endless { Phase::Draining } else { Phase::Ended };
        let stopped = self.phases.clone().reached(last);
        let end: End = Box::pin(async move {
            tokio::select! {
                () = passed(until) => status::deadline_exceeded(),
                () = stopped => status::unavailable("the server is stopping: call again when it is back"),
            }
        });
        response.map(|inner| Body::new(Lasting::new(inner, end, place)))
    }
}

async fn within<T>(
    until: Option<Instant>,
    work: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    match until {
        Some(until) => timeout_at(until, work).await.unwrap_or_else(|_| Err(status::deadline_exceeded())),
        None => work.await,
    }
}

async fn passed(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// What HTTP says to a request that is none of gRPC.
fn not_grpc<B>(request: &Request<B>) -> Option<Response<Body>> {
    let kind = request.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    // Parameters may follow. Messages are encoded in one way, and framed in one.
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let code = if request.method() != Verb::POST {
        StatusCode::METHOD_NOT_ALLOWED
    } else if kind != b"application/grpc" && kind != b"application/grpc+proto" {
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    } else {
        return None;
    };
    let mut response = Response::new(Body::new(
        http_body_util::Full::from("this is a gRPC service\n").map_err(|never| match never {}),
    ));
    *response.status_mut() = code;
    Some(response)
}

/// An answer that tonic gave itself, without details, in the words of this service.
fn in_our_words(method: &Method, response: Response<Body>) -> Response<Body> {
    if !method.name.starts_with(OWN) {
        return response;
    }
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != tonic::Code::Ok && status.details().is_empty() => {
            status::of_transport(status).into_http()
        }
        _ => response,
    }
}
