//! `merit completions`: a completion script for a shell.

use std::io::{self, Write};

use clap::{Args, Command};
use clap_complete::Shell;

use super::failure::Failure;

/// What `merit completions` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

/// Prints the script for a command.
pub(super) fn run(arguments: &Arguments, mut command: Command) -> Result<(), Failure> {
    // Not straight to stdout: a reader that has seen enough is no reason to panic.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "merit", &mut script);
    match io::stdout().write_all(&script) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Service(error.to_string())),
        _ => Ok(()),
    }
}
