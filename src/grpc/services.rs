//! All services, put together: those of this contract, health and reflection.

use std::sync::Arc;

use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
};
use tonic::{codec::CompressionEncoding, service::Routes};
use tonic_health::pb::health_server::HealthServer;
use tonic_reflection::pb::{
    v1::server_reflection_server::ServerReflectionServer,
    v1alpha::server_reflection_server::ServerReflectionServer as ServerReflectionServerV1Alpha,
};

use super::{
    audit::Audits,
    calls::Blocking,
    connection,
    evaluation::Evaluations,
    front::{Front, Opened},
    health::Healths,
    limits::Limits,
    phase::Phases,
    plugin::Plugins,
    reflection::{Contract, Reflection},
    server::Servers,
    standard::Standard,
    transfer::Transfers,
};
use crate::{
    evaluate::Evaluator,
    proto::server::{
        audit_service_server::AuditServiceServer, evaluation_service_server::EvaluationServiceServer,
        plugin_service_server::PluginServiceServer, server_service_server::ServerServiceServer,
        transfer_service_server::TransferServiceServer,
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
    let (opened, open) = watch::channel(false);
    let early = early(limits, open, &phases);
    let front = Arc::new(Front::new(early, opening.progress, limits, phases.clone()));
    let open = async {
        if let Ok(services) = opening.services.await {
            front.open(services.opened(limits, &phases));
            opened.send_replace(true);
            // Nobody has to be there to hear it.
            let _ = opening.served.send(());
        }
    };
    tokio::join!(open, connection::serve(listener, Arc::clone(&front), limits, phases.clone()));
}

/// What needs no store.
fn early(limits: &Limits, open: watch::Receiver<bool>, phases: &Phases) -> Routes {
    let contract = Arc::new(Contract::of_everything_served());
    let reflection = || Reflection::new(&contract, limits.message_wait());
    let bytes = limits.message_bytes;
    Routes::default()
        .add_service(with_limits!(HealthServer::new(Healths::new(open, phases.clone())), bytes))
        .add_service(with_limits!(ServerReflectionServer::new(reflection()), bytes))
        .add_service(with_limits!(ServerReflectionServerV1Alpha::new(reflection()), bytes))
}

// === impl Services ===

impl Services {
    /// Everything that needs the store.
    fn opened(self, limits: &Limits, phases: &Phases) -> Opened {
        let blocking = Blocking::new(limits);
        let routes = self.routes(limits, &blocking, phases);
        Opened { standard: Standard::new(self.resources, self.evaluator, blocking, limits), routes }
    }

    /// The methods that are rules of their own.
    fn routes(&self, limits: &Limits, blocking: &Blocking, phases: &Phases) -> Routes {
        let (database, resources) = (self.database.clone(), self.resources.clone());
        let evaluations = Evaluations::new(self.evaluator.clone(), blocking.clone());
        let plugins = Plugins::new(self.evaluator.clone(), blocking.clone(), limits);
        let servers = Servers::new(database.clone(), self.evaluator.clone(), blocking.clone());
        let audits = Audits::new(database, resources.clone(), blocking.clone());
        let transfers = Transfers::new(resources, limits, phases);
        let bytes = limits.message_bytes;
        Routes::default()
            .add_service(with_limits!(EvaluationServiceServer::new(evaluations), bytes))
            .add_service(with_limits!(PluginServiceServer::new(plugins), limits.component_message_bytes))
            .add_service(with_limits!(AuditServiceServer::new(audits), bytes))
            .add_service(with_limits!(TransferServiceServer::new(transfers), bytes))
            .add_service(with_limits!(ServerServiceServer::new(servers), bytes))
    }
}
