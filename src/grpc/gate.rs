//! How much may be under way at a time, over all connections. What does not fit is answered at once, with the time to
//! come back; only large requests wait, for they are few: see `weighed`.

use std::sync::Arc;

use http::Request;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Status, body::Body};

use super::{
    limits::Limits,
    method::Lane,
    status,
    weighed::{Room, Weighed},
};

/// How much may be under way.
#[derive(Clone, Debug)]
pub struct Gate {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    components: Arc<Semaphore>,
    /// Bytes of a request beyond which it is large.
    message_bytes: usize,
}

/// The place of a call; given up when dropped.
#[derive(Debug)]
pub struct Place {
    _call: Option<OwnedSemaphorePermit>,
    _room: Room,
}

// === impl Gate ===

impl Gate {
    /// A gate as wide as the limits say.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(limits.calls)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            components: Arc::new(Semaphore::new(limits.component_calls)),
            message_bytes: limits.message_bytes,
        }
    }

    /// A place for a call, and its request, weighed where it may be large.
    ///
    /// # Errors
    /// `BUSY` where there is none.
    pub async fn enter(&self, lane: Lane, request: Request<Body>) -> Result<(Place, Request<Body>), Status> {
        let call = match lane {
            Lane::Free => None,
            Lane::Unary | Lane::Component => Some(one_of(&self.calls, "calls")?),
            Lane::Stream => Some(one_of(&self.streams, "streams")?),
        };
        let room = Room::default();
        let place = Place { _call: call, _room: room.clone() };
        if lane != Lane::Component {
            return Ok((place, request));
        }
        // It waits with a place among the calls, so that those who wait are bounded too.
        if is_compressed(&request) {
            // How large it is shows only when it is too late.
            room.take(&self.components).await?;
            return Ok((place, request));
        }
        let request =
            request.map(|body| Body::new(Weighed::new(body, self.message_bytes, &self.components, &room)));
        Ok((place, request))
    }
}

fn is_compressed(request: &Request<Body>) -> bool {
    request.headers().get("grpc-encoding").is_some_and(|encoding| encoding != "identity")
}

fn one_of(places: &Arc<Semaphore>, what: &str) -> Result<OwnedSemaphorePermit, Status> {
    Arc::clone(places)
        .try_acquire_owned()
        .map_err(|_| status::busy(&format!("as many {what} are under way as the server takes")))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use tonic::Code;

    use super::*;

    fn request(parts: Vec<Vec<u8>>, encoding: &str) -> Request<Body> {
        let frames = parts.into_iter().map(|part| Ok::<_, Status>(Frame::data(Bytes::from(part))));
        let body = Body::new(StreamBody::new(tokio_stream::iter(frames)));
        Request::builder().header("grpc-encoding", encoding).body(body).unwrap()
    }

    fn empty() -> Request<Body> {
        request(vec![], "identity")
    }

    fn gate() -> Gate {
        Gate {
            calls: Arc::new(Semaphore::new(2)),
            streams: Arc::new(Semaphore::new(1)),
            components: Arc::new(Semaphore::new(1)),
            message_bytes: 10,
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_told_to_come_back() {
        let gate = gate();
        let first = gate.enter(Lane::Component, empty()).await.unwrap();
        let _second = gate.enter(Lane::Unary, empty()).await.unwrap();
        let refused = async |lane| gate.enter(lane, empty()).await.unwrap_err().code();
        assert_eq!(refused(Lane::Unary).await, Code::ResourceExhausted);
        let _stream = gate.enter(Lane::Stream, empty()).await.unwrap();
        assert_eq!(refused(Lane::Stream).await, Code::ResourceExhausted);
        gate.enter(Lane::Free, empty()).await.unwrap();
        drop(first);
        gate.enter(Lane::Component, empty()).await.unwrap();
    }

    /// Reads a request to its end; answers how many rooms are left then.
    async fn read(gate: &Gate, request: Request<Body>) -> (Place, usize) {
        let (place, request) = gate.enter(Lane::Component, request).await.unwrap();
        let sent: usize = request.into_body().collect().await.unwrap().to_bytes().len();
        assert!(sent < 100);
        (place, gate.components.available_permits())
    }

    #[tokio::test]
    async fn only_a_large_request_takes_room_and_waits_for_it() {
        let gate = Gate { calls: Arc::new(Semaphore::new(9)), ..gate() };
        let (small, left) = read(&gate, request(vec![vec![0; 5]; 2], "identity")).await;
        assert_eq!(left, 1);
        drop(small);
        let (large, left) = read(&gate, request(vec![vec![0; 5]; 4], "identity")).await;
        assert_eq!(left, 0);
        // It has its room until the call is done; what is small meanwhile does not care.
        let (small, left) = read(&gate, request(vec![vec![0; 10]], "identity")).await;
        assert_eq!(left, 0);
        drop(small);
        let other = gate.clone();
        let waiting =
            tokio::spawn(async move { read(&other, request(vec![vec![0; 11]; 3], "identity")).await.1 });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(large);
        assert_eq!(waiting.await.unwrap(), 0);
        assert_eq!(gate.components.available_permits(), 1);
        // Compressed, it might be any size.
        let (_compressed, left) = read(&gate, request(vec![vec![0; 1]], "gzip")).await;
        assert_eq!(left, 0);
    }
}
