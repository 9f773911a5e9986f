//! The one writer: a thread that takes commands from a bounded queue, runs them in order, makes a group of them last,
//! applies it to the index, and only then answers. What it writes to is the business of `journal` and the index.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, PoisonError, RwLock,
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};

use super::{
    Effect, Journaled, Options, Origin, Sequence, Store, StoreError, Transaction, WriteError,
    clock::Clock,
    failure::{Failed, Failure},
    journal::{BODY_MAX_BYTES, Head, Log, Sealed, body_bytes},
    recent::Recent,
    space::Space,
    transaction::Overlay,
};
use crate::model::rejection::{Reason, Rejection, ServiceReason};

/// Bytes of changes at which a group ends, whatever its commands.
const GROUP_BYTES: usize = 8 << 20;
/// What is to be done where the journal had its room and sled found none: it takes no more writes after an error.
const INDEX_FULL: &str = "the disk filled up before the index had what the journal has, and nothing is lost: make room, and \
                          start the service again, which gives up its ballast for that; applying to the index failed";
/// Records after which the checkpoint is made lasting.
const CHECKPOINT_RECORDS: u64 = 4096;

/// What the writer and everybody else share.
pub(super) struct Shared {
    /// The last sequence that is on disk and applied.
    pub sequence: watch::Sender<Sequence>,
    /// The newest records.
    pub recent: RwLock<Recent>,
    /// Why nothing is accepted any more.
    pub failure: Failure,
}

/// A write that waits for its turn.
pub(super) struct Command {
    origin: Origin,
    run: Run,
}

/// Runs a command once; without a transaction, it only says where the answer goes.
type Run = Box<dyn FnOnce(Option<&mut Transaction<'_>>) -> Ran + Send>;

/// What running a command came to.
struct Ran {
    /// Whether its effects are to be kept.
    accepted: bool,
    answer: Answer,
}

/// Tells the one who waits: what the command came to, or why that is void.
type Answer = Box<dyn FnOnce(Result<(), WriteError>) + Send>;

/// The writer's thread's state.
pub(super) struct Writer {
    pub index: Arc<dyn Store>,
    pub log: Box<dyn Log>,
    pub shared: Arc<Shared>,
    pub options: Options,
    pub space: Option<Space>,
    pub head: Head,
    pub clock: Clock,
    /// The sequence noted last.
    pub checkpoint: Sequence,
    /// Commands in the group before: several mean that more are likely to come at once.
    pub crowd: usize,
    /// How long the journal took for the group before.
    pub sync_time: Duration,
}

/// A group under way.
#[derive(Default)]
struct Group {
    overlay: Overlay,
    sealed: Vec<Sealed>,
    answers: Vec<(Answer, Result<(), WriteError>)>,
}

// === impl Command ===

impl Command {
    /// A command, and where its answer arrives. Nobody waiting any more when its turn comes, it is not run.
    pub(super) fn new<T: Send + 'static>(
        origin: Origin,
        command: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, WriteError>>) {
        let (sender, receiver) = oneshot::channel();
        let run = Box::new(move |transaction: Option<&mut Transaction<'_>>| {
            let result = match transaction {
                Some(transaction) if !sender.is_closed() => run(transaction, command),
                _ => Err(Rejection::new(
                    Reason::Service(ServiceReason::Unavailable),
                    "the write was not begun",
                )),
            };
            let accepted = result.is_ok();
            let answer: Answer = Box::new(move |fate: Result<(), WriteError>| {
                // Who does not wait any more is not told.
                let _ = sender.send(fate.and_then(|()| result.map_err(WriteError::Rejected)));
            });
            Ran { accepted, answer }
        });
        (Self { origin, run }, receiver)
    }
}

/// Runs a command; a panic in it is its own, not the writer's.
fn run<T>(
    transaction: &mut Transaction<'_>,
    command: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    catch_unwind(AssertUnwindSafe(|| command(transaction))).unwrap_or_else(|panic| {
        let cause = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        tracing::error!(cause, "a write panicked; nothing of it was kept");
        Err(Rejection::new(
            Reason::Service(ServiceReason::Internal),
            "the write failed; the log has the cause",
        ))
    })
}

// === impl Writer ===

impl Writer {
    /// Works until there is nobody left who could send a command, then leaves a checkpoint.
    pub(super) fn work(mut self, queue: &Receiver<Command>) {
        while let Ok(first) = queue.recv() {
            self.group(first, queue);
        }
        self.checkpoint();
    }

    /// Makes lasting how far the journal is. Where there is no room for that, what was noted last stands.
    fn checkpoint(&mut self) {
        if self.shared.failure.get().is_some() {
            return;
        }
        self.checkpoint = self.head.sequence;
        match self.log.checkpoint() {
            Err(error) if error.is_disk_full() => tracing::warn!(%error, "there is no new checkpoint"),
            Err(error) => drop(self.shared.failure.set("writing a checkpoint failed", &error)),
            Ok(()) => {}
        }
    }

    fn group(&mut self, first: Command, queue: &Receiver<Command>) {
        let begun = Instant::now();
        let full = self.space.as_mut().is_some_and(Space::is_short);
        let time = self.clock.now();
        let mut head = self.head;
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(command) = next {
            self.run(command, &mut group, &mut head, time, full);
            let ended =
                group.answers.len() >= self.options.group_commands || group.overlay.bytes() >= GROUP_BYTES;
            next = if ended { None } else { self.gather(&group, begun, queue) };
        }
        self.crowd = group.answers.len();
        self.finish(group, head);
    }

    /// The next command of the group, as long as there is time for one. Waits only where the group before had several:
    /// their clients, just answered, are likely to be back at once, and to wait a little for them is cheaper than a sync
    /// for the first of them.
    fn gather(&self, group: &Group, begun: Instant, queue: &Receiver<Command>) -> Option<Command> {
        let left = self.options.group_delay.checked_sub(begun.elapsed())?;
        match queue.try_recv() {
            Ok(command) => return Some(command),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        if group.answers.len() >= self.crowd {
            return None;
        }
        let wait = self.sync_time.checked_sub(begun.elapsed())?.min(left);
        queue.recv_timeout(wait).ok()
    }

    /// Runs one command against the index and what the group has changed.
    fn run(&self, command: Command, group: &mut Group, head: &mut Head, time: jiff::Timestamp, full: bool) {
        if let Some(failure) = self.shared.failure.get() {
            let ran = (command.run)(None);
            group.answers.push((ran.answer, Err(failure.into())));
            return;
        }
        let mut transaction = Transaction::new(&*self.index, &mut group.overlay, time, head.sequence + 1);
        let ran = (command.run)(Some(&mut transaction));
        let (effects, fate) =
            if ran.accepted { judge(&transaction, &command.origin, full) } else { (Vec::new(), Ok(())) };
        let fate = if transaction.store_failed() { Err(unreadable()) } else { fate };
        if ran.accepted && fate.is_ok() {
            group.overlay.keep();
            if !effects.is_empty() {
                group.sealed.push(head.seal(self.head.sequence, time, command.origin, effects));
            }
        } else {
            group.overlay.discard();
        }
        group.answers.push((ran.answer, fate));
    }

    /// Makes a group last, then visible, then known to those who wait.
    fn finish(&mut self, mut group: Group, head: Head) {
        if let Err(void) = self.make_last(&group.sealed, head) {
            // What was read in this group may rest on changes that are not there: every answer is void.
            for (_, fate) in &mut group.answers {
                if fate.is_ok() {
                    *fate = Err(void.again());
                }
            }
        }
        for (answer, fate) in group.answers {
            answer(fate);
        }
        if self.head.sequence - self.checkpoint >= CHECKPOINT_RECORDS {
            self.checkpoint();
        }
    }

    fn make_last(&mut self, sealed: &[Sealed], head: Head) -> Result<(), Void> {
        if sealed.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        let mut offset = match self.log.write(sealed) {
            Ok(offset) => offset,
            Err(error) if error.is_disk_full() => {
                tracing::warn!(%error, "the disk is full; writes are refused, reads go on");
                return Err(Void::DiskFull);
            }
            Err(error) => return Err(self.fail("writing to the journal failed", &error)),
        };
        // A failed sync is never retried: the kernel may have dropped what it could not write.
        self.log.sync().map_err(|error| self.fail("syncing the journal failed", &error))?;
        self.sync_time = begun.elapsed();
        let journaled = sealed.iter().map(|sealed| {
            let journaled = Journaled { record: Arc::clone(&sealed.record), offset };
            offset += sealed.bytes.len() as u64;
            journaled
        });
        self.index.commit(&journaled.collect::<Vec<_>>()).map_err(|error| {
            let doing = if error.is_disk_full() { INDEX_FULL } else { "applying to the index failed" };
            self.fail(doing, &error)
        })?;
        self.head = head;
        let mut recent = self.shared.recent.write().unwrap_or_else(PoisonError::into_inner);
        for sealed in sealed {
            recent.push(Arc::clone(&sealed.record), sealed.bytes.len());
        }
        drop(recent);
        self.shared.sequence.send_replace(head.sequence);
        Ok(())
    }

    /// Final for this process: no more acknowledgements.
    fn fail(&self, doing: &str, error: &StoreError) -> Void {
        Void::Failed(self.shared.failure.set(doing, error))
    }
}

/// The effects of a command that was accepted, or why they cannot be.
fn judge(
    transaction: &Transaction<'_>,
    origin: &Origin,
    full: bool,
) -> (Vec<Effect>, Result<(), WriteError>) {
    let effects = match transaction.effects() {
        Ok(effects) => effects,
        Err(error) => return (Vec::new(), Err(WriteError::Failed(error))),
    };
    if full && !effects.is_empty() {
        return (Vec::new(), Err(WriteError::DiskFull));
    }
    if body_bytes(origin, &effects) > BODY_MAX_BYTES {
        let message = format!("the write changes more than {BODY_MAX_BYTES} bytes; make several of it");
        let rejection = Rejection::new(Reason::Service(ServiceReason::Internal), message);
        return (Vec::new(), Err(WriteError::Rejected(rejection)));
    }
    (effects, Ok(()))
}

/// Why a whole group is void.
enum Void {
    DiskFull,
    Failed(Failed),
}

// === impl Void ===

impl Void {
    fn again(&self) -> WriteError {
        match self {
            Self::DiskFull => WriteError::DiskFull,
            Self::Failed(failed) => failed.clone().into(),
        }
    }
}

/// The answer to a write that cannot be done any more.
pub(super) fn closed(why: &str) -> WriteError {
    WriteError::Failed(StoreError::Closed(why.to_owned()))
}

fn unreadable() -> WriteError {
    closed("a read of the index failed during the write")
}
