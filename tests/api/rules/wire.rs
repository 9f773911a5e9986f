//! The rules asked of a server: requests and answers as bytes, by the path of their method.

use bytes::Bytes;
use merit::{
    grpc::codec::Raw,
    model::name::Name,
    proto::v1::{self, publish_plugin_revision_request::Source},
};
use prost_reflect::MethodDescriptor;
use tonic::{Request, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_types::StatusExt;

use super::{Front, Refusal};
use crate::harness::{Harness, reason};

/// A server, asked by bytes.
pub struct Wire(pub Harness);

// === impl Wire ===

impl Front for Wire {
    async fn call(&self, method: &MethodDescriptor, request: Bytes) -> Result<Bytes, Refusal> {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let mut client = Grpc::new(self.0.channel.clone());
        client.ready().await.expect("the server is there");
        let path = PathAndQuery::try_from(path).expect("a method has a path");
        match client.unary(Request::new(request), path, Raw).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status) => {
                let details = status.get_error_details();
                let violations = details.bad_request().map(|bad| bad.field_violations.clone());
                Err(Refusal {
                    reason: reason(&status),
                    message: status.message().to_owned(),
                    fields: violations.unwrap_or_default().into_iter().map(|wrong| wrong.field).collect(),
                })
            }
        }
    }

    /// Publishes a revision: nothing else is made by a method of its own.
    async fn provide(&self, name: &Name, parent: &str) {
        assert_eq!(name.collection(), "pluginRevisions", "there is a way to make it");
        let request = v1::PublishPluginRevisionRequest {
            plugin: parent.to_owned(),
            source: Some(Source::Formula("score s = 1\n".to_owned())),
            ..Default::default()
        };
        let revision = self.0.plugins().publish_plugin_revision(request).await.unwrap().into_inner();
        assert_eq!(revision.name, name.to_string());
    }
}
