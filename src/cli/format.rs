//! In which form a command prints, and lines for whoever looks at the terminal.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use crate::model::text::visible;

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// A JSON object a line.
    Jsonl,
    /// Comma-separated values, names in the first row.
    Csv,
}

/// What every command that prints takes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArguments {
    /// How to print. With json and jsonl an error is a JSON object too, on stderr.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(super) output: Format,
}

/// Prints a line to stderr, for whoever looks; one that nobody takes is no failure.
pub(super) fn print_note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", visible(text));
}
