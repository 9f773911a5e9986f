//! Being told to stop: from a terminal, or by whoever started the process.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;

/// Ends when the process is told to stop, SIGTERM or SIGINT, with the signal's number. From here on these end it no more.
pub(super) fn stopped() -> Result<impl Future<Output = i32>, Failure> {
    let cannot = |error: io::Error| Failure::Service(format!("cannot wait for signals: {error}"));
    let (terminated, interrupted) = (SignalKind::terminate(), SignalKind::interrupt());
    let mut terminate = signal(terminated).map_err(cannot)?;
    let mut interrupt = signal(interrupted).map_err(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => terminated.as_raw_value(),
            _ = interrupt.recv() => interrupted.as_raw_value(),
        }
    })
}

/// Does something until the process is told to stop; what it has made for itself is removed then.
pub(super) async fn until_stopped<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let stopped = stopped()?;
    tokio::select! {
        done = work => done,
        signal = stopped => Err(Failure::Interrupted(signal)),
    }
}
