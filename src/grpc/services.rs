//! All services, put together: those of this contract, health and reflection.

use std::sync::Arc;

use tokio::net::TcpListener;
use tonic::{codec::CompressionEncoding, service::Routes};
use tonic_health::ServingStatus;

use super::{
    audit::Audits, calls::Blocking, connection, evaluation::Evaluations, front::Front, health,
    limits::Limits, phase::Phases, plugin::Plugins, standard::Standard, transfer::Transfers,
};
use crate::{
    evaluate::Evaluator,
    proto::{
        DESCRIPTORS,
        server::{
            audit_service_server::AuditServiceServer, evaluation_service_server::EvaluationServiceServer,
            plugin_service_server::PluginServiceServer, transfer_service_server::TransferServiceServer,
        },
    },
    resource::Resources,
    store::Database,
};

/// What the services answer from.
#[derive(Clone)]
pub struct Services {
    /// The journal, for the audit trail, and the store's health.
    pub database: Database,
    /// The standard methods.
    pub resources: Resources,
    /// Measures, plugins, runs.
    pub evaluator: Evaluator,
}

/// What every service takes and gives: both compressions, messages up to a size.
macro_rules! with_limits {
    ($server:expr, $bytes:expr) => {
        $server
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd)
            .send_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Zstd)
            .max_decoding_message_size($bytes)
    };
}

/// Serves until the phase is `Draining`, and then until connections have ended or were cut.
pub async fn serve(services: Services, listener: TcpListener, limits: &Limits, phases: Phases) {
    let (reporter, health) = tonic_health::server::health_reporter();
    health::set(&reporter, ServingStatus::Serving).await;
    let blocking = Blocking::new(limits);
    let routes = services.routes(limits, blocking.clone()).add_service(health);
    let standard = Standard::new(services.resources, services.evaluator, blocking, limits);
    let front = Arc::new(Front::new(standard, routes, limits, phases.clone()));
    tokio::join!(
        health::follow(reporter, phases.clone()),
        connection::serve(listener, front, limits, phases),
    );
}

// === impl Services ===

impl Services {
    /// The methods that are rules of their own, and reflection.
    fn routes(&self, limits: &Limits, blocking: Blocking) -> Routes {
        let (database, resources) = (self.database.clone(), self.resources.clone());
        let evaluations = Evaluations::new(self.evaluator.clone(), blocking.clone());
        let plugins = Plugins::new(self.evaluator.clone(), blocking.clone());
        let audits = Audits::new(database, resources.clone(), blocking);
        let transfers = Transfers::new(resources);
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let bytes = limits.message_bytes;
        Routes::default()
            .add_service(with_limits!(EvaluationServiceServer::new(evaluations), bytes))
            .add_service(with_limits!(PluginServiceServer::new(plugins), limits.component_message_bytes))
            .add_service(with_limits!(AuditServiceServer::new(audits), bytes))
            .add_service(with_limits!(TransferServiceServer::new(transfers), bytes))
            .add_service(reflection().build_v1().expect("the build checked the descriptors"))
            .add_service(reflection().build_v1alpha().expect("the build checked the descriptors"))
    }
}
