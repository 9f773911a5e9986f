//! `merit completions`: a completion script for a shell.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::failure::Failure;

/// What `merit completions` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "merit", &mut io::stdout());
    Ok(())
}
