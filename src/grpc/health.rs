//! Health of each service, by the gRPC health protocol: SERVING once the store is open, until the service goes down.

use tonic_health::{ServingStatus, server::HealthReporter};

use super::phase::{Phase, Phases};
use crate::proto::descriptors;

/// Sets the health of all services, the whole server's included.
pub async fn set(reporter: &HealthReporter, status: ServingStatus) {
    reporter.set_service_status("", status).await;
    for service in descriptors().services() {
        reporter.set_service_status(service.full_name(), status).await;
    }
}

/// Says that nothing is served any more as soon as the service drains.
pub async fn follow(reporter: HealthReporter, phases: Phases) {
    phases.reached(Phase::Draining).await;
    set(&reporter, ServingStatus::NotServing).await;
}
