//! The log: what happens in the service, on stderr, for people or for programs.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogConfig, LogFormat};

/// Starts logging. Where something in the process logs already, that goes on.
///
/// # Errors
/// In words, when the filter cannot be understood.
pub fn start(config: &LogConfig) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|error| {
        format!("log.filter = {:?}: {error}; a level such as info, or merit=debug,warn", config.filter)
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let started = match config.format {
        LogFormat::Text => registry
            .with(fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr))
            .try_init(),
        LogFormat::Json => {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
        }
    };
    // Only a process that logs already refuses, such as a test with two servers.
    started.or(Ok(()))
}
