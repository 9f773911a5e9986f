//! A process that writes to a database, without a service around it, killed again and again: the shortest way to as many
//! different moments as possible, among them opening, rolling to a new segment and replaying.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use bytes::Bytes;
use merit::{
    resource::blobs_named,
    store::{Database, Key, KeyRange, Options, Origin, Transaction, verify_directory},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

const KILLS: u32 = 50;
const CLIENTS: u32 = 4;
/// Keys of one write.
const PARTS: [&str; 3] = ["first", "second", "third"];

/// Tells the killed process where to write, and how to name what it writes.
const DIRECTORY: &str = "MERIT_CRASH_DIRECTORY";
const ROUND: &str = "MERIT_CRASH_ROUND";

fn open(directory: &Path) -> Database {
    // Small segments, so that a new one is often under way.
    let options = Options { segment_bytes: 16 << 10, free_floor_bytes: 0, ..Options::default() };
    Database::open(directory, options).unwrap()
}

/// Puts all parts of a write.
async fn write(database: &Database, name: String) {
    let origin =
        Origin { author: "crash".to_owned(), method: "test/Write".to_owned(), request_id: name.clone() };
    let command = move |transaction: &mut Transaction<'_>| {
        for part in PARTS {
            let value = Bytes::from(name.repeat(name.len() % 7));
            transaction.put(Key(format!("{name}/{part}/x").into()), value);
        }
        Ok(())
    };
    database.write(origin, command).await.unwrap();
}

/// The process that is killed; run as a test like the others, it writes a little and ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_names_each_write_when_it_is_acknowledged() {
    let told = std::env::var_os(DIRECTORY);
    // Whoever is killed cannot tidy up: the directory is then somebody else's.
    let own = if told.is_none() { Some(tempfile::tempdir().unwrap()) } else { None };
    let round = std::env::var(ROUND).unwrap_or_default();
    let writes = if told.is_some() { u32::MAX } else { 10 };
    let directory = told.as_ref().map(Path::new).or(own.as_ref().map(tempfile::TempDir::path));
    let database = open(directory.expect("a directory"));
    let clients = (0..CLIENTS).map(|client| {
        let (database, round) = (database.clone(), round.clone());
        tokio::spawn(async move {
            for number in 0..writes {
                let name = format!("{round}-{client}-{number}");
                write(&database, name.clone()).await;
                println!("acknowledged {name}");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    assert_eq!(database.sequence(), u64::from(CLIENTS * writes));
}

/// Starts the writer, kills it, and answers what was acknowledged.
fn kill_once(directory: &Path, round: u32, random: &mut StdRng) -> BTreeSet<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed_writer::a_writer_names_each_write_when_it_is_acknowledged", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    let reader = thread::spawn(move || {
        let mut acknowledged = BTreeSet::new();
        for line in output.lines().map_while(Result::ok) {
            // A line goes into the pipe whole, or not at all.
            if let Some(name) = line.strip_prefix("acknowledged ") {
                acknowledged.insert(name.to_owned());
                let _ = tell.send(());
            }
        }
        acknowledged
    });
    // Some die while they open, most while they write. The first has to get as far as making the directory.
    if round == 0 || random.random_ratio(4, 5) {
        for _ in 0..random.random_range(2..6) {
            told.recv().expect("the writer ended before it was killed");
        }
    }
    thread::sleep(Duration::from_micros(random.random_range(0..60_000)));
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

/// Expects every acknowledged write once, and no half of any other.
fn check(directory: &Path, acknowledged: &BTreeSet<String>) {
    let verification = verify_directory(directory, &blobs_named, None).unwrap();
    assert_eq!(verification.damage, None);
    let database = open(directory);
    assert_eq!(database.sequence(), verification.mark.sequence);
    let mut parts = BTreeMap::<String, usize>::new();
    for entry in database.scan(&KeyRange::all(), usize::MAX).unwrap() {
        let key = entry.key.to_string();
        let name = key.split('/').next().unwrap();
        assert_eq!(entry.value, name.repeat(name.len() % 7));
        *parts.entry(name.to_owned()).or_default() += 1;
    }
    let halves: Vec<_> = parts.iter().filter(|(_, count)| **count != PARTS.len()).collect();
    assert!(halves.is_empty(), "half written: {halves:?}");
    let lost: Vec<_> = acknowledged.iter().filter(|name| !parts.contains_key(*name)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let mut recorded = BTreeSet::new();
    for record in database.records(0, usize::MAX).unwrap() {
        assert!(recorded.insert(record.origin.request_id.clone()), "twice: {}", record.origin.request_id);
    }
    assert!(recorded.iter().eq(parts.keys()), "the index is not what the journal says");
}

#[test]
fn every_acknowledged_write_survives_kills() {
    let seed =
        std::env::var("MERIT_CRASH_SEED").map_or_else(|_| rand::rng().random(), |seed| seed.parse().unwrap());
    println!("MERIT_CRASH_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..KILLS {
        acknowledged.extend(kill_once(directory.path(), round, &mut random));
        check(directory.path(), &acknowledged);
    }
    println!("{KILLS} kills, {} acknowledged writes", acknowledged.len());
    assert!(acknowledged.len() > KILLS as usize, "too little was written between the kills");
}
