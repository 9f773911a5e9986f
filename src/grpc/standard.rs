//! The standard methods of every resource, as one service: bytes in, one call, bytes out.

use bytes::Bytes;
use http::Request;
use prost::Message;
use prost_reflect::MethodDescriptor;
use tonic::{Response, Status, body::Body, codec::CompressionEncoding, server::Grpc};

use super::{
    calls::{Blocking, caller},
    codec::Raw,
    limits::Limits,
    status,
};
use crate::{
    evaluate::Evaluator,
    model::rejection::Rejection,
    proto::v1::{CreateRunRequest, CreateTeamRequest, UpdateTeamRequest},
    resource::{List, Resources},
    sandbox::Patience,
};

/// The methods whose requests the evaluator looks at too.
const CREATE_RUN: &str = "merit.v1.EvaluationService.CreateRun";
const CREATE_TEAM: &str = "merit.v1.OrganisationService.CreateTeam";
const UPDATE_TEAM: &str = "merit.v1.OrganisationService.UpdateTeam";

/// Serves the standard methods.
#[derive(Clone)]
pub struct Standard {
    resources: Resources,
    evaluator: Evaluator,
    blocking: Blocking,
    message_bytes: usize,
}

// === impl Standard ===

impl Standard {
    /// The standard methods over these resources, with what this evaluator has to say.
    #[must_use]
    pub fn new(resources: Resources, evaluator: Evaluator, blocking: Blocking, limits: &Limits) -> Self {
        Self { resources, evaluator, blocking, message_bytes: limits.message_bytes }
    }

    /// Serves a call of the method.
    pub async fn serve(&self, method: &MethodDescriptor, request: Request<Body>) -> http::Response<Body> {
        let call = tower::service_fn(|request: tonic::Request<Bytes>| {
            let (standard, method, caller) = (self.clone(), method.clone(), caller(&request));
            async move {
                let request = request.into_inner();
                if let Some(list) = standard.resources.list(&method, &request).map_err(status::of)? {
                    return standard.list(list).await.map(Response::new);
                }
                let objection = standard.objection(&method, &request).await?;
                let answer = standard.resources.call_unless(&caller, &method, request, objection).await;
                answer.map(Response::new).map_err(status::of)
            }
        });
        Grpc::new(Raw)
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd)
            .send_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Zstd)
            .max_decoding_message_size(self.message_bytes)
            .unary(call, request)
            .await
    }

    /// Makes a list: at once where it is a page and no more, among the calls that compute where it goes through everything.
    async fn list(&self, list: List) -> Result<Bytes, Status> {
        let resources = self.resources.clone();
        if list.is_light() {
            return resources.answer_list(&list, &|| true).map_err(status::of);
        }
        let team = list.team();
        let work = move |patience: &Patience| resources.answer_list(&list, &|| patience.over().is_none());
        self.blocking.run(&team, work).await
    }

    /// What other rooms have against the request.
    async fn objection(
        &self,
        method: &MethodDescriptor,
        request: &Bytes,
    ) -> Result<Option<Rejection>, Status> {
        let (evaluator, request) = (self.evaluator.clone(), request.clone());
        // What cannot be decoded is refused by the method itself.
        match method.full_name() {
            CREATE_RUN => {
                let Ok(request) = CreateRunRequest::decode(request) else { return Ok(None) };
                let steps = request.run.as_ref().map_or(&[][..], |run| &run.steps);
                evaluator.prepare_steps(steps).await.map_err(status::of)?;
                let team = request.parent.clone();
                let objection = move |patience: &Patience| evaluator.waiting(patience).objection(&request);
                self.blocking.run(&team, objection).await
            }
            CREATE_TEAM => {
                let request = CreateTeamRequest::decode(request);
                Ok(request.ok().and_then(|request| evaluator.objection_to_new_team(&request)))
            }
            UPDATE_TEAM => {
                let Ok(request) = UpdateTeamRequest::decode(request) else { return Ok(None) };
                evaluator.objection_to_team(&request).map_err(status::of)
            }
            _ => Ok(None),
        }
    }
}
