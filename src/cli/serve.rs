//! `merit serve`: composes the service from its configuration and runs it until it is told to stop.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use super::{failure::Failure, signals::stopped};
use crate::{
    config::{Config, DEFAULTS, Flags, LogFlags, LogFormat, stray_variables},
    server::Server,
    telemetry,
};
use clap::Args;

/// How long work that cannot be interrupted may hold up the end of the process.
const LAST: Duration = Duration::from_secs(1);

/// What `merit serve` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A configuration file (TOML); --print-config shows what may be in it.
    #[arg(long, env = "MERIT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on, a loopback one [default: 127.0.0.1:7171]; port 0: any that is free.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    listen: Option<SocketAddr>,
    /// The directory for everything that lasts [default: merit-data].
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// For whom the log on stderr is [default: text].
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// What is logged: a level, or levels by part such as merit=debug,warn [default: info].
    #[arg(long, value_name = "FILTER")]
    log_filter: Option<String>,
    /// Prints every key of the configuration with its default and meaning, and ends.
    #[arg(long)]
    print_config: bool,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write it ADDRESS:PORT, such as 127.0.0.1:7171 or [::1]:7171".to_owned())
}

/// Runs the service.
pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    if arguments.print_config {
        return print(DEFAULTS);
    }
    let flags = Flags {
        listen: arguments.listen,
        data: arguments.data,
        log: LogFlags { format: arguments.log_format, filter: arguments.log_filter },
    };
    let config =
        Config::load(arguments.config.as_deref(), &flags).map_err(Failure::Usage)?.for_merit_itself();
    telemetry::start(&config.log).map_err(Failure::Usage)?;
    for stray in stray_variables() {
        tracing::warn!("{stray}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Service(format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(serve(&config));
    runtime.shutdown_timeout(LAST);
    result
}

async fn serve(config: &Config) -> Result<(), Failure> {
    // Before anything else: a signal while the store opens is not lost.
    let stopped = stopped()?;
    let opening = Server::bind(config).await?;
    let mut stopped = Box::pin(async move {
        stopped.await;
    });
    let server = tokio::select! {
        server = opening.open() => server?,
        // What was begun is begun again at the next start: the journal is not touched by it.
        () = &mut stopped => return Ok(()),
    };
    print(&format!("listening on {}\n", server.address()))?;
    server.run(stopped).await.map_err(|failed| Failure::of_service(&failed))
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::file("writing to standard output", error))
}
