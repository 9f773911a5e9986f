//! `merit backup`: a copy of a data directory that a service can be started on, made while one runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{failure::Failure, output::print_line};
use crate::{
    resource::blobs_named,
    store::{Backup, create_backup, restore_backup, verify_backup},
};

/// What `merit backup` takes.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copies a data directory as it is now, whether or not a service uses it.
    Create {
        /// The service's data directory.
        #[arg(long, value_name = "DIRECTORY", default_value = "merit-data")]
        data: PathBuf,
        /// A new directory for the backup.
        #[arg(value_name = "BACKUP")]
        backup: PathBuf,
    },
    /// Restores a backup into a scratch place that is removed again, opens it, and compares it with its manifest.
    Verify {
        /// The backup.
        #[arg(value_name = "BACKUP")]
        backup: PathBuf,
        /// Where there is room for the scratch place [default: the system's temporary directory].
        #[arg(long, value_name = "DIRECTORY")]
        scratch: Option<PathBuf>,
    },
    /// Restores a backup into a new data directory.
    Restore {
        /// The backup.
        #[arg(value_name = "BACKUP")]
        backup: PathBuf,
        /// A new directory, for `merit serve --data`.
        #[arg(long, value_name = "DIRECTORY")]
        data: PathBuf,
    },
}

/// Runs `merit backup`.
pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Create { data, backup } => {
            let made =
                create_backup(&data, &backup).map_err(|error| Failure::of_store("backing up", error))?;
            say("backed up", &made, &format!("verify it with `merit backup verify {}`", backup.display()))
        }
        Command::Verify { backup, scratch } => {
            let place = match &scratch {
                Some(directory) => tempfile::tempdir_in(directory),
                None => tempfile::tempdir(),
            };
            let place = place.map_err(|error| Failure::file("making a scratch place", error))?;
            say(
                "restored for trial and found whole",
                &verify_backup(&backup, place.path(), &blobs_named)
                    .map_err(|error| Failure::of_store("verifying", error))?,
                "",
            )
        }
        Command::Restore { backup, data } => {
            let restored =
                restore_backup(&backup, &data).map_err(|error| Failure::of_store("restoring", error))?;
            say("restored", &restored, &format!("start on it with `merit serve --data {}`", data.display()))
        }
    }
}

fn say(done: &str, backup: &Backup, next: &str) -> Result<(), Failure> {
    let Backup { sequence, files, bytes, .. } = backup;
    let bytes = indicatif::BinaryBytes(*bytes);
    print_line(&format!("{done}: {sequence} records of the journal, {files} files, {bytes}"))?;
    if next.is_empty() { Ok(()) } else { print_line(next) }
}
