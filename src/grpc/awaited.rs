//! The body of a request of one message: a second message is refused, and so is one that does not come in time, so that
//! nobody has a place by saying nothing, or next to nothing.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use tonic::Status;

use super::status;

/// Bytes that the frame of a message begins with: whether it is compressed, and how long it is.
const HEADER: usize = 5;
/// Bytes of a message that have to come within the time; then there is as much time again.
const STRIDE: usize = 256 << 10;

/// The body.
pub struct Awaited {
    inner: tonic::body::Body,
    wait: Duration,
    /// Counts from the first time that nothing was there. Most requests are there at once, and need no timer.
    timer: Option<Pin<Box<Sleep>>>,
    /// Bytes that came since the time was given.
    came: usize,
    framing: Framing,
}

/// How much of the one message there is.
#[derive(Debug, Default)]
struct Framing {
    header: Vec<u8>,
    /// Bytes of the message that came.
    came: usize,
}

// === impl Framing ===

impl Framing {
    /// Takes bytes; false where they are more than the one message.
    fn take(&mut self, mut bytes: &[u8]) -> bool {
        let begin = bytes.len().min(HEADER - self.header.len());
        self.header.extend_from_slice(&bytes[..begin]);
        bytes = &bytes[begin..];
        self.came += bytes.len();
        match self.header[..] {
            [_, a, b, c, d] => self.came <= u32::from_be_bytes([a, b, c, d]) as usize,
            _ => true,
        }
    }
}

// === impl Awaited ===

impl Awaited {
    /// The body, of which something worth speaking of has to come within so much time, again and again.
    pub fn new(inner: tonic::body::Body, wait: Duration) -> Self {
        Self { inner, wait, timer: None, came: 0, framing: Framing::default() }
    }
}

impl Body for Awaited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) else {
            let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(this.wait)));
            ready!(timer.as_mut().poll(context));
            return Poll::Ready(Some(Err(status::request_is_late(this.wait))));
        };
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            this.came += data.len();
            if this.came >= STRIDE
                && let Some(timer) = &mut this.timer
            {
                this.came = 0;
                timer.as_mut().reset(Instant::now() + this.wait);
            }
            if !this.framing.take(data) {
                let what = "the request has more than one message: this method takes one";
                return Poll::Ready(Some(Err(status::malformed(what))));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_is_taken() {
        let check = |parts: &[&[u8]], expected: bool| {
            let mut framing = Framing::default();
            assert_eq!(parts.iter().all(|part| framing.take(part)), expected, "{parts:?}");
        };
        check(&[], true);
        check(&[&[0, 0, 0, 0, 0]], true);
        check(&[&[0, 0, 0, 0, 2, 7, 7]], true);
        check(&[&[0], &[0, 0, 0], &[2, 7], &[7]], true);
        check(&[&[0, 0, 0, 0, 2, 7, 7, 0]], false);
        check(&[&[0, 0, 0, 0, 2, 7, 7], &[0, 0, 0, 0, 0]], false);
        check(&[&[0, 0, 0, 0, 0], &[0]], false);
    }
}
