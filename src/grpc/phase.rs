//! How far the service is on its way down: known to connections and calls, set by whoever runs the service.

use tokio::sync::watch;

/// How far the service is on its way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Everything is served.
    Serving,
    /// Nothing new is accepted; calls under way finish, endless ones are ended.
    Draining,
    /// Calls that are still under way are given up.
    Ended,
}

/// Sees the phase.
#[derive(Clone, Debug)]
pub struct Phases(watch::Receiver<Phase>);

// === impl Phases ===

impl Phases {
    /// The one who sets the phase, and those who see it.
    #[must_use]
    pub fn new() -> (watch::Sender<Phase>, Self) {
        let (sender, receiver) = watch::channel(Phase::Serving);
        (sender, Self(receiver))
    }

    /// The phase now.
    #[must_use]
    pub fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until the phase has come. A service that is gone has come to its end.
    pub async fn reached(mut self, phase: Phase) {
        // An error means that nobody sets it any more.
        let _ = self.0.wait_for(|now| *now >= phase).await;
    }
}
