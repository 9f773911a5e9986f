//! What was acknowledged is there when the database is opened again; what was not is wholly there or wholly absent.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use merit::{
    model::rejection::Rejection,
    proto::v1,
    resource::{blobs_named, sweep_blobs},
    store::{Database, Key, StoreError, Swept, Transaction, WriteError, verify_directory},
};
use prost::Message as _;

use crate::{
    place::{Place, fill, seen, write},
    writing::{key, origin, put},
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
            database.verify(&blobs_named, None).unwrap(),
            verify_directory(place.path(), &blobs_named, None).unwrap()
        );
    }
    let database = place.open().unwrap();
    write(&database, 60).await.unwrap();
    let after = seen(&database);
    assert_eq!(after.records[..60], before.records);
    assert_eq!(after.records[60].previous, before.records[59].hash);
    assert!(after.records[60].time >= before.records[59].time);
    let verification = database.verify(&blobs_named, None).unwrap();
    assert_eq!((verification.mark.sequence, verification.damage), (61, None));
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
async fn whoever_is_ending_is_waited_for() {
    let place = Place::new();
    let held = fs::File::open(place.path()).unwrap();
    held.lock().unwrap();
    let ending = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        drop(held);
    });
    place.open().unwrap();
    ending.join().unwrap();
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

#[tokio::test]
async fn blobs_that_no_record_rests_on_are_swept_from_a_history_that_is_known() {
    let place = Place::new();
    let database = place.open().unwrap();
    let [wanted, orphan] = [b"a dataset", b"an orphan"].map(|bytes| database.blobs().put(bytes).unwrap());
    // Nobody knows whose they are, as long as there is no journal.
    assert_eq!(sweep_blobs(&database).unwrap(), Swept::default());
    let run = v1::Run { dataset: wanted.to_string(), ..v1::Run::default() };
    let put = move |t: &mut Transaction<'_>| {
        t.put(Key("acme/runs/q1".into()), run.encode_to_vec().into());
        Ok(())
    };
    database.write(origin("test"), put).await.unwrap();
    drop(database);
    fs::write(place.path().join("blobs/notes.txt"), b"not a blob").unwrap();
    for (is_rebuilt, swept) in [(true, Swept::default()), (false, Swept { blobs: 1, bytes: 9 })] {
        if is_rebuilt {
            // The journal may be another one, put here by mistake.
            place.forget_index_and_checkpoint();
        }
        let database = place.open().unwrap();
        assert_eq!(sweep_blobs(&database).unwrap(), swept);
        assert_eq!(database.blobs().get(orphan).unwrap().is_some(), is_rebuilt);
        assert_eq!(database.blobs().get(wanted).unwrap().unwrap(), "a dataset");
        assert_eq!(database.verify(&blobs_named, None).unwrap().damage, None);
    }
    assert!(place.path().join("blobs/notes.txt").exists());
}

/// Files and directories that others than their owner may use; what is in the index is behind its directory.
fn open_to_others(directory: &Path) -> Vec<PathBuf> {
    let mut open = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let metadata = entry.metadata().unwrap();
        if metadata.permissions().mode() & 0o077 != 0 {
            open.push(entry.path());
        }
        if metadata.is_dir() && entry.file_name() != "index" {
            open.extend(open_to_others(&entry.path()));
        }
    }
    open
}

#[tokio::test]
async fn what_is_made_is_its_owners() {
    let place = Place::new();
    let database = Database::open(&place.path().join("new/data"), place.options.clone()).unwrap();
    database.blobs().put(b"a dataset").unwrap();
    for number in 0..30 {
        write(&database, number).await.unwrap();
    }
    database.close().await;
    assert_eq!(open_to_others(place.path()), Vec::<PathBuf>::new());
}
