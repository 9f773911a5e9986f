//! `AuditService`.

use tonic::{Request, Response, Status};

use super::{calls::Blocking, events};
use crate::{
    model::rejection::Rejection,
    proto::{
        server::audit_service_server::AuditService,
        v1::{ListEventsRequest, ListEventsResponse, VerifyJournalRequest, VerifyJournalResponse},
    },
    resource::{Resources, blobs_named},
    sandbox::Patience,
    store::{Database, Mark},
};

/// Answers who changed what, when.
pub struct Audits {
    database: Database,
    resources: Resources,
    blocking: Blocking,
}

// === impl Audits ===

impl Audits {
    /// Answers from this database's journal.
    #[must_use]
    pub fn new(database: Database, resources: Resources, blocking: Blocking) -> Self {
        Self { database, resources, blocking }
    }
}

#[tonic::async_trait]
impl AuditService for Audits {
    async fn list_events(
        &self,
        request: Request<ListEventsRequest>,
    ) -> Result<Response<ListEventsResponse>, Status> {
        let (database, resources) = (self.database.clone(), self.resources.clone());
        let request = request.into_inner();
        let parent = request.parent.clone();
        let list = move |_: &Patience| events::list(&database, &resources, &request);
        self.blocking.run(&parent, list).await.map(Response::new)
    }

    async fn verify_journal(
        &self,
        request: Request<VerifyJournalRequest>,
    ) -> Result<Response<VerifyJournalResponse>, Status> {
        let database = self.database.clone();
        let expected = request.into_inner().expected;
        let verify = move |_: &Patience| {
            let mark = (!expected.is_empty()).then(|| expected.parse::<Mark>()).transpose();
            let mark = mark.map_err(|error| Rejection::field("expected", error.to_string()))?;
            Ok(database.verify(&blobs_named, mark)?)
        };
        let found = self.blocking.run("", verify).await?;
        Ok(Response::new(VerifyJournalResponse {
            intact: found.damage.is_none(),
            records: found.records,
            sequence: found.mark.sequence,
            hash: events::hex(&found.mark.hash),
            damage: found.damage.unwrap_or_default(),
            blobs: found.blobs,
            blob_bytes: found.blob_bytes,
        }))
    }
}
