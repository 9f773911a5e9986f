//! `merit backup`: a copy of a data directory that a service can be started on, made while one runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{argument::quoted, failure::Failure, output::print_line, progress::Progress};
use crate::{
    resource::blobs_named,
    store::{Backup, BackupProgress, StoreError, create_backup, restore_backup, verify_backup},
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
pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Create { data, backup } => {
            let next = format!("verify it with `merit backup verify {}`", quoted(&backup));
            let made =
                watched("backing up", move |progress| create_backup(&data, &backup, &blobs_named, progress))
                    .await?;
            say("backed up", &made, &next)
        }
        Command::Verify { backup, scratch } => {
            let place = match &scratch {
                Some(directory) => tempfile::tempdir_in(directory),
                None => tempfile::tempdir(),
            };
            let place = place.map_err(|error| Failure::file("making a scratch place", error))?;
            let verified = watched("verifying", move |progress| {
                verify_backup(&backup, place.path(), &blobs_named, progress)
            });
            say("restored for trial and found whole", &verified.await?, "")
        }
        Command::Restore { backup, data } => {
            let next = format!("start on it with `merit serve --data {}`", quoted(&data));
            let restored =
                watched("restoring", move |progress| restore_backup(&backup, &data, progress)).await?;
            say("restored", &restored, &next)
        }
    }
}

/// Does something with a backup, and shows how far it is.
async fn watched(
    doing: &'static str,
    work: impl FnOnce(&BackupProgress) -> Result<Backup, StoreError> + Send + 'static,
) -> Result<Backup, Failure> {
    let progress = BackupProgress::default();
    let watched = progress.clone();
    let work = tokio::task::spawn_blocking(move || work(&watched));
    let done = Progress::of_bytes(None).during(work, |bar| {
        bar.at(progress.copied_bytes());
        bar.say(progress.stage().unwrap_or_else(|| doing.to_owned()));
    });
    let done = done.await.map_err(|error| Failure::Service(error.to_string()))?;
    done.map_err(|error| Failure::of_store(doing, error))
}

fn say(done: &str, backup: &Backup, next: &str) -> Result<(), Failure> {
    let Backup { mark, files, bytes } = backup;
    let bytes = indicatif::BinaryBytes(*bytes);
    print_line(&format!("{done}: {} records of the journal, {files} files, {bytes}", mark.sequence))?;
    if next.is_empty() { Ok(()) } else { print_line(next) }
}
