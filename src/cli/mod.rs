//! The commands. `serve` composes the service; `demo` starts one of its own; all others are clients of the gRPC API.
//! One file per command; what they share is in `connection`, `failure`, `output` and `progress`.

mod completions;
mod failure;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use failure::Failure;

/// What `--help` says about exit codes; `Failure::exit_code` gives them.
const EXIT_CODES: &str = "Exit codes:
  0  done
  1  the server refused
  2  the command line, the configuration or a mapping file is wrong; nothing was sent
  3  the server cannot be reached, or did not answer in time
  4  done, but something was rejected, faulted or differs: the output says what
  5  a local file cannot be read or written";

/// Manages account managers by merit: keeps the records, scores everyone, explains every cent.
#[derive(Debug, Parser)]
#[command(name = "merit", version, propagate_version = true, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service.
    Serve(serve::Arguments),
    /// Prints a completion script for a shell.
    Completions(completions::Arguments),
}

/// Runs the command that the command line names, and answers how the process is to end.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}
