//! How a command ends when it does not succeed: the exit code, and what is printed, for people or as JSON. What a refusal of
//! the server says is in `refusal`.

use std::{io, process::ExitCode};

use serde_json::{Value as Json, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{
    format::{Format, print_note},
    refusal::Refusal,
};
use crate::{
    server::StartError,
    store::{Failed, StoreError},
};

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The server refused a request.
    Refused {
        /// What it said.
        status: Box<Status>,
        /// The formula sheet that the request was about.
        sheet: Option<String>,
    },
    /// The command line, the configuration or a mapping file is wrong; nothing was sent.
    Usage(String),
    /// The server cannot be reached, or did not answer in time.
    Unreachable {
        /// The address tried.
        server: String,
        /// What went wrong.
        cause: String,
    },
    /// The command is done, but something was rejected, faulted or differs; the output has said what.
    Differs(String),
    /// A local file cannot be read or written.
    File {
        /// What was being done, to which file.
        context: String,
        /// The cause.
        source: io::Error,
    },
    /// What is kept is damaged: where, and what.
    Damaged(String),
    /// Another process has the data directory, or the address.
    InUse {
        /// What, in words.
        message: String,
        /// The flag that names another one.
        flag: &'static str,
    },
    /// The process was told to stop, by this signal.
    Interrupted(i32),
    /// The service, or the command itself, could not go on.
    Service(String),
}

// === impl Failure ===

impl Failure {
    /// A local file that cannot be read or written.
    #[must_use]
    pub fn file(context: impl Into<String>, source: io::Error) -> Self {
        Self::File { context: context.into(), source }
    }

    /// A data directory or a backup that cannot be used. `doing` says what for: `opening the data in merit-data`.
    #[must_use]
    pub fn of_store(doing: &str, error: StoreError) -> Self {
        match error {
            StoreError::Io { context, source } => {
                Self::File { context: format!("{doing}: {context}"), source }
            }
            StoreError::Unsynced { path, source } => {
                Self::File { context: format!("{doing}: syncing {}", path.display()), source }
            }
            StoreError::Damaged { .. } => Self::Damaged(format!("{doing}: {error}")),
            StoreError::InUse { .. } => Self::InUse { message: format!("{doing}: {error}"), flag: "--data" },
            StoreError::NotOurs(what) => Self::Usage(format!("{doing}: {what}")),
            StoreError::Closed(_) => Self::Service(format!("{doing}: {error}")),
        }
    }

    /// Why a service ended that was not told to.
    #[must_use]
    pub fn of_service(failed: &Failed) -> Self {
        let what = format!("the service has ended, and no write is accepted any more: {failed}");
        if failed.is_damage { Self::Damaged(what) } else { Self::Service(what) }
    }

    /// What a refused or failed call means.
    #[must_use]
    pub fn of_call(server: &str, status: Status) -> Self {
        let answered = status.get_details_error_info().is_some();
        let unreachable = match status.code() {
            Code::DeadlineExceeded | Code::Cancelled => true,
            // A refusal of Merit's has a reason: what has none is of the transport, or of somebody in between.
            Code::Unavailable | Code::Unknown | Code::Internal => !answered,
            _ => false,
        };
        if unreachable {
            let source = std::error::Error::source(&status);
            let cause = source.map_or_else(|| status.message().to_owned(), innermost);
            return Self::Unreachable { server: server.to_owned(), cause };
        }
        Self::Refused { status: Box::new(status), sheet: None }
    }

    /// The same about a formula sheet, whose problems can be shown where they are.
    #[must_use]
    pub fn about(mut self, of_request: Option<&str>) -> Self {
        if let Self::Refused { sheet, .. } = &mut self {
            *sheet = of_request.map(str::to_owned);
        }
        self
    }

    /// The exit code, as `--help` documents it.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    fn code(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::Service(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable { .. } => 3,
            Self::Differs(_) => 4,
            // The reader has what it wanted.
            Self::File { .. } if self.is_of_reader() => 0,
            Self::File { .. } => 5,
            Self::Damaged(_) => 6,
            Self::InUse { .. } => 7,
            // As a shell says it.
            Self::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(1),
        }
    }

    /// Whether a reader went away (`merit list | head`): that is not worth a word.
    fn is_of_reader(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Prints to stderr what went wrong and what to do next: a JSON object a line where the output is JSON.
    pub(super) fn print(&self, format: Format) {
        if self.is_of_reader() {
            return;
        }
        match format {
            Format::Json | Format::Jsonl => print_note(&self.json().to_string()),
            Format::Table | Format::Csv => print_note(self.text().trim_end()),
        }
    }

    fn text(&self) -> String {
        if let Self::Refused { status, sheet } = self {
            return Refusal::of(status).about(sheet.as_deref()).text();
        }
        match self.next() {
            Some(next) => format!("error: {}\n  next: {next}\n", self.message()),
            None => format!("error: {}\n", self.message()),
        }
    }

    fn json(&self) -> Json {
        let mut error = match self {
            Self::Refused { status, sheet } => Refusal::of(status).about(sheet.as_deref()).json(),
            _ => json!({ "reason": self.reason(), "message": self.message() }),
        };
        if let Some(next) = self.next() {
            error["next"] = next.into();
        }
        error["exit_code"] = self.code().into();
        json!({ "error": error })
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "REFUSED",
            Self::Usage(_) => "USAGE",
            Self::Unreachable { .. } => "UNREACHABLE",
            Self::Differs(_) => "DIFFERS",
            Self::File { .. } => "FILE",
            Self::Damaged(_) => "DAMAGED",
            Self::InUse { .. } => "IN_USE",
            Self::Interrupted(_) => "INTERRUPTED",
            Self::Service(_) => "SERVICE",
        }
    }

    /// What went wrong, in words.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Refused { status, .. } => status.message().to_owned(),
            Self::Unreachable { server, cause } => format!("no answer from {server}: {cause}"),
            Self::File { context, source } => format!("{context}: {source}"),
            Self::Usage(message)
            | Self::Differs(message)
            | Self::Damaged(message)
            | Self::InUse { message, .. }
            | Self::Service(message) => message.clone(),
            Self::Interrupted(_) => "the command was told to stop, and did".to_owned(),
        }
    }

    /// What to do next, where the message does not say it.
    fn next(&self) -> Option<String> {
        let next = match self {
            Self::Unreachable { cause, .. } if cause.contains("invalid peer certificate") => {
                "name the file of the authority that the server's certificate is from with --ca, or mend the certificate"
            }
            Self::Unreachable { .. } => {
                "start a server with `merit serve`, name another with --server or MERIT_SERVER, or wait longer with \
                 --timeout"
            }
            Self::Damaged(_) => {
                "keep the directory as it is for whoever looks into it, and restore the last backup into a new one: `merit \
                 backup restore BACKUP --data DIRECTORY`; `merit audit verify --data DIRECTORY` says how far the old one is \
                 good"
            }
            Self::InUse { flag, .. } => {
                return Some(format!("stop the other process, or name another one: {flag}"));
            }
            _ => return None,
        };
        Some(next.to_owned())
    }
}

/// The error at the bottom of a chain: the ones above say only that a transport had one.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(_) => Self::Usage(error.to_string()),
            StartError::Listen { ref source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Self::InUse { message: error.to_string(), flag: "--listen" }
            }
            StartError::Store { directory, source } => {
                Self::of_store(&format!("opening the data in {directory}"), source)
            }
            StartError::Listen { .. } | StartError::Sandbox(_) => Self::Service(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let code = |kind: io::ErrorKind| Failure::file("writing", kind.into()).exit_code();
        assert_eq!(code(io::ErrorKind::BrokenPipe), ExitCode::SUCCESS);
        assert_eq!(code(io::ErrorKind::NotFound), ExitCode::from(5));
    }

    #[test]
    fn each_state_of_a_data_directory_has_its_code() {
        let check = |error: StoreError, code: u8, parts: &[&str]| {
            let failure = Failure::of_store("opening the data in here", error);
            let text = failure.text();
            assert_eq!(failure.code(), code, "{text}");
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
            let json = failure.json();
            assert_eq!(json["error"]["exit_code"], code);
            assert!(text.contains(json["error"]["message"].as_str().unwrap()), "{json}");
        };
        let file = || "here/journal/1".into();
        check(
            StoreError::Damaged { file: file(), offset: Some(7), what: "the hash is another".to_owned() },
            6,
            &["here/journal/1: damaged at byte 7: the hash is another", "next: ", "merit backup restore"],
        );
        check(
            StoreError::InUse { directory: "here".into() },
            7,
            &["in use by another process", "next: stop"],
        );
        let unsound = || StoreError::Damaged { file: file(), offset: None, what: "it is missing".to_owned() };
        check(unsound(), 6, &["here/journal/1: damaged: it is missing", "next: "]);
        let source = || io::ErrorKind::Other.into();
        check(StoreError::Unsynced { path: file(), source: source() }, 5, &["syncing here/journal/1: "]);
        check(StoreError::NotOurs("here has a".to_owned()), 2, &["opening the data in here: here has a"]);
        let source = io::ErrorKind::PermissionDenied.into();
        check(
            StoreError::Io { context: "locking here".to_owned(), source },
            5,
            &["locking here: permission denied"],
        );
    }
}
