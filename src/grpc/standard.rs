//! The standard methods of every resource, as one service: bytes in, one call, bytes out.

use bytes::Bytes;
use http::Request;
use prost_reflect::MethodDescriptor;
use tonic::{Response, body::Body, codec::CompressionEncoding, server::Grpc};

use super::{calls::caller, codec::Raw, limits::Limits, status};
use crate::resource::Resources;

/// Serves the standard methods.
#[derive(Clone)]
pub struct Standard {
    resources: Resources,
    message_bytes: usize,
}

// === impl Standard ===

impl Standard {
    /// The standard methods over these resources.
    #[must_use]
    pub fn new(resources: Resources, limits: &Limits) -> Self {
        Self { resources, message_bytes: limits.message_bytes }
    }

    /// Serves a call of the method.
    pub async fn serve(&self, method: &MethodDescriptor, request: Request<Body>) -> http::Response<Body> {
        let call = tower::service_fn(|request: tonic::Request<Bytes>| {
            let (resources, method, caller) = (self.resources.clone(), method.clone(), caller(&request));
            async move {
                let answer = resources.call(&caller, &method, request.into_inner()).await;
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
}
