//! A run at work: begins it, computes it, and writes down how it ended. Which runs are taken up is in `work`.
//!
//! A run that was at work when the service stopped is begun again from its beginning, against the store as it is then: the
//! state that it had seen cannot be looked at again, and nothing of it was kept. A run is finished by one write, which the
//! writer refuses if the run was cancelled before it.
//!
//! How often work was begun is kept with the run: one that has brought the service down is not to do so at every start.

use std::sync::Arc;

use super::{
    board::Progress,
    dataset,
    evaluator::Evaluator,
    execute::Stopped,
    insist::insist,
    plugins::hash_text,
    run::{BoundRun, Executed, RunError},
};
use crate::{
    model::{
        name::Name,
        rejection::{PluginReason, Reason, Rejection, ResourceReason, ServiceReason},
    },
    proto::v1::{self, RunState},
    resource::Changes,
    sandbox::Limits,
    store::{BlobHash, WriteError},
};

/// How often the service may end with a run at work before the run is not begun again.
const ATTEMPTS: i32 = 2;

/// A run at work. When it goes, finished or not, the board is told.
pub struct AtWork {
    evaluator: Evaluator,
    name: Name,
    progress: Arc<Progress>,
}

// === impl AtWork ===

impl AtWork {
    /// A run that the board has taken up.
    #[must_use]
    pub fn new(evaluator: Evaluator, name: Name, progress: Arc<Progress>) -> Self {
        let evaluator = evaluator.waiting(&progress.patience);
        Self { evaluator, name, progress }
    }

    /// Whether nobody has told it to stop yet.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.progress.patience.is_over()
    }

    /// Works on it until it is finished, failed, or no longer wanted, and writes down which.
    pub async fn run(&self) {
        self.work().await;
        if let Err(error) = self.note_cancelled().await {
            tracing::error!(run = %self.name, %error, "how far the cancelled run was cannot be kept");
        }
    }

    async fn work(&self) {
        match self.begin_and_finish().await {
            Ok(()) => {}
            // Cancelled, or deleted: whoever did it knows.
            Err(RunError::Rejected(rejection)) if is_over(&rejection) => {
                tracing::info!(run = %self.name, "the run is no longer wanted");
            }
            Err(RunError::Stopped { stopped: Stopped::Cancelled, .. }) => {
                tracing::info!(run = %self.name, "the run was stopped");
                if self.evaluator.board().is_stopping() {
                    self.lay_down().await;
                }
            }
            Err(RunError::Store(error)) => {
                tracing::error!(run = %self.name, %error, "the store failed; the run waits for the next start");
            }
            Err(error) => self.fail(&error).await,
        }
    }

    async fn begin_and_finish(&self) -> Result<(), RunError> {
        let run: v1::Run = self.evaluator.resources().get(&self.name)?;
        if !matches!(run.state(), RunState::Pending | RunState::Running) {
            return Ok(());
        }
        if run.attempts >= ATTEMPTS {
            let message = format!(
                "the service has ended {ATTEMPTS} times in a row, without being stopped, while it was at work with this run, \
                 and does not begin it again: its plugins may take more than this server has; the log may say what happened, \
                 and the same run can be created anew"
            );
            return Err(Rejection::new(Reason::Plugin(PluginReason::HostUnavailable), message).into());
        }
        let author = run.author.clone();
        let evaluator = self.evaluator.clone();
        let bound = blocking(move || BoundRun::bind(&evaluator, run)).await?;
        let (sequence, rows, limits) = (bound.sequence(), bound.rows() as u64, bound.limits());
        self.progress.expect(rows, bound.steps());
        let engine = engine_message(&self.evaluator, &limits);
        let steps = bound.executed();
        self.change("BeginRun", &author, move |run, now| {
            run.set_state(RunState::Running);
            run.sequence = sequence;
            run.steps.clone_from(&steps);
            (run.rows_total, run.rows_done, run.rows_faulted) = (rows, 0, 0);
            run.engine = Some(engine.clone());
            run.start_time = Some(now);
            run.attempts += 1;
        })
        .await?;
        let (evaluator, progress) = (self.evaluator.clone(), self.progress.clone());
        let (dataset, bytes, distrusted) = blocking(move || {
            let Executed { dataset, distrusted } = bound.execute(&evaluator, &progress)?;
            let bytes = dataset::write(&dataset).map_err(|error| {
                let message = format!("the dataset cannot be written: {error}");
                Rejection::resource(ResourceReason::InvalidField, message)
            })?;
            Ok::<_, RunError>((Arc::new(dataset), bytes, distrusted))
        })
        .await?;
        let hash = self.keep(bytes).await?;
        let faulted = dataset.faulted().iter().filter(|faulted| **faulted).count() as u64;
        self.evaluator.results().keep(hash, dataset);
        for (revision, reason) in &distrusted {
            self.evaluator.quarantine(revision, reason).await;
        }
        self.change("FinishRun", &author, move |run, now| {
            run.set_state(RunState::Succeeded);
            run.attempts = 0;
            run.rows_done = rows;
            run.rows_faulted = faulted;
            run.dataset = hash_text(hash.0);
            run.end_time = Some(now);
        })
        .await?;
        Ok(())
    }

    /// Writes down that the service is about to stop, which is no fault of the run.
    async fn lay_down(&self) {
        let laid_down = self.change("LayRunDown", "", |run, _| run.attempts = (run.attempts - 1).max(0));
        match laid_down.await {
            Ok(()) | Err(RunError::Rejected(_)) => {}
            Err(error) => {
                tracing::error!(run = %self.name, %error, "that the run is laid down cannot be kept")
            }
        }
    }

    async fn fail(&self, error: &RunError) {
        let failure = error.to_string();
        if let RunError::Distrusted { revision, reason, .. } = error {
            // Before the run shows its end: whoever sees that sees the quarantine too.
            self.evaluator.quarantine(revision, reason).await;
        }
        tracing::warn!(run = %self.name, failure, "the run failed");
        let done = self.progress.rows_done();
        let changed = self.change("FailRun", "", move |run, now| {
            run.set_state(RunState::Failed);
            run.attempts = 0;
            run.failure = failure.clone();
            run.rows_done = done.min(run.rows_total);
            run.start_time.get_or_insert(now);
            run.end_time = Some(now);
        });
        if let Err(error) = changed.await {
            tracing::error!(run = %self.name, %error, "the run's failure cannot be kept");
        }
    }

    /// Writes down how far the run was when it was cancelled, now that nothing of it is at work any more.
    async fn note_cancelled(&self) -> Result<(), RunError> {
        let is_open = |run: &v1::Run| {
            run.state() == RunState::Cancelled && run.start_time.is_some() && run.end_time.is_none()
        };
        let run: v1::Run = match self.evaluator.resources().get(&self.name) {
            Ok(run) => run,
            // Deleted meanwhile.
            Err(WriteError::Rejected(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if !is_open(&run) {
            return Ok(());
        }
        let (name, done) = (self.name.clone(), self.progress.rows_done());
        let write = self.evaluator.write_own("EndRun", &run.author, move |changes| {
            let now = timestamp(changes);
            if let Some(mut run) = changes.get::<v1::Run>(&name)?.filter(is_open) {
                run.rows_done = done.min(run.rows_total);
                run.end_time = Some(now);
                changes.put(&name, &run)?;
            }
            Ok(bytes::Bytes::new())
        });
        Ok(write.await?)
    }

    /// Changes the run, if it is still at work, on behalf of who started it.
    async fn change(
        &self,
        method: &str,
        author: &str,
        change: impl Fn(&mut v1::Run, prost_types::Timestamp) + Clone + Send + 'static,
    ) -> Result<(), RunError> {
        let name = self.name.clone();
        let write =
            self.evaluator.write_own(method, author, move |changes| change_run(changes, &name, &change));
        Ok(write.await?)
    }

    /// Keeps the bytes of the dataset.
    async fn keep(&self, bytes: Vec<u8>) -> Result<BlobHash, WriteError> {
        let (blobs, bytes) = (self.evaluator.database().blobs(), Arc::new(bytes));
        insist(&self.progress.patience, || {
            let (blobs, bytes) = (blobs.clone(), Arc::clone(&bytes));
            blocking(move || Ok(blobs.put(&bytes)?))
        })
        .await
    }
}

/// Changes a run that is still at work.
fn change_run(
    changes: &mut Changes<'_, '_>,
    name: &Name,
    change: impl Fn(&mut v1::Run, prost_types::Timestamp),
) -> Result<bytes::Bytes, Rejection> {
    let run: Option<v1::Run> = changes.get(name)?;
    let at_work = run.filter(|run| matches!(run.state(), RunState::Pending | RunState::Running));
    let Some(mut run) = at_work else {
        let message = format!("{name} is no longer at work");
        return Err(Rejection::resource(ResourceReason::StateForbids, message));
    };
    change(&mut run, timestamp(changes));
    changes.put(name, &run)?;
    Ok(bytes::Bytes::new())
}

fn timestamp(changes: &Changes<'_, '_>) -> prost_types::Timestamp {
    let now = changes.time();
    prost_types::Timestamp { seconds: now.as_second(), nanos: now.subsec_nanosecond() }
}

fn is_over(rejection: &Rejection) -> bool {
    [ResourceReason::StateForbids, ResourceReason::NotFound].map(Reason::Resource).contains(&rejection.reason)
}

impl Drop for AtWork {
    fn drop(&mut self) {
        // Dropped in the middle, too: what is still computing is not wanted any more.
        self.progress.patience.give_up();
        self.evaluator.board().end(&self.name);
    }
}

/// Runs what computes where blocking is allowed. A panic there is this run's failure, nobody else's.
async fn blocking<T: Send + 'static, E: From<Rejection> + Send + 'static>(
    compute: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match tokio::task::spawn_blocking(compute).await {
        Ok(result) => result,
        Err(_) => {
            let reason = Reason::Service(ServiceReason::Internal);
            Err(Rejection::new(reason, "something is broken on the server; the log has the cause").into())
        }
    }
}

fn engine_message(evaluator: &Evaluator, limits: &Limits) -> v1::Engine {
    // No limit is that large.
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    v1::Engine {
        version: evaluator.engine().to_owned(),
        fuel_per_call: count(limits.fuel_per_call),
        fuel_per_row: count(limits.fuel_per_row),
        memory_bytes: count(limits.memory_bytes as u64),
        output_bytes: count(limits.output_bytes as u64),
    }
}
