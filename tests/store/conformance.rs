//! What every index does, whatever it is made of: one table of histories, run on all of them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use jiff::Timestamp;
use merit::store::{
    Effect, Entry, Faults, FaultyStore, Journaled, Key, KeyRange, MemoryStore, Pointer, Record, SledStore,
    Store, StoreError, Values,
};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::writing::origin;

/// An index under test, and what it lives in.
struct Subject {
    name: &'static str,
    store: Box<dyn Store>,
    journal: Arc<Journal>,
    _directory: Option<TempDir>,
}

/// What the journal has of the values: by the sequence of their record and their place.
#[derive(Default)]
struct Journal(Mutex<HashMap<(u64, u64), Bytes>>);

impl Values for Journal {
    fn read(&self, pointer: &Pointer) -> Result<Bytes, StoreError> {
        let value = self.0.lock().unwrap()[&(pointer.sequence, pointer.offset)].clone();
        assert!(pointer.is_of(&value), "{pointer:?}");
        Ok(value)
    }
}

// === impl Subject ===

impl Subject {
    fn new(name: &'static str, store: impl Store) -> Self {
        Self { name, store: Box::new(store), journal: Arc::default(), _directory: None }
    }

    /// Commits effects as one record.
    fn commit(&self, sequence: u64, effects: &[Effect]) {
        let record = record(sequence, effects);
        let journaled = Journaled { offset: 4096, record: Arc::new(record) };
        for (effect, at) in journaled.effects() {
            if let Some(value) = &effect.value {
                self.journal.0.lock().unwrap().insert((sequence, at), value.clone());
            }
        }
        self.store.commit(&[journaled]).unwrap();
        assert_eq!(self.store.applied().unwrap(), self::record(sequence, effects).mark(), "{}", self.name);
    }
}

fn record(sequence: u64, effects: &[Effect]) -> Record {
    Record {
        sequence,
        time: Timestamp::UNIX_EPOCH,
        origin: origin("test"),
        effects: effects.to_vec(),
        hash: [u8::try_from(sequence).unwrap(); 32],
        previous: [0; 32],
    }
}

fn subjects() -> Vec<Subject> {
    let directory = tempfile::tempdir().unwrap();
    let journal = Arc::new(Journal::default());
    let sled = SledStore::open(&directory.path().join("index"), 1 << 20, journal.clone()).unwrap();
    let faulty = FaultyStore::new(MemoryStore::default(), Arc::new(Faults::default()));
    vec![
        Subject::new("memory", MemoryStore::default()),
        Subject::new("faulty, without faults", faulty),
        Subject { name: "sled", store: Box::new(sled), journal, _directory: Some(directory) },
    ]
}

fn key(text: &str) -> Key {
    Key(Bytes::copy_from_slice(text.as_bytes()))
}

fn put(text: &str, value: &[u8]) -> Effect {
    Effect { key: key(text), value: Some(Bytes::copy_from_slice(value)) }
}

fn delete(text: &str) -> Effect {
    Effect { key: key(text), value: None }
}

/// Commits the groups one by one, and expects these entries.
fn check(groups: &[&[Effect]], expected: &[(&str, &[u8])]) {
    for subject in subjects() {
        let name = subject.name;
        for (place, group) in (1..).zip(groups) {
            subject.commit(place, group);
        }
        let entries = subject.store.scan(&KeyRange::all(), usize::MAX).unwrap();
        let found: Vec<_> =
            entries.iter().map(|entry| (std::str::from_utf8(&entry.key.0).unwrap(), &*entry.value)).collect();
        assert_eq!(found, expected, "{name}");
        for (text, value) in expected {
            assert_eq!(subject.store.get(&key(text)).unwrap().as_deref(), Some(*value), "{name}: {text}");
        }
    }
}

#[test]
fn an_index_holds_what_was_put_last() {
    check(&[], &[]);
    check(&[&[]], &[]);
    check(&[&[put("a/b/c", b"1")]], &[("a/b/c", b"1")]);
    check(&[&[put("a", b"")]], &[("a", b"")]);
    check(&[&[put("a", b"1")], &[put("a", b"2")]], &[("a", b"2")]);
    check(&[&[put("a", b"1"), put("a", b"2")]], &[("a", b"2")]);
    check(&[&[put("a", b"1")], &[delete("a")]], &[]);
    check(&[&[put("a", b"1"), delete("a")]], &[]);
    check(&[&[delete("a"), put("a", b"1")]], &[("a", b"1")]);
    check(&[&[delete("a")], &[delete("a")]], &[]);
    check(
        &[&[put("b", b"2"), put("~r", b"3"), put("a-b", b"1"), put("a/b", b"4")]],
        &[("a-b", b"1"), ("a/b", b"4"), ("b", b"2"), ("~r", b"3")],
    );
}

#[test]
fn a_value_may_be_large() {
    for size in [1 << 10, (1 << 10) + 1, 300_000] {
        let first = vec![7; size];
        let second: Vec<u8> = (0..size).map(|place| (place % 251) as u8).collect();
        check(
            &[&[put("a", &first), put("b", &first)], &[put("a", &second)], &[delete("b")]],
            &[("a", &second)],
        );
        check(&[&[put("a", &first)], &[put("a", b"small")]], &[("a", b"small")]);
    }
}

#[test]
fn a_scan_keeps_to_its_range_and_limit() {
    let keys = ["a", "a-1", "a/1", "a/2", "a/3", "b", "~x/1"];
    let effects: Vec<Effect> = keys.iter().map(|text| put(text, text.as_bytes())).collect();
    let table: &[(KeyRange, usize, &[&str])] = &[
        (KeyRange::prefix("a/"), 9, &["a/1", "a/2", "a/3"]),
        (KeyRange::prefix("a/"), 2, &["a/1", "a/2"]),
        (KeyRange::prefix("a/"), 0, &[]),
        (KeyRange::prefix("a/").after(&key("a/1")), 9, &["a/2", "a/3"]),
        (KeyRange::prefix("c"), 9, &[]),
        (KeyRange::prefix("~"), 9, &["~x/1"]),
        (KeyRange { start: key("a/2"), end: Some(key("b")) }, 9, &["a/2", "a/3"]),
        (KeyRange { start: key("b"), end: Some(key("a")) }, 9, &[]),
        (KeyRange { start: key("a"), end: Some(key("a")) }, 9, &[]),
        (KeyRange::all(), 3, &["a", "a-1", "a/1"]),
    ];
    for subject in subjects() {
        subject.commit(1, &effects);
        for (range, limit, expected) in table {
            let entries = subject.store.scan(range, *limit).unwrap();
            let found: Vec<_> =
                entries.iter().map(|entry| std::str::from_utf8(&entry.key.0).unwrap()).collect();
            assert_eq!(found, *expected, "{}: {range:?} {limit}", subject.name);
            assert!(entries.iter().all(|entry| entry.key.0 == entry.value), "{}", subject.name);
        }
    }
}

fn effect() -> impl Strategy<Value = Effect> {
    let key = proptest::collection::vec(prop_oneof![Just(0u8), Just(b'/'), Just(b'a'), Just(255)], 1..4);
    let value = proptest::collection::vec(any::<u8>(), 0..9);
    (key, proptest::option::of(value))
        .prop_map(|(key, value)| Effect { key: Key(key.into()), value: value.map(Bytes::from) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_index_agrees_with_the_plainest_one(
        groups in proptest::collection::vec(proptest::collection::vec(effect(), 0..12), 1..12),
    ) {
        let mut model = BTreeMap::new();
        let subjects = subjects();
        for (place, group) in (1..).zip(&groups) {
            for effect in group {
                match &effect.value {
                    Some(value) => model.insert(effect.key.clone(), value.clone()),
                    None => model.remove(&effect.key),
                };
            }
            let expected: Vec<Entry> =
                model.iter().map(|(key, value)| Entry { key: key.clone(), value: value.clone() }).collect();
            for subject in &subjects {
                subject.commit(place, group);
                let found = subject.store.scan(&KeyRange::all(), usize::MAX).unwrap();
                prop_assert_eq!(&found, &expected, "{}", subject.name);
                for effect in group {
                    let found = subject.store.get(&effect.key).unwrap();
                    prop_assert_eq!(found.as_ref(), model.get(&effect.key), "{}", subject.name);
                }
            }
        }
    }
}
