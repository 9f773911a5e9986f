//! What the thin files of the services have in common: who calls, work that blocks, answers that stream.

use std::{future::Future, sync::Arc, thread::available_parallelism};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{limits::Limits, panic, status};
use crate::{
    evaluate::{Pace, Turn, Turns},
    model::{
        caller::Caller,
        rejection::{Reason, Rejection, ResourceReason},
    },
    sandbox::Patience,
    store::WriteError,
};

/// A stream of answers.
pub type Answers<T> = ReceiverStream<Result<T, Status>>;

/// Answers made ahead of a client that reads slowly.
const AHEAD: usize = 2;

/// Whole runs that are executed again at the same time, one of a team.
const WHOLE: usize = 2;

/// Runs work that blocks, a bounded number at a time, by turns of the teams. Cheap to clone.
#[derive(Clone)]
pub struct Blocking {
    room: Arc<Turns>,
    /// For what takes a moment only.
    brief: Arc<Turns>,
    /// For what executes whole runs again: others do not wait for that.
    whole: Arc<Turns>,
    places: usize,
}

/// Who calls, as the front found.
///
/// # Panics
/// Where the request has not come through the front.
#[must_use]
pub fn caller<T>(request: &Request<T>) -> Caller {
    request.extensions().get::<Caller>().expect("every request comes through the front").clone()
}

/// Says in which field of the request the name is that was rejected.
pub fn in_field(field: &str) -> impl FnOnce(Rejection) -> Rejection {
    move |rejection| {
        let description = rejection.message.clone();
        rejection.violation(field, description)
    }
}

/// Says in which field of the request the name is, where what was refused is a name and nothing says so yet.
pub fn in_name(field: &str) -> impl FnOnce(WriteError) -> WriteError {
    move |error| match error {
        WriteError::Rejected(rejection)
            if rejection.reason == Reason::Resource(ResourceReason::InvalidName)
                && rejection.violations.is_empty() =>
        {
            in_field(field)(rejection).into()
        }
        error => error,
    }
}

/// A stream of what the producer sends. It ends when the producer ends; its panic is an answer too.
pub fn answers<T, F>(produce: impl FnOnce(mpsc::Sender<Result<T, Status>>) -> F) -> Response<Answers<T>>
where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(AHEAD);
    let work = produce(sender.clone());
    tokio::spawn(async move {
        let gone = sender.clone();
        tokio::select! {
            done = panic::caught(work) => if let Err(status) = done {
                // A client that is gone does not need to be told.
                let _ = sender.send(Err(status)).await;
            },
            () = gone.closed() => {}
        }
    });
    Response::new(ReceiverStream::new(receiver))
}

// === impl Blocking ===

impl Blocking {
    /// As much at a time as the limits say.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let room = match limits.computing_calls {
            0 => 2 * available_parallelism().map_or(1, usize::from),
            room => room,
        };
        let brief = available_parallelism().map_or(1, usize::from).max(2);
        Self {
            // One place is for whoever has none.
            room: Turns::new(room, room - 1),
            brief: Turns::new(brief, brief - 1),
            whole: Turns::new(WHOLE, 1),
            places: room,
        }
    }

    /// How much is at work, and how much may be.
    #[must_use]
    pub fn usage(&self) -> (usize, usize) {
        (self.room.taken(), self.places)
    }

    /// Runs the work where blocking is allowed, when it is the turn of the team that `name` belongs to. Work that nobody waits
    /// for any more is not begun; what is begun is told, by its patience, when the client went away or its deadline has passed:
    /// then this answer is dropped.
    ///
    /// # Errors
    /// What the work says.
    ///
    /// # Panics
    /// As the work does.
    pub async fn run<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Patience) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, Status> {
        let turn = self.room.ask(team(name)).await.map_err(|_| stopping())?;
        run_in(turn, work).await
    }

    /// The same, for work that most of the time takes a moment: it is done in a place of those that do, and where it takes
    /// longer, again and to its end among all others. So nobody waits long for what takes a moment, whatever others ask.
    ///
    /// # Errors
    /// What the work says.
    ///
    /// # Panics
    /// As the work does.
    pub async fn run_tried<T: Send + 'static>(
        &self,
        name: &str,
        work: impl Fn(&Patience, Pace) -> Result<Option<T>, WriteError> + Send + Sync + 'static,
    ) -> Result<T, Status> {
        let work = Arc::new(work);
        for (places, pace) in [(&self.brief, Pace::Brief), (&self.room, Pace::Whole)] {
            let turn = places.ask(team(name)).await.map_err(|_| stopping())?;
            let work = Arc::clone(&work);
            if let Some(answer) = run_in(turn, move |patience| work(patience, pace)).await? {
                return Ok(answer);
            }
        }
        Err(status::deadline_exceeded())
    }

    /// The same, for work that executes a whole run again.
    ///
    /// # Errors
    /// What the work says.
    ///
    /// # Panics
    /// As the work does.
    pub async fn run_whole<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Patience) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, Status> {
        let turn = self.whole.ask(team(name)).await.map_err(|_| stopping())?;
        run_in(turn, work).await
    }
}

/// The team of a name; what belongs to none is told from that by nothing.
fn team(name: &str) -> &str {
    name.split('/').nth(1).unwrap_or_default()
}

fn stopping() -> Status {
    status::unavailable("the server is stopping")
}

async fn run_in<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce(&Patience) -> Result<T, WriteError> + Send + 'static,
) -> Result<T, Status> {
    let (patience, _waiting) = Patience::of_a_waiter();
    let done = tokio::task::spawn_blocking(move || {
        let result = work(&patience);
        drop(turn);
        result
    });
    match done.await {
        Ok(result) => result.map_err(status::of),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(stopping()),
        },
    }
}
