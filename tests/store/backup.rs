//! Backups: made beside a writer, restored, and refused where they are not what was made.

use std::{
    fs,
    path::{Path, PathBuf},
};

use merit::{
    resource::blobs_named,
    store::{
        BackupProgress, BlobHash, Database, StoreError, Transaction, create_backup, restore_backup,
        verify_backup, verify_directory,
    },
};
use tempfile::TempDir;

use crate::{
    place::{Place, fill, flip, keep_dataset, seen, write},
    writing::{key, origin},
};

/// An empty directory, and a path in it where nothing is yet.
fn fresh() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new");
    (directory, path)
}

/// Progress that nobody looks at.
fn untold() -> BackupProgress {
    BackupProgress::default()
}

fn open(path: &Path, place: &Place) -> Database {
    Database::open(path, place.options.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_restored_is_what_was_there_and_is_written_on() {
    let place = Place::new();
    fill(&place, 60).await;
    assert!(place.segments().len() > 2, "several segments are wanted here");
    let database = open(place.path(), &place);
    let blob = keep_dataset(&database, "r", b"a dataset").await;
    let before = seen(&database);
    drop(database);

    let (_kept, backup) = fresh();
    let progress = BackupProgress::default();
    let made = create_backup(place.path(), &backup, &blobs_named, &progress).unwrap();
    assert_eq!(progress.copied_bytes(), made.bytes);
    assert_eq!(made.mark, before.records.last().unwrap().mark());
    let (_scratch, scratch) = fresh();
    assert_eq!(verify_backup(&backup, &scratch, &blobs_named, &untold()).unwrap(), made);

    let (_restored, restored) = fresh();
    assert_eq!(restore_backup(&backup, &restored, &untold()).unwrap(), made);
    let database = open(&restored, &place);
    assert_eq!(seen(&database), before);
    assert_eq!(database.blobs().get(blob).unwrap().unwrap(), &b"a dataset"[..]);
    write(&database, 61).await.unwrap();
    assert_eq!(database.verify(&blobs_named, Some(made.mark)).unwrap().damage, None);
    assert_eq!(database.sequence(), made.mark.sequence + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_beside_a_writer_has_everything_acknowledged_before_it() {
    let place = Place::new();
    let database = place.open().unwrap();
    let writer = tokio::spawn({
        let database = database.clone();
        async move {
            for number in 0..400 {
                write(&database, number).await.unwrap();
            }
        }
    });
    let mut sequences = Vec::new();
    while sequences.len() < 3 || !writer.is_finished() {
        let acknowledged = database.sequence();
        let (_kept, backup) = fresh();
        let (_scratch, scratch) = fresh();
        let made = create_backup(place.path(), &backup, &blobs_named, &untold()).unwrap();
        assert!(
            made.mark.sequence >= acknowledged,
            "{} is in the backup, {acknowledged} was said",
            made.mark.sequence
        );
        assert_eq!(verify_backup(&backup, &scratch, &blobs_named, &untold()).unwrap(), made);
        let restored = open(&scratch, &place);
        let records = database.records(0, usize::try_from(made.mark.sequence).unwrap()).unwrap();
        assert_eq!(restored.records(0, usize::MAX).unwrap(), records);
        sequences.push(made.mark.sequence);
    }
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_not_what_was_made_is_refused_with_the_file() {
    let place = Place::new();
    fill(&place, 60).await;
    keep_dataset(&open(place.path(), &place), "r", b"a dataset").await;
    let check = |harm: &dyn Fn(&Path), named: &str| {
        let (_kept, backup) = fresh();
        create_backup(place.path(), &backup, &blobs_named, &untold()).unwrap();
        harm(&backup);
        let (_verified, scratch) = fresh();
        let (_restored, target) = fresh();
        for restored in [
            verify_backup(&backup, &scratch, &blobs_named, &untold()),
            restore_backup(&backup, &target, &untold()),
        ] {
            let error = restored.unwrap_err();
            assert!(error.to_string().contains(named), "{named}: {error}");
        }
        let left = fs::read_dir(&target).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{named}: a part of a history looks whole");
    };
    let in_folder = |backup: &Path, folder: &str| {
        let mut paths: Vec<_> =
            fs::read_dir(backup.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.pop().unwrap()
    };
    check(&|backup| flip(&in_folder(backup, "journal"), 100), ".journal: damaged");
    check(&|backup| fs::write(in_folder(backup, "journal"), b"").unwrap(), ".journal: damaged");
    check(&|backup| fs::remove_file(in_folder(backup, "journal")).unwrap(), ".journal: damaged");
    check(&|backup| fs::remove_file(in_folder(backup, "blobs")).unwrap(), "the file is missing");
    check(&|backup| flip(&in_folder(backup, "blobs"), 0), "blobs");
    check(&|backup| flip(&backup.join("manifest"), 30), "manifest");
    check(&|backup| fs::remove_file(backup.join("manifest")).unwrap(), "manifest");
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_damage_nor_a_full_directory_is_built_upon() {
    let place = Place::new();
    fill(&place, 60).await;
    keep_dataset(&open(place.path(), &place), "r", b"a dataset").await;

    let (_kept, backup) = fresh();
    create_backup(place.path(), &backup, &blobs_named, &untold()).unwrap();
    let error = create_backup(place.path(), &backup, &blobs_named, &untold()).unwrap_err();
    assert!(matches!(error, StoreError::NotOurs(_)) && error.to_string().contains("not empty"), "{error}");
    let error = restore_backup(&backup, place.path(), &untold()).unwrap_err();
    assert!(error.to_string().contains("not empty"), "{error}");
    let error = create_backup(&backup.join("blobs"), &fresh().1, &blobs_named, &untold()).unwrap_err();
    assert!(matches!(error, StoreError::NotOurs(_)), "{error}");
    assert!(error.to_string().contains("no data directory"), "{error}");
    let error = verify_directory(&backup.join("blobs"), &blobs_named, None).unwrap_err();
    assert!(matches!(error, StoreError::NotOurs(_)), "{error}");

    let link = backup.with_extension("link");
    std::os::unix::fs::symlink(place.path().join("blobs"), &link).unwrap();
    for within in [place.path().join("inside/it"), link.join("it"), link.join("../it")] {
        let error = create_backup(place.path(), &within, &blobs_named, &untold()).unwrap_err();
        assert!(error.to_string().contains("within the data directory"), "{error}");
    }
    let Err(StoreError::NotOurs(why)) = Database::open(&backup, place.options.clone()) else {
        panic!("the service runs on a backup")
    };
    assert!(why.contains("is a backup: restore it with"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_has_the_blobs_that_records_rest_on_and_no_others() {
    let filled = Place::new();
    fill(&filled, 3).await;
    let database = open(filled.path(), &filled);
    let kept = keep_dataset(&database, "kept", b"a dataset").await;
    let deleted = keep_dataset(&database, "deleted", b"another dataset").await;
    let delete = |t: &mut Transaction<'_>| {
        t.delete(key("acme/runs/deleted"));
        Ok(())
    };
    database.write(origin("test"), delete).await.unwrap();
    let refused = database.blobs().put(b"what a refused publication leaves").unwrap();
    drop(database);
    let check = |harm: &dyn Fn(&Path), expected: Result<usize, &str>| {
        let place = filled.copy();
        harm(&place.path().join("blobs"));
        let (_kept, backup) = fresh();
        match (create_backup(place.path(), &backup, &blobs_named, &untold()), expected) {
            (Ok(made), Ok(blobs)) => {
                let (_scratch, scratch) = fresh();
                assert_eq!(verify_backup(&backup, &scratch, &blobs_named, &untold()).unwrap(), made);
                assert_eq!(fs::read_dir(backup.join("blobs")).unwrap().count(), blobs);
            }
            (Err(error @ StoreError::Damaged { .. }), Err(said)) => {
                let error = error.to_string();
                assert!(error.contains(said) && error.contains(&kept.to_string()), "{error}");
                assert!(!backup.exists(), "what was not finished is no backup");
                fs::create_dir(&backup).unwrap();
                create_backup(place.path(), &backup, &blobs_named, &untold()).unwrap_err();
                let left = fs::read_dir(&backup).unwrap().count();
                assert_eq!(left, 0, "what was there before is there as before");
            }
            (made, expected) => panic!("{made:?}, and {expected:?} was expected"),
        }
    };
    let name = |blob: BlobHash| blob.to_string();
    check(&|_| {}, Ok(1));
    check(&|blobs| flip(&blobs.join(name(deleted)), 0), Ok(1));
    check(&|blobs| flip(&blobs.join(name(refused)), 0), Ok(1));
    check(&|blobs| fs::remove_file(blobs.join(name(refused))).unwrap(), Ok(1));
    let rests = "teams/acme/runs/kept rests on it";
    check(&|blobs| flip(&blobs.join(name(kept)), 0), Err(rests));
    check(&|blobs| fs::remove_file(blobs.join(name(kept))).unwrap(), Err(rests));
    check(&|blobs| fs::remove_file(blobs.join(name(kept))).unwrap(), Err("the blob is missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_interrupted_is_not_started_on() {
    let place = Place::new();
    fill(&place, 60).await;
    let (_kept, backup) = fresh();
    create_backup(place.path(), &backup, &blobs_named, &untold()).unwrap();
    let (_restored, restored) = fresh();
    restore_backup(&backup, &restored, &untold()).unwrap();
    // As it is left by a kill at any moment before the end.
    fs::create_dir(restored.join("restoring")).unwrap();
    let check = || {
        let error = Database::open(&restored, place.options.clone()).err().unwrap();
        assert!(error.to_string().contains("was not finished"), "{error}");
    };
    check();
    fs::remove_dir_all(restored.join("journal")).unwrap();
    check();
    fs::remove_dir_all(restored.join("blobs")).unwrap();
    check();
    assert!(!restored.join("index").exists());
}
