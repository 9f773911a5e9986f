//! How a command ends when it does not succeed: what is printed, and the exit code.

use std::{fmt::Write as _, io, process::ExitCode, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::visible::visible;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The server refused a request.
    Refused(Box<Status>),
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
    /// The service could not be started, or stopped by an error.
    Service(String),
}

// === impl Failure ===

impl Failure {
    /// A local file that cannot be read or written.
    #[must_use]
    pub fn file(context: impl Into<String>, source: io::Error) -> Self {
        Self::File { context: context.into(), source }
    }

    /// What a refused or failed call means.
    #[must_use]
    pub fn of_call(server: &str, status: Status) -> Self {
        let unreachable = match status.code() {
            Code::Unavailable => status.get_details_error_info().is_none(),
            Code::DeadlineExceeded | Code::Cancelled => true,
            _ => false,
        };
        if unreachable {
            return Self::Unreachable { server: server.to_owned(), cause: status.message().to_owned() };
        }
        Self::Refused(Box::new(status))
    }

    /// The exit code, as `--help` documents it.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) | Self::Service(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable { .. } => 3,
            Self::Differs(_) => 4,
            // The reader has what it wanted.
            Self::File { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::File { .. } => 5,
        })
    }

    /// Prints to stderr what went wrong and what to do next. A reader that went away (`merit list | head`) is not
    /// worth a word.
    pub fn print(&self) {
        if let Self::File { source, .. } = self
            && source.kind() == io::ErrorKind::BrokenPipe
        {
            return;
        }
        eprint!("{}", visible(&self.text()));
    }

    fn text(&self) -> String {
        match self {
            Self::Refused(status) => refused(status),
            Self::Usage(message) => format!("error: {message}\n"),
            Self::Unreachable { server, cause } => format!(
                "error: no answer from {server}: {cause}\n  next: start a server with `merit serve`, name another with \
                 --server or MERIT_SERVER, or wait longer with --timeout\n"
            ),
            Self::Differs(message) | Self::Service(message) => format!("error: {message}\n"),
            Self::File { context, source } => format!("error: {context}: {source}\n"),
        }
    }
}

/// Reason, message, the fields that are wrong, and what to do next.
fn refused(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info();
    let reason = info.map_or_else(|| format!("{:?}", status.code()), |info| info.reason.clone());
    let mut text = format!("error: {reason}: {}\n", status.message());
    for violation in
        details.bad_request().map(|request| request.field_violations.as_slice()).unwrap_or_default()
    {
        // The message has told the first of them.
        if status.message().contains(&violation.description) {
            continue;
        }
        // Lines below each other belong there: a caret points at what stands above it.
        match violation.description.split_once('\n') {
            None => _ = writeln!(text, "  {}: {}", violation.field, violation.description),
            Some(_) => {
                let lines = violation.description.replace('\n', "\n    ");
                let _ = writeln!(text, "  {}:\n    {lines}", violation.field);
            }
        }
    }
    if let Some(info) = info {
        let mut facts: Vec<_> = info.metadata.iter().collect();
        facts.sort();
        for (key, value) in facts {
            let _ = writeln!(text, "  {key}: {value}");
        }
    }
    let delay = details.retry_info().and_then(|retry| retry.retry_delay);
    if let Some(next) = next(&reason, status.code(), delay) {
        let _ = writeln!(text, "  next: {next}");
    }
    text
}

/// What to do about a refusal.
fn next(reason: &str, code: Code, delay: Option<Duration>) -> Option<String> {
    if let Some(delay) = delay {
        return Some(format!("try again in {} ms", delay.as_millis()));
    }
    let next = match (reason, code) {
        ("REQUEST_ID_REUSED", _) => "give a request id of its own to every different request",
        ("INVALID_FILTER", _) => "fields are named as in the protos: `stage = \"WON\" AND amount > 1000`",
        ("INVALID_PAGE_TOKEN", _) => "begin at the first page again",
        ("REFERENCE_NOT_FOUND", _) => "create what is referred to first",
        ("STILL_REFERRED", _) => "delete or change what refers to it first",
        ("ETAG_MISMATCH", _) => "get it again, look at what changed, and send the new etag",
        ("INVALID_BINDING", _) => {
            "say where an input comes from: `--input STEP.INPUT=KIND:SOURCE`, with measure, target, attribute, output or \
             constant"
        }
        ("SELF_APPROVAL", _) => "have somebody else approve it: `merit plugin approve`",
        ("SIGNATURE_REQUIRED", _) => {
            "sign it with a key that the team trusts: `merit plugin publish --key FILE --key-id ID`"
        }
        ("QUARANTINED", _) => {
            "mend the plugin and publish it anew; `merit plugin check` finds such things before"
        }
        ("RUN_NOT_FINISHED", _) => {
            "look at the run with `merit get runs/ID`; only a run that succeeded has results"
        }
        (_, Code::NotFound) => {
            "see what there is with `merit list COLLECTION`; the team is --team or MERIT_TEAM"
        }
        (_, Code::AlreadyExists) => "change it with `merit update`, or give another --id",
        (_, Code::Unauthenticated | Code::PermissionDenied) => {
            "ask an administrator of the server for access"
        }
        (_, Code::Internal) => "the server's log has the cause",
        (_, Code::Unimplemented) => {
            "the server is of another version than this command: compare `merit --version`"
        }
        (_, Code::DataLoss) => "verify the journal with `merit audit verify`",
        _ => return None,
    };
    Some(next.to_owned())
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn nothing_is_told_twice() {
        let check = |message: &str, violations: &[(&str, &str)], expected: &str| {
            let mut details = ErrorDetails::new();
            for (field, description) in violations {
                details.add_bad_request_violation(*field, *description);
            }
            details.set_error_info("INVALID_FIELD", "merit.v1", std::collections::HashMap::new());
            let status = Status::with_error_details(Code::InvalidArgument, message, details);
            assert_eq!(refused(&status), expected);
        };
        check(
            "amount: is no number",
            &[("amount", "is no number")],
            "error: INVALID_FIELD: amount: is no number\n",
        );
        check(
            "a: 1 is; and 1 more",
            &[("a", "1 is"), ("b", "2 is")],
            "error: INVALID_FIELD: a: 1 is; and 1 more\n  b: 2 is\n",
        );
        check(
            "wrong",
            &[("sheet", "line 1\n  a + b\n      ^")],
            "error: INVALID_FIELD: wrong\n  sheet:\n    line 1\n      a + b\n          ^\n",
        );
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let code = |kind: io::ErrorKind| Failure::file("writing", kind.into()).exit_code();
        assert_eq!(code(io::ErrorKind::BrokenPipe), ExitCode::SUCCESS);
        assert_eq!(code(io::ErrorKind::NotFound), ExitCode::from(5));
    }

    #[test]
    fn what_to_do_next_is_said() {
        let check = |reason: &str, part: &str| {
            let next = next(reason, Code::FailedPrecondition, None).unwrap_or_default();
            assert!(next.contains(part), "{reason}: {next}");
        };
        check("INVALID_BINDING", "--input STEP.INPUT=KIND:SOURCE");
        check("SELF_APPROVAL", "somebody else");
        check("SIGNATURE_REQUIRED", "--key-id");
        check("QUARANTINED", "publish it anew");
    }
}
