//! What every command takes that asks a server.

use clap::Args;

use crate::cli::{connection::ConnectionArguments, output::OutputArguments};

/// Arguments of a command, with those of its output and its connection.
#[derive(Debug, Args)]
pub(super) struct Common<A: Args> {
    #[command(flatten)]
    pub(super) arguments: A,
    #[command(flatten)]
    pub(super) output: OutputArguments,
    #[command(flatten)]
    pub(super) connection: ConnectionArguments,
}
