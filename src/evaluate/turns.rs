//! Places that teams take in turn: no team has more than one of them at a time, and the one that had its turn longest ago
//! is next. So nobody waits for what one other team does, however long that takes, where there are two places.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::model::name::Id;

/// Places that teams take in turn.
pub struct Turns {
    state: Mutex<State>,
}

struct State {
    /// Places that nobody has.
    free: usize,
    /// The teams that have one.
    taken: HashSet<Id>,
    /// In the order in which they asked.
    waiting: Vec<Waiter>,
    /// When a team had its last turn, in turns; one that never had any is not there.
    last: HashMap<Id, u64>,
    turns: u64,
}

struct Waiter {
    team: Id,
    tell: oneshot::Sender<Turn>,
}

/// A team's place. Whoever is next has it when this is dropped.
pub struct Turn {
    turns: Arc<Turns>,
    team: Id,
}

/// Who is ahead of a team that asks for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// The team has a place already.
    pub has_place: bool,
    /// Others of the team that wait.
    pub waiting: usize,
    /// Places that other teams have.
    pub others: usize,
}

// === impl Turns ===

impl Turns {
    /// So many places, all free.
    #[must_use]
    pub fn new(places: usize) -> Arc<Self> {
        let state = State {
            free: places.max(1),
            taken: HashSet::new(),
            waiting: Vec::new(),
            last: HashMap::new(),
            turns: 0,
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Asks for a place, which is received when it is the team's turn. To drop the receiver is to give it back.
    #[must_use]
    pub fn ask(self: &Arc<Self>, team: &Id) -> oneshot::Receiver<Turn> {
        let (tell, told) = oneshot::channel();
        self.lock().waiting.push(Waiter { team: team.clone(), tell });
        self.hand_out();
        told
    }

    /// Who is ahead of a team.
    #[must_use]
    pub fn ahead(&self, team: &Id) -> Ahead {
        let state = self.lock();
        let has_place = state.taken.contains(team);
        let waits = |waiter: &&Waiter| waiter.team == *team && !waiter.tell.is_closed();
        let waiting = state.waiting.iter().filter(waits).count();
        Ahead { has_place, waiting, others: state.taken.len() - usize::from(has_place) }
    }

    fn hand_out(self: &Arc<Self>) {
        loop {
            // Told outside of the lock: a place that nobody takes any more is given back at once.
            let Some(Waiter { team, tell }) = self.lock().next() else { return };
            let _ = tell.send(Turn { turns: Arc::clone(self), team });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What is counted is whole between calls.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    /// Takes out who is next, and gives the place.
    fn next(&mut self) -> Option<Waiter> {
        if self.free == 0 {
            return None;
        }
        self.waiting.retain(|waiter| !waiter.tell.is_closed());
        let may = self.waiting.iter().enumerate().filter(|(_, waiter)| !self.taken.contains(&waiter.team));
        let (place, _) = may.min_by_key(|(_, waiter)| self.last.get(&waiter.team).copied())?;
        let waiter = self.waiting.remove(place);
        self.turns += 1;
        self.last.insert(waiter.team.clone(), self.turns);
        self.taken.insert(waiter.team.clone());
        self.free -= 1;
        Some(waiter)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        state.taken.remove(&self.team);
        state.free += 1;
        drop(state);
        self.turns.hand_out();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has the teams ask in this order, and answers in which order they have their turns: of those that have a place, the
    /// one that has it longest gives it back.
    fn order(places: usize, asking: &str) -> String {
        let turns = Turns::new(places);
        let ask = |letter: char| (letter, turns.ask(&Id::parse(&format!("team-{letter}")).unwrap()));
        let mut waiting: Vec<_> = asking.chars().map(ask).collect();
        let (mut having, mut order) = (Vec::new(), String::new());
        while !waiting.is_empty() || !having.is_empty() {
            let mut given = Vec::new();
            waiting.retain_mut(|(letter, told)| match told.try_recv() {
                Ok(turn) => {
                    given.push((*letter, turn));
                    false
                }
                Err(_) => true,
            });
            given.iter().for_each(|(letter, _)| order.push(*letter));
            having.extend(given);
            assert!(having.len() <= places, "{order}");
            drop(having.remove(0));
        }
        order
    }

    #[test]
    fn teams_have_their_turns() {
        let check = |places, asking, wanted| assert_eq!(order(places, asking), wanted, "{places}: {asking}");
        check(1, "abc", "abc");
        check(1, "aaab", "abaa");
        check(1, "aaabbbc", "abcabab");
        // One place stays free rather than that a team has both.
        check(2, "aaaa", "aaaa");
        check(2, "aaab", "abaa");
        check(2, "aabc", "abca");
        check(3, "aaabbc", "abcaba");
    }

    #[test]
    fn who_is_ahead() {
        let turns = Turns::new(2);
        let [a, b] = ["team-a", "team-b"].map(|team| Id::parse(team).unwrap());
        let check = |team, has_place, waiting, others| {
            assert_eq!(turns.ahead(team), Ahead { has_place, waiting, others });
        };
        check(&a, false, 0, 0);
        let first = turns.ask(&a);
        let second = turns.ask(&a);
        check(&a, true, 1, 0);
        check(&b, false, 0, 1);
        drop(second);
        check(&a, true, 0, 0);
        drop(first);
        check(&b, false, 0, 0);
    }

    #[test]
    fn a_place_that_nobody_takes_is_given_back() {
        let turns = Turns::new(1);
        let team = Id::parse("team-a").unwrap();
        let first = turns.ask(&team);
        let gone = turns.ask(&team);
        let mut last = turns.ask(&team);
        drop(gone);
        assert!(last.try_recv().is_err());
        drop(first);
        assert!(last.try_recv().is_ok());
    }
}
