//! `merit serve`: composes the service from its configuration and runs it until it is told to stop.

use clap::Args;

use super::failure::Failure;

/// What `merit serve` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {}

/// Runs the service.
pub(super) fn run(_arguments: Arguments) -> Result<(), Failure> {
    Err(Failure::Usage("this build has no service".to_owned()))
}
