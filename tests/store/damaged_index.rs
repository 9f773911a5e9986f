//! Whatever becomes of sled's files, the same entries are there again: the index is brought up to date or built anew.

use std::{fs, path::Path};

use merit::store::{StoreError, Transaction};

use crate::{
    place::{Place, Seen, fill, flip, seen, write},
    writing::{key, origin},
};

/// Damages the index of a database, opens it, and expects the same entries and a database that works, now and after
/// another opening. Answers whether the index was set aside.
async fn check(filled: &Place, before: &Seen, damage: impl FnOnce(&Path)) -> bool {
    let place = filled.copy();
    damage(&place.path().join("index"));
    let database = place.open().unwrap();
    assert_eq!(seen(&database), *before);
    write(&database, 900).await.unwrap();
    let after = seen(&database);
    assert_ne!(after, *before);
    drop(database);
    let database = place.open().unwrap();
    assert_eq!(seen(&database), after);
    place.has_set_aside()
}

async fn filled() -> (Place, Seen) {
    let mut place = Place::new();
    place.options.segment_bytes = 64 << 10;
    let seen = fill(&place, 150).await;
    (place, seen)
}

#[tokio::test]
async fn files_that_are_gone_are_built_again() {
    let (place, seen) = filled().await;
    assert!(!check(&place, &seen, |_| {}).await);
    assert!(!check(&place, &seen, |index| fs::remove_dir_all(index).unwrap()).await);
    check(&place, &seen, |index| fs::remove_file(index.join("db")).unwrap()).await;
    check(&place, &seen, |index| fs::remove_file(index.join("conf")).unwrap()).await;
    check(&place, &seen, |index| fs::write(index.join("conf"), b"not what it was").unwrap()).await;
    assert!(check(&place, &seen, |index| fs::write(index.with_extension("suspect"), b"").unwrap()).await);
}

#[tokio::test]
async fn a_torn_snapshot_does_not_matter() {
    let (place, seen) = filled().await;
    let set_aside = check(&place, &seen, |index| {
        fs::write(index.join("snap.0000000000001234.generating"), b"garbage").unwrap();
        fs::write(index.join("snap.00000000FFFFFFFF.generating"), b"").unwrap();
    });
    assert!(!set_aside.await);
    check(&place, &seen, |index| fs::write(index.join("snap.0000000000001234"), b"garbage").unwrap()).await;
}

#[tokio::test]
async fn a_file_cut_short_zeroed_or_flipped_is_built_again() {
    let (place, seen) = filled().await;
    let names = |index: &Path| -> Vec<std::path::PathBuf> {
        let mut paths: Vec<_> = fs::read_dir(index).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.is_file());
        paths.sort();
        paths
    };
    let mut rebuilt = [0; 3];
    for path in names(&place.path().join("index")) {
        let name = path.file_name().unwrap().to_owned();
        let bytes = fs::read(&path).unwrap();
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        for part in 0..8 {
            let at = used * part / 8;
            let flipped = |index: &Path| flip(&index.join(&name), at);
            let cut = |index: &Path| fs::write(index.join(&name), &bytes[..at]).unwrap();
            let zeroed = |index: &Path| {
                let mut bytes = bytes.clone();
                let end = bytes.len().min(at + 700);
                bytes[at..end].fill(0);
                fs::write(index.join(&name), bytes).unwrap();
            };
            rebuilt[0] += u32::from(check(&place, &seen, flipped).await);
            rebuilt[1] += u32::from(check(&place, &seen, cut).await);
            rebuilt[2] += u32::from(check(&place, &seen, zeroed).await);
        }
    }
    assert!(rebuilt.iter().all(|rebuilt| *rebuilt > 0), "a kind of damage was never noticed: {rebuilt:?}");
}

#[tokio::test]
async fn a_large_value_is_the_journals_and_its_damage_is_named() {
    let place = Place::new();
    let large = |byte: u8| {
        move |t: &mut Transaction<'_>| {
            t.put(key("large"), vec![byte; 100_000].into());
            Ok(())
        }
    };
    let database = place.open().unwrap();
    for byte in 0..20 {
        database.write(origin("test"), large(byte)).await.unwrap();
    }
    assert_eq!(fs::read_dir(place.path().join("blobs")).unwrap().count(), 0, "kept twice");
    drop(database);
    for is_rebuilt in [false, true] {
        if is_rebuilt {
            place.forget_index_and_checkpoint();
        }
        let database = place.open().unwrap();
        assert_eq!(database.get(&key("large")).unwrap().unwrap(), vec![19; 100_000]);
    }
    let database = place.open().unwrap();
    let segment = place.segments().pop().unwrap();
    flip(&segment, 50_000);
    assert!(matches!(database.get(&key("large")), Err(StoreError::Damaged { file, .. }) if file == segment));
    assert!(database.failure().is_some_and(|failed| failed.is_damage));
    assert!(write(&database, 1).await.is_err());
    drop(database);
    assert!(matches!(place.open(), Err(StoreError::Damaged { file, .. }) if file == segment));
    flip(&segment, 50_000);
    let database = place.open().unwrap();
    assert_eq!(database.get(&key("large")).unwrap().unwrap(), vec![19; 100_000]);
    assert!(!place.has_set_aside(), "nothing was wrong with the index");
}

/// Puts the journal of another place beside an index, and expects that the other history is served, and no mix.
async fn check_exchanged(own: u64, others: u64, is_set_aside: bool) {
    let place = Place::new();
    fill(&place, 5).await;
    let other = place.copy();
    let database = place.open().unwrap();
    for number in 0..own {
        write(&database, 100 + number).await.unwrap();
    }
    drop(database);
    let database = other.open().unwrap();
    for number in 0..others {
        write(&database, 200 + number).await.unwrap();
    }
    let expected = seen(&database);
    drop(database);
    fs::remove_dir_all(place.path().join("journal")).unwrap();
    fs::rename(other.path().join("journal"), place.path().join("journal")).unwrap();
    for _ in 0..2 {
        assert_eq!(seen(&place.open().unwrap()), expected, "{own} and {others}");
        assert_eq!(place.has_set_aside(), is_set_aside, "{own} and {others}");
    }
}

#[tokio::test]
async fn an_index_of_another_journal_is_not_mixed_with_this_one() {
    check_exchanged(3, 8, true).await;
    check_exchanged(3, 3, true).await;
    // The index is of the same history, only behind.
    check_exchanged(0, 3, false).await;
}

#[tokio::test]
async fn an_index_that_somebody_has_open_is_not_damaged() {
    let place = Place::new();
    let before = fill(&place, 5).await;
    let holder = sled::Config::new().path(place.path().join("index")).open().unwrap();
    assert!(matches!(place.open(), Err(StoreError::InUse { .. })));
    assert!(!place.has_set_aside());
    drop(holder);
    assert_eq!(seen(&place.open().unwrap()), before);
}

#[tokio::test]
async fn an_index_ahead_of_the_journal_shows_that_the_journal_lost_something() {
    let (place, _) = filled().await;
    fs::remove_file(place.path().join("journal/checkpoint")).unwrap();
    let last = place.segments().pop().unwrap();
    fs::remove_file(&last).unwrap();
    let Err(StoreError::Damaged { what, .. }) = place.open() else { panic!("opened") };
    assert!(what.contains("150 was acknowledged"), "{what}");
    assert!(!place.has_set_aside());
}
