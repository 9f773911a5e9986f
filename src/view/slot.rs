//! The place of one collection of one team: what is followed of it, and what readers still hold of earlier states. When it is
//! built, followed or dropped is decided in `views`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{View, ViewError, follower::Follower};
use crate::{
    model::{
        name::{Id, Name},
        zone::Zone,
    },
    store::{Entry, Key, Record, Sequence},
};

/// The place of one collection of one team.
pub(super) struct Slot {
    pub(super) team: Id,
    pub(super) collection: String,
    pub(super) followed: Mutex<Option<Followed>>,
    /// Bytes taken; beside the lock, so that nobody waits for a build to count.
    pub(super) bytes: AtomicU64,
    pub(super) used: AtomicU64,
    /// Views that readers may hold on to after the collection went on, and what they take at most.
    pub(super) lent: Mutex<Vec<(Weak<View>, u64)>>,
}

/// A collection as of a sequence.
pub(super) struct Followed {
    pub(super) follower: Follower,
    pub(super) sequence: Sequence,
    /// The zone of its days.
    pub(super) zone: Zone,
    /// The view of it, until it changes.
    pub(super) view: Option<Arc<View>>,
}

/// A slot, locked.
pub(super) type Guard<'a> = MutexGuard<'a, Option<Followed>>;

// === impl Slot ===

impl Slot {
    /// An empty one.
    pub(super) fn new(team: Id, collection: String) -> Self {
        Self {
            team,
            collection,
            followed: Mutex::default(),
            bytes: AtomicU64::default(),
            used: AtomicU64::default(),
            lent: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> Guard<'_> {
        self.followed.lock().unwrap_or_else(|poisoned| {
            // Whoever panicked left it halfway.
            let mut guard = poisoned.into_inner();
            self.clear(&mut guard);
            self.followed.clear_poison();
            guard
        })
    }

    pub(super) fn clear(&self, guard: &mut Option<Followed>) {
        *guard = None;
        self.bytes.store(0, Ordering::Relaxed);
    }

    pub(super) fn publish(&self, followed: &mut Followed) -> Arc<View> {
        if let Some(view) = &followed.view {
            return Arc::clone(view);
        }
        let view = Arc::new(followed.follower.publish());
        let mut lent = lock(&self.lent);
        lent.retain(|(view, _)| view.strong_count() > 0);
        lent.push((Arc::downgrade(&view), followed.follower.bytes()));
        followed.view = Some(Arc::clone(&view));
        view
    }

    /// Bytes of what is followed and of what readers hold of earlier states.
    pub(super) fn taken(&self) -> u64 {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let mut lent = lock(&self.lent);
        lent.retain(|(view, _)| view.strong_count() > 0);
        // The newest is what is followed, unless that is gone.
        let current = usize::from(bytes > 0);
        bytes + lent.iter().rev().skip(current).map(|(_, bytes)| bytes).sum::<u64>()
    }

    /// The key of the team.
    pub(super) fn team_key(&self) -> Key {
        Key::of(&Name::of_team(self.team.clone()))
    }

    /// What the keys of the collection begin with.
    pub(super) fn prefix(&self) -> String {
        format!("{}/{}/", self.team, self.collection)
    }
}

// === impl Followed ===

impl Followed {
    /// Applies what these records did to the keys of this prefix, the last effect on each; false where they moved the team's
    /// days, so that it has to be built anew.
    pub(super) fn follow(
        &mut self,
        (team, prefix): (&Key, &str),
        records: &[Arc<Record>],
        until: Sequence,
    ) -> Result<bool, ViewError> {
        let mut effects = BTreeMap::new();
        for record in records {
            if record.sequence <= self.sequence || record.sequence > until {
                continue;
            }
            for effect in &record.effects {
                if effect.key == *team && Zone::of_record(effect.value.as_deref()) != self.zone {
                    return Ok(false);
                }
                if let Some(id) = id_in(&effect.key, prefix)? {
                    effects.insert(id, effect.value.as_deref());
                }
            }
        }
        if effects.is_empty() {
            return Ok(true);
        }
        // Without the view that nobody else reads, cells change where they are.
        self.view = None;
        let effects: Vec<_> = effects.into_iter().collect();
        self.follower.apply(&effects).map(|()| true)
    }
}

pub(super) fn entry_id<'a>(entry: &'a Entry, prefix: &str) -> Result<&'a str, ViewError> {
    id_in(&entry.key, prefix)?.ok_or_else(|| undecodable(&entry.key))
}

/// The id in a key of the collection; nothing for another collection's key.
fn id_in<'a>(key: &'a Key, prefix: &str) -> Result<Option<&'a str>, ViewError> {
    let Some(id) = key.0.strip_prefix(prefix.as_bytes()) else { return Ok(None) };
    std::str::from_utf8(id).map(Some).map_err(|_| undecodable(key))
}

fn undecodable(key: &Key) -> ViewError {
    ViewError::Undecodable {
        key: String::from_utf8_lossy(&key.0).into_owned(),
        what: "is not a key of the collection".to_owned(),
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these protect is changed in single steps: nobody can leave it halfway.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
