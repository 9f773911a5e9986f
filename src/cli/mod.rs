//! The commands. `serve` composes the service; `demo` starts one of its own; all others are clients of the gRPC API.
//! One file per command; what they share is in `connection`, `failure`, `output` and `progress`.

mod address;
mod argument;
mod audit;
mod backup;
mod change;
mod collection;
mod compile_plugin;
mod completions;
mod compute;
mod connection;
mod demo;
mod evaluation;
mod examples;
mod export;
mod failure;
mod fields;
mod format;
mod import;
mod ledger;
mod out_file;
mod output;
mod page_printer;
mod pages;
mod period;
mod plugin;
mod progress;
mod record;
mod records;
mod refusal;
mod request;
mod results;
mod run;
mod run_file;
mod sender;
mod serve;
mod sheet;
mod signals;
mod status;
mod words;

use std::{env, process::ExitCode};

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum as _};

use connection::{Connection, ConnectionArguments};
pub use failure::Failure;
use output::Format;

/// What `--help` says about exit codes; `Failure::exit_code` gives them.
const EXIT_CODES: &str = "Exit codes:
  0  done
  1  the server refused, or could not go on
  2  the command line, the configuration, a mapping file or the data directory named is wrong
  3  the server cannot be reached, or did not answer in time
  4  done, but something was rejected, faulted or differs: the output says what
  5  a local file cannot be read or written
  6  the data directory or the backup is damaged
  7  another process has the data directory or the address";

/// Manages account managers by merit: keeps the records, scores everyone, explains every cent.
#[derive(Debug, Parser)]
#[command(name = "merit", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the main job on a sample organisation, with a service of its own.
    Demo(demo::Arguments),
    /// Runs the service.
    Serve(serve::Arguments),
    /// Imports the rows of a file as records.
    Import(Client<import::Arguments>),
    /// Writes records as CSV or JSON lines, or the dataset of a run as Parquet.
    Export(Client<export::Arguments>),
    /// Computes measures of a period without a run.
    Compute(Client<compute::Arguments>),
    /// Scores everyone for a period, and shows who came out best.
    Run(Client<run::Arguments>),
    /// Cancels a run that has not ended.
    Cancel(Client<run::CancelArguments>),
    /// Lists what a run found.
    Results(Client<results::ResultsArguments>),
    /// Says how an evaluation came about: inputs, their sources, every step.
    Explain(Client<results::ExplainArguments>),
    /// Executes a run again, and says whether it comes out the same.
    Replay(Client<results::ReplayArguments>),
    /// Publishes plugins and formulas, and tries them out.
    Plugin(plugin::Arguments),
    /// Prints a record.
    Get(Client<record::GetArguments>),
    /// Lists the records of a collection.
    List(Client<record::ListArguments>),
    /// Creates a record.
    Create(Client<record::CreateArguments>),
    /// Changes fields of a record.
    Update(Client<record::UpdateArguments>),
    /// Takes a record to another state: a deal that is won, a goal that is active.
    Change(Client<change::Arguments>),
    /// Deletes a record that nothing refers to.
    Delete(Client<record::DeleteArguments>),
    /// Shows who changed what, and whether the journal is whole.
    Audit(audit::Arguments),
    /// Says how the server is doing: its store, what is at work, what memory is used.
    Status(Client<status::Arguments>),
    /// Copies a data directory while a service uses it; verifies and restores copies.
    Backup(backup::Arguments),
    /// Compiles a component from standard input to standard output; the service starts it.
    #[command(hide = true)]
    CompilePlugin(compile_plugin::Arguments),
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
    let format = format_asked();
    let words = words::in_order(env::args_os().collect());
    let parsed =
        command_line().try_get_matches_from(words).and_then(|found| Arguments::from_arg_matches(&found));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(wrong) if wrong.use_stderr() && matches!(format, Format::Json | Format::Jsonl) => {
            let text = wrong.to_string();
            let failure = Failure::Usage(text.trim_start_matches("error: ").trim_end().to_owned());
            failure.print(format);
            return failure.exit_code();
        }
        Err(wrong) => wrong.exit(),
    };
    if let Command::CompilePlugin(arguments) = &arguments.command {
        return compile_plugin::run(arguments);
    }
    match dispatch(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(format);
            failure.exit_code()
        }
    }
}

/// What may be on the command line, with examples in the help of every command.
fn command_line() -> clap::Command {
    examples::explained(Arguments::command())
}

/// How the command line asks for output, whatever else is wrong with it: errors are printed like that too.
fn format_asked() -> Format {
    let words: Vec<String> = env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let asked = words.iter().enumerate().find_map(|(place, word)| {
        let value = match word.strip_prefix("--output").or_else(|| word.strip_prefix("-o"))? {
            "" => words.get(place + 1)?,
            given => given.trim_start_matches('='),
        };
        Format::from_str(value, false).ok()
    });
    asked.unwrap_or_default()
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Completions(arguments) => completions::run(&arguments, &Arguments::command()),
        Command::Demo(arguments) => block_on(demo::run(&arguments)),
        client => block_on(signals::until_stopped(call_service(client))),
    }
}

/// The commands that are clients of the service.
async fn call_service(command: Command) -> Result<(), Failure> {
    match command {
        Command::Import(client) => import::run(&client.connection, &client.arguments).await,
        Command::Export(client) => export::run(&client.open().await?, &client.arguments).await,
        Command::Compute(client) => compute::run(&client.open().await?, &client.arguments).await,
        Command::Run(client) => run::run(&client.open().await?, &client.arguments).await,
        Command::Cancel(client) => run::cancel(&client.open().await?, &client.arguments).await,
        Command::Results(client) => results::results(&client.open().await?, &client.arguments).await,
        Command::Explain(client) => results::explain(&client.open().await?, &client.arguments).await,
        Command::Replay(client) => results::replay(&client.open().await?, &client.arguments).await,
        Command::Plugin(arguments) => plugin::run(&arguments).await,
        Command::Audit(arguments) => audit::run(&arguments).await,
        Command::Backup(arguments) => backup::run(arguments).await,
        Command::Status(client) => status::run(&client.open().await?, &client.arguments).await,
        Command::Get(client) => record::get(&client.open().await?, &client.arguments).await,
        Command::List(client) => record::list(&client.open().await?, &client.arguments).await,
        Command::Create(client) => record::create(&client.open().await?, &client.arguments).await,
        Command::Update(client) => record::update(&client.open().await?, &client.arguments).await,
        Command::Change(client) => change::run(&client.open().await?, &client.arguments).await,
        Command::Delete(client) => record::delete(&client.open().await?, &client.arguments).await,
        Command::Demo(_) | Command::Serve(_) | Command::CompilePlugin(_) | Command::Completions(_) => Ok(()),
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
