//! What keeps a run waiting, and ends none: writers that are busy, and a disk without room.

use std::time::Duration;

use crate::{sandbox::Patience, store::WriteError};

/// How often a write is tried when the writer is busy.
const TRIES: u32 = 100;
/// How long to wait before it is tried again.
const BUSY: Duration = Duration::from_millis(100);
/// How long to wait for room on the disk before it is looked for again.
const FULL: Duration = Duration::from_secs(1);

/// Tries to write until it is done, or refused for a reason that does not pass. For room on the disk it waits as long as
/// somebody wants the answer.
///
/// # Errors
/// Why it is not done. `Busy` and `DiskFull` where that did not pass in time.
pub async fn insist<T, F>(patience: &Patience, mut write: impl FnMut() -> F) -> Result<T, WriteError>
where
    F: Future<Output = Result<T, WriteError>>,
{
    let mut tries = 0;
    loop {
        let pause = match write().await {
            Err(WriteError::Busy) if tries < TRIES => {
                tries += 1;
                BUSY
            }
            Err(WriteError::DiskFull) if !patience.is_over() => FULL,
            done => return done,
        };
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    /// Answers these in turn, and then that it is done; expects what comes of it, after so many tries.
    async fn check(answers: Vec<WriteError>, gives_up: bool, expected: Result<(), &str>, tries: usize) {
        let patience = Patience::default();
        if gives_up {
            patience.give_up();
        }
        let (mut answers, mut tried) = (answers.into_iter(), 0);
        let done = insist(&patience, || {
            tried += 1;
            std::future::ready(answers.next().map_or(Ok(()), Err))
        });
        let done = done.await.map_err(|error| error.to_string());
        assert_eq!((done.as_ref().copied().map_err(|error| &**error), tried), (expected, tries));
    }

    #[tokio::test]
    async fn what_passes_is_waited_for() {
        use WriteError::{Busy, DiskFull};

        check(vec![], true, Ok(()), 1).await;
        check(vec![Busy, DiskFull], false, Ok(()), 3).await;
        check(vec![Busy], true, Ok(()), 2).await;
        check(vec![DiskFull], true, Err("the disk is full"), 1).await;
        let closed = WriteError::Failed(StoreError::Closed("it broke".to_owned()));
        check(vec![Busy, closed], false, Err("the store is closed: it broke"), 2).await;
    }
}
