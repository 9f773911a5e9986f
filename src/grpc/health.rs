//! Health of each service, by the gRPC health protocol: SERVING once the store is open, until the service goes down.

use std::collections::HashSet;

use tokio::sync::{mpsc, watch};
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server::Health,
};

use super::{
    calls::{Answers, answers},
    phase::{Phase, Phases},
    status,
};
use crate::{
    model::rejection::{Rejection, ResourceReason},
    proto::descriptors,
};

/// Answers for the health of all services: one process has them all, so that they fare alike.
pub struct Healths {
    /// The services, and the whole server, which is called nothing.
    known: HashSet<String>,
    open: watch::Receiver<bool>,
    phases: Phases,
}

/// What a watcher sees of a service.
struct Watched {
    known: bool,
    open: watch::Receiver<bool>,
    phases: Phases,
}

// === impl Healths ===

impl Healths {
    /// Services that are served when `open` says so, until the service drains.
    #[must_use]
    pub fn new(open: watch::Receiver<bool>, phases: Phases) -> Self {
        let services = descriptors().services().map(|service| service.full_name().to_owned());
        Self { known: services.chain([String::new()]).collect(), open, phases }
    }

    fn watched(&self, service: &str) -> Watched {
        Watched { known: self.known.contains(service), open: self.open.clone(), phases: self.phases.clone() }
    }
}

#[tonic::async_trait]
impl Health for Healths {
    type WatchStream = Answers<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        let watched = self.watched(&service);
        if !watched.known {
            let message = format!("{service:?} is no service of this server");
            return Err(status::rejected(&Rejection::resource(ResourceReason::NotFound, message)));
        }
        Ok(Response::new(answer(watched.now())))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let watched = self.watched(&request.into_inner().service);
        Ok(answers(move |sender| watched.tell(sender)))
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

// === impl Watched ===

impl Watched {
    fn now(&self) -> ServingStatus {
        match (self.known, *self.open.borrow() && self.phases.now() == Phase::Serving) {
            (false, _) => ServingStatus::ServiceUnknown,
            (true, true) => ServingStatus::Serving,
            (true, false) => ServingStatus::NotServing,
        }
    }

    /// Tells how the service fares, now and whenever that changes; at last that it goes down.
    async fn tell(mut self, sender: mpsc::Sender<Result<HealthCheckResponse, Status>>) {
        let mut told = None;
        loop {
            self.open.mark_unchanged();
            let now = self.now();
            // Only a client that is gone does not take it.
            if told != Some(now) && sender.send(Ok(answer(now))).await.is_err() {
                return;
            }
            told = Some(now);
            if self.phases.now() > Phase::Serving {
                let _ = sender.send(Err(status::unavailable("the server is stopping"))).await;
                return;
            }
            tokio::select! {
                // Whoever opens is gone when the service has ended: then there is nothing more to tell of it.
                changed = self.open.changed() => if changed.is_err() {
                    self.phases.clone().reached(Phase::Draining).await;
                },
                () = self.phases.clone().reached(Phase::Draining) => {}
            }
        }
    }
}
