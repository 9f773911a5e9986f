//! A damaged journal is named and not served; only what a crash left of a write that nobody was told of is cut off.

use std::{fs, path::Path, sync::mpsc};

use merit::{
    proto::v1,
    resource::blobs_named,
    store::{Database, Key, Mark, StoreError, Transaction, verify_directory},
};
use prost::Message;
use tokio::task::JoinSet;

use crate::{
    place::{Place, Seen, fill, flip, seen, write},
    writing::{key, origin, put},
};

/// Where a segment's records end.
fn used(path: &Path) -> usize {
    fs::read(path).unwrap().iter().rposition(|&byte| byte != 0).unwrap() + 1
}

/// Expects that opening names the damaged file, and changes nothing.
fn check_refused(place: &Place, file: &Path) {
    let before = fs::read(file).unwrap();
    match place.open().map(|_| ()) {
        Err(StoreError::Damaged { file: named, .. }) => assert_eq!(named, file),
        other => panic!("{}: {other:?}", file.display()),
    }
    let damage = verify_directory(place.path(), &blobs_named, None).unwrap().damage.unwrap();
    assert!(damage.contains(&*file.to_string_lossy()), "{damage}");
    assert_eq!(fs::read(file).unwrap(), before);
}

#[tokio::test]
async fn any_flipped_byte_is_named() {
    let place = Place::new();
    fill(&place, 30).await;
    let segments = place.segments();
    assert!(segments.len() > 2);
    for path in &segments {
        let bytes = fs::read(path).unwrap();
        for offset in (0..used(path)).step_by(5) {
            let mut damaged = bytes.clone();
            damaged[offset] ^= 1 << (offset % 8);
            fs::write(path, damaged).unwrap();
            let verification = verify_directory(place.path(), &blobs_named, None).unwrap();
            let damage = verification.damage.unwrap_or_else(|| panic!("byte {offset} of {}", path.display()));
            assert!(damage.contains(&*path.to_string_lossy()), "{damage}");
            assert!(verification.mark.sequence < 30);
        }
        fs::write(path, bytes).unwrap();
    }
    for path in &segments {
        let damaged = place.copy();
        let path = damaged.path().join("journal").join(path.file_name().unwrap());
        flip(&path, used(&path) / 2);
        check_refused(&damaged, &path);
    }
    assert_eq!(verify_directory(place.path(), &blobs_named, None).unwrap().damage, None);
    place.open().unwrap();
}

#[tokio::test]
async fn what_is_cut_or_zeroed_is_named() {
    let filled = Place::new();
    fill(&filled, 30).await;
    let cut: fn(&Path, usize) =
        |path, at| fs::File::options().write(true).open(path).unwrap().set_len(at as u64).unwrap();
    let zero: fn(&Path, usize) = |path, at| {
        let mut bytes = fs::read(path).unwrap();
        bytes[at..].fill(0);
        fs::write(path, bytes).unwrap();
    };
    let zero_some: fn(&Path, usize) = |path, at| {
        let mut bytes = fs::read(path).unwrap();
        let end = bytes.len().min(at + 64);
        bytes[at..end].fill(0);
        fs::write(path, bytes).unwrap();
    };
    for (damage, parts) in [(cut, 5), (zero, 5), (zero_some, 9)] {
        for segment in 0..filled.segments().len() {
            for part in 0..parts {
                let place = filled.copy();
                let path = &place.segments()[segment];
                damage(path, used(path) * part / parts);
                check_refused(&place, path);
            }
        }
    }
}

#[tokio::test]
async fn a_missing_segment_is_noticed() {
    let filled = Place::new();
    fill(&filled, 30).await;
    let count = filled.segments().len();
    for missing in 0..count {
        let place = filled.copy();
        fs::remove_file(&place.segments()[missing]).unwrap();
        assert!(matches!(place.open(), Err(StoreError::Damaged { .. })), "{missing} of {count}");
        assert!(verify_directory(place.path(), &blobs_named, None).unwrap().damage.is_some());
        assert_eq!(place.segments().len(), count - 1);
    }
    // Even without any, what the index or the checkpoint knows shows the loss.
    for kept in ["index", "journal/checkpoint"] {
        let place = filled.copy();
        place.segments().iter().for_each(|path| fs::remove_file(path).unwrap());
        let other = if kept == "index" { "journal/checkpoint" } else { "index" };
        let other = place.path().join(other);
        if other.is_dir() {
            fs::remove_dir_all(other).unwrap()
        } else {
            fs::remove_file(other).unwrap()
        }
        assert!(matches!(place.open(), Err(StoreError::Damaged { .. })), "{kept}");
    }
}

/// A crash: what is on disk while the database is open, without what else knows how far it was.
fn crash(place: &Place) -> Place {
    let copy = place.copy();
    copy.forget_index_and_checkpoint();
    copy
}

#[tokio::test]
async fn a_torn_last_write_is_cut_off_and_an_earlier_one_is_damage() {
    let mut place = Place::new();
    place.options.segment_bytes = 1 << 20;
    let database = place.open().unwrap();
    let mut states: Vec<(usize, Seen)> = Vec::new();
    let path = place.segments().pop().unwrap();
    for number in 1..6 {
        write(&database, number).await.unwrap();
        states.push((used(&path), seen(&database)));
    }
    let crashed = crash(&place);
    drop(database);
    let path = crashed.segments().pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    let last_begins = states[3].0;
    let mut cut_off = 0;
    for offset in (64..states[4].0).step_by(29) {
        let mut damaged = bytes.clone();
        damaged[offset..offset + 16].iter_mut().for_each(|byte| *byte ^= 0x55);
        fs::write(&path, damaged).unwrap();
        let verification = verify_directory(crashed.path(), &blobs_named, None).unwrap();
        // Where exactly a record begins is hidden by the zeros between two.
        if offset + 16 <= last_begins {
            assert!(verification.damage.is_some(), "byte {offset} of an acknowledged write");
        } else if offset >= last_begins + 8 {
            assert_eq!(
                (verification.mark.sequence, verification.damage),
                (4, None),
                "byte {offset} of the last"
            );
            cut_off += 1;
        }
    }
    assert!(cut_off > 3);
    // The last of the loop is torn.
    let database = crashed.open().unwrap();
    assert_eq!(seen(&database), states[3].1);
    write(&database, 5).await.unwrap();
    assert_eq!(seen(&database).entries, states[4].1.entries);
    let after = seen(&database);
    drop(database);
    crashed.forget_index_and_checkpoint();
    assert_eq!(seen(&crashed.open().unwrap()), after);
}

#[tokio::test]
async fn that_the_last_write_was_acknowledged_is_known() {
    let killed = Place::new();
    let database = killed.open().unwrap();
    for number in 0..5 {
        write(&database, number).await.unwrap();
    }
    // As a kill leaves it: nothing was closed.
    let place = killed.copy();
    drop(database);
    let path = place.segments().pop().unwrap();
    flip(&path, used(&path) - 1);
    let expected = "ends with sequence 4, but 5 was acknowledged";
    let check_open = || {
        let Err(StoreError::Damaged { file, what, .. }) = place.open() else { panic!("opened") };
        assert_eq!(file, path);
        assert!(what.contains(expected), "{what}");
    };
    let verify = || verify_directory(place.path(), &blobs_named, None).unwrap();
    // By the checkpoint, whoever asks, and again the same.
    for _ in 0..2 {
        let damage = verify().damage.unwrap();
        assert!(damage.contains(expected), "{damage}");
        check_open();
    }
    // Without it, by the index; and by whoever has written it down.
    flip(&path, used(&path) - 1);
    drop(place.open().unwrap());
    let mark = verify().mark;
    flip(&path, used(&path) - 1);
    fs::remove_file(place.path().join("journal/checkpoint")).unwrap();
    check_open();
    let damage = verify_directory(place.path(), &blobs_named, Some(mark)).unwrap().damage.unwrap();
    assert!(damage.contains("ends with sequence 4, and is expected to have 5"), "{damage}");
}

#[tokio::test]
async fn a_history_is_held_against_what_was_written_down() {
    let place = Place::new();
    let marks: Vec<Mark> = fill(&place, 5).await.records.iter().map(|record| record.mark()).collect();
    let database = place.open().unwrap();
    let check = |expected: Option<Mark>, said: Option<&str>| {
        let live = database.verify(&blobs_named, expected).unwrap();
        assert_eq!(live, verify_directory(place.path(), &blobs_named, expected).unwrap());
        assert_eq!(live.mark, marks[4]);
        assert_eq!(live.damage.is_some(), said.is_some(), "{:?}", live.damage);
        assert!(said.is_none_or(|said| live.damage.unwrap().contains(said)));
    };
    check(None, None);
    check(Some(Mark::default()), None);
    marks.iter().for_each(|mark| check(Some(*mark), None));
    check(Some(Mark { sequence: 2, ..marks[2] }), Some("this is another history"));
    check(
        Some(Mark { sequence: 6, ..marks[2] }),
        Some("the journal ends with sequence 5, and is expected to have 6"),
    );
    // The database has what it should have, whatever somebody expects.
    assert_eq!(database.failure(), None);
}

#[tokio::test]
async fn a_journal_that_is_gone_is_missed() {
    let place = Place::new();
    fill(&place, 5).await;
    let journal = place.path().join("journal");
    fs::remove_dir_all(&journal).unwrap();
    for _ in 0..2 {
        assert!(matches!(place.open(), Err(StoreError::Damaged { file, .. }) if file == journal));
        let damage = verify_directory(place.path(), &blobs_named, None).unwrap().damage.unwrap();
        assert!(damage.contains("it is missing, and there is an index"), "{damage}");
    }
    let empty = Place::new();
    let verified = verify_directory(empty.path(), &blobs_named, None);
    assert!(matches!(verified, Err(StoreError::NotOurs(_))));
}

#[tokio::test]
async fn verifying_does_not_keep_a_service_from_starting() {
    let place = Place::new();
    fill(&place, 5).await;
    let opens = std::cell::Cell::new(0);
    let naming = |_: &Key, _: &[u8]| {
        // In the middle of it.
        drop(place.open().unwrap());
        opens.set(opens.get() + 1);
        Vec::new()
    };
    assert_eq!(verify_directory(place.path(), &naming, None).unwrap().damage, None);
    assert!(opens.get() > 5);
}

/// Damages the journal of a database at work, and expects that it takes no more writes, and says why.
async fn check_noticed(damage: impl FnOnce(&Path), said: &str) {
    let place = Place::new();
    fill(&place, 5).await;
    let database = place.open().unwrap();
    write(&database, 5).await.unwrap();
    let path = place.segments().pop().unwrap();
    damage(&path);
    let refused = write(&database, 6).await.unwrap_err().to_string();
    assert!(refused.contains(said) && refused.contains(&*path.to_string_lossy()), "{refused}");
    assert!(database.failure().is_some_and(|failure| failure.what.contains(said)));
    assert!(write(&database, 7).await.is_err());
    // What was acknowledged can still be read.
    assert!(database.get(&key("t/first/0005")).unwrap().is_some());
    assert!(database.get(&key("t/first/0006")).unwrap().is_none());
}

#[tokio::test]
async fn a_database_at_work_notices_that_its_journal_was_damaged() {
    check_noticed(|path| flip(path, used(path) - 1), "its last records were changed").await;
    check_noticed(|path| flip(path, used(path) - 300), "its last records were changed").await;
    check_noticed(|path| fs::remove_file(path).unwrap(), "the file was removed").await;
    let cut = |path: &Path| fs::File::options().write(true).open(path).unwrap().set_len(900).unwrap();
    check_noticed(cut, "its length was changed from 2048 to 900 bytes").await;
    let replace = |path: &Path| {
        let copy = path.with_extension("copy");
        fs::copy(path, &copy).unwrap();
        fs::rename(copy, path).unwrap();
    };
    check_noticed(replace, "another file was put in its place").await;
}

#[tokio::test]
async fn blobs_that_records_rest_on_are_verified() {
    let place = Place::new();
    let database = place.open().unwrap();
    let mut hashes = Vec::new();
    for number in 0..3u8 {
        let hash = database.blobs().put(&[number; 1000]).unwrap();
        hashes.push(hash);
        let run = v1::Run { dataset: hash.to_string(), ..v1::Run::default() }.encode_to_vec();
        let keys = [format!("acme/runs/r{number}"), format!("acme/runs/other{number}")];
        let command = move |t: &mut Transaction<'_>| {
            keys.iter().for_each(|key| t.put(Key(key.clone().into()), run.clone().into()));
            Ok(())
        };
        database.write(origin("test"), command).await.unwrap();
    }
    let verify = || {
        let live = database.verify(&blobs_named, None).unwrap();
        assert_eq!(live, verify_directory(place.path(), &blobs_named, None).unwrap());
        live
    };
    let whole = verify();
    assert_eq!((whole.blobs, whole.blob_bytes, whole.damage), (3, 3000, None));
    let blob = place.path().join("blobs").join(hashes[1].to_string());
    flip(&blob, 500);
    let damage = verify().damage.unwrap();
    assert!(damage.contains(&*blob.to_string_lossy()) && damage.contains("/runs/"), "{damage}");
    fs::remove_file(&blob).unwrap();
    let damage = verify().damage.unwrap();
    let missing = "damaged: the blob is missing, and teams/acme/runs/other1 rests on it";
    assert_eq!(damage, format!("{}: {missing}", blob.display()));
    // Nothing rests on it any more.
    let command = |t: &mut Transaction<'_>| {
        t.delete(key("acme/runs/r1"));
        t.delete(key("acme/runs/other1"));
        Ok(())
    };
    database.write(origin("test"), command).await.unwrap();
    let whole = verify();
    assert_eq!((whole.blobs, whole.damage), (2, None));
}

/// Lets several clients write in one group.
async fn write_group(database: &Database, size: usize) {
    let (open, gate) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    let mut tasks = JoinSet::new();
    let first = database.clone();
    tasks.spawn(async move {
        let command = move |_: &mut Transaction<'_>| {
            entered.send(()).unwrap();
            assert!(gate.recv().is_err());
            Ok(())
        };
        first.write(origin("test"), command).await.unwrap();
    });
    tokio::task::spawn_blocking(move || inside.recv().unwrap()).await.unwrap();
    let mut writes = Vec::new();
    for number in 0..size {
        let command = move |t: &mut Transaction<'_>| {
            t.put(key(&format!("group/{number}")), vec![b'x'; 200].into());
            Ok(())
        };
        writes.push(Box::pin(database.write(origin("test"), command)));
    }
    for write in &mut writes {
        assert!(crate::writing::poll_once(write).is_none());
    }
    drop(open);
    for write in writes {
        write.await.unwrap();
    }
    tasks.join_all().await;
}

#[tokio::test]
async fn a_torn_group_is_cut_off_where_it_is_torn() {
    let mut place = Place::new();
    place.options.segment_bytes = 1 << 20;
    let database = place.open().unwrap();
    put(&database, "before", b"").await.unwrap();
    let path = place.segments().pop().unwrap();
    let begin = used(&path).next_multiple_of(8);
    write_group(&database, 4).await;
    let end = used(&path).next_multiple_of(8);
    let size = (end - begin) / 4;
    let crashed = crash(&place);
    drop(database);
    let path = crashed.segments().pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    // The disk writes in any order: a later record of the group proves nothing about an earlier one.
    for torn in 0..4 {
        let mut damaged = bytes.clone();
        damaged[begin + size * torn..][..size].fill(0);
        fs::write(&path, damaged).unwrap();
        let verification = verify_directory(crashed.path(), &blobs_named, None).unwrap();
        assert_eq!((verification.records, verification.damage), (1 + torn as u64, None));
    }
    let mut damaged = bytes.clone();
    damaged[begin + size + 40] ^= 1;
    fs::write(&path, damaged).unwrap();
    let database = crashed.open().unwrap();
    assert_eq!(database.sequence(), 2);
    assert!(database.get(&key("group/0")).unwrap().is_some());
    assert!(database.get(&key("group/1")).unwrap().is_none());
    assert!(fs::read(&path).unwrap()[begin + size..].iter().all(|&byte| byte == 0));
}

#[tokio::test]
async fn a_live_database_finds_damage_behind_its_back() {
    let place = Place::new();
    fill(&place, 30).await;
    let database = place.open().unwrap();
    let path = &place.segments()[1];
    let first: u64 = path.file_stem().unwrap().to_string_lossy().parse().unwrap();
    write(&database, 30).await.unwrap();
    flip(path, 100);
    let damage = database.verify(&blobs_named, None).unwrap();
    // What would be acknowledged now could not be read again.
    assert!(database.failure().unwrap().what.contains(&*path.to_string_lossy()));
    assert!(write(&database, 31).await.is_err());
    assert_eq!(damage.mark.sequence, first - 1);
    assert!(damage.damage.unwrap().contains(&*path.to_string_lossy()));
    assert!(matches!(database.records(0, 99), Err(StoreError::Damaged { file, .. }) if file == *path));
    assert_eq!(database.records(0, usize::try_from(first).unwrap() - 1).unwrap().len() as u64, first - 1);
}

#[tokio::test]
async fn what_follows_the_last_record_is_cleared() {
    let place = Place::new();
    let before = fill(&place, 5).await;
    let path = place.segments().pop().unwrap();
    let end = used(&path).next_multiple_of(8);
    flip(&path, end + 64);
    flip(&path, end + 8);
    assert_eq!(seen(&place.open().unwrap()), before);
    assert!(fs::read(&path).unwrap()[end..].iter().all(|&byte| byte == 0));
}

#[tokio::test]
async fn a_damaged_checkpoint_is_written_anew() {
    let place = Place::new();
    let before = fill(&place, 5).await;
    let path = place.path().join("journal/checkpoint");
    let sound = fs::read(&path).unwrap();
    flip(&path, 9);
    assert_eq!(seen(&place.open().unwrap()), before);
    assert_eq!(fs::read(&path).unwrap(), sound);
}
