//! `ServerService`: how the server is doing.

use tonic::{Request, Response, Status};

use super::calls::Blocking;
use crate::{
    evaluate::Evaluator,
    proto::{
        server::server_service_server::ServerService,
        v1::{GetStatusRequest, GetStatusResponse},
    },
    store::Database,
};

/// Answers how the server is doing.
pub struct Servers {
    database: Database,
    evaluator: Evaluator,
    blocking: Blocking,
}

// === impl Servers ===

impl Servers {
    /// Answers for these.
    #[must_use]
    pub fn new(database: Database, evaluator: Evaluator, blocking: Blocking) -> Self {
        Self { database, evaluator, blocking }
    }
}

#[tonic::async_trait]
impl ServerService for Servers {
    async fn get_status(
        &self,
        _request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let (computing, limit) = self.blocking.usage();
        Ok(Response::new(GetStatusResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sequence: self.database.sequence(),
            failure: self.database.failure().map(|failed| failed.what).unwrap_or_default(),
            computing_calls: computing as u64,
            computing_calls_limit: limit as u64,
            ..self.evaluator.status()
        }))
    }
}
