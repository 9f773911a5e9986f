//! Composes the service: the store, what computes over it, and the transport in front. Production and tests start the
//! same thing.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::{JoinError, JoinHandle},
    time::timeout,
};

use crate::{
    config::Config,
    evaluate::Evaluator,
    grpc::{self, Phase, Phases, Services},
    resource::{Resources, sweep_blobs},
    sandbox::Sandbox,
    store::{Database, Failed, OpeningProgress, Options, StoreError, allow_open_files},
    view::Views,
};

/// How long the store may take to close when everything else has stopped.
const CLOSE: Duration = Duration::from_secs(5);

/// A service that is ready: its store is open, and it serves. `run` sets runs to work, and sees it to its end.
pub struct Server {
    address: SocketAddr,
    phase: watch::Sender<Phase>,
    serving: JoinHandle<()>,
    services: Services,
    /// How long calls may take to finish when the service stops.
    drain: Duration,
}

/// A service whose address is taken, and whose store is still to be opened: health says so to everybody who asks, and
/// other calls are told how far it is.
pub struct Opening {
    config: Config,
    address: SocketAddr,
    phase: watch::Sender<Phase>,
    serving: JoinHandle<()>,
    opened: oneshot::Sender<Services>,
    served: oneshot::Receiver<()>,
    progress: OpeningProgress,
}

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration does not allow it.
    #[error("{0}")]
    Config(String),
    /// The address cannot be taken.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// The store cannot be opened.
    #[error("cannot open the data in {directory}: {source}")]
    Store {
        /// The directory.
        directory: String,
        /// The cause.
        source: StoreError,
    },
    /// The sandbox cannot be set up.
    #[error("cannot set up the sandbox for plugins: {0}")]
    Sandbox(String),
}

// === impl Server ===

impl Server {
    /// Takes the address, opens the store and sets everything up.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn build(config: &Config) -> Result<Self, StartError> {
        Self::bind(config).await?.open().await
    }

    /// Takes the address. From now on health is answered there.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn bind(config: &Config) -> Result<Opening, StartError> {
        config.check().map_err(StartError::Config)?;
        let listen = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (phase, phases) = Phases::new();
        let (opened, services) = oneshot::channel();
        let (tell, served) = oneshot::channel();
        let progress = OpeningProgress::default();
        let opening = grpc::Opening { services, served: tell, progress: progress.clone() };
        let limits = config.limits.within(allow_open_files());
        let serving = tokio::spawn(async move { grpc::serve(opening, listener, &limits, phases).await });
        Ok(Opening { config: config.clone(), address, phase, serving, opened, served, progress })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The evaluator, for whoever runs the service in their own process and wants to see what is under way.
    #[must_use]
    pub fn evaluator(&self) -> Evaluator {
        self.services.evaluator.clone()
    }

    /// Serves until `shutdown` or until the store fails, then stops in order: health says so, nothing new is accepted,
    /// calls finish or are cut after `limits.drain_ms`, the store is closed. Ends in time whatever clients do.
    ///
    /// # Errors
    /// Why the store failed: no write can be acknowledged any more, and only a new start finds out what is on disk. Or that
    /// nothing takes runs up any more.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), Failed> {
        let Self { phase, mut serving, services, drain, .. } = self;
        let database = services.database.clone();
        let evaluator = services.evaluator.clone();
        let (lay_down, told) = oneshot::channel::<()>();
        let work = async move { evaluator.work(async { drop(told.await) }).await };
        let mut work = Some(tokio::spawn(work));
        let failure = tokio::select! {
            () = shutdown => None,
            failed = database.failed() => Some(failed),
            ended = ended(&mut work) => {
                let what = format!("work on runs has ended, and none would be taken up: {ended:?}");
                // Whatever failed first is told.
                Some(database.failure().unwrap_or(Failed { what, is_damage: false }))
            }
        };
        tracing::info!("stopping: calls under way may finish");
        phase.send_replace(Phase::Draining);
        let served = match timeout(drain, &mut serving).await {
            Ok(served) => served,
            Err(_) => {
                tracing::warn!("calls under way are given up: they did not end in time (limits.drain_ms)");
                phase.send_replace(Phase::Ended);
                serving.await
            }
        };
        if let Err(error) = served {
            tracing::error!(%error, "serving ended before its time");
        }
        phase.send_replace(Phase::Ended);
        drop(lay_down);
        close(&database, work).await;
        failure.map_or(Ok(()), Err)
    }
}

// === impl Opening ===

impl Opening {
    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens the store and sets everything up. Given up before, nothing is served any more; what opening was at goes on to
    /// its end, which harms nothing.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn open(self) -> Result<Server, StartError> {
        let Self { config, address, phase, serving, opened, served, progress } = self;
        let drain = config.limits.drain();
        // Opening may replay a long journal.
        let services = tokio::task::spawn_blocking(move || open(&config, progress)).await;
        let services =
            services.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))?;
        // Nobody is there to take them only where serving has ended, which `run` reports.
        let _ = opened.send(services.clone());
        // Whoever has a server may call it.
        let _ = served.await;
        Ok(Server { address, phase, serving, services, drain })
    }
}

/// Waits until work on runs has ended, and takes it away.
async fn ended(work: &mut Option<JoinHandle<()>>) -> Result<(), JoinError> {
    match work {
        Some(handle) => {
            let ended = handle.await;
            *work = None;
            ended
        }
        None => std::future::pending().await,
    }
}

/// Ends the work on runs, if there is any, which says of those at work that they are taken up at the next start; and closes the
/// store.
async fn close(database: &Database, work: Option<JoinHandle<()>>) {
    if let Some(mut work) = work {
        match timeout(CLOSE, &mut work).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "work on runs had ended before; it begins anew at the next start")
            }
            Err(_) => {
                work.abort();
                tracing::warn!("runs at work were cut; they are taken up at the next start");
            }
        }
    }
    if timeout(CLOSE, database.close()).await.is_err() {
        tracing::error!("the store did not close in time; what was acknowledged is safe");
    }
    tracing::info!("stopped");
}

fn open(config: &Config, progress: OpeningProgress) -> Result<Services, StartError> {
    let store = |source| StartError::Store { directory: config.data.display().to_string(), source };
    let options = Options { progress, ..config.store_options() };
    let database = Database::open(&config.data, options).map_err(store)?;
    // Nobody puts a blob yet.
    let swept = sweep_blobs(&database).map_err(store)?;
    if swept.blobs > 0 {
        tracing::info!(blobs = swept.blobs, bytes = swept.bytes, "blobs that no record rests on are removed");
    }
    let sandbox = Sandbox::new(config.sandbox()).map_err(StartError::Sandbox)?;
    let resources = Resources::new(database.clone());
    let views = Views::new(database.clone(), config.views.budget_bytes);
    let evaluator = Evaluator::new(database.clone(), resources.clone(), views, sandbox, config.run_options());
    Ok(Services { database, resources, evaluator })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::sleep;

    use super::*;
    use crate::{
        model::{caller::Caller, name::Name},
        proto::v1::{Run, RunState},
        sandbox::SandboxConfig,
        store::{Fault, Faults, FaultyStore, MemoryStore},
    };

    /// What a run is when the service starts that could not be read then.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_run_that_cannot_be_read_is_taken_up_when_it_can() {
        let (config, faults) = (Config::default(), Arc::new(Faults::default()));
        let index = FaultyStore::new(MemoryStore::default(), Arc::clone(&faults));
        let database = Database::in_memory_over(Arc::new(index));
        let (resources, views) = (Resources::new(database.clone()), Views::new(database.clone(), 1 << 20));
        let sandbox = Sandbox::new(SandboxConfig { cache: None, ..config.sandbox() }).unwrap();
        let options = config.run_options();
        let evaluator = Evaluator::new(database.clone(), resources.clone(), views, sandbox, options);
        let caller = Caller { author: "anna".to_owned(), method: "test".to_owned() };
        let run = Name::parse("teams/a/runs/q1").unwrap();
        for name in [Name::of_team(run.team().clone()), run.clone()] {
            resources.put(&caller, &name, |_| Ok(())).await.unwrap();
        }
        let state = || resources.get::<Run>(&run).unwrap().state();

        faults.inject(Fault::IndexScan, 0, io::ErrorKind::Other);
        let work = tokio::spawn(async move { evaluator.work(std::future::pending()).await });
        sleep(Duration::from_millis(100)).await;
        assert_eq!(state(), RunState::Pending);
        faults.clear(Fault::IndexScan);
        let taken_up = async {
            // It has no steps: it fails as soon as it is looked at.
            while state() != RunState::Failed {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(60), taken_up).await.expect("it is taken up");
        database.close().await;
        work.await.unwrap();
    }
}
