//! Compiled plugins in memory: a bounded map by component hash, in which every component is compiled once however many
//! ask for it at the same time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// How much is kept; what was used longest ago goes first. Whoever still holds it can go on using it.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Entries.
    pub entries: usize,
    /// Bytes of machine code.
    pub bytes: usize,
}

/// The map. `T` is the plugin; what it weighs in bytes is told by a function.
pub struct Memory<T, E> {
    capacity: Capacity,
    weigh: fn(&T) -> usize,
    kept: Mutex<Kept<T, E>>,
}

type Slot<T, E> = Arc<OnceLock<Result<T, E>>>;

struct Kept<T, E> {
    slots: HashMap<[u8; 32], (Slot<T, E>, u64)>,
    /// Counts uses, to tell which slot was used longest ago.
    uses: u64,
}

// === impl Memory ===

impl<T: Clone, E: Clone> Memory<T, E> {
    pub fn new(capacity: Capacity, weigh: fn(&T) -> usize) -> Self {
        Self { capacity, weigh, kept: Mutex::new(Kept { slots: HashMap::new(), uses: 0 }) }
    }

    /// What is kept under this hash; `load` is called when there is nothing, by one caller while the others wait. A failure
    /// is told to all who waited, and not kept.
    pub fn get_or_load(&self, hash: [u8; 32], load: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let slot = self.slot(hash);
        let result = slot.get_or_init(load).clone();
        let mut kept = self.lock();
        if result.is_err() {
            if kept.slots.get(&hash).is_some_and(|(kept, _)| Arc::ptr_eq(kept, &slot)) {
                kept.slots.remove(&hash);
            }
        } else {
            self.shrink(&mut kept, &hash);
        }
        result
    }

    /// What is kept under this hash, if it is loaded.
    pub fn get(&self, hash: &[u8; 32]) -> Option<T> {
        let mut kept = self.lock();
        kept.uses += 1;
        let now = kept.uses;
        let (slot, used) = kept.slots.get_mut(hash)?;
        *used = now;
        slot.get()?.clone().ok()
    }

    fn slot(&self, hash: [u8; 32]) -> Slot<T, E> {
        let mut kept = self.lock();
        kept.uses += 1;
        let now = kept.uses;
        let (slot, used) = kept.slots.entry(hash).or_default();
        *used = now;
        Arc::clone(slot)
    }

    /// Forgets what was used longest ago, down to the capacity; never what was just asked for.
    fn shrink(&self, kept: &mut Kept<T, E>, except: &[u8; 32]) {
        while kept.slots.len() > self.capacity.entries || self.bytes(kept) > self.capacity.bytes {
            let oldest =
                kept.slots.iter().filter(|(hash, _)| *hash != except).min_by_key(|(_, (_, used))| *used);
            let Some((&hash, _)) = oldest else { return };
            kept.slots.remove(&hash);
        }
    }

    fn bytes(&self, kept: &Kept<T, E>) -> usize {
        let loaded = kept.slots.values().filter_map(|(slot, _)| slot.get()?.as_ref().ok());
        loaded.map(self.weigh).sum()
    }

    /// A panic elsewhere leaves the map whole: it is changed in single steps.
    fn lock(&self) -> MutexGuard<'_, Kept<T, E>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for entries in turn; answers which had to be loaded. An entry weighs its own number.
    fn loaded(memory: &Memory<u8, ()>, asked: &[u8]) -> Vec<u8> {
        let mut loaded = Vec::new();
        for &number in asked {
            let got = memory.get_or_load([number; 32], || {
                loaded.push(number);
                Ok(number)
            });
            assert_eq!(got, Ok(number));
        }
        loaded
    }

    fn check(entries: usize, bytes: usize, asked: &[u8], wanted: &[u8]) {
        let memory = Memory::new(Capacity { entries, bytes }, |number| usize::from(*number));
        assert_eq!(loaded(&memory, asked), wanted, "{asked:?} with {entries} entries, {bytes} bytes");
    }

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        check(2, 100, &[1, 1, 2, 1, 2], &[1, 2]);
        check(2, 100, &[1, 2, 3, 1], &[1, 2, 3, 1]);
        check(2, 100, &[1, 2, 1, 3, 1, 2], &[1, 2, 3, 2]);
        check(9, 10, &[4, 6, 1, 6, 4], &[4, 6, 1, 4]);
        check(9, 10, &[50, 50, 1, 50], &[50, 1, 50]);
    }

    #[test]
    fn failures_are_not_kept() {
        let memory: Memory<u8, &str> = Memory::new(Capacity { entries: 9, bytes: 9 }, |_| 1);
        assert_eq!(memory.get_or_load([0; 32], || Err("no")), Err("no"));
        assert_eq!(memory.get_or_load([0; 32], || Ok(7)), Ok(7));
        assert_eq!(memory.get_or_load([0; 32], || Err("not asked")), Ok(7));
    }
}
