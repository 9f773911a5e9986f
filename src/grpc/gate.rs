//! How much may be under way at a time, over all connections and on one. What does not fit is answered at once, with the
//! time to come back; only large requests wait, for they are few: see `weighed`.

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

/// So many connections it takes to have all places: no one of them keeps all others out.
const CONNECTIONS_TO_FILL: usize = 4;

/// How much may be under way.
#[derive(Clone, Debug)]
pub struct Gate {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    components: Arc<Semaphore>,
    /// Bytes of a request beyond which it is large.
    message_bytes: usize,
    /// How many calls, and how many streams, one connection may have under way.
    share: (usize, usize),
}

/// What one connection may have under way. Clones are of the same connection.
#[derive(Clone, Debug)]
pub struct Share {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

/// The place of a call; given up when dropped.
#[derive(Debug)]
pub struct Place {
    _of_connection: Option<OwnedSemaphorePermit>,
    _call: Option<OwnedSemaphorePermit>,
    _room: Room,
}

// === impl Gate ===

impl Gate {
    /// A gate as wide as the limits say.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self::of(limits.calls, limits.streams, limits.component_calls, limits.message_bytes)
    }

    fn of(calls: usize, streams: usize, components: usize, message_bytes: usize) -> Self {
        let share = |places: usize| (places / CONNECTIONS_TO_FILL).max(1);
        Self {
            calls: Arc::new(Semaphore::new(calls)),
            streams: Arc::new(Semaphore::new(streams)),
            components: Arc::new(Semaphore::new(components)),
            message_bytes,
            share: (share(calls), share(streams)),
        }
    }

    /// What a new connection may have under way.
    #[must_use]
    pub fn share(&self) -> Share {
        let (calls, streams) = self.share;
        Share { calls: Arc::new(Semaphore::new(calls)), streams: Arc::new(Semaphore::new(streams)) }
    }

    /// A place for a call of a connection, and its request, weighed where it may be large.
    ///
    /// # Errors
    /// `BUSY` where there is none.
    pub async fn enter(
        &self,
        lane: Lane,
        share: &Share,
        request: Request<Body>,
    ) -> Result<(Place, Request<Body>), Status> {
        let (of_connection, call) = match lane {
            Lane::Free => (None, None),
            Lane::Watch => (Some(own(&share.streams, "streams")?), None),
            Lane::Unary | Lane::Component => {
                (Some(own(&share.calls, "calls")?), Some(one_of(&self.calls, "calls")?))
            }
            Lane::Stream => (Some(own(&share.streams, "streams")?), Some(one_of(&self.streams, "streams")?)),
        };
        let room = Room::default();
        let place = Place { _of_connection: of_connection, _call: call, _room: room.clone() };
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

fn own(places: &Arc<Semaphore>, what: &str) -> Result<OwnedSemaphorePermit, Status> {
    Arc::clone(places).try_acquire_owned().map_err(|_| {
        status::busy(&format!("as many {what} of this connection are under way as the server takes of one"))
    })
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

    #[tokio::test]
    async fn what_does_not_fit_is_told_to_come_back() {
        let gate = Gate::of(2, 1, 1, 10);
        // Each from a connection of its own.
        let enter = async |lane| gate.enter(lane, &gate.share(), empty()).await;
        let first = enter(Lane::Component).await.unwrap();
        let _second = enter(Lane::Unary).await.unwrap();
        let refused = async |lane| enter(lane).await.unwrap_err().code();
        assert_eq!(refused(Lane::Unary).await, Code::ResourceExhausted);
        let _stream = enter(Lane::Stream).await.unwrap();
        assert_eq!(refused(Lane::Stream).await, Code::ResourceExhausted);
        enter(Lane::Free).await.unwrap();
        enter(Lane::Watch).await.unwrap();
        drop(first);
        enter(Lane::Component).await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_has_its_share() {
        let gate = Gate::of(8, 12, 1, 10);
        let check = async |lane, share: &Share, expected: usize| {
            let mut places = Vec::new();
            while let Ok((place, _)) = gate.enter(lane, share, empty()).await {
                places.push(place);
            }
            assert_eq!(places.len(), expected, "{lane:?}");
            places
        };
        let (one, other) = (gate.share(), gate.share());
        let _calls = check(Lane::Unary, &one, 2).await;
        check(Lane::Component, &one, 0).await;
        check(Lane::Unary, &other, 2).await;
        let _watched = check(Lane::Watch, &one, 3).await;
        check(Lane::Stream, &one, 0).await;
        check(Lane::Stream, &other, 3).await;
        check(Lane::Unary, &Gate::of(1, 1, 1, 10).share(), 1).await;
    }

    /// Reads a request to its end; answers how many rooms are left then.
    async fn read(gate: &Gate, request: Request<Body>) -> (Place, usize) {
        let (place, request) = gate.enter(Lane::Component, &gate.share(), request).await.unwrap();
        let sent: usize = request.into_body().collect().await.unwrap().to_bytes().len();
        assert!(sent < 100);
        (place, gate.components.available_permits())
    }

    #[tokio::test]
    async fn only_a_large_request_takes_room_and_waits_for_it() {
        let gate = Gate::of(9, 1, 1, 10);
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
