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
    let mut rebuilt = 0;
    let mut cases = 0;
    for path in names(&place.path().join("index")) {
        let name = path.file_name().unwrap().to_owned();
        let bytes = fs::read(&path).unwrap();
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        for part in 0..8 {
            let at = used * part / 8;
            rebuilt += usize::from(check(&place, &seen, |index| flip(&index.join(&name), at)).await);
            rebuilt += usize::from(
                check(&place, &seen, |index| fs::write(index.join(&name), &bytes[..at]).unwrap()).await,
            );
            let zeroed = |index: &Path| {
                let mut bytes = bytes.clone();
                let end = bytes.len().min(at + 700);
                bytes[at..end].fill(0);
                fs::write(index.join(&name), bytes).unwrap();
            };
            rebuilt += usize::from(check(&place, &seen, zeroed).await);
            cases += 3;
        }
    }
    assert!(rebuilt > 0, "none of {cases} damages was noticed");
}

#[tokio::test]
async fn a_large_value_that_is_damaged_is_not_served_and_built_again() {
    let place = Place::new();
    let large = |t: &mut Transaction<'_>| {
        t.put(key("large"), vec![3; 100_000].into());
        Ok(())
    };
    let database = place.open().unwrap();
    database.write(origin("test"), large).await.unwrap();
    let blob = fs::read_dir(place.path().join("blobs")).unwrap().next().unwrap().unwrap().path();
    flip(&blob, 50_000);
    assert!(matches!(database.get(&key("large")), Err(StoreError::Damaged { file, .. }) if file == blob));
    assert!(database.failure().is_some());
    assert!(write(&database, 1).await.is_err());
    drop(database);
    let database = place.open().unwrap();
    assert_eq!(database.get(&key("large")).unwrap().unwrap(), vec![3; 100_000]);
    assert!(place.has_set_aside());
    write(&database, 1).await.unwrap();
    drop(database);
    // What is damaged while nobody looks is found at opening, and mended.
    flip(&blob, 60_000);
    let database = place.open().unwrap();
    assert_eq!(database.get(&key("large")).unwrap().unwrap(), vec![3; 100_000]);
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
