//! All services, put together: those of this contract, health and reflection.

use std::sync::Arc;

use tokio::{net::TcpListener, sync::oneshot};
use tonic::{codec::CompressionEncoding, service::Routes};
use tonic_health::ServingStatus;

use super::{
    audit::Audits,
    calls::Blocking,
    connection,
    evaluation::Evaluations,
    front::{Front, Opened},
    health,
    limits::Limits,
    phase::Phases,
    plugin::Plugins,
    server::Servers,
    standard::Standard,
    transfer::Transfers,
};
use crate::{
    evaluate::Evaluator,
    proto::{
        DESCRIPTORS,
        server::{
            audit_service_server::AuditServiceServer, evaluation_service_server::EvaluationServiceServer,
            plugin_service_server::PluginServiceServer, server_service_server::ServerServiceServer,
            transfer_service_server::TransferServiceServer,
        },
    },
    resource::Resources,
    store::{Database, OpeningProgress},
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

/// Services that are still to come: the store is being opened.
pub struct Opening {
    /// Where they arrive. Given up without any, none are served.
    pub services: oneshot::Receiver<Services>,
    /// Told once they are served.
    pub served: oneshot::Sender<()>,
    /// How far the store is.
    pub progress: OpeningProgress,
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

/// Serves until the phase is `Draining`, and then until connections have ended or were cut. Health and reflection answer
/// at once, everything else as soon as the services arrive.
pub async fn serve(opening: Opening, listener: TcpListener, limits: &Limits, phases: Phases) {
    let (reporter, health) = tonic_health::server::health_reporter();
    health::set(&reporter, ServingStatus::NotServing).await;
    let early = reflection(Routes::default().add_service(health));
    let front = Arc::new(Front::new(early, opening.progress, limits, phases.clone()));
    let open = async {
        if let Ok(services) = opening.services.await {
            front.open(services.opened(limits));
            health::set(&reporter, ServingStatus::Serving).await;
            // Nobody has to be there to hear it.
            let _ = opening.served.send(());
        }
        health::follow(reporter, phases.clone()).await;
    };
    tokio::join!(open, connection::serve(listener, Arc::clone(&front), limits, phases.clone()));
}

fn reflection(routes: Routes) -> Routes {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    routes
        .add_service(reflection().build_v1().expect("the build checked the descriptors"))
        .add_service(reflection().build_v1alpha().expect("the build checked the descriptors"))
}

// === impl Services ===

impl Services {
    /// Everything that needs the store.
    fn opened(self, limits: &Limits) -> Opened {
        let blocking = Blocking::new(limits);
        let routes = self.routes(limits, &blocking);
        Opened { standard: Standard::new(self.resources, self.evaluator, blocking, limits), routes }
    }

    /// The methods that are rules of their own.
    fn routes(&self, limits: &Limits, blocking: &Blocking) -> Routes {
        let (database, resources) = (self.database.clone(), self.resources.clone());
        let evaluations = Evaluations::new(self.evaluator.clone(), blocking.clone());
        let plugins = Plugins::new(self.evaluator.clone(), blocking.clone(), limits);
        let servers = Servers::new(database.clone(), self.evaluator.clone(), blocking.clone());
        let audits = Audits::new(database, resources.clone(), blocking.clone());
        let transfers = Transfers::new(resources, limits);
        let bytes = limits.message_bytes;
        Routes::default()
            .add_service(with_limits!(EvaluationServiceServer::new(evaluations), bytes))
            .add_service(with_limits!(PluginServiceServer::new(plugins), limits.component_message_bytes))
            .add_service(with_limits!(AuditServiceServer::new(audits), bytes))
            .add_service(with_limits!(TransferServiceServer::new(transfers), bytes))
            .add_service(with_limits!(ServerServiceServer::new(servers), bytes))
    }
}
