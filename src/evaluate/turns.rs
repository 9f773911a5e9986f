//! Places that teams take in turn: no team has more of them at a time than it may, and the one that had its turn longest ago
//! is next. So nobody waits for what one other team does, however long that takes, where there is a place more than that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Teams of which it is known when they had their last turn: some names may be made up.
const KNOWN: usize = 10_000;

/// Places that teams take in turn.
pub struct Turns {
    state: Mutex<State>,
}

struct State {
    /// Places that nobody has.
    free: usize,
    /// The most that a team may have.
    each: usize,
    /// The teams that have some, and how many.
    taken: HashMap<String, usize>,
    /// In the order in which they asked.
    waiting: Vec<Waiter>,
    /// When a team had its last turn, in turns; one that never had any is not there.
    last: HashMap<String, u64>,
    turns: u64,
}

struct Waiter {
    team: String,
    tell: oneshot::Sender<Turn>,
}

/// A team's place. Whoever is next has it when this is dropped.
pub struct Turn {
    turns: Arc<Turns>,
    team: String,
}

/// Who is ahead of a team that asks for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// Places that the team has already.
    pub own: usize,
    /// Others of the team that wait.
    pub waiting: usize,
    /// Places that other teams have.
    pub others: usize,
}

// === impl Turns ===

impl Turns {
    /// So many places, all free, and so many of them at most for each team.
    #[must_use]
    pub fn new(places: usize, each: usize) -> Arc<Self> {
        let state = State {
            free: places.max(1),
            each: each.max(1),
            taken: HashMap::new(),
            waiting: Vec::new(),
            last: HashMap::new(),
            turns: 0,
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Asks for a place, which is received when it is the team's turn. To drop the receiver is to give it back.
    #[must_use]
    pub fn ask(self: &Arc<Self>, team: &str) -> oneshot::Receiver<Turn> {
        let (tell, told) = oneshot::channel();
        self.lock().waiting.push(Waiter { team: team.to_owned(), tell });
        self.hand_out();
        told
    }

    /// The same, where fewer than so many of the team wait; answers also who is ahead.
    ///
    /// # Errors
    /// Who is ahead, where there are too many.
    pub fn ask_behind(
        self: &Arc<Self>,
        team: &str,
        most: usize,
    ) -> Result<(oneshot::Receiver<Turn>, Ahead), Ahead> {
        let (tell, told) = oneshot::channel();
        let mut state = self.lock();
        let ahead = state.ahead(team);
        if ahead.waiting >= most {
            return Err(ahead);
        }
        state.waiting.push(Waiter { team: team.to_owned(), tell });
        drop(state);
        self.hand_out();
        Ok((told, ahead))
    }

    /// Places that somebody has.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.lock().taken.values().sum()
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
    /// Who is ahead of a team.
    fn ahead(&self, team: &str) -> Ahead {
        let own = self.taken.get(team).copied().unwrap_or_default();
        let waits = |waiter: &&Waiter| waiter.team == team && !waiter.tell.is_closed();
        let waiting = self.waiting.iter().filter(waits).count();
        Ahead { own, waiting, others: self.taken.values().sum::<usize>() - own }
    }

    /// Takes out who is next, and gives the place.
    fn next(&mut self) -> Option<Waiter> {
        if self.free == 0 {
            return None;
        }
        self.waiting.retain(|waiter| !waiter.tell.is_closed());
        let may = |waiter: &Waiter| self.taken.get(&waiter.team).is_none_or(|taken| *taken < self.each);
        let may = self.waiting.iter().enumerate().filter(|(_, waiter)| may(waiter));
        let (place, _) = may.min_by_key(|(_, waiter)| self.last.get(&waiter.team).copied())?;
        let waiter = self.waiting.remove(place);
        self.turns += 1;
        if self.last.len() >= KNOWN {
            self.last.clear();
        }
        self.last.insert(waiter.team.clone(), self.turns);
        *self.taken.entry(waiter.team.clone()).or_default() += 1;
        self.free -= 1;
        Some(waiter)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        if let Some(taken) = state.taken.get_mut(&self.team) {
            *taken -= 1;
            if *taken == 0 {
                state.taken.remove(&self.team);
            }
        }
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
    fn order(places: usize, each: usize, asking: &str) -> String {
        let turns = Turns::new(places, each);
        let ask = |letter: char| (letter, turns.ask(&letter.to_string()));
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
        let check = |places, each, asking, wanted| {
            assert_eq!(order(places, each, asking), wanted, "{each} of {places}: {asking}");
        };
        check(1, 1, "abc", "abc");
        check(1, 1, "aaab", "abaa");
        check(1, 1, "aaabbbc", "abcabab");
        // One place stays free rather than that a team has both.
        check(2, 1, "aaaa", "aaaa");
        check(2, 1, "aaab", "abaa");
        check(2, 1, "aabc", "abca");
        check(3, 1, "aaabbc", "abcaba");
        check(3, 2, "aaaab", "aabaa");
    }

    #[test]
    fn who_is_ahead() {
        let turns = Turns::new(2, 1);
        let check = |team, own, waiting, others| {
            let ahead = Ahead { own, waiting, others };
            assert_eq!(turns.ask_behind(team, waiting).err(), Some(ahead));
            assert_eq!(turns.ask_behind(team, waiting + 1).unwrap().1, ahead);
        };
        check("a", 0, 0, 0);
        let first = turns.ask("a");
        let second = turns.ask("a");
        check("a", 1, 1, 0);
        check("b", 0, 0, 1);
        drop(second);
        check("a", 1, 0, 0);
        assert_eq!(turns.taken(), 1);
        drop(first);
        check("b", 0, 0, 0);
        assert_eq!(turns.taken(), 0);
    }

    #[test]
    fn a_place_that_nobody_takes_is_given_back() {
        let turns = Turns::new(1, 1);
        let first = turns.ask("a");
        let gone = turns.ask("a");
        let mut last = turns.ask("a");
        drop(gone);
        assert!(last.try_recv().is_err());
        drop(first);
        assert!(last.try_recv().is_ok());
    }
}
