//! What a write means to the one who writes, whatever the database is made of.

use std::{
    io::ErrorKind,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use bytes::Bytes;
use merit::{
    model::rejection::{Reason, Rejection, ResourceReason, ServiceReason},
    resource::blobs_named,
    store::{
        Database, Fault, Faults, FaultyStore, Key, KeyRange, MemoryStore, Origin, Transaction, WriteError,
    },
};
use tokio::task::JoinSet;

pub fn key(text: &str) -> Key {
    Key(Bytes::copy_from_slice(text.as_bytes()))
}

pub fn origin(author: &str) -> Origin {
    Origin { author: author.to_owned(), method: "test/Write".to_owned(), request_id: String::new() }
}

pub async fn put(database: &Database, text: &str, value: &'static [u8]) -> Result<(), WriteError> {
    let key = key(text);
    let command = move |transaction: &mut Transaction<'_>| {
        transaction.put(key, Bytes::from_static(value));
        Ok(())
    };
    database.write(origin("test"), command).await
}

pub fn contents(database: &Database) -> Vec<(String, Bytes)> {
    let entries = database.scan(&KeyRange::all(), usize::MAX).unwrap();
    entries.into_iter().map(|entry| (entry.key.to_string(), entry.value)).collect()
}

fn no() -> Rejection {
    Rejection::resource(ResourceReason::StateForbids, "no")
}

fn faulty() -> (Database, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let index = FaultyStore::new(MemoryStore::default(), faults.clone());
    (Database::in_memory_over(Arc::new(index)), faults)
}

/// Runs one command on a database that has `a` = 1 and `b` = 2, and expects its answer and these contents.
async fn check<T: Send + PartialEq + std::fmt::Debug + 'static>(
    command: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection> + Send + 'static,
    answer: Result<T, Reason>,
    expected: &[(&str, &'static [u8])],
) {
    let database = Database::in_memory();
    put(&database, "a", b"1").await.unwrap();
    put(&database, "b", b"2").await.unwrap();
    let before = contents(&database);
    let result = match database.write(origin("test"), command).await {
        Ok(value) => Ok(value),
        Err(WriteError::Rejected(rejection)) => Err(rejection.reason),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(result, answer);
    let expected: Vec<_> =
        expected.iter().map(|(text, value)| ((*text).to_owned(), Bytes::from_static(value))).collect();
    assert_eq!(contents(&database), expected);
    // A sequence is taken exactly by what changes something.
    let changed = database.records(2, 9).unwrap();
    assert_eq!(changed.len() as u64, database.sequence() - 2);
    assert_eq!(changed.is_empty(), before == contents(&database));
}

#[tokio::test]
async fn a_command_is_done_wholly() {
    let unchanged: &[(&str, &'static [u8])] = &[("a", b"1"), ("b", b"2")];
    check(|_| Ok(7), Ok(7), unchanged).await;
    check(|t| Ok(t.get(&key("a"))?), Ok(Some("1".into())), unchanged).await;
    check(
        |t| {
            t.put(key("c"), "3".into());
            Ok(t.get(&key("c"))?)
        },
        Ok(Some("3".into())),
        &[("a", b"1"), ("b", b"2"), ("c", b"3")],
    )
    .await;
    check(
        |t| {
            t.delete(key("a"));
            Ok(t.get(&key("a"))?)
        },
        Ok(None),
        &[("b", b"2")],
    )
    .await;
    check(
        |t| {
            t.delete(key("z"));
            Ok(())
        },
        Ok(()),
        unchanged,
    )
    .await;
    check(
        |t| {
            t.put(key("c"), "3".into());
            t.delete(key("c"));
            Ok(())
        },
        Ok(()),
        unchanged,
    )
    .await;
}

#[tokio::test]
async fn a_command_that_fails_leaves_no_trace() {
    let forbidden = Reason::Resource(ResourceReason::StateForbids);
    let internal = Reason::Service(ServiceReason::Internal);
    let unchanged: &[(&str, &'static [u8])] = &[("a", b"1"), ("b", b"2")];
    check(
        |t| {
            t.put(key("c"), "3".into());
            t.delete(key("a"));
            Err::<(), _>(no())
        },
        Err(forbidden),
        unchanged,
    )
    .await;
    check(
        |t| {
            t.delete(key("a"));
            panic!("as bad as it gets");
            #[allow(unreachable_code)]
            Ok(())
        },
        Err(internal),
        unchanged,
    )
    .await;
    check(
        |t| {
            t.put(key(""), "3".into());
            Ok(())
        },
        Err(internal),
        unchanged,
    )
    .await;
}

#[tokio::test]
async fn a_part_may_be_rejected_on_its_own() {
    check(
        |t| {
            t.put(key("c"), "3".into());
            let inner = t.part(|t| {
                t.put(key("a"), "9".into());
                t.delete(key("c"));
                let _ = t.part(|t| {
                    t.put(key("d"), "4".into());
                    Ok(())
                });
                t.put(key("a"), "8".into());
                Err::<(), _>(no())
            });
            assert!(inner.is_err());
            t.part(|t| {
                t.put(key("e"), t.get(&key("a"))?.unwrap_or_default());
                Ok(())
            })?;
            Ok(t.scan(&KeyRange::all(), 9)?.len())
        },
        Ok(4),
        &[("a", b"1"), ("b", b"2"), ("c", b"3"), ("e", b"1")],
    )
    .await;
}

#[tokio::test]
async fn a_scan_sees_what_the_write_has_changed() {
    let scan = |limit: usize| {
        move |t: &mut Transaction<'_>| {
            t.delete(key("a"));
            t.put(key("ab"), "x".into());
            t.put(key("c"), "y".into());
            t.delete(key("c"));
            t.put(key("d"), "z".into());
            let entries = t.scan(&KeyRange::all(), limit)?;
            Ok(entries.iter().map(|entry| entry.key.to_string()).collect::<Vec<_>>().join(" "))
        }
    };
    let after: &[(&str, &'static [u8])] = &[("ab", b"x"), ("b", b"2"), ("d", b"z")];
    for (limit, expected) in [(0, ""), (1, "ab"), (2, "ab b"), (3, "ab b d"), (usize::MAX, "ab b d")] {
        check(scan(limit), Ok(expected.to_owned()), after).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_are_put_in_one_order() {
    let database = Database::in_memory();
    let mut tasks = JoinSet::new();
    for writer in 0..8 {
        let database = database.clone();
        tasks.spawn(async move {
            for _ in 0..100 {
                let increment = |t: &mut Transaction<'_>| {
                    let count = t.get(&key("n"))?.map_or(0, |value| value.len());
                    t.put(key("n"), vec![b'x'; count + 1].into());
                    Ok((count as u64, t.sequence(), t.time()))
                };
                let (count, sequence, _) =
                    database.write(origin(&writer.to_string()), increment).await.unwrap();
                assert_eq!(count + 1, sequence);
                // Acknowledged is visible.
                assert!(database.sequence() >= sequence);
                assert!(database.get(&key("n")).unwrap().unwrap().len() as u64 >= sequence);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(database.get(&key("n")).unwrap().unwrap().len(), 800);
    let records = database.records(0, 1000).unwrap();
    assert_eq!(records.len(), 800);
    for pair in records.windows(2) {
        assert_eq!(pair[0].sequence + 1, pair[1].sequence);
        assert_eq!(pair[0].hash, pair[1].previous);
        assert!(pair[0].time <= pair[1].time);
    }
    assert_eq!(
        database.records(790, 5).unwrap().iter().map(|r| r.sequence).collect::<Vec<_>>(),
        [791, 792, 793, 794, 795]
    );
    assert!(database.records(800, 5).unwrap().is_empty());
    assert!(database.records(9000, 5).unwrap().is_empty());
    assert_eq!(database.verify(&blobs_named, None).unwrap().records, 800);
}

#[tokio::test]
async fn a_watcher_is_woken() {
    let database = Database::in_memory();
    let mut watch = database.watch();
    put(&database, "a", b"1").await.unwrap();
    watch.changed().await.unwrap();
    assert_eq!(*watch.borrow_and_update(), 1);
    database.write(origin("test"), |_| Ok(())).await.unwrap();
    assert!(!watch.has_changed().unwrap());
}

#[tokio::test]
async fn a_full_queue_is_busy_and_a_closed_one_closed() {
    let database = Database::in_memory();
    let (open, gate) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    let blocked = tokio::spawn({
        let database = database.clone();
        async move {
            let command = move |_: &mut Transaction<'_>| {
                entered.send(()).unwrap();
                Ok(gate.recv().is_err())
            };
            database.write(origin("test"), command).await
        }
    });
    tokio::task::spawn_blocking(move || inside.recv().unwrap()).await.unwrap();
    let mut waiting = Vec::new();
    let mut busy = 0;
    for _ in 0..5000 {
        let mut write = Box::pin(put(&database, "a", b"1"));
        match poll_once(&mut write) {
            None => waiting.push(write),
            Some(Err(WriteError::Busy)) => busy += 1,
            Some(other) => panic!("{other:?}"),
        }
    }
    drop(open);
    assert!(blocked.await.unwrap().unwrap());
    for write in waiting {
        write.await.unwrap();
    }
    // 4,096 may wait.
    assert_eq!(busy, 5000 - 4096);
    database.close().await;
    assert!(matches!(put(&database, "a", b"1").await, Err(WriteError::Failed(_))));
    assert_eq!(database.get(&key("a")).unwrap().unwrap(), "1");
    assert_eq!(database.failure(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_ends_when_its_time_is_over() {
    let database = Database::in_memory();
    let (open, gate) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel::<()>();
    let mut blocked = Box::pin(database.write(origin("test"), move |_| Ok(gate.recv().is_err())));
    assert!(poll_once(&mut blocked).is_none());
    let long = move |_: &mut Transaction<'_>| {
        thread::sleep(Duration::from_millis(5));
        Ok(())
    };
    let mut long = Box::pin(database.write(origin("test"), long));
    assert!(poll_once(&mut long).is_none());
    // Waits until the one before it was answered, which it is not when both are in one group.
    let next = move |_: &mut Transaction<'_>| Ok(told.recv_timeout(Duration::from_secs(20)).is_ok());
    let mut next = Box::pin(database.write(origin("test"), next));
    assert!(poll_once(&mut next).is_none());
    drop(open);
    long.await.unwrap();
    tell.send(()).unwrap();
    assert!(next.await.unwrap(), "the command behind a long one had to wait for the same sync");
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_is_not_begun() {
    let database = Database::in_memory();
    let (open, gate) = mpsc::channel::<()>();
    let mut first = Box::pin(database.write(origin("test"), move |_| Ok(gate.recv().is_err())));
    let mut second = Box::pin(put(&database, "a", b"1"));
    assert!(poll_once(&mut first).is_none());
    assert!(poll_once(&mut second).is_none());
    drop(second);
    drop(open);
    assert!(first.await.unwrap());
    assert_eq!(database.get(&key("a")).unwrap(), None);
}

/// Polls once.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

/// Injects a fault, and expects that a write fails and leaves no trace, and whether that is final.
async fn check_fault(fault: Fault, is_final: bool) {
    let (database, faults) = faulty();
    put(&database, "a", b"1").await.unwrap();
    faults.inject(fault, 0, ErrorKind::Other);
    let read_and_write = |t: &mut Transaction<'_>| {
        // The command makes light of a failing read: it must not get away with it.
        let seen = t.get(&key("a")).is_ok() && t.scan(&KeyRange::all(), 1).is_ok();
        t.put(key("b"), "2".into());
        Ok(seen)
    };
    let error = database.write(origin("test"), read_and_write).await.unwrap_err();
    assert!(matches!(error, WriteError::Failed(_)), "{fault:?}: {error}");
    faults.clear(fault);
    assert_eq!(database.failure().is_some(), is_final, "{fault:?}");
    assert_eq!(put(&database, "c", b"3").await.is_err(), is_final, "{fault:?}");
    assert_eq!(database.get(&key("a")).unwrap().unwrap(), "1");
    assert_eq!(database.get(&key("b")).unwrap(), None, "{fault:?}");
    assert_eq!(database.get(&key("c")).unwrap().is_none(), is_final, "{fault:?}");
    assert_eq!(database.sequence(), if is_final { 1 } else { 2 });
}

#[tokio::test]
async fn a_fault_leaves_no_trace_and_is_final_where_it_must_be() {
    check_fault(Fault::IndexCommit, true).await;
    check_fault(Fault::IndexGet, false).await;
    check_fault(Fault::IndexScan, false).await;
}

#[tokio::test]
async fn blobs_are_kept_once_under_their_hash() {
    let database = Database::in_memory();
    let hash = database.blobs().put(b"bytes").unwrap();
    assert_eq!(database.blobs().put(b"bytes").unwrap(), hash);
    assert_eq!(database.blobs().get(hash).unwrap().unwrap(), "bytes");
    assert_eq!(hash.to_string().parse(), Ok(hash));
    let other: merit::store::BlobHash = "00".repeat(32).parse().unwrap();
    assert_eq!(database.blobs().get(other).unwrap(), None);
    assert!("xyz".parse::<merit::store::BlobHash>().is_err());
}
