//! Compiled plugins in memory: a bounded map by component hash, in which every component is compiled once however many
//! ask for it at the same time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use super::{plugin::Plugin, verdict::Verdict};

/// Plugins that are kept; the one used longest ago goes first. Those at work stay alive until they are done.
const CAPACITY: usize = 256;

/// Bytes of machine code that are kept.
const CODE_BYTES: usize = 1 << 30;

type Slot = Arc<OnceLock<Result<Plugin, Verdict>>>;

#[derive(Default)]
pub struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    slots: HashMap<[u8; 32], (Slot, u64)>,
    /// Counts uses, to tell which slot was used longest ago.
    uses: u64,
}

// === impl Memory ===

impl Memory {
    /// The plugin of this hash; `load` is called when it is not there, by one caller while the others wait. A failure is
    /// told to all who waited, and not kept.
    pub fn get_or_load(
        &self,
        hash: [u8; 32],
        load: impl FnOnce() -> Result<Plugin, Verdict>,
    ) -> Result<Plugin, Verdict> {
        let slot = self.slot(hash);
        let result = slot.get_or_init(load).clone();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if result.is_err() {
            if kept.slots.get(&hash).is_some_and(|(kept, _)| Arc::ptr_eq(kept, &slot)) {
                kept.slots.remove(&hash);
            }
        } else {
            kept.shrink(&hash);
        }
        result
    }

    fn slot(&self, hash: [u8; 32]) -> Slot {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let now = kept.uses;
        let (slot, used) = kept.slots.entry(hash).or_default();
        *used = now;
        Arc::clone(slot)
    }
}

// === impl Kept ===

impl Kept {
    /// Forgets what was used longest ago, down to the capacity; never the one that was just asked for.
    fn shrink(&mut self, except: &[u8; 32]) {
        while self.slots.len() > CAPACITY || self.code_bytes() > CODE_BYTES {
            let oldest =
                self.slots.iter().filter(|(hash, _)| *hash != except).min_by_key(|(_, (_, used))| *used);
            let Some((&hash, _)) = oldest else { return };
            self.slots.remove(&hash);
        }
    }

    fn code_bytes(&self) -> usize {
        self.slots.values().filter_map(|(slot, _)| slot.get()?.as_ref().ok()).map(Plugin::code_bytes).sum()
    }
}
