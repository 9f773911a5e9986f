//! Measures over views, goals' targets, input columns, runs, datasets, explanations, replay.

pub mod hierarchy;
pub mod measure;
pub mod target;

use crate::{
    model::{
        caller::Caller,
        name::{EvaluationName, Name},
    },
    proto::v1,
    resource::Resources,
    sandbox::{Limits, Sandbox},
    store::{Database, WriteError},
    view::Views,
};

/// Publishes, runs, answers for the results. Cheap to clone. Calls that compute block: call them where blocking is allowed.
#[derive(Clone)]
pub struct Evaluator {
    _resources: Resources,
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
    /// An evaluator; `start` sets it to work.
    pub fn new(
        _database: Database,
        resources: Resources,
        _views: Views,
        _sandbox: Sandbox,
        _options: RunOptions,
    ) -> Self {
        Self { _resources: resources }
    }

    /// Takes up unfinished runs, and every run created from now on, until the database closes.
    pub async fn work(&self) {
        todo!()
    }

    /// See `EvaluationService.ComputeMeasures`.
    pub fn compute_measures(
        &self,
        _request: &v1::ComputeMeasuresRequest,
    ) -> Result<v1::ComputeMeasuresResponse, WriteError> {
        todo!()
    }

    /// The run as it stands, with its progress. Progress is kept in memory; the stored run has it when finished.
    pub fn progress(&self, _run: &Name) -> Result<v1::WatchRunResponse, WriteError> {
        todo!()
    }

    /// See `EvaluationService.GetEvaluation`.
    pub fn evaluation(&self, _name: &EvaluationName) -> Result<v1::Evaluation, WriteError> {
        todo!()
    }

    /// See `EvaluationService.ListEvaluations`.
    pub fn evaluations(
        &self,
        _request: &v1::ListEvaluationsRequest,
    ) -> Result<v1::ListEvaluationsResponse, WriteError> {
        todo!()
    }

    /// See `EvaluationService.ExplainEvaluation`.
    pub fn explain(&self, _name: &EvaluationName) -> Result<v1::ExplainEvaluationResponse, WriteError> {
        todo!()
    }

    /// See `EvaluationService.ReplayRun`.
    pub fn replay(&self, _request: &v1::ReplayRunRequest) -> Result<v1::ReplayRunResponse, WriteError> {
        todo!()
    }

    /// The dataset of a finished run.
    pub fn dataset(&self, _run: &Name) -> Result<bytes::Bytes, WriteError> {
        todo!()
    }

    /// See `PluginService.PublishPluginRevision`.
    pub async fn publish(
        &self,
        _caller: &Caller,
        _request: v1::PublishPluginRevisionRequest,
    ) -> Result<v1::PluginRevision, WriteError> {
        todo!()
    }

    /// See `PluginService.ListStandardPlugins`.
    pub fn standard_plugins(&self) -> v1::ListStandardPluginsResponse {
        todo!()
    }

    /// See `PluginService.DescribePlugin`.
    pub fn describe_plugin(&self, _request: &v1::DescribePluginRequest) -> Result<v1::Manifest, WriteError> {
        todo!()
    }

    /// See `PluginService.EvaluatePlugin`.
    pub fn evaluate_plugin(
        &self,
        _request: &v1::EvaluatePluginRequest,
    ) -> Result<v1::EvaluatePluginResponse, WriteError> {
        todo!()
    }

    /// See `PluginService.ExplainPlugin`.
    pub fn explain_plugin(
        &self,
        _request: &v1::ExplainPluginRequest,
    ) -> Result<v1::ExplainPluginResponse, WriteError> {
        todo!()
    }
}
