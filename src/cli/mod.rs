//! The commands. `serve` composes the service; `demo` starts one of its own; all others are clients of the gRPC API.
//! One file per command; what they share is in `connection`, `failure`, `output` and `progress`.

mod argument;
mod codec;
mod collection;
mod completions;
mod connection;
mod failure;
mod import;
mod output;
mod pages;
mod progress;
mod record;
mod sender;
mod serve;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use connection::{Connection, ConnectionArguments};
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
    /// Imports the rows of a file as records.
    Import(Client<import::Arguments>),
    /// Prints a record.
    Get(Client<record::GetArguments>),
    /// Lists the records of a collection.
    List(Client<record::ListArguments>),
    /// Creates a record.
    Create(Client<record::CreateArguments>),
    /// Changes fields of a record.
    Update(Client<record::UpdateArguments>),
    /// Deletes a record that nothing refers to.
    Delete(Client<record::DeleteArguments>),
    /// Prints a completion script for a shell.
    Completions(completions::Arguments),
}

/// A command that is a client of the service.
#[derive(Debug, Args)]
struct Client<A: Args> {
    #[command(flatten)]
    arguments: A,
    #[command(flatten)]
    connection: ConnectionArguments,
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
        client => block_on(call(client)),
    }
}

/// The commands that are clients of the service.
async fn call(command: Command) -> Result<(), Failure> {
    match command {
        Command::Import(client) => import::run(&client.open().await?, &client.arguments).await,
        Command::Get(client) => record::get(&client.open().await?, &client.arguments).await,
        Command::List(client) => record::list(&client.open().await?, &client.arguments).await,
        Command::Create(client) => record::create(&client.open().await?, &client.arguments).await,
        Command::Update(client) => record::update(&client.open().await?, &client.arguments).await,
        Command::Delete(client) => record::delete(&client.open().await?, &client.arguments).await,
        Command::Serve(_) | Command::Completions(_) => Ok(()),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Service(format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(work);
    // What a command leaves behind (a file that is still being read) does not hold it up.
    runtime.shutdown_background();
    result
}

// === impl Client ===

impl<A: Args> Client<A> {
    async fn open(&self) -> Result<Connection, Failure> {
        Connection::open(&self.connection).await
    }
}
