//! `PluginService`, apart from its standard methods.

use tonic::{Request, Response, Status, Streaming};

use super::{
    calls::{Blocking, caller, in_name},
    limits::Limits,
    status,
    upload::Uploads,
};
use crate::{
    evaluate::Evaluator,
    model::rejection::{PluginReason, Reason, Rejection},
    proto::{
        server::plugin_service_server::PluginService,
        v1::{
            DescribePluginRequest, DescribePluginResponse, EvaluatePluginRequest, EvaluatePluginResponse,
            ExplainPluginRequest, ExplainPluginResponse, ListPluginRevisionRunsRequest,
            ListPluginRevisionRunsResponse, ListStandardPluginsRequest, ListStandardPluginsResponse,
            PluginRevision, PublishPluginRevisionRequest, UploadPluginRevisionRequest,
        },
    },
    sandbox::Patience,
    store::WriteError,
};

/// Says in which field of the request what was refused is, where nothing says so yet; `above` leads to the plugin.
fn located(above: &'static str) -> impl Fn(WriteError) -> WriteError {
    move |error| match error {
        WriteError::Rejected(rejection) => in_plugin(above, rejection).into(),
        error => error,
    }
}

fn in_plugin(above: &str, mut rejection: Rejection) -> Rejection {
    let own = match rejection.reason {
        Reason::Plugin(PluginReason::InvalidComponent | PluginReason::ImportRefused) => Some("component"),
        Reason::Plugin(PluginReason::BadParameters | PluginReason::ParametersMisplaced) => Some("parameters"),
        _ => None,
    };
    if let Some(field) = own.filter(|_| rejection.violations.is_empty()) {
        let what = rejection.message.clone();
        rejection = rejection.violation(field, what);
    }
    for violation in &mut rejection.violations {
        // What the rest of the request is about has its whole path already.
        let of_plugin = ["component", "standard", "formula", "parameters"].contains(&&*violation.field);
        if of_plugin && !above.is_empty() {
            violation.field = format!("{above}.{}", violation.field);
        }
    }
    rejection
}

/// Publishes plugins and tries them out.
pub struct Plugins {
    evaluator: Evaluator,
    blocking: Blocking,
    uploads: Uploads,
}

// === impl Plugins ===

impl Plugins {
    /// Publishes with this evaluator.
    #[must_use]
    pub fn new(evaluator: Evaluator, blocking: Blocking, limits: &Limits) -> Self {
        let uploads = Uploads::new(limits, evaluator.component_bytes());
        Self { evaluator, blocking, uploads }
    }
}

#[tonic::async_trait]
impl PluginService for Plugins {
    async fn publish_plugin_revision(
        &self,
        request: Request<PublishPluginRevisionRequest>,
    ) -> Result<Response<PluginRevision>, Status> {
        let caller = caller(&request);
        let revision = self.evaluator.publish(&caller, request.into_inner()).await;
        revision.map(Response::new).map_err(located("")).map_err(status::of)
    }

    async fn upload_plugin_revision(
        &self,
        request: Request<Streaming<UploadPluginRevisionRequest>>,
    ) -> Result<Response<PluginRevision>, Status> {
        let caller = caller(&request);
        let publication = self.uploads.take(&self.evaluator, &caller, request.into_inner()).await?;
        // What it says of the component it says of the chunks.
        let revision = self.evaluator.publish(&caller, publication).await;
        revision.map(Response::new).map_err(located("")).map_err(status::of)
    }

    async fn list_plugin_revision_runs(
        &self,
        request: Request<ListPluginRevisionRunsRequest>,
    ) -> Result<Response<ListPluginRevisionRunsResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        let revision = request.name.clone();
        let list = move |_: &Patience| evaluator.revision_runs(&request).map_err(in_name("name"));
        self.blocking.run(&revision, list).await.map(Response::new)
    }

    async fn list_standard_plugins(
        &self,
        _request: Request<ListStandardPluginsRequest>,
    ) -> Result<Response<ListStandardPluginsResponse>, Status> {
        Ok(Response::new(self.evaluator.standard_plugins()))
    }

    async fn describe_plugin(
        &self,
        request: Request<DescribePluginRequest>,
    ) -> Result<Response<DescribePluginResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        let prepared = evaluator.prepare(&request.parent, request.plugin.as_ref()).await;
        prepared.map_err(located("plugin")).map_err(status::of)?;
        let parent = request.parent.clone();
        let work = move |patience: &Patience, pace| {
            evaluator.waiting(patience).describe_plugin(&request, pace).map_err(located("plugin"))
        };
        self.blocking.run_tried(&parent, work).await.map(Response::new)
    }

    async fn evaluate_plugin(
        &self,
        request: Request<EvaluatePluginRequest>,
    ) -> Result<Response<EvaluatePluginResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        let prepared = evaluator.prepare(&request.parent, request.plugin.as_ref()).await;
        prepared.map_err(located("plugin")).map_err(status::of)?;
        let parent = request.parent.clone();
        let work = move |patience: &Patience, pace| {
            evaluator.waiting(patience).evaluate_plugin(&request, pace).map_err(located("plugin"))
        };
        self.blocking.run_tried(&parent, work).await.map(Response::new)
    }

    async fn explain_plugin(
        &self,
        request: Request<ExplainPluginRequest>,
    ) -> Result<Response<ExplainPluginResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        let prepared = evaluator.prepare(&request.parent, request.plugin.as_ref()).await;
        prepared.map_err(located("plugin")).map_err(status::of)?;
        let parent = request.parent.clone();
        let work = move |patience: &Patience, pace| {
            evaluator.waiting(patience).explain_plugin(&request, pace).map_err(located("plugin"))
        };
        self.blocking.run_tried(&parent, work).await.map(Response::new)
    }
}
