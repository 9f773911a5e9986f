//! Disks that fail: whether nobody knows any more what is on them, so that nothing more is acknowledged, or they are only full.

use std::{
    collections::BTreeSet,
    io::ErrorKind::{Other, StorageFull},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use merit::store::{
    Database, Disk, Fault, Mark, Pointer, SledStore, Store as _, StoreError, Transaction, Values, WriteError,
};
use tokio::task::JoinSet;

use crate::{
    failing_disk::{
        Deed::{self, Allocate, Create, Rename, Sync, SyncDirectory, Write},
        FailingDisk,
    },
    place::{Place, fill, seen},
    writing::{contents, key, origin, put},
};

/// Puts a value that needs a new segment.
async fn put_large(database: &Database) -> Result<(), WriteError> {
    let command = |transaction: &mut Transaction<'_>| {
        transaction.put(key("large"), vec![7; 1800].into());
        Ok(())
    };
    database.write(origin("test"), command).await
}

/// Has something fail while a write gets a segment of its own, and expects that that is final, or a full disk; that a small
/// write, for which there is room, fares accordingly; and that everything that was acknowledged is there afterwards.
async fn check_roll(deed: Deed, of: &'static str, kind: std::io::ErrorKind, is_final: bool) {
    let case = format!("{deed:?} of {of}: {kind:?}");
    let mut place = Place::new();
    let (database, disk) = place.open_failing();
    for text in ["a", "b", "c", "d"] {
        put(&database, text, b"1").await.unwrap();
    }
    disk.fail(deed, of, 0, kind);
    let refused = put_large(&database).await.unwrap_err();
    assert_eq!(matches!(refused, WriteError::Failed(_)), is_final, "{case}: {refused}");
    assert_eq!(matches!(refused, WriteError::DiskFull), !is_final, "{case}: {refused}");
    disk.mend();
    assert_eq!(database.failure().is_some(), is_final, "{case}");
    assert_eq!(put(&database, "e", b"2").await.is_err(), is_final, "{case}");
    assert_eq!(put_large(&database).await.is_err(), is_final, "{case}");
    database.close().await;
    drop(database);
    let database = place.open().unwrap_or_else(|error| panic!("{case}: {error}"));
    let expected = if is_final { 4 } else { 6 };
    let found = contents(&database).into_iter().filter(|(text, _)| !is_final || text != "large").count();
    assert_eq!(found, expected, "{case}");
}

#[tokio::test]
async fn a_failure_is_final_unless_nothing_was_changed() {
    check_roll(Create, "segment.new", StorageFull, false).await;
    check_roll(Allocate, "segment.new", StorageFull, false).await;
    check_roll(Write, "segment.new", StorageFull, false).await;
    check_roll(Rename, ".journal", StorageFull, false).await;
    check_roll(Sync, "segment.new", StorageFull, true).await;
    check_roll(SyncDirectory, "journal", StorageFull, true).await;
    check_roll(SyncDirectory, "journal", Other, true).await;
    check_roll(Allocate, "segment.new", Other, true).await;
    check_roll(Write, ".journal", StorageFull, true).await;
    check_roll(Write, ".journal", Other, true).await;
    check_roll(Sync, ".journal", StorageFull, true).await;
    check_roll(Sync, ".journal", Other, true).await;
    check_roll(Write, "checkpoint", Other, true).await;
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_made_lasting_is_a_failure() {
    let check = async |deed, of, kind, is_final| {
        let mut place = Place::new();
        let (database, disk) = place.open_failing();
        put(&database, "a", b"1").await.unwrap();
        disk.fail(deed, of, 0, kind);
        database.close().await;
        assert_eq!(database.failure().is_some(), is_final, "{deed:?} of {of}: {kind:?}");
        drop(database);
        assert_eq!(contents(&place.open().unwrap()).len(), 1);
    };
    check(Sync, "checkpoint.new", Other, true).await;
    check(SyncDirectory, "journal", Other, true).await;
    check(Write, "checkpoint.new", StorageFull, false).await;
}

#[derive(Clone, Copy, Debug)]
enum Broken {
    Disk(Deed, &'static str),
    Index,
}

/// Lets eight clients write while something fails at some moment; then expects that nothing was acknowledged after the
/// failure, and what was is there, each write wholly or not at all.
async fn check_clients(broken: Broken, successes: u64) {
    let mut place = Place::new();
    let database = match broken {
        Broken::Index => {
            let (database, faults) = place.open_faulty();
            faults.inject(Fault::IndexCommit, successes, Other);
            database
        }
        Broken::Disk(deed, of) => {
            let (database, disk) = place.open_failing();
            disk.fail(deed, of, successes, Other);
            database
        }
    };
    let mut clients = JoinSet::new();
    for client in 0..8 {
        let database = database.clone();
        clients.spawn(async move {
            let mut acknowledged = Vec::new();
            for number in 0..20 {
                let text = format!("{client}-{number}");
                let halves = [key(&format!("a/{text}")), key(&format!("b/{text}"))];
                let command = move |t: &mut Transaction<'_>| {
                    for half in halves {
                        t.put(half, "x".into());
                    }
                    Ok(())
                };
                match database.write(origin("test"), command).await {
                    Ok(()) => acknowledged.push(text),
                    Err(WriteError::Failed(_)) => break,
                    Err(other) => panic!("{other}"),
                }
            }
            acknowledged
        });
    }
    let mut acknowledged = BTreeSet::new();
    while let Some(client) = clients.join_next().await {
        acknowledged.extend(client.unwrap());
    }
    assert!(acknowledged.len() < 160, "{broken:?} after {successes}: nothing failed");
    assert!(database.failure().is_some());
    assert!(put(&database, "later", b"").await.is_err(), "acknowledged after a failure");
    database.close().await;
    drop(database);
    let database = place.open().unwrap();
    let found = contents(&database);
    let half = |prefix: &str| -> BTreeSet<String> {
        found.iter().filter_map(|(key, _)| key.strip_prefix(prefix)).map(str::to_owned).collect()
    };
    assert_eq!(half("a/"), half("b/"), "half a write");
    assert_eq!(found.len(), 2 * half("a/").len());
    assert!(acknowledged.is_subset(&half("a/")), "an acknowledged write is lost");
    assert_eq!(database.sequence(), half("a/").len() as u64);
    put(&database, "later", b"").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_after_a_failure() {
    for successes in [0, 1, 5] {
        check_clients(Broken::Disk(Sync, ".journal"), successes).await;
        check_clients(Broken::Disk(Write, ".journal"), successes).await;
        check_clients(Broken::Index, successes).await;
    }
}

#[tokio::test]
async fn an_index_without_room_says_what_is_to_be_done() {
    let place = Place::new();
    let (database, faults) = place.open_faulty();
    faults.inject(Fault::IndexCommit, 0, StorageFull);
    let refused = put(&database, "a", b"1").await.unwrap_err().to_string();
    assert!(refused.contains("nothing is lost: make room, and start the service again"), "{refused}");
    assert!(database.failed().await.what.contains("make room"));
    drop(database);
    // The journal had it.
    assert_eq!(contents(&place.open().unwrap()).len(), 1);
}

/// Has something fail while a blob is put, and expects that that is final, or a full disk.
async fn check_blob(deed: Deed, of: &'static str, kind: std::io::ErrorKind, is_final: bool) {
    let case = format!("{deed:?} of {of}: {kind:?}");
    let mut place = Place::new();
    let (database, disk) = place.open_failing();
    disk.fail(deed, of, 0, kind);
    let refused = database.blobs().put(b"a component").unwrap_err();
    assert_eq!(matches!(refused, StoreError::Unsynced { .. }), is_final, "{case}: {refused}");
    disk.mend();
    // The file may be there by now: that it lasts, nobody knows.
    let again = database.blobs().put(b"a component");
    assert_eq!(matches!(again, Err(StoreError::Closed(_))), is_final, "{case}: {again:?}");
    assert_eq!(database.failure().is_some(), is_final, "{case}");
    assert_eq!(put(&database, "a", b"1").await.is_err(), is_final, "{case}");
}

#[tokio::test]
async fn a_blob_that_may_not_last_ends_writing() {
    check_blob(Sync, "temporary-0", Other, true).await;
    check_blob(Sync, "temporary-0", StorageFull, true).await;
    check_blob(SyncDirectory, "blobs", Other, true).await;
    check_blob(SyncDirectory, "blobs", StorageFull, true).await;
    check_blob(Create, "temporary-0", StorageFull, false).await;
    check_blob(Write, "temporary-0", StorageFull, false).await;
}

#[tokio::test]
async fn whoever_puts_the_same_blob_waits_until_it_lasts() {
    for fails in [false, true] {
        let mut place = Place::new();
        let (database, disk) = place.open_failing();
        disk.hold(SyncDirectory, "blobs");
        let (tell, told) = mpsc::channel();
        let put = |database: Database| {
            let tell = tell.clone();
            thread::spawn(move || tell.send(database.blobs().put(b"a component").is_ok()).unwrap())
        };
        let first = put(database.clone());
        disk.wait_for_held();
        let second = put(database.clone());
        assert!(told.recv_timeout(Duration::from_millis(200)).is_err(), "acknowledged before it lasts");
        if fails {
            disk.fail(SyncDirectory, "blobs", 0, Other);
        }
        disk.release();
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!([told.recv().unwrap(), told.recv().unwrap()], [!fails; 2]);
    }
}

struct NoValues;

impl Values for NoValues {
    fn read(&self, pointer: &Pointer) -> Result<bytes::Bytes, StoreError> {
        panic!("{pointer:?} is not asked for")
    }
}

#[tokio::test]
async fn the_index_is_built_on_what_lasts() {
    for (deed, of) in [(Sync, ".journal"), (SyncDirectory, "journal")] {
        let mut place = Place::new();
        let before = fill(&place, 5).await;
        std::fs::remove_dir_all(place.path().join("index")).unwrap();
        let disk = Arc::new(FailingDisk::default());
        disk.fail(deed, of, 0, Other);
        place.options.disk = Disk::watched(disk.clone());
        assert!(matches!(place.open(), Err(StoreError::Unsynced { .. })), "{deed:?}");
        let index = SledStore::open(&place.path().join("index"), 1 << 20, Arc::new(NoValues)).unwrap();
        assert_eq!(
            index.applied().unwrap(),
            Mark::default(),
            "{deed:?}: built on what a power cut takes back"
        );
        drop(index);
        disk.mend();
        assert_eq!(seen(&place.open().unwrap()), before);
    }
}
