//! What was acknowledged is there after any history of kills and power cuts, wherever they come, and nothing is taken for damage.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use merit::{
    proto::v1,
    resource::{blobs_named, sweep_blobs},
    store::{BlobHash, Database, Key, KeyRange, Mark, Origin, Record, StoreError, Transaction},
};
use prost::Message;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::machine::Machine;

const HISTORIES: u64 = 40;
/// Kills and cuts of a history.
const ENDS: u32 = 6;

/// Steps of opening a new database and a few writes, among them a new segment and a dataset.
const STEPS: u64 = 60;

/// A write as it was asked for.
#[derive(Clone)]
struct Write {
    name: String,
    puts: Vec<(String, Bytes)>,
    deletes: Vec<String>,
}

/// How it is worked.
#[derive(Clone, Copy)]
struct Habits {
    /// Different datasets.
    datasets: u8,
    /// How often blobs are swept at the beginning.
    sweeps: f64,
}

/// What was asked for, and what of it was acknowledged.
#[derive(Default)]
struct Told {
    asked: BTreeMap<String, Write>,
    acknowledged: BTreeSet<String>,
    /// The last place in the history that somebody was told.
    mark: Option<Mark>,
}

// === impl Told ===

impl Told {
    /// A write that nobody has asked for before, some of one of so many datasets.
    fn next(&mut self, database: &Database, datasets: u8, random: &mut StdRng) -> Result<Write, StoreError> {
        let name = format!("w{}", self.asked.len());
        let mut puts = Vec::new();
        for part in 0..random.random_range(1..3) {
            let bytes = [3, 700, 1500, 6000][random.random_range(0..4)];
            puts.push((format!("acme/goals/{name}-{part}"), vec![random.random(); bytes].into()));
        }
        if random.random_ratio(1, 3) {
            // The same bytes again and again, some of which a put has left that did not come to its end.
            let dataset: BlobHash = database.blobs().put(&vec![random.random_range(0..datasets); 2000])?;
            let run = v1::Run { dataset: dataset.to_string(), ..v1::Run::default() };
            puts.push((format!("acme/runs/{name}"), run.encode_to_vec().into()));
        }
        let mut deletes = Vec::new();
        if let Some(earlier) = self.acknowledged.iter().nth(random.random_range(0..self.asked.len().max(1))) {
            match random.random_range(0..3) {
                0 => deletes.extend(self.asked[earlier].puts.iter().map(|(key, _)| key.clone())),
                1 => puts.push((self.asked[earlier].puts[0].0.clone(), name.clone().into())),
                _ => {}
            }
        }
        let write = Write { name: name.clone(), puts, deletes };
        self.asked.insert(name, write.clone());
        Ok(write)
    }
}

async fn write(database: &Database, write: Write) -> bool {
    let origin = Origin {
        author: "power".to_owned(),
        method: "test/Write".to_owned(),
        request_id: write.name.clone(),
    };
    let command = move |transaction: &mut Transaction<'_>| {
        write.deletes.iter().for_each(|key| transaction.delete(Key(key.clone().into())));
        write.puts.iter().for_each(|(key, value)| transaction.put(Key(key.clone().into()), value.clone()));
        Ok(())
    };
    database.write(origin, command).await.is_ok()
}

/// Opens the database, which may fail only because the machine has died, and writes until that is so.
async fn work(machine: &Machine, told: &mut Told, habits: Habits, random: &mut StdRng) {
    let database = match machine.open() {
        Ok(database) => database,
        Err(StoreError::Io { .. } | StoreError::Unsynced { .. }) => return,
        Err(error) => panic!("nothing was damaged, and it is said: {error}"),
    };
    if random.random_bool(habits.sweeps) && sweep_blobs(&database).is_err() {
        return;
    }
    for _ in 0..random.random_range(1..30) {
        let mut group = Vec::new();
        for _ in 0..random.random_range(1..4) {
            let Ok(next) = told.next(&database, habits.datasets, random) else { break };
            let database = database.clone();
            group.push(tokio::spawn(async move { (next.name.clone(), write(&database, next).await) }));
        }
        for written in group {
            let (name, acknowledged) = written.await.unwrap();
            if acknowledged {
                told.acknowledged.insert(name);
            }
        }
    }
    if let Ok(records) = database.records(database.sequence().saturating_sub(1), 1) {
        told.mark = records.last().map(|record| record.mark()).or(told.mark);
    }
    if random.random_bool(0.5) {
        database.close().await;
    }
}

/// Expects everything that was acknowledged, in the order of the journal, and nothing by halves.
fn check(database: &Database, told: &Told) {
    let verification = database.verify(&blobs_named, told.mark).unwrap();
    assert_eq!(verification.damage, None);
    let mut records: Vec<std::sync::Arc<Record>> = Vec::new();
    while let Some(last) = database.records(records.len() as u64, 1000).unwrap().last().cloned() {
        records.extend(database.records(records.len() as u64, 1000).unwrap());
        assert_eq!(records.last(), Some(&last));
    }
    let mut expected = BTreeMap::new();
    let mut recorded = BTreeSet::new();
    for record in &records {
        let write = &told.asked[&record.origin.request_id];
        assert!(recorded.insert(write.name.clone()), "{} is there twice", write.name);
        write.deletes.iter().for_each(|key| drop(expected.remove(key)));
        expected.extend(write.puts.iter().cloned());
    }
    let lost: Vec<_> = told.acknowledged.difference(&recorded).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let entries = database.scan(&KeyRange::all(), usize::MAX).unwrap();
    let found: BTreeMap<_, _> =
        entries.into_iter().map(|entry| (entry.key.to_string(), entry.value)).collect();
    assert_eq!(found, expected);
}

async fn history(seed: u64) -> usize {
    let mut random = StdRng::seed_from_u64(seed);
    let mut machine = Machine::new();
    let mut told = Told::default();
    for _ in 0..ENDS {
        // Opening takes a dozen steps.
        let steps =
            if random.random_bool(0.5) { random.random_range(0..16) } else { random.random_range(12..120) };
        machine.die_after(steps, random.random_range(0..3000));
        work(&machine, &mut told, Habits { datasets: 3, sweeps: 0.3 }, &mut random).await;
        if random.random_bool(0.5) {
            machine.go_on();
        } else {
            // Sometimes all of it got there, sometimes nothing, mostly some.
            let odds = [0.0, 0.5, 0.9, 1.0][random.random_range(0..4)];
            machine = machine.cut(odds, &mut random);
        }
    }
    machine.go_on();
    let database = machine.open().unwrap();
    check(&database, &told);
    told.acknowledged.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kills_and_power_cuts() {
    let first: u64 =
        std::env::var("MERIT_CRASH_SEED").map_or_else(|_| rand::rng().random(), |seed| seed.parse().unwrap());
    let mut acknowledged = 0;
    for seed in (0..HISTORIES).map(|number| first.wrapping_add(number)) {
        println!("MERIT_CRASH_SEED={seed}");
        acknowledged += history(seed).await;
    }
    assert!(acknowledged > 300, "too little was written: {acknowledged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_step_leaves_nothing_that_only_seems_to_last() {
    for steps in 0..STEPS {
        // The same every time, up to the kill.
        let mut random = StdRng::seed_from_u64(7);
        let machine = Machine::new();
        let mut told = Told::default();
        machine.die_after(steps, 0);
        // What one put has left, another one takes for its own.
        let habits = Habits { datasets: 1, sweeps: 0.0 };
        work(&machine, &mut told, habits, &mut random).await;
        machine.go_on();
        work(&machine, &mut told, habits, &mut random).await;
        let machine = machine.cut(0.0, &mut random);
        let database = machine.open().unwrap_or_else(|error| panic!("after step {steps}: {error}"));
        check(&database, &told);
    }
}
