//! The rules asked of a server: requests and answers as bytes, by the path of their method.

use bytes::{Buf, BufMut, Bytes};
use merit::{
    model::name::Name,
    proto::v1::{self, publish_plugin_revision_request::Source},
};
use prost_reflect::MethodDescriptor;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
};
use tonic_types::StatusExt;

use super::{Front, Refusal};
use crate::harness::{Harness, reason};

/// A server, asked by bytes.
pub struct Wire(pub Harness);

/// Passes encoded messages through.
#[derive(Clone, Copy, Default)]
struct Raw;

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

// === impl Raw ===

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self::Encoder {
        Self
    }

    fn decoder(&mut self) -> Self::Decoder {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length)))
    }
}
