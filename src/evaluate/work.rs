//! The background: follows the journal, takes runs up, and stops those that are cancelled. What becomes of one that is taken
//! up is in `at_work`.

use std::{sync::Arc, time::Duration};

use prost::Message;
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use super::{at_work::AtWork, evaluator::Evaluator, turns::Turns};
use crate::{
    model::name::{Id, Name},
    proto::v1::{self, RunState},
    store::{Key, KeyRange, Sequence, StoreError, System},
};

/// Journal records looked through at a time.
const RECORDS: usize = 1_000;

/// Runs, or teams, read at a time.
const PAGE: usize = 1_000;

/// How long to wait before what could not be read is tried again.
const PAUSE: Duration = Duration::from_secs(1);

// === impl Evaluator ===

impl Evaluator {
    /// Takes up unfinished runs, and every run created from now on, until `stop` or until the database closes. Runs at work are
    /// told to stop then, and when the answer is dropped; they are begun again by the next start.
    pub async fn work(&self, stop: impl Future<Output = ()>) {
        let database = self.database().clone();
        let mut watch = database.watch();
        let turns = Turns::new(self.options().concurrent_runs, 1);
        let suspects = Arc::new(Semaphore::new(1));
        let mut runs = Runs { evaluator: self.clone(), turns, suspects, tasks: JoinSet::new() };
        tokio::pin!(stop);
        let mut seen = *watch.borrow_and_update();
        let mut unfinished = true;
        loop {
            // What cannot be read now may be in a moment. Where it is damaged, the database has failed, and with it the service.
            let read = match unfinished {
                true => runs.take_up_unfinished().map(|()| unfinished = false),
                false => Ok(()),
            };
            let read = read.and_then(|()| runs.follow(seen));
            let failed = read.is_err();
            match read {
                Ok(sequence) => seen = sequence,
                Err(error) => tracing::error!(%error, "runs cannot be read; it is tried again"),
            }
            tokio::select! {
                changed = watch.changed(), if !failed => if changed.is_err() { break },
                () = sleep(PAUSE), if failed => {}
                () = database.closed() => break,
                () = &mut stop => break,
                Some(done) = runs.tasks.join_next() => if let Err(error) = done {
                    tracing::error!(%error, "work on a run ended before its time; it is begun again by the next start");
                },
            }
        }
        // What is at work stops at its next chunk, and is taken up at the next start.
        self.board().stop_all();
        while runs.tasks.join_next().await.is_some() {}
    }
}

/// The runs that this process works on.
struct Runs {
    evaluator: Evaluator,
    turns: Arc<Turns>,
    /// The place of those that the service has ended with: one after the other, so that it shows which it is.
    suspects: Arc<Semaphore>,
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
            RunState::Pending | RunState::Running => self.take_up(name, run.attempts > 0),
            RunState::Cancelled => self.stop(key),
            RunState::Succeeded | RunState::Failed | RunState::Unspecified => {}
        }
    }

    fn stop(&self, key: &Key) {
        if let Some(progress) = run_of(key).and_then(|name| self.evaluator.board().get(&name)) {
            progress.patience.give_up();
        }
    }

    fn take_up(&mut self, name: Name, is_suspect: bool) {
        let Some(progress) = self.evaluator.board().begin(&name) else { return };
        let team = name.team().clone();
        let at_work = AtWork::new(self.evaluator.clone(), name, progress);
        let (turns, suspects) = (Arc::clone(&self.turns), Arc::clone(&self.suspects));
        // Asked for here, in the order of the journal; by a suspect when it is alone, so that it keeps nobody waiting before.
        let turn = (!is_suspect).then(|| turns.ask(team.as_str()));
        self.tasks.spawn(async move {
            let _alone = if is_suspect { suspects.acquire_owned().await.ok() } else { None };
            let turn = turn.unwrap_or_else(|| turns.ask(team.as_str()));
            if let Ok(_turn) = turn.await
                && at_work.is_wanted()
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
