//! Places for connections, as many as the server takes. When there is none left, who has been idle longest is asked to
//! leave: so that those who do nothing never keep those out who want something.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::sleep,
};

/// Places. Clones share them.
#[derive(Clone, Debug)]
pub struct Places {
    room: Arc<Semaphore>,
    taken: Arc<Mutex<Taken>>,
}

/// Who has a place, by when it was taken.
#[derive(Debug, Default)]
struct Taken {
    /// Counts what happens: who came or became idle earlier has the smaller number.
    tick: u64,
    by_number: BTreeMap<u64, Arc<watch::Sender<State>>>,
}

/// What a connection is at.
#[derive(Clone, Copy, Debug)]
struct State {
    calls: usize,
    idle_since: u64,
    leaving: bool,
}

/// The place of a connection; given up when dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    number: u64,
    state: Arc<watch::Sender<State>>,
    _permit: OwnedSemaphorePermit,
}

/// A call under way on a connection, until it is dropped.
#[derive(Debug)]
pub struct Call {
    taken: Arc<Mutex<Taken>>,
    state: Arc<watch::Sender<State>>,
}

// === impl Places ===

impl Places {
    /// So many places.
    #[must_use]
    pub fn new(number: usize) -> Self {
        Self { room: Arc::new(Semaphore::new(number)), taken: Arc::default() }
    }

    /// A place: a free one, or that of the connection that has been idle longest, when it has left. None where all of
    /// them are busy.
    pub async fn enter(&self) -> Option<Place> {
        let permit = match Arc::clone(&self.room).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) if self.ask_the_idlest() => Arc::clone(&self.room).acquire_owned().await.ok()?,
            Err(_) => return None,
        };
        let mut taken = lock(&self.taken);
        let number = taken.next();
        let state = Arc::new(watch::Sender::new(State { calls: 0, idle_since: number, leaving: false }));
        taken.by_number.insert(number, Arc::clone(&state));
        Some(Place { places: self.clone(), number, state, _permit: permit })
    }

    /// Asks the connection to leave that has been idle longest; false where there is none.
    fn ask_the_idlest(&self) -> bool {
        let taken = lock(&self.taken);
        let idle = taken.by_number.values().filter_map(|state| {
            let now = *state.borrow();
            (now.calls == 0 && !now.leaving).then_some((now.idle_since, state))
        });
        let Some((_, idlest)) = idle.min_by_key(|(since, _)| *since) else { return false };
        idlest.send_modify(|state| state.leaving = true);
        true
    }
}

// === impl Taken ===

impl Taken {
    fn next(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }
}

// === impl Place ===

impl Place {
    /// A call begins.
    #[must_use]
    pub fn call(&self) -> Call {
        self.state.send_modify(|state| state.calls += 1);
        Call { taken: Arc::clone(&self.places.taken), state: Arc::clone(&self.state) }
    }

    /// Waits until the place is wanted by somebody else.
    pub async fn wanted(&self) {
        // The sender is here: there is no error.
        let _ = self.state.subscribe().wait_for(|state| state.leaving).await;
    }

    /// Waits until no call has been under way for so long.
    pub async fn idle_for(&self, time: Duration) {
        let mut state = self.state.subscribe();
        loop {
            let _ = state.wait_for(|state| state.calls == 0).await;
            tokio::select! {
                () = sleep(time) => return,
                _ = state.wait_for(|state| state.calls > 0) => {}
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.places.taken).by_number.remove(&self.number);
    }
}

// === impl Call ===

impl Drop for Call {
    fn drop(&mut self) {
        let now = lock(&self.taken).next();
        self.state.send_modify(|state| (state.calls, state.idle_since) = (state.calls - 1, now));
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(place: &Place) -> bool {
        place.state.borrow().leaving
    }

    #[tokio::test]
    async fn who_has_been_idle_longest_is_asked_to_leave() {
        let places = Places::new(3);
        let [first, second, third] =
            [places.enter().await.unwrap(), places.enter().await.unwrap(), places.enter().await.unwrap()];
        // The first was at work last, the third is at work: the second goes.
        drop(first.call());
        let call = third.call();
        let newcomer = tokio::spawn({
            let places = places.clone();
            async move { places.enter().await }
        });
        second.wanted().await;
        assert_eq!([wanted(&first), wanted(&second), wanted(&third)], [false, true, false]);
        assert!(!newcomer.is_finished(), "it waits until the other has left");
        drop(second);
        let fourth = newcomer.await.unwrap().unwrap();
        let busy = [first.call(), fourth.call()];
        assert!(places.enter().await.is_none(), "everybody is at work");
        drop((call, third));
        assert!(places.enter().await.is_some());
        drop(busy);
    }

    #[tokio::test]
    async fn idle_is_who_stays_without_a_call() {
        let place = Places::new(1).enter().await.unwrap();
        let calls = [place.call(), place.call()];
        let mut idle = std::pin::pin!(place.idle_for(Duration::ZERO));
        for call in calls {
            tokio::select! {
                biased;
                () = &mut idle => panic!("a call is under way"),
                () = tokio::task::yield_now() => drop(call),
            }
        }
        idle.await;
    }
}
