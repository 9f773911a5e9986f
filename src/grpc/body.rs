//! The body of a streaming answer: keeps the call's place while it lasts, and ends it, in good form, when its time is up
//! or the service goes down.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use super::gate::Place;

/// Why a stream is ended before its own end.
pub type End = Pin<Box<dyn Future<Output = Status> + Send>>;

/// The body of a streaming answer.
pub struct Lasting {
    inner: Option<tonic::body::Body>,
    end: End,
    place: Option<Place>,
}

// === impl Lasting ===

impl Lasting {
    /// The body, until `end` gives the status to end it with.
    pub fn new(inner: tonic::body::Body, end: End, place: Place) -> Self {
        Self { inner: Some(inner), end, place: Some(place) }
    }
}

impl Body for Lasting {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { inner: Some(inner), end, .. } = &mut *self else { return Poll::Ready(None) };
        // The end comes first: a producer that always has more would never be asked otherwise.
        let Poll::Ready(status) = end.as_mut().poll(context) else {
            return Pin::new(inner).poll_frame(context);
        };
        // The producer sees its receiver gone, and stops. Who is told so finds the place free.
        (self.inner, self.place) = (None, None);
        let mut trailers = HeaderMap::new();
        Poll::Ready(match status.add_header(&mut trailers) {
            Ok(()) => Some(Ok(Frame::trailers(trailers))),
            Err(status) => Some(Err(status)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
