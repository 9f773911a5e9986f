//! The background: takes runs up, tells the store how they stand, and stops those that are cancelled.
//!
//! A run that was at work when the service stopped is begun again from its beginning, against the store as it is then: the
//! state that it had seen cannot be looked at again, and nothing of it was kept. A run is finished by one write, which the
//! writer refuses if the run was cancelled before it.

use std::sync::Arc;

use prost::Message;
use tokio::task::JoinSet;

use super::{
    dataset,
    evaluator::Evaluator,
    execute::Stopped,
    plugins::hash_text,
    progress::{Progress, rate},
    results::run_name,
    run::{BoundRun, Executed, RunError},
    turns::Turns,
};
use crate::{
    model::{
        caller::Caller,
        name::{Id, Name},
        rejection::{Rejection, ResourceReason},
    },
    proto::v1::{self, RunState},
    resource::{Changes, OwnRequest},
    sandbox::Limits,
    store::{BlobHash, Key, KeyRange, Sequence, StoreError, System, WriteError},
};

/// Journal records looked through at a time.
const RECORDS: usize = 1_000;

/// Runs, or teams, read at a time.
const PAGE: usize = 1_000;

/// How often a write of the run's state is tried when the writer is busy.
const TRIES: u32 = 100;

/// How long to wait before it is tried again.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

// === impl Evaluator ===

impl Evaluator {
    /// Takes up unfinished runs, and every run created from now on, until the database closes. Runs at work are told to stop
    /// when the answer is dropped; they are begun again by the next start.
    pub async fn work(&self) {
        let database = self.database().clone();
        let mut watch = database.watch();
        let turns = Turns::new(self.options().concurrent_runs);
        let mut runs = Runs { evaluator: self.clone(), turns, tasks: JoinSet::new() };
        let mut seen = *watch.borrow_and_update();
        if let Err(error) = runs.take_up_unfinished() {
            tracing::error!(%error, "unfinished runs cannot be read; they wait for the next start");
        }
        loop {
            match runs.follow(seen) {
                Ok(sequence) => seen = sequence,
                Err(error) => {
                    tracing::error!(%error, "the journal cannot be followed; runs wait for the next start");
                    break;
                }
            }
            tokio::select! {
                changed = watch.changed() => if changed.is_err() { break },
                () = database.closed() => break,
                Some(_) = runs.tasks.join_next() => {}
            }
        }
        // What is at work stops at its next chunk, and is taken up at the next start.
        self.board().stop_all();
        while runs.tasks.join_next().await.is_some() {}
    }

    /// The run as it stands, with its progress. Progress is kept in memory; the stored run has it when finished.
    ///
    /// # Errors
    /// `NOT_FOUND`; when the store fails.
    pub fn progress(&self, run: &Name) -> Result<v1::WatchRunResponse, WriteError> {
        let name = run_name(&run.to_string())?;
        // Asked before the run is read: a run that ends in between shows its end.
        let progress = self.board().get(&name);
        let mut run: v1::Run = self.resources().get(&name)?;
        let rows_per_second = match progress {
            Some(progress) if run.state() == RunState::Running => {
                run.rows_total = progress.rows_total();
                run.rows_done = progress.rows_done().min(run.rows_total);
                rate(run.rows_done, progress.milliseconds())
            }
            _ => rate(run.rows_done, milliseconds(&run)),
        };
        Ok(v1::WatchRunResponse { run: Some(run), rows_per_second })
    }
}

/// Thousandths of a second that a finished run took.
fn milliseconds(run: &v1::Run) -> u64 {
    let (Some(start), Some(end)) = (&run.start_time, &run.end_time) else { return 0 };
    let seconds = end.seconds.saturating_sub(start.seconds).saturating_mul(1_000);
    u64::try_from(seconds + i64::from(end.nanos - start.nanos) / 1_000_000).unwrap_or(0)
}

/// The runs that this process works on.
struct Runs {
    evaluator: Evaluator,
    turns: Arc<Turns>,
    tasks: JoinSet<()>,
}

// === impl Runs ===

impl Runs {
    /// Takes up every run that is not finished.
    fn take_up_unfinished(&mut self) -> Result<(), StoreError> {
        let mut teams = KeyRange::system(System::Team, &[]);
        loop {
            let page = self.evaluator.database().scan(&teams, PAGE)?;
            for team in page.iter().filter_map(|entry| last_id(&entry.key)) {
                self.take_up_unfinished_of(&team)?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => teams = teams.after(&last.key),
                _ => return Ok(()),
            }
        }
    }

    fn take_up_unfinished_of(&mut self, team: &Id) -> Result<(), StoreError> {
        let mut range = KeyRange::collection(team, "runs");
        loop {
            let page = self.evaluator.database().scan(&range, PAGE)?;
            for entry in &page {
                self.look_at(&entry.key, &entry.value);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => range = range.after(&last.key),
                _ => return Ok(()),
            }
        }
    }

    /// Looks at what was written after a sequence; answers how far that went.
    fn follow(&mut self, mut seen: Sequence) -> Result<Sequence, StoreError> {
        loop {
            let records = self.evaluator.database().records(seen, RECORDS)?;
            let Some(last) = records.last() else { return Ok(seen) };
            seen = last.sequence;
            for effect in records.iter().flat_map(|record| &record.effects) {
                let mut parts = effect.key.parts();
                if parts.nth(1) != Some(b"runs") {
                    continue;
                }
                match &effect.value {
                    Some(value) => self.look_at(&effect.key, value),
                    None => self.stop(&effect.key),
                }
            }
        }
    }

    /// Takes a run up if it is not finished, and stops it if it is cancelled.
    fn look_at(&mut self, key: &Key, value: &[u8]) {
        let Some(name) = run_of(key) else { return };
        let Ok(run) = v1::Run::decode(value) else {
            tracing::error!(%key, "the run cannot be read");
            return;
        };
        match run.state() {
            RunState::Pending | RunState::Running => self.take_up(name),
            RunState::Cancelled => self.stop(key),
            RunState::Succeeded | RunState::Failed | RunState::Unspecified => {}
        }
    }

    fn stop(&self, key: &Key) {
        if let Some(progress) = run_of(key).and_then(|name| self.evaluator.board().get(&name)) {
            progress.patience.give_up();
        }
    }

    fn take_up(&mut self, name: Name) {
        let Some(progress) = self.evaluator.board().begin(&name) else { return };
        // Asked for here, in the order of the journal.
        let turn = self.turns.ask(name.team());
        let at_work = AtWork { evaluator: self.evaluator.clone(), name, progress };
        self.tasks.spawn(async move {
            if let Ok(_turn) = turn.await
                && !at_work.progress.patience.is_over()
            {
                at_work.run().await;
            }
        });
    }
}

fn last_id(key: &Key) -> Option<Id> {
    let text = std::str::from_utf8(key.parts().last()?).ok()?;
    Id::parse(text).ok()
}

/// The name of the run under a key.
fn run_of(key: &Key) -> Option<Name> {
    let team = std::str::from_utf8(key.parts().next()?).ok()?;
    Some(Name::new(Id::parse(team).ok()?, "runs", last_id(key)?))
}

/// A run at work. When it goes, finished or not, the board is told.
struct AtWork {
    evaluator: Evaluator,
    name: Name,
    progress: Arc<Progress>,
}

// === impl AtWork ===

impl AtWork {
    async fn run(&self) {
        match self.begin_and_finish().await {
            Ok(()) => {}
            // Cancelled, or deleted: whoever did it knows.
            Err(RunError::Rejected(rejection)) if is_over(&rejection) => {
                tracing::info!(run = %self.name, "the run is no longer wanted");
            }
            Err(RunError::Stopped { stopped: Stopped::Cancelled, .. }) => {
                tracing::info!(run = %self.name, "the run was stopped");
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
        let author = run.author.clone();
        let evaluator = self.evaluator.waiting(&self.progress.patience);
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
        })
        .await?;
        let (evaluator, progress) = (self.evaluator.clone(), self.progress.clone());
        let (hash, faulted, distrusted) = blocking(move || {
            let Executed { dataset, distrusted } = bound.execute(&evaluator, &progress)?;
            let bytes = dataset::write(&dataset).map_err(|error| {
                let message = format!("the dataset cannot be written: {error}");
                Rejection::resource(ResourceReason::InvalidField, message)
            })?;
            let hash: BlobHash = evaluator.database().blobs().put(&bytes).map_err(WriteError::from)?;
            let faulted = dataset.faulted().iter().filter(|faulted| **faulted).count() as u64;
            evaluator.results().keep(hash, Arc::new(dataset));
            Ok((hash, faulted, distrusted))
        })
        .await?;
        for (revision, reason) in &distrusted {
            self.quarantine(revision, reason).await;
        }
        self.change("FinishRun", &author, move |run, now| {
            run.set_state(RunState::Succeeded);
            run.rows_done = rows;
            run.rows_faulted = faulted;
            run.dataset = hash_text(hash.0);
            run.end_time = Some(now);
        })
        .await?;
        Ok(())
    }

    async fn fail(&self, error: &RunError) {
        let failure = error.to_string();
        if let RunError::Distrusted { revision, reason, .. } = error {
            // Before the run shows its end: whoever sees that sees the quarantine too.
            self.quarantine(revision, reason).await;
        }
        tracing::warn!(run = %self.name, failure, "the run failed");
        let changed = self.change("FailRun", "", move |run, now| {
            run.set_state(RunState::Failed);
            run.failure = failure.clone();
            run.start_time.get_or_insert(now);
            run.end_time = Some(now);
        });
        if let Err(error) = changed.await {
            tracing::error!(run = %self.name, %error, "the run's failure cannot be kept");
        }
    }

    /// Marks a revision that is not to be trusted, once.
    async fn quarantine(&self, revision: &str, reason: &str) {
        let (revision, reason) = (revision.to_owned(), reason.to_owned());
        tracing::warn!(revision, reason, "the revision is put in quarantine");
        let name = revision.clone();
        let quarantined = self.write("QuarantineRevision", "", move |changes| {
            let name = Name::parse(&name)?;
            if let Some(mut revision) = changes.get::<v1::PluginRevision>(&name)?
                && revision.quarantine_reason.is_empty()
            {
                revision.quarantine_reason.clone_from(&reason);
                changes.put(&name, &revision)?;
            }
            Ok(bytes::Bytes::new())
        });
        if let Err(error) = quarantined.await {
            tracing::error!(revision, %error, "the quarantine cannot be kept");
        }
    }

    /// Changes the run, if it is still at work, on behalf of who started it.
    async fn change(
        &self,
        method: &str,
        author: &str,
        change: impl Fn(&mut v1::Run, prost_types::Timestamp) + Clone + Send + 'static,
    ) -> Result<(), RunError> {
        let name = self.name.clone();
        self.write(method, author, move |changes| change_run(changes, &name, &change)).await
    }

    /// Writes, on behalf of whoever started the run.
    async fn write(
        &self,
        method: &str,
        author: &str,
        command: impl Fn(&mut Changes<'_, '_>) -> Result<bytes::Bytes, Rejection> + Clone + Send + 'static,
    ) -> Result<(), RunError> {
        let author = if author.is_empty() { "merit" } else { author };
        let caller =
            Caller { author: author.to_owned(), method: format!("merit.v1.EvaluationService/{method}") };
        for _ in 0..TRIES {
            let command = command.clone();
            let command = move |changes: &mut Changes<'_, '_>| command(changes);
            match self.evaluator.resources().change(&caller, OwnRequest::default(), command).await {
                Err(WriteError::Busy) => tokio::time::sleep(PAUSE).await,
                other => return Ok(other.map(drop)?),
            }
        }
        Err(RunError::Store(WriteError::Busy))
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
    let now = changes.time();
    let now = prost_types::Timestamp { seconds: now.as_second(), nanos: now.subsec_nanosecond() };
    change(&mut run, now);
    changes.put(name, &run)?;
    Ok(bytes::Bytes::new())
}

fn is_over(rejection: &Rejection) -> bool {
    [ResourceReason::StateForbids, ResourceReason::NotFound]
        .map(crate::model::rejection::Reason::Resource)
        .contains(&rejection.reason)
}

impl Drop for AtWork {
    fn drop(&mut self) {
        // Dropped in the middle, too: what is still computing is not wanted any more.
        self.progress.patience.give_up();
        self.evaluator.board().end(&self.name);
    }
}

/// Runs what computes where blocking is allowed. A panic there is this run's failure, nobody else's.
async fn blocking<T: Send + 'static>(
    compute: impl FnOnce() -> Result<T, RunError> + Send + 'static,
) -> Result<T, RunError> {
    match tokio::task::spawn_blocking(compute).await {
        Ok(result) => result,
        Err(_) => {
            let reason =
                crate::model::rejection::Reason::Service(crate::model::rejection::ServiceReason::Internal);
            Err(Rejection::new(reason, "something is broken on the server; the log has the cause").into())
        }
    }
}

fn engine_message(evaluator: &Evaluator, limits: &Limits) -> v1::Engine {
    v1::Engine {
        version: evaluator.engine().to_owned(),
        fuel_per_call: limits.fuel_per_call,
        fuel_per_row: limits.fuel_per_row,
        memory_bytes: limits.memory_bytes as u64,
        output_bytes: limits.output_bytes as u64,
    }
}
