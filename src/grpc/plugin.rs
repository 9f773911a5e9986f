//! `PluginService`, apart from its standard methods.

use tonic::{Request, Response, Status, Streaming};

use super::{
    calls::{Blocking, caller},
    limits::Limits,
    status,
    upload::Uploads,
};
use crate::{
    evaluate::Evaluator,
    proto::{
        server::plugin_service_server::PluginService,
        v1::{
            DescribePluginRequest, EvaluatePluginRequest, EvaluatePluginResponse, ExplainPluginRequest,
            ExplainPluginResponse, ListPluginRevisionRunsRequest, ListPluginRevisionRunsResponse,
            ListStandardPluginsRequest, ListStandardPluginsResponse, Manifest, PluginRevision,
            PublishPluginRevisionRequest, UploadPluginRevisionRequest,
        },
    },
    sandbox::Patience,
};

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
        revision.map(Response::new).map_err(status::of)
    }

    async fn upload_plugin_revision(
        &self,
        request: Request<Streaming<UploadPluginRevisionRequest>>,
    ) -> Result<Response<PluginRevision>, Status> {
        let caller = caller(&request);
        let publication = self.uploads.take(request.into_inner()).await?;
        let revision = self.evaluator.publish(&caller, publication).await;
        revision.map(Response::new).map_err(status::of)
    }

    async fn list_plugin_revision_runs(
        &self,
        request: Request<ListPluginRevisionRunsRequest>,
    ) -> Result<Response<ListPluginRevisionRunsResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        let revision = request.name.clone();
        self.blocking.run(&revision, move |_| evaluator.revision_runs(&request)).await.map(Response::new)
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
    ) -> Result<Response<Manifest>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        evaluator.prepare(&request.parent, request.plugin.as_ref()).await.map_err(status::of)?;
        let parent = request.parent.clone();
        let work = move |patience: &Patience| evaluator.waiting(patience).describe_plugin(&request);
        self.blocking.run(&parent, work).await.map(Response::new)
    }

    async fn evaluate_plugin(
        &self,
        request: Request<EvaluatePluginRequest>,
    ) -> Result<Response<EvaluatePluginResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        evaluator.prepare(&request.parent, request.plugin.as_ref()).await.map_err(status::of)?;
        let parent = request.parent.clone();
        let work = move |patience: &Patience| evaluator.waiting(patience).evaluate_plugin(&request);
        self.blocking.run(&parent, work).await.map(Response::new)
    }

    async fn explain_plugin(
        &self,
        request: Request<ExplainPluginRequest>,
    ) -> Result<Response<ExplainPluginResponse>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.into_inner());
        evaluator.prepare(&request.parent, request.plugin.as_ref()).await.map_err(status::of)?;
        let parent = request.parent.clone();
        let work = move |patience: &Patience| evaluator.waiting(patience).explain_plugin(&request);
        self.blocking.run(&parent, work).await.map(Response::new)
    }
}
