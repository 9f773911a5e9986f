//! How much may be under way at a time, over all connections. What does not fit is answered at once, with the time to
//! come back; only calls with components wait, for they are few and large.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::{limits::Limits, method::Lane, status};

/// How much may be under way.
#[derive(Clone, Debug)]
pub struct Gate {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    components: Arc<Semaphore>,
}

/// The place of a call; given up when dropped.
#[derive(Debug)]
pub struct Place {
    _call: Option<OwnedSemaphorePermit>,
    _component: Option<OwnedSemaphorePermit>,
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
        }
    }

    /// A place for a call.
    ///
    /// # Errors
    /// `BUSY` where there is none.
    pub async fn enter(&self, lane: Lane) -> Result<Place, Status> {
        let call = match lane {
            Lane::Free => None,
            Lane::Unary | Lane::Component => Some(one_of(&self.calls, "calls")?),
            Lane::Stream => Some(one_of(&self.streams, "streams")?),
        };
        let component = match lane {
            // It waits with a place among the calls, so that those who wait are bounded too.
            Lane::Component => Some(
                Arc::clone(&self.components)
                    .acquire_owned()
                    .await
                    .map_err(|_| status::unavailable("the server is stopping"))?,
            ),
            Lane::Free | Lane::Unary | Lane::Stream => None,
        };
        Ok(Place { _call: call, _component: component })
    }
}

fn one_of(places: &Arc<Semaphore>, what: &str) -> Result<OwnedSemaphorePermit, Status> {
    Arc::clone(places)
        .try_acquire_owned()
        .map_err(|_| status::busy(&format!("as many {what} are under way as the server takes")))
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_told_to_come_back() {
        let gate = Gate {
            calls: Arc::new(Semaphore::new(2)),
            streams: Arc::new(Semaphore::new(1)),
            components: Arc::new(Semaphore::new(1)),
        };
        let first = gate.enter(Lane::Component).await.unwrap();
        let _second = gate.enter(Lane::Unary).await.unwrap();
        assert_eq!(gate.enter(Lane::Unary).await.unwrap_err().code(), Code::ResourceExhausted);
        let _stream = gate.enter(Lane::Stream).await.unwrap();
        assert_eq!(gate.enter(Lane::Stream).await.unwrap_err().code(), Code::ResourceExhausted);
        gate.enter(Lane::Free).await.unwrap();
        drop(first);
        gate.enter(Lane::Component).await.unwrap();
    }
}
