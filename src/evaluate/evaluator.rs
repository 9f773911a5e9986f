//! The evaluator: what it is made of. What it does is in the files named for it: `publish`, `try_out`, `work`,
//! `listing`, `explain`, `replay`.

use std::sync::Arc;

use super::{plugins::Plugins, progress::Board, results::Results};
use crate::{
    resource::Resources,
    sandbox::{Limits, Sandbox},
    store::Database,
    view::Views,
};

/// Publishes, runs, answers for the results. Cheap to clone. Calls that compute block: call them where blocking is
/// allowed.
#[derive(Clone)]
pub struct Evaluator(Arc<Inner>);

struct Inner {
    database: Database,
    resources: Resources,
    views: Views,
    plugins: Plugins,
    options: RunOptions,
    engine: String,
    board: Board,
    results: Results,
}

/// How runs execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Rows a call of a plugin; the results do not depend on it.
    pub chunk_rows: usize,
    /// Threads; the results do not depend on it.
    pub threads: usize,
    /// What plugins may use.
    pub limits: Limits,
    /// Runs at work at the same time; others wait.
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
        let board = Board::default();
        Self(Arc::new(Inner { database, resources, views, plugins, options, engine, board, results }))
    }

    pub(super) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(super) fn resources(&self) -> &Resources {
        &self.0.resources
    }

    pub(super) fn views(&self) -> &Views {
        &self.0.views
    }

    pub(super) fn plugins(&self) -> &Plugins {
        &self.0.plugins
    }

    pub(super) fn options(&self) -> &RunOptions {
        &self.0.options
    }

    /// Name and version of the engine.
    pub(super) fn engine(&self) -> &str {
        &self.0.engine
    }

    pub(super) fn board(&self) -> &Board {
        &self.0.board
    }

    pub(super) fn results(&self) -> &Results {
        &self.0.results
    }
}
