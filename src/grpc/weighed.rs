//! The body of a request that may be large. As long as it is not, it takes no more room than others; beyond that it waits
//! until there is room for a large one, and keeps that until the call is done. So those who send large requests wait for
//! each other, and nobody else waits for them.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::status;

/// The room for a large request, once it is taken. Held by the call.
#[derive(Clone, Debug, Default)]
pub struct Room(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

type Waiting = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, Status>> + Send>>;

/// The body.
pub struct Weighed {
    inner: tonic::body::Body,
    /// Bytes until it is large.
    left: usize,
    rooms: Arc<Semaphore>,
    room: Room,
    waiting: Option<Waiting>,
}

// === impl Room ===

impl Room {
    /// Waits for room.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the server stops.
    pub async fn take(&self, rooms: &Arc<Semaphore>) -> Result<(), Status> {
        let permit = permit(Arc::clone(rooms)).await?;
        self.keep(permit);
        Ok(())
    }

    fn keep(&self, permit: OwnedSemaphorePermit) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
    }
}

async fn permit(rooms: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Status> {
    rooms.acquire_owned().await.map_err(|_| status::unavailable("the server is stopping"))
}

// === impl Weighed ===

impl Weighed {
    /// The body, which is large beyond so many bytes.
    pub fn new(inner: tonic::body::Body, left: usize, rooms: &Arc<Semaphore>, room: &Room) -> Self {
        Self { inner, left, rooms: Arc::clone(rooms), room: room.clone(), waiting: None }
    }
}

impl Body for Weighed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if let Some(waiting) = &mut this.waiting {
            match ready!(waiting.as_mut().poll(context)) {
                Ok(permit) => this.room.keep(permit),
                Err(status) => return Poll::Ready(Some(Err(status))),
            }
            this.waiting = None;
            this.left = usize::MAX;
        }
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(context));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            match this.left.checked_sub(data.len()) {
                Some(left) => this.left = left,
                // What has come has come; what follows waits.
                None => this.waiting = Some(Box::pin(permit(Arc::clone(&this.rooms)))),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
