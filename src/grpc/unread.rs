//! Answers that a client has yet to take, on one connection: the transport asks for the next piece of an answer when the
//! client has room for it. A client that takes nothing for long is one that does not read, and its connection is closed.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};
use tonic::{Status, body::Body};

use super::places::Call;

/// The answers of a connection. Clones are of the same connection.
#[derive(Clone, Debug, Default)]
pub struct Unread(Arc<Mutex<Waiting>>);

/// Which answers wait for their client.
#[derive(Debug, Default)]
struct Waiting {
    /// Counts the answers.
    answers: u64,
    /// Since when, by number.
    since: BTreeMap<u64, Instant>,
}

/// The body of an answer, whose call is under way until all of it is taken.
pub struct Counted {
    inner: Body,
    _call: Call,
    unread: Unread,
    number: u64,
}

// === impl Unread ===

impl Unread {
    /// The body of an answer of this connection.
    #[must_use]
    pub fn counted(&self, inner: Body, call: Call) -> Counted {
        let mut waiting = self.lock();
        waiting.answers += 1;
        Counted { inner, _call: call, unread: self.clone(), number: waiting.answers }
    }

    /// Waits until an answer has waited for its client for so long.
    pub async fn overdue(&self, wait: Duration) {
        loop {
            let oldest = self.lock().since.values().min().copied();
            let now = Instant::now();
            match oldest {
                Some(oldest) if now >= oldest + wait => return,
                // What begins to wait after this moment is looked at in time, too.
                oldest => sleep_until(oldest.unwrap_or(now) + wait).await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Counted ===

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let number = self.number;
        // Who is asked for more has been relieved of what there was.
        self.unread.lock().since.remove(&number);
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(_))) = &polled {
            self.unread.lock().since.insert(number, Instant::now());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.unread.lock().since.remove(&self.number);
    }
}
