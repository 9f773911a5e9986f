//! The latest comparisons, so that the next page does not execute them again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use super::difference::Comparison;

/// Comparisons kept for the next page.
const KEPT: usize = 4;

/// The latest comparisons, by what was asked.
#[derive(Default)]
pub struct Comparisons(Mutex<VecDeque<(String, Arc<Comparison>)>>);

// === impl Comparisons ===

impl Comparisons {
    /// The one that was kept under a key.
    pub(super) fn get(&self, key: &str) -> Option<Arc<Comparison>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == key).map(|(_, comparison)| Arc::clone(comparison))
    }

    /// Keeps one, in the place of the oldest.
    pub(super) fn put(&self, key: String, comparison: Arc<Comparison>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((key, comparison));
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }
}
