//! The views of all teams: built on first use, followed from the journal's records, dropped when the memory is needed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Snapshot, View, ViewError, follower::Follower, stored_schema};
use crate::{
    model::name::Id,
    store::{Database, Entry, Key, KeyRange, Record, Sequence},
};

/// The views of all teams. Cheap to clone. Calls may take as long as reading the collections: call them where blocking
/// is allowed.
#[derive(Clone)]
pub struct Views {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    budget: u64,
    slots: Mutex<BTreeMap<(Id, String), Arc<Slot>>>,
    /// Counts uses, to know which is the longest ago.
    uses: AtomicU64,
}

/// The place of one collection of one team.
struct Slot {
    team: Id,
    collection: String,
    followed: Mutex<Option<Followed>>,
    /// Bytes taken; beside the lock, so that nobody waits for a build to count.
    bytes: AtomicU64,
    used: AtomicU64,
    /// Views that readers may hold on to after the collection went on, and what they take at most.
    lent: Mutex<Vec<(Weak<View>, u64)>>,
}

/// A collection as of a sequence.
struct Followed {
    follower: Follower,
    sequence: Sequence,
    /// The view of it, until it changes.
    view: Option<Arc<View>>,
}

/// Records read from the store at a time.
const PAGE: usize = 4096;

/// A view that is this many journal records behind, and more than it has rows, is built anew instead.
const REBUILD_BEHIND: u64 = 100_000;

// === impl Views ===

impl Views {
    /// Views over this database, which may take this many bytes.
    #[must_use]
    pub fn new(database: Database, budget_bytes: u64) -> Self {
        let inner =
            Inner { database, budget: budget_bytes, slots: Mutex::default(), uses: AtomicU64::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The collections of a team as they are now, all at the same sequence. Builds what is not there yet, and drops
    /// what was not used for the longest time where memory is short.
    ///
    /// # Errors
    /// `TooLarge` where the collections asked for do not fit; `UnknownCollection`; `Undecodable`; the store's.
    pub fn snapshot(&self, team: &Id, collections: &[&str]) -> Result<Snapshot, ViewError> {
        let collections: BTreeSet<&str> = collections.iter().copied().collect();
        for collection in &collections {
            stored_schema(collection)?;
        }
        let slots: Vec<Arc<Slot>> =
            collections.iter().map(|collection| self.inner.slot(team, collection)).collect();
        // Each is built under its own lock first, so that the others stay free meanwhile.
        for slot in &slots {
            self.inner.ensure_built(slot, &mut slot.lock())?;
        }
        // Always in the order of collections: two snapshots cannot wait for each other.
        let mut guards: Vec<_> = slots.iter().map(|slot| slot.lock()).collect();
        for (slot, guard) in slots.iter().zip(&mut guards) {
            self.inner.ensure_built(slot, guard)?;
        }
        let sequence = self.inner.database.sequence();
        if let Err(error) = self.inner.catch_up(&slots, &mut guards, sequence) {
            // What stopped halfway is of no use.
            slots.iter().zip(&mut guards).for_each(|(slot, guard)| slot.clear(guard));
            return Err(error);
        }
        let mut views = BTreeMap::new();
        for (slot, guard) in slots.iter().zip(&mut guards) {
            if let Some(followed) = guard.as_mut() {
                views.insert(slot.collection.clone(), slot.publish(followed));
            }
        }
        if let Err(error) = self.inner.make_room(&slots) {
            slots.iter().zip(&mut guards).for_each(|(slot, guard)| slot.clear(guard));
            return Err(error);
        }
        Ok(Snapshot { sequence, views })
    }

    /// Bytes taken, by team and collection: by what is followed, and by earlier states of it that readers still hold
    /// (counted in full, although they share what did not change).
    #[must_use]
    pub fn usage(&self) -> Vec<(String, String, u64)> {
        let slots = lock(&self.inner.slots);
        slots
            .iter()
            .map(|((team, collection), slot)| (team.to_string(), collection.clone(), slot.taken()))
            .filter(|(_, _, bytes)| *bytes > 0)
            .collect()
    }
}

// === impl Inner ===

impl Inner {
    fn slot(&self, team: &Id, collection: &str) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        let slot = slots.entry((team.clone(), collection.to_owned())).or_insert_with(|| {
            Arc::new(Slot {
                team: team.clone(),
                collection: collection.to_owned(),
                followed: Mutex::default(),
                bytes: AtomicU64::default(),
                used: AtomicU64::default(),
                lent: Mutex::default(),
            })
        });
        slot.used.store(self.uses.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        Arc::clone(slot)
    }

    /// Builds what is not there, and what is so far behind that building is quicker.
    fn ensure_built(&self, slot: &Arc<Slot>, guard: &mut Option<Followed>) -> Result<(), ViewError> {
        let now = self.database.sequence();
        if let Some(followed) = guard {
            let behind = now.saturating_sub(followed.sequence);
            if behind <= REBUILD_BEHIND.max(followed.follower.rows() as u64) {
                return Ok(());
            }
            slot.clear(guard);
        }
        *guard = match self.build(slot) {
            Ok(followed) => Some(followed),
            Err(error) => {
                slot.bytes.store(0, Ordering::Relaxed);
                return Err(error);
            }
        };
        Ok(())
    }

    /// Reads the whole collection. Changes made meanwhile may be in it or not: as of the sequence at the start, it is
    /// right once the records after that sequence are applied (each puts or deletes whole values).
    fn build(&self, slot: &Arc<Slot>) -> Result<Followed, ViewError> {
        let sequence = self.database.sequence();
        let prefix = slot.prefix();
        let mut follower = Follower::new(slot.team.clone(), stored_schema(&slot.collection)?);
        // All keys that begin with the prefix: `0` is the character after `/`.
        let end = format!("{}0", &prefix[..prefix.len() - 1]);
        let mut range = KeyRange { start: Key(prefix.clone().into()), end: Some(Key(end.into())) };
        loop {
            let entries = self.database.scan(&range, PAGE)?;
            let page: Result<Vec<_>, ViewError> =
                entries.iter().map(|entry| Ok((entry_id(entry, &prefix)?, Some(&entry.value[..])))).collect();
            follower.apply(&page?)?;
            slot.bytes.store(follower.bytes(), Ordering::Relaxed);
            self.make_room(std::slice::from_ref(slot))?;
            let Some(last) = entries.last().filter(|_| entries.len() == PAGE) else { break };
            range.start = Key([&last.key.0[..], &[0]].concat().into());
        }
        Ok(Followed { follower, sequence, view: None })
    }

    /// Applies the records up to `sequence`.
    fn catch_up(
        &self,
        slots: &[Arc<Slot>],
        guards: &mut [MutexGuard<'_, Option<Followed>>],
        sequence: Sequence,
    ) -> Result<(), ViewError> {
        let Some(mut after) = guards.iter().flat_map(|guard| guard.as_ref()).map(|seen| seen.sequence).min()
        else {
            return Ok(());
        };
        while after < sequence {
            let records = self.database.records(after, PAGE)?;
            let Some(last) = records.last() else { break };
            for (slot, guard) in slots.iter().zip(guards.iter_mut()) {
                if let Some(followed) = guard.as_mut() {
                    followed.follow(&slot.prefix(), &records, sequence)?;
                    slot.bytes.store(followed.follower.bytes(), Ordering::Relaxed);
                }
            }
            after = last.sequence;
        }
        for followed in guards.iter_mut().filter_map(|guard| guard.as_mut()) {
            followed.sequence = followed.sequence.max(sequence);
        }
        Ok(())
    }

    /// Drops what was not used for the longest time, until everything fits; what `wanted` names stays.
    fn make_room(&self, wanted: &[Arc<Slot>]) -> Result<(), ViewError> {
        let needed: u64 = wanted.iter().map(|slot| slot.bytes.load(Ordering::Relaxed)).sum();
        if needed > self.budget {
            return Err(ViewError::TooLarge { needed, allowed: self.budget });
        }
        let mut slots = lock(&self.slots);
        let mut taken: u64 = slots.values().map(|slot| slot.taken()).sum();
        if taken <= self.budget {
            return Ok(());
        }
        let mut others: Vec<_> =
            slots.values().filter(|slot| !wanted.iter().any(|wanted| Arc::ptr_eq(wanted, slot))).collect();
        others.sort_by_key(|slot| slot.used.load(Ordering::Relaxed));
        for slot in others {
            if taken <= self.budget {
                break;
            }
            // One that is locked is in use.
            if let Ok(mut guard) = slot.followed.try_lock() {
                taken -= slot.bytes.load(Ordering::Relaxed);
                slot.clear(&mut guard);
            }
        }
        // A slot that nobody else has, and that holds nothing, is made again when it is wanted.
        slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.taken() > 0);
        Ok(())
    }
}

// === impl Slot ===

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Followed>> {
        self.followed.lock().unwrap_or_else(|poisoned| {
            // Whoever panicked left it halfway.
            let mut guard = poisoned.into_inner();
            self.clear(&mut guard);
            self.followed.clear_poison();
            guard
        })
    }

    fn clear(&self, guard: &mut Option<Followed>) {
        *guard = None;
        self.bytes.store(0, Ordering::Relaxed);
    }

    fn publish(&self, followed: &mut Followed) -> Arc<View> {
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
    fn taken(&self) -> u64 {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let mut lent = lock(&self.lent);
        lent.retain(|(view, _)| view.strong_count() > 0);
        // The newest is what is followed, unless that is gone.
        let current = usize::from(bytes > 0);
        bytes + lent.iter().rev().skip(current).map(|(_, bytes)| bytes).sum::<u64>()
    }

    /// What the keys of the collection begin with.
    fn prefix(&self) -> String {
        format!("{}/{}/", self.team, self.collection)
    }
}

// === impl Followed ===

impl Followed {
    /// Applies what these records did to the keys of this prefix, the last effect on each.
    fn follow(&mut self, prefix: &str, records: &[Arc<Record>], until: Sequence) -> Result<(), ViewError> {
        let mut effects = BTreeMap::new();
        for record in records {
            if record.sequence <= self.sequence || record.sequence > until {
                continue;
            }
            for effect in &record.effects {
                if let Some(id) = id_in(&effect.key, prefix)? {
                    effects.insert(id, effect.value.as_deref());
                }
            }
        }
        if effects.is_empty() {
            return Ok(());
        }
        // Without the view that nobody else reads, cells change where they are.
        self.view = None;
        let effects: Vec<_> = effects.into_iter().collect();
        self.follower.apply(&effects)
    }
}

fn entry_id<'a>(entry: &'a Entry, prefix: &str) -> Result<&'a str, ViewError> {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these protect is changed in single steps: nobody can leave it halfway.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
