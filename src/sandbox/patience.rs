//! How long whoever asked waits for the answer. What a guest does after that is work for nobody, on a core that others
//! want; so it is stopped.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long an answer is waited for. Clones share what is told to one of them.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    gone: Arc<AtomicBool>,
    allowance: Option<Allowance>,
}

/// Time that guests may take together. It begins with the first of them: what the host does before, such as compiling a
/// component that is not known yet, is not the guests' fault.
#[derive(Clone, Debug)]
struct Allowance {
    time: Duration,
    begun: Arc<OnceLock<Instant>>,
}

/// Gives up when it is dropped: held by whoever waits, who may go away at any time.
#[derive(Debug)]
pub struct Waiting(Arc<AtomicBool>);

/// Why an answer is not waited for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Whoever asked is gone, or was answered that it took too long.
    Gone,
    /// The time is over that all calls of the request may take together.
    Late(Duration),
}

// === impl Patience ===

impl Patience {
    /// For as long as the other lives that is answered with it.
    #[must_use]
    pub fn of_a_waiter() -> (Self, Waiting) {
        let patience = Self::default();
        let waiting = Waiting(Arc::clone(&patience.gone));
        (patience, waiting)
    }

    /// The same, but guests may take at most so long together.
    #[must_use]
    pub fn at_most(&self, time: Duration) -> Self {
        let shorter = self.allowance.clone().filter(|own| own.time <= time);
        let allowance = shorter.unwrap_or_else(|| Allowance { time, begun: Arc::default() });
        Self { gone: Arc::clone(&self.gone), allowance: Some(allowance) }
    }

    /// A guest begins.
    pub fn begin(&self) {
        if let Some(allowance) = &self.allowance {
            allowance.begun.get_or_init(Instant::now);
        }
    }

    /// The answer is not wanted any more.
    pub fn give_up(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Why nobody waits any more; nothing while somebody does.
    #[must_use]
    pub fn over(&self) -> Option<Over> {
        if self.gone.load(Ordering::Relaxed) {
            return Some(Over::Gone);
        }
        let allowance = self.allowance.as_ref()?;
        let late = allowance.begun.get()?.elapsed() >= allowance.time;
        late.then_some(Over::Late(allowance.time))
    }

    /// Whether nobody waits any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over().is_some()
    }
}

// === impl Waiting ===

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_whoever_waits_goes_away() {
        let (patience, waiting) = Patience::of_a_waiter();
        let bounded = patience.at_most(Duration::from_secs(3600));
        assert_eq!((patience.over(), bounded.over()), (None, None));
        drop(waiting);
        assert_eq!((patience.over(), bounded.over()), (Some(Over::Gone), Some(Over::Gone)));
    }

    #[test]
    fn the_shorter_time_counts() {
        let (hour, none) = (Duration::from_secs(3600), Duration::ZERO);
        let over = |patience: Patience| {
            patience.begin();
            patience.over()
        };
        assert_eq!(over(Patience::default().at_most(none)), Some(Over::Late(none)));
        assert_eq!(over(Patience::default().at_most(none).at_most(hour)), Some(Over::Late(none)));
        assert_eq!(over(Patience::default().at_most(hour).at_most(none)), Some(Over::Late(none)));
        assert_eq!(over(Patience::default().at_most(hour).at_most(Duration::MAX)), None);
    }

    #[test]
    fn the_time_begins_with_the_first_guest_of_any_clone() {
        let patience = Patience::default().at_most(Duration::ZERO);
        assert_eq!(patience.over(), None, "what the host does before is not counted");
        patience.clone().begin();
        assert_eq!(patience.over(), Some(Over::Late(Duration::ZERO)));
    }

    #[test]
    fn giving_up_is_told_to_every_clone() {
        let patience = Patience::default();
        let other = patience.clone();
        patience.give_up();
        assert!(other.is_over());
        assert!(!Patience::default().is_over());
    }
}
