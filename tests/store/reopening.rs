//! What was acknowledged is there when the database is opened again; what was not is wholly there or wholly absent.

use std::{collections::BTreeSet, fs};

use merit::{
    model::rejection::Rejection,
    resource::blobs_named,
    store::{Fault, StoreError, Transaction, WriteError, verify_directory},
};
use tokio::task::JoinSet;

use crate::{
    place::{Place, fill, seen, write},
    writing::{contents, key, origin, put},
};

#[tokio::test]
async fn what_was_written_is_there_again() {
    let place = Place::new();
    let before = fill(&place, 60).await;
    assert!(place.segments().len() > 3);
    assert_eq!(before.records.len(), 60);
    for _ in 0..2 {
        let database = place.open().unwrap();
        assert_eq!(seen(&database), before);
        assert_eq!(
            database.verify(&blobs_named).unwrap(),
            verify_directory(place.path(), &blobs_named).unwrap()
        );
    }
    let database = place.open().unwrap();
    write(&database, 60).await.unwrap();
    let after = seen(&database);
    assert_eq!(after.records[..60], before.records);
    assert_eq!(after.records[60].previous, before.records[59].hash);
    assert!(after.records[60].time >= before.records[59].time);
    let verification = database.verify(&blobs_named).unwrap();
    assert_eq!((verification.sequence, verification.damage), (61, None));
    assert!(!place.has_set_aside());
}

#[tokio::test]
async fn older_records_come_from_the_journal() {
    let place = Place::new();
    let all = fill(&place, 300).await.records;
    let database = place.open().unwrap();
    // Those written now are in memory, those before are not.
    for number in 300..310 {
        write(&database, number).await.unwrap();
    }
    let all = [all, database.records(300, 100).unwrap()].concat();
    for after in [0, 1, 7, 100, 254, 255, 256, 257, 298, 299, 300, 301, 309, 310, 999] {
        for limit in [0, 1, 2, 60, usize::MAX] {
            let found = database.records(after, limit).unwrap();
            let expected: Vec<_> = all.iter().filter(|record| record.sequence > after).take(limit).collect();
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{after} {limit}");
        }
    }
}

#[tokio::test]
async fn a_write_larger_than_a_segment_gets_one_of_its_own() {
    let place = Place::new();
    let database = place.open().unwrap();
    let large = |t: &mut Transaction<'_>| {
        t.put(key("large"), vec![3; 100_000].into());
        t.put(key("small"), "x".into());
        Ok(())
    };
    put(&database, "a", b"1").await.unwrap();
    database.write(origin("test"), large).await.unwrap();
    put(&database, "b", b"2").await.unwrap();
    let before = seen(&database);
    drop(database);
    assert_eq!(seen(&place.open().unwrap()), before);
    place.forget_index_and_checkpoint();
    assert_eq!(seen(&place.open().unwrap()), before);
}

#[tokio::test]
async fn one_process_at_a_time() {
    let place = Place::new();
    let database = place.open().unwrap();
    let Err(StoreError::InUse { directory }) = place.open() else { panic!("opened twice") };
    assert_eq!(directory, place.path());
    let clone = database.clone();
    drop(database);
    assert!(place.open().is_err());
    drop(clone);
    place.open().unwrap();
}

#[tokio::test]
async fn a_directory_of_other_files_is_refused() {
    let place = Place::new();
    std::fs::write(place.path().join("thesis.txt"), b"x").unwrap();
    let Err(StoreError::NotOurs(why)) = place.open() else { panic!("opened among other files") };
    assert!(why.contains("has thesis.txt, and nothing of Merit's: give an empty directory"), "{why}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "nothing was made");
    std::fs::remove_file(place.path().join("thesis.txt")).unwrap();
    std::fs::create_dir(place.path().join("lost+found")).unwrap();
    drop(place.open().unwrap());
    std::fs::write(place.path().join("notes.txt"), b"x").unwrap();
    place.open().unwrap();
}

#[tokio::test]
async fn below_the_floor_writes_are_refused_and_reads_go_on() {
    let mut place = Place::new();
    let before = fill(&place, 3).await;
    let known = place.open().unwrap().blobs().put(b"known").unwrap();
    place.options.free_floor_bytes = u64::MAX;
    let database = place.open().unwrap();
    assert!(matches!(put(&database, "a", b"1").await, Err(WriteError::DiskFull)));
    // Nor is anything kept beside the records; what is there already takes no room.
    let refused = database.blobs().put(b"unknown").unwrap_err();
    assert!(matches!(WriteError::from(refused), WriteError::DiskFull));
    assert_eq!(database.blobs().put(b"known").unwrap(), known);
    assert_eq!(std::fs::read_dir(place.path().join("blobs")).unwrap().count(), 1);
    assert_eq!(seen(&database), before);
    assert_eq!(database.write(origin("test"), |t| Ok(t.sequence())).await.unwrap(), 4);
    assert!(matches!(
        database.write(origin("test"), |_| Err::<(), _>(Rejection::field("f", "no"))).await,
        Err(WriteError::Rejected(_))
    ));
    assert_eq!(database.failure(), None);
    drop(database);
    place.options.free_floor_bytes = 0;
    put(&place.open().unwrap(), "a", b"1").await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_no_failure() {
    let place = Place::new();
    let (database, faults) = place.open_faulty();
    put(&database, "a", b"1").await.unwrap();
    faults.inject(Fault::JournalFull, 0);
    for _ in 0..3 {
        assert!(matches!(put(&database, "b", b"2").await, Err(WriteError::DiskFull)));
    }
    faults.clear(Fault::JournalFull);
    put(&database, "c", b"3").await.unwrap();
    assert_eq!(database.failure(), None);
    assert_eq!(database.sequence(), 2);
    let before = seen(&database);
    drop(database);
    assert_eq!(seen(&place.open().unwrap()), before);
}

/// Lets eight clients write while the disk fails at some moment; then expects that nothing was acknowledged after the
/// failure, and what was is there, each write wholly or not at all.
async fn check_failing_disk(fault: Fault, successes: u64) {
    let place = Place::new();
    let (database, faults) = place.open_faulty();
    faults.inject(fault, successes);
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
    assert!(acknowledged.len() < 160, "{fault:?} after {successes}: nothing failed");
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
        check_failing_disk(Fault::JournalSync, successes).await;
        check_failing_disk(Fault::JournalWrite, successes).await;
        check_failing_disk(Fault::IndexCommit, successes).await;
    }
}

#[tokio::test]
async fn blobs_last_and_are_checked() {
    let place = Place::new();
    let database = place.open().unwrap();
    let hash = database.blobs().put(b"some bytes").unwrap();
    drop(database);
    fs::write(place.path().join("blobs/temporary-7"), b"half").unwrap();
    let database = place.open().unwrap();
    assert_eq!(database.blobs().get(hash).unwrap().unwrap(), "some bytes");
    assert!(!place.path().join("blobs/temporary-7").exists());
    let path = place.path().join("blobs").join(hash.to_string());
    fs::write(&path, b"other bytes").unwrap();
    let Err(StoreError::Damaged { file, .. }) = database.blobs().get(hash) else { panic!("served") };
    assert_eq!(file, path);
    // The same bytes put again mend it.
    assert_eq!(database.blobs().put(b"some bytes").unwrap(), hash);
    assert_eq!(database.blobs().get(hash).unwrap().unwrap(), "some bytes");
}
