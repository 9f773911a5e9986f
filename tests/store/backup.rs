//! Backups: made beside a writer, restored, and refused where they are not what was made.

use std::{
    fs,
    path::{Path, PathBuf},
};

use merit::{
    resource::blobs_named,
    store::{
        BackupProgress, Database, StoreError, create_backup, restore_backup, verify_backup, verify_directory,
    },
};
use tempfile::TempDir;

use crate::place::{Place, fill, flip, seen, write};

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
    let before = fill(&place, 60).await;
    assert!(place.segments().len() > 2, "several segments are wanted here");
    let blob = open(place.path(), &place).blobs().put(b"a dataset").unwrap();

    let (_kept, backup) = fresh();
    let progress = BackupProgress::default();
    let made = create_backup(place.path(), &backup, &progress).unwrap();
    assert_eq!(progress.copied_bytes(), made.bytes);
    assert_eq!(made.sequence, before.records.last().unwrap().sequence);
    let (_scratch, scratch) = fresh();
    assert_eq!(verify_backup(&backup, &scratch, &blobs_named, &untold()).unwrap(), made);

    let (_restored, restored) = fresh();
    assert_eq!(restore_backup(&backup, &restored, &untold()).unwrap(), made);
    let database = open(&restored, &place);
    assert_eq!(seen(&database), before);
    assert_eq!(database.blobs().get(blob).unwrap().unwrap(), &b"a dataset"[..]);
    write(&database, 61).await.unwrap();
    assert_eq!(database.verify(&blobs_named).unwrap().damage, None);
    assert_eq!(database.sequence(), made.sequence + 1);
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
        let made = create_backup(place.path(), &backup, &untold()).unwrap();
        assert!(made.sequence >= acknowledged, "{} is in the backup, {acknowledged} was said", made.sequence);
        assert_eq!(verify_backup(&backup, &scratch, &blobs_named, &untold()).unwrap(), made);
        let restored = open(&scratch, &place);
        let records = database.records(0, usize::try_from(made.sequence).unwrap()).unwrap();
        assert_eq!(restored.records(0, usize::MAX).unwrap(), records);
        sequences.push(made.sequence);
    }
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_not_what_was_made_is_refused_with_the_file() {
    let place = Place::new();
    fill(&place, 60).await;
    open(place.path(), &place).blobs().put(b"a dataset").unwrap();
    let check = |harm: &dyn Fn(&Path), named: &str| {
        let (_kept, backup) = fresh();
        create_backup(place.path(), &backup, &untold()).unwrap();
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
    let blob = open(place.path(), &place).blobs().put(b"a dataset").unwrap();

    let (_kept, backup) = fresh();
    create_backup(place.path(), &backup, &untold()).unwrap();
    let error = create_backup(place.path(), &backup, &untold()).unwrap_err();
    assert!(matches!(error, StoreError::NotOurs(_)) && error.to_string().contains("not empty"), "{error}");
    let error = restore_backup(&backup, place.path(), &untold()).unwrap_err();
    assert!(error.to_string().contains("not empty"), "{error}");
    let error = create_backup(&backup.join("blobs"), &fresh().1, &untold()).unwrap_err();
    assert!(matches!(error, StoreError::NotOurs(_)), "{error}");
    assert!(error.to_string().contains("no data directory"), "{error}");
    let error = verify_directory(&backup.join("blobs"), &blobs_named).unwrap_err();
    assert!(matches!(error, StoreError::NotOurs(_)), "{error}");

    let error = create_backup(place.path(), &place.path().join("inside/it"), &untold()).unwrap_err();
    assert!(error.to_string().contains("within the data directory"), "{error}");

    flip(&place.path().join("blobs").join(blob.to_string()), 0);
    let (_other, other) = fresh();
    let error = create_backup(place.path(), &other, &untold()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(!other.exists(), "what was not finished is no backup");
    fs::create_dir(&other).unwrap();
    create_backup(place.path(), &other, &untold()).unwrap_err();
    assert_eq!(fs::read_dir(&other).unwrap().count(), 0, "what was there before is there as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_interrupted_is_not_started_on() {
    let place = Place::new();
    fill(&place, 60).await;
    let (_kept, backup) = fresh();
    create_backup(place.path(), &backup, &untold()).unwrap();
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
