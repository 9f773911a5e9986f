//! A service in this process on a temporary directory, and clients that put load on it through loopback.

use std::{sync::Arc, time::Duration};

use merit::{
    config::Config,
    evaluate::Evaluator,
    proto::v1::{
        ImportItem, ImportResourcesRequest, Team, organisation_service_client::OrganisationServiceClient,
        transfer_service_client::TransferServiceClient,
    },
    server::Server,
};
use prost::Name;
use tokio::{sync::Notify, task::JoinHandle};
use tonic::transport::{Channel, Endpoint};

/// A service at work.
pub struct Service {
    /// Its address, `http://…`.
    pub address: String,
    /// What it evaluates with.
    pub evaluator: Evaluator,
    stop: Arc<Notify>,
    task: JoinHandle<Result<(), merit::store::Failed>>,
    _directory: tempfile::TempDir,
}

// === impl Service ===

impl Service {
    /// Starts a service with a team `bench`.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let config = Config {
            listen: "127.0.0.1:0".parse().expect("an address"),
            data: directory.path().join("data"),
            ..Config::default()
        };
        let server = Server::build(&config).await.expect("the service starts");
        let (address, evaluator) = (format!("http://{}", server.address()), server.evaluator());
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let task = tokio::spawn(async move { server.run(async move { stopped.notified().await }).await });
        let service = Self { address, evaluator, stop, task, _directory: directory };
        let team = Team { display_name: "Bench".into(), currency: "EUR".into(), ..Team::default() };
        let request = merit::proto::v1::CreateTeamRequest {
            team: Some(team),
            team_id: "bench".into(),
            ..Default::default()
        };
        let mut client = OrganisationServiceClient::new(service.connect().await);
        client.create_team(request).await.expect("the team is created");
        service
    }

    /// A connection of its own.
    pub async fn connect(&self) -> Channel {
        let endpoint = Endpoint::from_shared(self.address.clone()).expect("an address");
        endpoint.timeout(Duration::from_secs(120)).connect().await.expect("a connection")
    }

    /// Stops the service and takes its data away.
    pub async fn stop(self) {
        self.stop.notify_one();
        self.task.await.expect("no panic").expect("a clean stop");
    }

    /// Imports records, 500 a message; none may be rejected.
    pub async fn import<T: prost::Message + Name + Clone + Send + 'static>(
        &self,
        records: impl Iterator<Item = (String, T)> + Send + 'static,
    ) {
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        let feed = tokio::task::spawn_blocking(move || {
            let mut items = Vec::with_capacity(500);
            let send = |items: &mut Vec<ImportItem>| {
                let request = ImportResourcesRequest {
                    parent: "teams/bench".into(),
                    items: std::mem::take(items),
                    validate_only: false,
                };
                sender.blocking_send(request).is_ok()
            };
            for (id, record) in records {
                let resource = prost_types::Any { type_url: T::type_url(), value: record.encode_to_vec() };
                items.push(ImportItem { id, resource: Some(resource), update_mask: None });
                if items.len() == 500 && !send(&mut items) {
                    return;
                }
            }
            if !items.is_empty() {
                send(&mut items);
            }
        });
        let mut client = TransferServiceClient::new(self.connect().await);
        let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
        let mut answers = client.import_resources(stream).await.expect("the import begins").into_inner();
        while let Some(answer) = answers.message().await.expect("an answer") {
            if let Some(rejected) = answer.results.iter().find(|result| !result.message.is_empty()) {
                panic!("{rejected:?}");
            }
        }
        feed.await.expect("no panic");
    }
}
