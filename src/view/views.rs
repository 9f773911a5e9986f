//! The views of all teams: built on first use, followed from the journal's records, dropped when the memory is needed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Snapshot, ViewError,
    follower::Follower,
    slot::{Followed, Guard, Slot, entry_id, lock},
    stored_schema,
};
use crate::{
    model::{name::Id, zone::Zone},
    store::{Database, KeyRange, Sequence, StoreError},
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

/// Records read from the store at a time.
const PAGE: usize = 4096;

/// A view that is this many journal records behind, and more than it has rows, is built anew instead.
const REBUILD_BEHIND: u64 = 100_000;

/// How often views are built anew before it is said that they cannot be followed.
const ATTEMPTS: usize = 3;

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
        let sequence = self.inner.at_one_sequence(&slots, &mut guards).inspect_err(|_| {
            // What stopped halfway is of no use.
            slots.iter().zip(&mut guards).for_each(|(slot, guard)| slot.clear(guard));
        })?;
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

    /// Bytes that all views together may take.
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.inner.budget
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
        let slot = slots
            .entry((team.clone(), collection.to_owned()))
            .or_insert_with(|| Arc::new(Slot::new(team.clone(), collection.to_owned())));
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
    /// right once the records after that sequence are applied (each puts or deletes whole values). The same holds of the
    /// team's time zone, unless one of those records changes it.
    fn build(&self, slot: &Arc<Slot>) -> Result<Followed, ViewError> {
        let sequence = self.database.sequence();
        let prefix = slot.prefix();
        let zone = Zone::of_record(self.database.get(&slot.team_key())?.as_deref());
        let mut follower = Follower::new(slot.team.clone(), stored_schema(&slot.collection)?, &zone);
        let mut range = KeyRange::collection(&slot.team, &slot.collection);
        loop {
            let entries = self.database.scan(&range, PAGE)?;
            let page: Result<Vec<_>, ViewError> =
                entries.iter().map(|entry| Ok((entry_id(entry, &prefix)?, Some(&entry.value[..])))).collect();
            follower.apply(&page?)?;
            slot.bytes.store(follower.bytes(), Ordering::Relaxed);
            self.make_room(std::slice::from_ref(slot))?;
            let Some(last) = entries.last().filter(|_| entries.len() == PAGE) else { break };
            range = range.after(&last.key);
        }
        Ok(Followed { follower, sequence, zone, view: None })
    }

    /// Brings all to the same sequence, and answers it. What cannot be followed any more is built anew.
    fn at_one_sequence(&self, slots: &[Arc<Slot>], guards: &mut [Guard<'_>]) -> Result<Sequence, ViewError> {
        for _ in 0..ATTEMPTS {
            for (slot, guard) in slots.iter().zip(guards.iter_mut()) {
                self.ensure_built(slot, guard)?;
            }
            let sequence = self.database.sequence();
            if self.catch_up(slots, guards, sequence)? {
                return Ok(sequence);
            }
            slots.iter().zip(guards.iter_mut()).for_each(|(slot, guard)| slot.clear(guard));
        }
        Err(StoreError::Closed("records are forgotten before views can follow them".to_owned()).into())
    }

    /// Applies the records up to `sequence`; false where some are no longer to be had, or the team has other days since.
    fn catch_up(
        &self,
        slots: &[Arc<Slot>],
        guards: &mut [Guard<'_>],
        sequence: Sequence,
    ) -> Result<bool, ViewError> {
        let seen = guards.iter().filter_map(|guard| Some(guard.as_ref()?.sequence));
        let mut after = seen.min().unwrap_or(sequence);
        while after < sequence {
            let records = self.database.records(after, PAGE)?;
            let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(false) };
            if first.sequence != after + 1 {
                return Ok(false);
            }
            for (slot, guard) in slots.iter().zip(guards.iter_mut()) {
                if let Some(followed) = guard.as_mut() {
                    if !followed.follow((&slot.team_key(), &slot.prefix()), &records, sequence)? {
                        return Ok(false);
                    }
                    slot.bytes.store(followed.follower.bytes(), Ordering::Relaxed);
                }
            }
            after = last.sequence;
        }
        for followed in guards.iter_mut().filter_map(|guard| guard.as_mut()) {
            followed.sequence = sequence;
        }
        Ok(true)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use prost::Message;

    use super::*;
    use crate::{
        model::name::Name,
        proto::v1,
        store::{Key, Origin},
    };

    const ROOM: u64 = 1 << 30;

    fn team() -> Id {
        Id::parse("acme").unwrap()
    }

    fn origin() -> Origin {
        Origin { author: "anna".into(), method: "test".into(), request_id: String::new() }
    }

    fn key(collection: &str, number: usize) -> Key {
        Key::of(&Name::new(team(), collection, Id::parse(&format!("r-{number}")).unwrap()))
    }

    /// A record that is good for any collection.
    fn record(text: &str) -> bytes::Bytes {
        v1::Product { display_name: text.into(), ..Default::default() }.encode_to_vec().into()
    }

    async fn put(database: &Database, collection: &'static str, numbers: std::ops::Range<usize>) {
        let write = database.write(origin(), move |transaction| {
            for number in numbers {
                transaction.put(key(collection, number), record(&format!("text {number}")));
            }
            Ok(())
        });
        write.await.unwrap();
    }

    #[tokio::test]
    async fn a_snapshot_has_seen_what_was_acknowledged() {
        let database = Database::in_memory();
        let views = Views::new(database.clone(), ROOM);
        assert_eq!(views.snapshot(&team(), &["products"]).unwrap().view("products").unwrap().rows(), 0);
        put(&database, "products", 0..10_000).await;
        put(&database, "customers", 0..3).await;
        let snapshot = views.snapshot(&team(), &["products", "customers", "goals"]).unwrap();
        let rows = |collection| snapshot.view(collection).unwrap().rows();
        assert_eq!((rows("products"), rows("customers"), rows("goals")), (10_000, 3, 0));
        assert_eq!(snapshot.sequence, database.sequence());
        let write = database.write(origin(), |transaction| {
            transaction.delete(key("products", 7));
            Ok(())
        });
        write.await.unwrap();
        let later = views.snapshot(&team(), &["products"]).unwrap();
        assert!(later.view("products").unwrap().row("r-7").is_none());
        assert!(snapshot.view("products").unwrap().row("r-7").is_some());
        assert!(matches!(snapshot.view("measures"), Err(ViewError::UnknownCollection(_))));
        assert!(matches!(views.snapshot(&team(), &["nothing"]), Err(ViewError::UnknownCollection(_))));
    }

    #[tokio::test]
    async fn days_are_those_of_the_team_as_it_is() {
        let database = Database::in_memory();
        let views = Views::new(database.clone(), ROOM);
        let set = async |name: Name, record: Vec<u8>| {
            let write = database.write(origin(), move |transaction| {
                transaction.put(Key::of(&name), record.into());
                Ok(())
            });
            write.await.unwrap();
        };
        let moved = async |time_zone: &str| {
            let team_record = v1::Team { time_zone: time_zone.into(), ..Default::default() };
            set(Name::of_team(team()), team_record.encode_to_vec()).await;
        };
        let check = |expected: i32| {
            let snapshot = views.snapshot(&team(), &["products", "customers"]).unwrap();
            let column = snapshot.view("products").unwrap().column("create_time").unwrap();
            let merit_expression::Values::Date(days) = &column.values else { panic!("days") };
            assert_eq!((days[0], snapshot.sequence), (expected, database.sequence()));
        };
        let time = prost_types::Timestamp { seconds: 86_400 * 10 + 3600, nanos: 0 };
        let product = v1::Product { create_time: Some(time), ..Default::default() };
        let name = Name::new(team(), "products", Id::parse("r-1").unwrap());
        set(name, product.encode_to_vec()).await;
        check(10);
        moved("America/Los_Angeles").await;
        check(9);
        // What does not move its days leaves the view as it is.
        let view = || Arc::clone(views.snapshot(&team(), &["products"]).unwrap().view("products").unwrap());
        let before = view();
        moved("America/Los_Angeles").await;
        assert!(Arc::ptr_eq(&before, &view()));
        moved("Asia/Tokyo").await;
        moved("").await;
        check(10);
    }

    #[tokio::test]
    async fn the_same_view_is_given_until_it_changes() {
        let database = Database::in_memory();
        let views = Views::new(database.clone(), ROOM);
        put(&database, "products", 0..3).await;
        let view = || Arc::clone(views.snapshot(&team(), &["products"]).unwrap().view("products").unwrap());
        let first = view();
        put(&database, "customers", 0..3).await;
        assert!(Arc::ptr_eq(&first, &view()));
        put(&database, "products", 3..4).await;
        assert!(!Arc::ptr_eq(&first, &view()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn collections_are_seen_at_the_same_sequence() {
        let database = Database::in_memory();
        let views = Views::new(database.clone(), ROOM);
        let done = Arc::new(AtomicBool::new(false));
        let reader = tokio::task::spawn_blocking({
            let (views, done) = (views.clone(), Arc::clone(&done));
            move || {
                let mut sequence = 0;
                while !done.load(Ordering::Relaxed) {
                    let snapshot = views.snapshot(&team(), &["customers", "products"]).unwrap();
                    let rows = |collection| snapshot.view(collection).unwrap().rows();
                    assert_eq!(rows("customers"), rows("products"));
                    assert!(snapshot.sequence >= sequence);
                    sequence = snapshot.sequence;
                }
            }
        });
        for number in 0..300 {
            let write = database.write(origin(), move |transaction| {
                transaction.put(key("customers", number), record("customer"));
                transaction.put(key("products", number), record("product"));
                Ok(())
            });
            write.await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.await.unwrap();
        let snapshot = views.snapshot(&team(), &["customers", "products"]).unwrap();
        assert_eq!(snapshot.view("products").unwrap().rows(), 300);
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let database = Database::in_memory();
        put(&database, "products", 0..2000).await;
        put(&database, "customers", 0..2000).await;
        put(&database, "goals", 0..10).await;
        let taken = |views: &Views| views.usage().iter().map(|(_, _, bytes)| bytes).sum::<u64>();
        let one = {
            let views = Views::new(database.clone(), ROOM);
            views.snapshot(&team(), &["products"]).unwrap();
            taken(&views)
        };
        assert!(one > 2000 * 50, "{one}");
        // One large collection fits, two do not: the one used longest ago goes.
        let views = Views::new(database.clone(), one * 2);
        views.snapshot(&team(), &["products"]).unwrap();
        views.snapshot(&team(), &["goals"]).unwrap();
        views.snapshot(&team(), &["customers"]).unwrap();
        let kept: Vec<String> = views.usage().into_iter().map(|(_, collection, _)| collection).collect();
        assert_eq!(kept, ["customers", "goals"]);
        assert!(taken(&views) <= one * 2);
        let both = views.snapshot(&team(), &["products", "customers"]);
        assert!(matches!(both, Err(ViewError::TooLarge { .. })), "{:?}", both.map(|_| ()));
        assert!(taken(&views) <= one * 2);
        // Neither does one that is larger than all that is allowed.
        let views = Views::new(database, one / 2);
        assert!(matches!(views.snapshot(&team(), &["products"]), Err(ViewError::TooLarge { .. })));
        assert_eq!(taken(&views), 0);
    }

    #[tokio::test]
    async fn what_readers_hold_is_counted() {
        let database = Database::in_memory();
        let views = Views::new(database.clone(), ROOM);
        put(&database, "products", 0..1000).await;
        let taken = || views.usage().iter().map(|(_, _, bytes)| bytes).sum::<u64>();
        let first = views.snapshot(&team(), &["products"]).unwrap();
        let one = taken();
        put(&database, "products", 0..1).await;
        let second = views.snapshot(&team(), &["products"]).unwrap();
        assert!(taken() >= one * 2, "{} {one}", taken());
        drop(first);
        assert!(taken() < one * 2, "{} {one}", taken());
        drop(second);
    }
}
