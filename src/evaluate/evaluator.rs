//! The evaluator: what it is made of. What it does is in the files named for it: `publish`, `try_out`, `work`,
//! `listing`, `explain`, `replay`.

use std::{sync::Arc, time::Duration};

use super::{board::Board, compare::Comparisons, places::Places, plugins::Plugins, results::Results};
use crate::{
    resource::Resources,
    sandbox::{Limits, Patience, Sandbox, UnderWay},
    store::Database,
    view::Views,
};

/// Publishes, runs, answers for the results. Cheap to clone. Calls that compute block: call them where blocking is
/// allowed.
#[derive(Clone)]
pub struct Evaluator {
    inner: Arc<Inner>,
    patience: Patience,
}

struct Inner {
    database: Database,
    resources: Resources,
    views: Views,
    plugins: Plugins,
    options: RunOptions,
    engine: String,
    board: Board,
    places: Places,
    results: Results,
    comparisons: Comparisons,
}

/// How runs execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Rows a call of a plugin; the results do not depend on it.
    pub chunk_rows: usize,
    /// Threads; the results do not depend on it.
    pub threads: usize,
    /// What plugins may use, where the team says nothing else.
    pub limits: Limits,
    /// The most that a team may say.
    pub ceilings: Limits,
    /// The longest that all calls of a plugin may take together, for a request that tries it out: somebody waits, and
    /// others want the core.
    pub try_out: Duration,
    /// Uploaded components compiled at the same time, each of another team; others wait for their turn.
    pub compiles: usize,
    /// The longest that one of them may take.
    pub compile_longest: Duration,
    /// How long they wait.
    pub compile_wait: Duration,
    /// Runs at work at the same time, each of another team; others wait for their turn.
    pub concurrent_runs: usize,
}

// === impl Evaluator ===

impl Evaluator {
    /// An evaluator; `work` sets it to work.
    #[must_use]
    pub fn new(
        database: Database,
        resources: Resources,
        views: Views,
        sandbox: Sandbox,
        options: RunOptions,
    ) -> Self {
        let engine = sandbox.version();
        let plugins = Plugins::new(database.clone(), resources.clone(), sandbox, options.limits);
        let results = Results::new(database.clone());
        let places = Places::new(options.compiles, options.compile_longest, options.compile_wait);
        let board = Board::default();
        let comparisons = Comparisons::default();
        let inner = Inner {
            database,
            resources,
            views,
            plugins,
            options,
            engine,
            board,
            places,
            results,
            comparisons,
        };
        Self { inner: Arc::new(inner), patience: Patience::default() }
    }

    /// The same evaluator, whose plugins are stopped when nobody waits for the answer any more.
    #[must_use]
    pub fn waiting(&self, patience: &Patience) -> Self {
        Self { inner: Arc::clone(&self.inner), patience: patience.clone() }
    }

    /// The guests under way now, of all runs and requests.
    #[must_use]
    pub fn under_way(&self) -> UnderWay {
        self.inner.plugins.under_way()
    }

    /// The largest component that is accepted, in bytes.
    #[must_use]
    pub fn component_bytes(&self) -> usize {
        self.inner.plugins.component_bytes()
    }

    pub(super) fn database(&self) -> &Database {
        &self.inner.database
    }

    pub(super) fn resources(&self) -> &Resources {
        &self.inner.resources
    }

    pub(super) fn views(&self) -> &Views {
        &self.inner.views
    }

    pub(super) fn plugins(&self) -> Plugins {
        self.inner.plugins.waiting(&self.patience)
    }

    /// How long the answer is waited for.
    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }

    pub(super) fn options(&self) -> &RunOptions {
        &self.inner.options
    }

    /// Name and version of the engine.
    pub(super) fn engine(&self) -> &str {
        &self.inner.engine
    }

    pub(super) fn board(&self) -> &Board {
        &self.inner.board
    }

    pub(super) fn places(&self) -> &Places {
        &self.inner.places
    }

    pub(super) fn comparisons(&self) -> &Comparisons {
        &self.inner.comparisons
    }

    pub(super) fn results(&self) -> &Results {
        &self.inner.results
    }
}
