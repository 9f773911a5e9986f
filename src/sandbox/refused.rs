//! Components that the compiler has refused, so that whoever sends one again and again does not have it compiled again and
//! again.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{compiler::Purpose, verdict::Verdict};
use crate::model::rejection::PluginReason;

/// How many are remembered; the oldest are forgotten.
const MOST: usize = 1_024;

type Of = ([u8; 32], Purpose);

/// The verdicts, by the hash of the component and what it was compiled for.
#[derive(Debug, Default)]
pub struct Refused {
    verdicts: Mutex<VecDeque<(Of, Verdict)>>,
}

// === impl Refused ===

impl Refused {
    /// Why the component was refused, if it was.
    pub fn get(&self, hash: &[u8; 32], purpose: Purpose) -> Option<Verdict> {
        self.lock()
            .iter()
            .find(|(refused, _)| *refused == (*hash, purpose))
            .map(|(_, verdict)| verdict.clone())
    }

    /// Remembers a verdict, unless another time there may be another.
    pub fn put(&self, hash: &[u8; 32], purpose: Purpose, verdict: &Verdict) {
        if verdict.reason == PluginReason::TimedOut {
            return;
        }
        let mut verdicts = self.lock();
        if verdicts.len() == MOST {
            verdicts.pop_front();
        }
        verdicts.push_back(((*hash, purpose), verdict.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Of, Verdict)>> {
        // Whole between calls, whatever panics elsewhere.
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
