//! Components that the compiler did not take, so that whoever sends one again and again does not have it compiled again and
//! again.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::compiler::{Allowance, Failure};

/// How many are remembered; the oldest are forgotten.
const MOST: usize = 1_024;

/// How long is remembered that the compiler broke down: something else may have been the cause.
const BREAKDOWN: Duration = Duration::from_secs(300);

type Of = ([u8; 32], Allowance);

/// What came of compiling, by the hash of the component and what that might take.
#[derive(Debug, Default)]
pub struct Refused {
    failures: Mutex<VecDeque<(Of, Failure, Instant)>>,
}

// === impl Refused ===

impl Refused {
    /// Why the component was refused, if it was.
    pub fn get(&self, hash: &[u8; 32], allowance: Allowance) -> Option<Failure> {
        self.get_after(hash, allowance, Duration::ZERO)
    }

    /// The same, so much later.
    fn get_after(&self, hash: &[u8; 32], allowance: Allowance, later: Duration) -> Option<Failure> {
        let holds = |failure: &Failure, since: &Instant| match failure {
            Failure::Refused(_) | Failure::UsedUp(_) => true,
            Failure::BrokeDown(_) => since.elapsed() + later < BREAKDOWN,
            Failure::Host(_) => false,
        };
        let failures = self.lock();
        let mut found =
            failures.iter().filter(|(of, failure, since)| *of == (*hash, allowance) && holds(failure, since));
        found.next().map(|(_, failure, _)| failure.clone())
    }

    /// Remembers a failure, in the place of one before.
    pub fn put(&self, hash: &[u8; 32], allowance: Allowance, failure: &Failure) {
        if matches!(failure, Failure::Host(_)) {
            return;
        }
        let of = (*hash, allowance);
        let mut failures = self.lock();
        failures.retain(|(other, _, _)| *other != of);
        if failures.len() == MOST {
            failures.pop_front();
        }
        failures.push_back((of, failure.clone(), Instant::now()));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Of, Failure, Instant)>> {
        // Whole between calls, whatever panics elsewhere.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Purpose, Verdict};

    #[test]
    fn what_may_be_otherwise_another_time_is_forgotten() {
        let verdict = Verdict::invalid_component("no");
        let check = |failure: &Failure, now: bool, later: bool| {
            let (refused, of) = (Refused::default(), Allowance::Whole(Purpose::Revision));
            refused.put(&[1; 32], of, failure);
            assert_eq!(refused.get(&[1; 32], of).is_some(), now, "{failure:?}");
            assert_eq!(refused.get_after(&[1; 32], of, BREAKDOWN).is_some(), later, "{failure:?}");
            assert!(refused.get(&[1; 32], Allowance::Brief).is_none(), "{failure:?}");
            assert!(refused.get(&[2; 32], of).is_none(), "{failure:?}");
        };
        check(&Failure::Refused(verdict.clone()), true, true);
        check(&Failure::UsedUp(verdict.clone()), true, true);
        check(&Failure::BrokeDown(verdict.clone()), true, false);
        check(&Failure::Host(verdict), false, false);
    }
}
