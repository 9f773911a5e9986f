//! The only place that turns what went wrong into what a client sees: a code, words, and details for programs. Causes
//! are logged here, never shown.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::{
    model::rejection::{
        CrmReason, EvaluationReason, GoalReason, OrganisationReason, PluginReason, Reason, Rejection,
        ResourceReason, ServiceReason, Violation,
    },
    store::{StoreError, WriteError},
};

/// The domain of the reasons.
pub const DOMAIN: &str = "merit.v1";

/// Details travel as metadata, which clients commonly limit to 8 KiB in all: this is for the message and the details, as they are
/// encoded.
const METADATA_BYTES: usize = 7600;
/// The longest message, in bytes.
const MESSAGE_BYTES: usize = 640;
/// The longest field and the longest description of a violation, in bytes.
const VIOLATION_BYTES: usize = 1024;

/// What a client sees of a call that did not do what it was asked.
#[must_use]
pub fn of(error: WriteError) -> Status {
    match error {
        WriteError::Rejected(rejection) => rejected(&rejection),
        WriteError::Busy => busy("too many writes are waiting"),
        WriteError::DiskFull => rejected(
            &service(ServiceReason::DiskFull, "the server's disk is full: nothing is written, reads go on")
                .retry_after(Duration::from_secs(30)),
        ),
        WriteError::Failed(StoreError::Closed(cause)) => {
            tracing::warn!(cause, "a call found the store closed");
            unavailable("the server takes no more calls: it is stopping, or its store has failed")
        }
        WriteError::Failed(cause @ StoreError::Damaged { .. }) => {
            tracing::error!(%cause, "a call met damage");
            let what = "what the server keeps is damaged: its log and `merit audit verify` name the place";
            rejected(&service(ServiceReason::StoreDamaged, what))
        }
        WriteError::Failed(cause) => internal(&cause),
    }
}

/// What a client sees of a rejection.
#[must_use]
pub fn rejected(rejection: &Rejection) -> Status {
    let code = code(rejection.reason);
    let message = cut(&rejection.message, MESSAGE_BYTES);
    let details = details(rejection, code, message);
    Status::with_error_details(code, message, details)
}

/// Something is broken here. The cause goes to the log.
#[must_use]
pub fn internal(cause: &dyn std::fmt::Display) -> Status {
    tracing::error!(%cause, "a call failed");
    rejected(&service(ServiceReason::Internal, "something is broken on the server; its log has the cause"))
}

/// Too much is under way.
#[must_use]
pub fn busy(what: &str) -> Status {
    rejected(
        &service(ServiceReason::Busy, format!("{what}: come back in a moment"))
            .retry_after(Duration::from_millis(200)),
    )
}

/// The service is stopping.
#[must_use]
pub fn unavailable(what: &str) -> Status {
    rejected(&service(ServiceReason::Unavailable, what).retry_after(Duration::from_secs(1)))
}

/// The request cannot be understood.
#[must_use]
pub fn malformed(what: impl Into<String>) -> Status {
    rejected(&service(ServiceReason::MalformedRequest, what))
}

/// The deadline passed.
#[must_use]
pub fn deadline_exceeded() -> Status {
    rejected(&service(
        ServiceReason::DeadlineExceeded,
        "the deadline passed before the work was done; a change may have been made all the same: repeat it with the \
         same request_id",
    ))
}

/// The request did not come in time.
#[must_use]
pub fn request_is_late(wait: Duration) -> Status {
    rejected(&service(
        ServiceReason::DeadlineExceeded,
        format!("the request did not come within {wait:?} (limits.message_wait_ms): nothing was done"),
    ))
}

/// The metadata of a call are beyond the limit.
#[must_use]
pub fn metadata_too_large(bytes: usize, limit: u32) -> Status {
    let what =
        format!("the metadata have {bytes} bytes: at most {limit} are accepted (limits.metadata_bytes)");
    rejected(&service(ServiceReason::MessageTooLarge, what))
}

/// There is no such method.
#[must_use]
pub fn unknown_method(path: &str) -> Status {
    rejected(&service(
        ServiceReason::UnknownMethod,
        format!("{:?} is no method of this server; reflection lists those there are", cut(path, 256)),
    ))
}

/// What tonic says about a request that it cannot read, in the words and codes of this service.
#[must_use]
pub fn of_transport(status: Status) -> Status {
    if !status.details().is_empty() {
        return status;
    }
    let message = status.message().to_owned();
    match status.code() {
        // Sizes: of the message as sent, and as decompressed.
        Code::OutOfRange | Code::ResourceExhausted => {
            rejected(&service(ServiceReason::MessageTooLarge, format!("the request is too large: {message}")))
        }
        Code::Internal | Code::Unknown => malformed(format!("the request cannot be read: {message}")),
        // A compression that is not accepted: the metadata says which are.
        Code::Unimplemented => {
            let mut told = rejected(&service(ServiceReason::UnsupportedEncoding, message));
            *told.metadata_mut() = status.metadata().clone();
            told
        }
        _ => status,
    }
}

fn service(reason: ServiceReason, message: impl Into<String>) -> Rejection {
    Rejection::new(Reason::Service(reason), message)
}

/// The code of each reason, by AIP-193 and the meaning of the codes.
#[must_use]
pub fn code(reason: Reason) -> Code {
    match reason {
        Reason::Service(reason) => match reason {
            ServiceReason::UnknownMethod | ServiceReason::UnsupportedEncoding => Code::Unimplemented,
            ServiceReason::MalformedRequest => Code::InvalidArgument,
            ServiceReason::Unauthenticated => Code::Unauthenticated,
            ServiceReason::PermissionDenied => Code::PermissionDenied,
            ServiceReason::DeadlineExceeded => Code::DeadlineExceeded,
            ServiceReason::MessageTooLarge | ServiceReason::Busy | ServiceReason::DiskFull => {
                Code::ResourceExhausted
            }
            ServiceReason::Unavailable => Code::Unavailable,
            ServiceReason::StoreDamaged => Code::DataLoss,
            ServiceReason::Internal => Code::Internal,
        },
        Reason::Resource(reason) => match reason {
            ResourceReason::InvalidName
            | ResourceReason::InvalidField
            | ResourceReason::InvalidMask
            | ResourceReason::InvalidFilter
            | ResourceReason::InvalidPageToken
            | ResourceReason::RequestIdReused => Code::InvalidArgument,
            ResourceReason::NotFound => Code::NotFound,
            ResourceReason::AlreadyExists => Code::AlreadyExists,
            ResourceReason::EtagMismatch => Code::Aborted,
            ResourceReason::ReferenceNotFound
            | ResourceReason::StillReferred
            | ResourceReason::StateForbids => Code::FailedPrecondition,
            ResourceReason::TooManyRecords => Code::ResourceExhausted,
        },
        Reason::Organisation(reason) => match reason {
            OrganisationReason::ReportingCycle => Code::FailedPrecondition,
            OrganisationReason::ReportingOverlap => Code::InvalidArgument,
        },
        Reason::Crm(CrmReason::CustomerCycle) | Reason::Goal(GoalReason::GoalCycle) => {
            Code::FailedPrecondition
        }
        Reason::Evaluation(reason) => match reason {
            EvaluationReason::InvalidExpression | EvaluationReason::InvalidBinding => Code::InvalidArgument,
            EvaluationReason::MeasureCycle | EvaluationReason::RunNotFinished => Code::FailedPrecondition,
            EvaluationReason::DatasetDamaged => Code::DataLoss,
            EvaluationReason::ViewTooLarge => Code::ResourceExhausted,
        },
        Reason::Plugin(reason) => of_plugin(reason),
    }
}

fn of_plugin(reason: PluginReason) -> Code {
    match reason {
        PluginReason::InvalidComponent
        | PluginReason::ImportRefused
        | PluginReason::InvalidFormula
        | PluginReason::BadParameters
        | PluginReason::BadBatch
        | PluginReason::ParametersMisplaced
        | PluginReason::MissingInput
        | PluginReason::BadSignature
        | PluginReason::InputFault
        | PluginReason::EarlierFault => Code::InvalidArgument,
        PluginReason::PluginFault
        | PluginReason::ContractViolation
        | PluginReason::Trapped
        | PluginReason::Quarantined
        | PluginReason::SelfApproval
        | PluginReason::SignatureRequired => Code::FailedPrecondition,
        PluginReason::OutOfFuel
        | PluginReason::StackOverflow
        | PluginReason::OutOfMemory
        | PluginReason::OutputTooLarge => Code::ResourceExhausted,
        PluginReason::TimedOut => Code::DeadlineExceeded,
        PluginReason::HostUnavailable => Code::Unavailable,
    }
}

/// The details of `google.rpc`: always the reason, and what else the rejection has.
fn details(rejection: &Rejection, code: Code, message: &str) -> ErrorDetails {
    let reason = rejection.reason.code();
    let mut room = Room::beside(message);
    let metadata: HashMap<String, String> =
        rejection.metadata.iter().map(|(key, value)| ((*key).to_owned(), room.text(value))).collect();
    let violations = room.violations(&rejection.violations, reason);
    let resource = metadata.get("resource").cloned();
    let mut details = ErrorDetails::new();
    if !violations.is_empty() {
        details.set_bad_request(violations);
    }
    if let Some(delay) = rejection.retry_after {
        details.set_retry_info(Some(delay));
    }
    match (code, &resource) {
        (Code::FailedPrecondition, _) => {
            details.add_precondition_failure_violation(reason, resource.unwrap_or_default(), message);
        }
        (Code::NotFound | Code::AlreadyExists | Code::Aborted, Some(name)) => {
            let kind = name.rsplit('/').nth(1).unwrap_or_default();
            details.set_resource_info(kind, name, "", message);
        }
        _ => {}
    }
    details.set_error_info(reason, DOMAIN, metadata);
    details
}

/// What of the metadata is left for texts.
struct Room(usize);

// === impl Room ===

impl Room {
    /// Bytes of a violation beside its texts, and of the one that says how many more there are.
    const OF_VIOLATION: usize = 16;
    const OF_REST: usize = 160;

    /// Beside a message, which is sent as it is, and with the details, up to three times.
    fn beside(message: &str) -> Self {
        let plain = |byte: &u8| (b' '..=b'~').contains(byte) && *byte != b'%';
        let encoded: usize = message.bytes().map(|byte| if plain(&byte) { 1 } else { 3 }).sum();
        // Details are sent in base64; 512 bytes of them are names of types, the reason and the like.
        Self((METADATA_BYTES.saturating_sub(encoded) / 4 * 3).saturating_sub(3 * message.len() + 512))
    }

    /// As much of a text as there is room for.
    fn text(&mut self, text: &str) -> String {
        let taken = cut(text, self.0.min(VIOLATION_BYTES)).to_owned();
        self.0 -= taken.len();
        taken
    }

    /// As many of the violations as there is room for, and how many more there are.
    fn violations(&mut self, violations: &[Violation], reason: &str) -> Vec<FieldViolation> {
        let mut told = Vec::new();
        for (index, violation) in violations.iter().enumerate() {
            let field = cut(&violation.field, VIOLATION_BYTES);
            let description = cut(&violation.description, VIOLATION_BYTES);
            let bytes = field.len() + description.len() + reason.len() + Self::OF_VIOLATION;
            let left = violations.len() - index;
            let kept = if left > 1 { Self::OF_REST } else { 0 };
            if bytes + kept > self.0 {
                let (field, more) = (cut(field, Self::OF_REST / 2), format!("{left} more"));
                told.push(FieldViolation { reason: reason.to_owned(), ..FieldViolation::new(field, more) });
                break;
            }
            self.0 -= bytes;
            told.push(FieldViolation {
                reason: reason.to_owned(),
                ..FieldViolation::new(field, description)
            });
        }
        told
    }
}

/// As much of the text as fits the bytes, whole characters.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: WriteError, code: Code, reason: &str) -> ErrorDetails {
        let status = of(error);
        assert_eq!(status.code(), code, "{status:?}");
        let details = status.get_error_details();
        let info = details.error_info().expect("every error has its reason");
        assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, DOMAIN));
        details
    }

    fn rejection(reason: ResourceReason) -> Rejection {
        Rejection::resource(reason, "no").with("resource", "teams/acme/goals/g1")
    }

    #[test]
    fn details_say_what_a_program_needs() {
        let details = check(
            Rejection::field("goal.unit", "has to be given").into(),
            Code::InvalidArgument,
            "INVALID_FIELD",
        );
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "goal.unit");

        let details = check(rejection(ResourceReason::NotFound).into(), Code::NotFound, "NOT_FOUND");
        let resource = details.resource_info().unwrap();
        assert_eq!(
            (resource.resource_type.as_str(), resource.resource_name.as_str()),
            ("goals", "teams/acme/goals/g1")
        );

        let details = check(
            rejection(ResourceReason::StillReferred).into(),
            Code::FailedPrecondition,
            "STILL_REFERRED",
        );
        assert_eq!(details.precondition_failure().unwrap().violations[0].subject, "teams/acme/goals/g1");

        let details = check(WriteError::Busy, Code::ResourceExhausted, "BUSY");
        assert!(details.retry_info().unwrap().retry_delay.is_some());
        check(WriteError::DiskFull, Code::ResourceExhausted, "DISK_FULL");
        check(rejection(ResourceReason::EtagMismatch).into(), Code::Aborted, "ETAG_MISMATCH");
    }

    #[test]
    fn causes_are_not_shown() {
        let cause =
            StoreError::Io { context: "writing /secret".to_owned(), source: std::io::Error::other("boom") };
        let status = of(WriteError::Failed(cause));
        assert_eq!(status.code(), Code::Internal);
        let shown = format!("{}{}", status.message(), String::from_utf8_lossy(status.details()));
        assert!(!shown.contains("secret") && !shown.contains("boom"), "{shown}");
        let closed = of(WriteError::Failed(StoreError::Closed("fsync of /secret failed".to_owned())));
        assert_eq!(closed.code(), Code::Unavailable);
        assert!(!closed.message().contains("secret"));
    }

    #[test]
    fn an_error_fits_the_metadata_that_clients_accept() {
        let check = |message: &str, field: &str, description: &str, count: usize, least: usize| {
            for reason in [ResourceReason::InvalidField, ResourceReason::StateForbids] {
                let mut large = Rejection::resource(reason, message).with("resource", description);
                for index in 0..count {
                    large = large.violation(format!("{field}[{index}]"), description);
                }
                let status = rejected(&large);
                let mut headers = http::HeaderMap::new();
                status.add_header(&mut headers).unwrap();
                let bytes: usize =
                    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
                assert!(bytes < 8192, "{bytes}");
                assert!(headers.contains_key("grpc-status-details-bin"));
                let details = status.get_error_details();
                let told = &details.bad_request().unwrap().field_violations;
                let (last, whole) = told.split_last().unwrap();
                assert!(told.len() >= least, "{} violations", told.len());
                assert!(whole.iter().all(|told| told.description.starts_with(cut(description, 1024))));
                if told.len() == count {
                    assert_eq!(last.description, description);
                } else {
                    assert_eq!(last.description, format!("{} more", count - whole.len()));
                }
            }
        };
        check(&"世界".repeat(10_000), "items", &"界".repeat(500), 1000, 1);
        check("no", &"long".repeat(2000), &"界".repeat(500), 10, 1);
        check("no", "formula", "line 12, column 26: `revenu` is not known; did you mean `revenue`?", 30, 30);
        check("no", "formula", "line 12, column 26: `revenu` is not known; did you mean `revenue`?", 100, 40);
        check("no", "formula", "wrong", 2, 2);
    }
}
