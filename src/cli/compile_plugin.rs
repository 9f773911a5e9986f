//! `merit compile-plugin`: what the service starts to have a component compiled, in a process of its own. Not for people.

use std::process::ExitCode;

use clap::Args;

use crate::sandbox;

/// What `merit compile-plugin` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Seconds of processor time.
    #[arg(long)]
    cpu_seconds: u64,
    /// Bytes of address space.
    #[arg(long)]
    memory_bytes: u64,
}

/// Compiles standard input to standard output. What is wrong is said on standard error, in words that the service passes on.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match sandbox::compile_standard_input(arguments.cpu_seconds, arguments.memory_bytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("{words}");
            ExitCode::from(sandbox::COMPONENT_REFUSED)
        }
    }
}
