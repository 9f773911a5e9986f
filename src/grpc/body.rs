//! The body of an answer: keeps the call's place until all of it is taken, and ends it, in good form, when its time is up
//! or the service goes down.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use super::gate::Place;

/// Bytes that are handed on at a time. The transport asks for more only when the client has room, so that what it holds
/// of an answer that nobody reads is little more than this: the rest is here, and with it the place.
const PIECE: usize = 16 << 10;

/// Why an answer is ended before its own end.
pub type End = Pin<Box<dyn Future<Output = Status> + Send>>;

/// The body of an answer.
pub struct Lasting {
    inner: Option<tonic::body::Body>,
    /// What came of the inner body and is not handed on yet.
    rest: Bytes,
    end: End,
    place: Option<Place>,
}

// === impl Lasting ===

impl Lasting {
    /// The body, until `end` gives the status to end it with.
    pub fn new(inner: tonic::body::Body, end: End, place: Place) -> Self {
        Self { inner: Some(inner), rest: Bytes::new(), end, place: Some(place) }
    }
}

impl Body for Lasting {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { inner: Some(inner), rest, end, .. } = &mut *self else { return Poll::Ready(None) };
        // The end comes first: a producer that always has more would never be asked otherwise.
        let Poll::Ready(status) = end.as_mut().poll(context) else {
            if rest.is_empty() {
                match ready!(Pin::new(inner).poll_frame(context)).map(|frame| frame.map(Frame::into_data)) {
                    Some(Ok(Ok(data))) => *rest = data,
                    Some(Ok(Err(frame))) => return Poll::Ready(Some(Ok(frame))),
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => return Poll::Ready(None),
                }
            }
            let piece = rest.split_to(PIECE.min(rest.len()));
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        };
        // The producer sees its receiver gone, and stops. Who is told so finds the place free.
        (self.inner, self.place, self.rest) = (None, None, Bytes::new());
        let mut trailers = HeaderMap::new();
        Poll::Ready(match status.add_header(&mut trailers) {
            Ok(()) => Some(Ok(Frame::trailers(trailers))),
            Err(status) => Some(Err(status)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
