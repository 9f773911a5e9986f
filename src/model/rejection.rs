//! Why a request is refused: one closed enum of reasons per chapter, each in order of precedence: where several apply,
//! the one nearest the top is reported. What gRPC makes of them is in `grpc::status`.

use std::{borrow::Cow, fmt, time::Duration};

use super::text::visible;

/// The longest text of a rejection, in bytes. What is quoted in it comes from whoever is refused, and may be of any length.
const TEXT_BYTES: usize = 4096;

/// A request refused: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", reason.code())]
pub struct Rejection {
    /// Which rule.
    pub reason: Reason,
    /// What, where, and what would be accepted: for people.
    pub message: String,
    /// The fields that are wrong, where the reason is about fields.
    pub violations: Vec<Violation>,
    /// Facts for programs, by `lower_snake_case` key: the resource, the limit, who refers.
    pub metadata: Vec<(&'static str, String)>,
    /// When to come back, where waiting helps.
    pub retry_after: Option<Duration>,
}

/// A field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path from the request: `account_manager.reporting_line[0].manager`.
    pub field: String,
    /// What is wrong with it, and what would be accepted.
    pub description: String,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $chapter:ident { $($(#[$reason_doc:meta])* $name:ident = $code:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $chapter { $($(#[$reason_doc])* $name,)* }

            impl $chapter {
                /// Every reason, in order of precedence.
                pub const ALL: &[Self] = &[$(Self::$name,)*];

                /// The stable code that clients see.
                #[must_use]
                pub fn code(self) -> &'static str {
                    match self { $(Self::$name => $code,)* }
                }
            }
        )*
    };
}

reasons! {
    /// Reasons of the standard methods, the same for every resource.
    ResourceReason {
        /// A name or id is not of the form that names have.
        InvalidName = "INVALID_NAME",
        /// A field has a value that it may not have.
        InvalidField = "INVALID_FIELD",
        /// The mask names a field that does not exist or may not be written.
        InvalidMask = "INVALID_MASK",
        /// A filter or order cannot be understood.
        InvalidFilter = "INVALID_FILTER",
        /// A page token is not one, or belongs to another list.
        InvalidPageToken = "INVALID_PAGE_TOKEN",
        /// The request id was used for another request.
        RequestIdReused = "REQUEST_ID_REUSED",
        /// There is no such resource.
        NotFound = "NOT_FOUND",
        /// There is one of that name already.
        AlreadyExists = "ALREADY_EXISTS",
        /// Someone else changed it first.
        EtagMismatch = "ETAG_MISMATCH",
        /// A field refers to something that does not exist.
        ReferenceNotFound = "REFERENCE_NOT_FOUND",
        /// Others refer to it.
        StillReferred = "STILL_REFERRED",
        /// Its state does not allow the change.
        StateForbids = "STATE_FORBIDS",
        /// There are more records than one request may look at.
        TooManyRecords = "TOO_MANY_RECORDS",
    }

    /// Reasons of the organisation.
    OrganisationReason {
        /// Somebody would report to themselves.
        ReportingCycle = "REPORTING_CYCLE",
        /// Two reporting lines hold on the same day.
        ReportingOverlap = "REPORTING_OVERLAP",
    }

    /// Reasons of customers.
    CrmReason {
        /// A company would belong to itself.
        CustomerCycle = "CUSTOMER_CYCLE",
    }

    /// Reasons of goals.
    GoalReason {
        /// A goal would be a part of itself.
        GoalCycle = "GOAL_CYCLE",
    }

    /// Reasons of evaluations.
    EvaluationReason {
        /// An expression cannot be understood, or does not fit the collection.
        InvalidExpression = "INVALID_EXPRESSION",
        /// An input of a plugin has no source, or one of the wrong kind.
        InvalidBinding = "INVALID_BINDING",
        /// Measures refer to each other in a circle.
        MeasureCycle = "MEASURE_CYCLE",
        /// The run has no results: it is not finished, or did not succeed.
        RunNotFinished = "RUN_NOT_FINISHED",
        /// The dataset is gone or damaged.
        DatasetDamaged = "DATASET_DAMAGED",
        /// The collections do not fit the memory that views may take.
        ViewTooLarge = "VIEW_TOO_LARGE",
    }

    /// Reasons of plugins: the sandbox's verdicts, and what publishing checks.
    PluginReason {
        /// The bytes are not a component that Merit accepts.
        InvalidComponent = "INVALID_COMPONENT",
        /// The component imports something.
        ImportRefused = "IMPORT_REFUSED",
        /// A formula cannot be understood.
        InvalidFormula = "INVALID_FORMULA",
        /// The plugin refuses its parameters.
        BadParameters = "BAD_PARAMETERS",
        /// The plugin refuses the batch.
        BadBatch = "BAD_BATCH",
        /// Parameters are given by both the revision and the caller, or by neither.
        ParametersMisplaced = "PARAMETERS_MISPLACED",
        /// An input could not be made, or does not fit the decimals in which the plugin takes it.
        InputFault = "INPUT_FAULT",
        /// A step before, of which a run takes an output as an input, could not score the row.
        EarlierFault = "EARLIER_FAULT",
        /// A required input is missing.
        MissingInput = "MISSING_INPUT",
        /// The plugin says that it cannot score the row.
        PluginFault = "PLUGIN_FAULT",
        /// The plugin used up its fuel.
        OutOfFuel = "OUT_OF_FUEL",
        /// The plugin used up its stack.
        StackOverflow = "STACK_OVERFLOW",
        /// The plugin wanted more memory than it may have.
        OutOfMemory = "OUT_OF_MEMORY",
        /// The plugin gave more output than it may.
        OutputTooLarge = "OUTPUT_TOO_LARGE",
        /// The plugin's answer breaks the contract.
        ContractViolation = "CONTRACT_VIOLATION",
        /// The plugin trapped.
        Trapped = "TRAPPED",
        /// The host's time limit struck, which says nothing of the plugin: come back.
        TimedOut = "TIMED_OUT",
        /// The host could not do its part: it had no memory, or no process to compile with. Come back.
        HostUnavailable = "HOST_UNAVAILABLE",
        /// A run found that the revision's answer for a row depends on more than the row, or that its explanations are
        /// not true.
        Quarantined = "QUARANTINED",
        /// The team asks for four eyes, and the author approves, or somebody unnamed.
        SelfApproval = "SELF_APPROVAL",
        /// The team takes signed revisions only.
        SignatureRequired = "SIGNATURE_REQUIRED",
        /// The signature is not one of a key that the team trusts, over this revision.
        BadSignature = "BAD_SIGNATURE",
    }

    /// Reasons of the service itself.
    ServiceReason {
        /// There is no such method.
        UnknownMethod = "UNKNOWN_METHOD",
        /// The request is compressed in a way that is not accepted.
        UnsupportedEncoding = "UNSUPPORTED_ENCODING",
        /// The request cannot be decoded.
        MalformedRequest = "MALFORMED_REQUEST",
        /// The request is larger than the method takes.
        MessageTooLarge = "MESSAGE_TOO_LARGE",
        /// Nobody is authenticated where somebody has to be.
        Unauthenticated = "UNAUTHENTICATED",
        /// The caller's role does not allow it.
        PermissionDenied = "PERMISSION_DENIED",
        /// The deadline passed before the work was done.
        DeadlineExceeded = "DEADLINE_EXCEEDED",
        /// Too much is under way; come back.
        Busy = "BUSY",
        /// The disk is full: reads go on.
        DiskFull = "DISK_FULL",
        /// The service is stopping, or still opening its store.
        Unavailable = "UNAVAILABLE",
        /// What is kept is damaged: journal, index, or a component.
        StoreDamaged = "STORE_DAMAGED",
        /// Something is broken on the server; the log has the cause.
        Internal = "INTERNAL",
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// See [`ServiceReason`].
    Service(ServiceReason),
    /// See [`ResourceReason`].
    Resource(ResourceReason),
    /// See [`OrganisationReason`].
    Organisation(OrganisationReason),
    /// See [`CrmReason`].
    Crm(CrmReason),
    /// See [`GoalReason`].
    Goal(GoalReason),
    /// See [`EvaluationReason`].
    Evaluation(EvaluationReason),
    /// See [`PluginReason`].
    Plugin(PluginReason),
}

// === impl Reason ===

impl Reason {
    /// The stable code that clients see.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Service(reason) => reason.code(),
            Self::Resource(reason) => reason.code(),
            Self::Organisation(reason) => reason.code(),
            Self::Crm(reason) => reason.code(),
            Self::Goal(reason) => reason.code(),
            Self::Evaluation(reason) => reason.code(),
            Self::Plugin(reason) => reason.code(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

// === impl Rejection ===

impl Rejection {
    /// A rejection that names no field.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: told(message.into()),
            violations: Vec::new(),
            metadata: Vec::new(),
            retry_after: None,
        }
    }

    /// A rejection for a reason of the standard methods.
    #[must_use]
    pub fn resource(reason: ResourceReason, message: impl Into<String>) -> Self {
        Self::new(Reason::Resource(reason), message)
    }

    /// A field with a value that it may not have.
    #[must_use]
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        let (field, description) = (field.into(), description.into());
        Self::resource(ResourceReason::InvalidField, format!("{field}: {description}"))
            .violation(field, description)
    }

    /// Adds a field that is wrong.
    #[must_use]
    pub fn violation(mut self, field: impl Into<String>, description: impl Into<String>) -> Self {
        let (field, description) = (told(field.into()), told(description.into()));
        self.violations.push(Violation { field, description });
        self
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, told(value.into())));
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }
}

/// A text as anybody may be told it, whatever is quoted in it: nothing that a terminal obeys, and not longer than needed.
fn told(text: String) -> String {
    let shown = match visible(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(shown) => shown,
    };
    if shown.len() <= TEXT_BYTES {
        return shown;
    }
    format!("{}…", &shown[..shown.floor_char_boundary(TEXT_BYTES - '…'.len_utf8())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_shown_and_cut() {
        let check = |quoted: &str, expected: &str| {
            let rejection =
                Rejection::field("filter", quoted).violation(quoted, quoted).with("resource", quoted);
            assert_eq!(rejection.message, format!("filter: {expected}"));
            assert_eq!(rejection.violations[0].description, expected);
            assert_eq!((&*rejection.violations[1].field, &*rejection.metadata[0].1), (expected, expected));
        };
        check("plain 客户\n\ttext", "plain 客户\n\ttext");
        check("\u{1b}[2J \u{202e}evil\0", "\\u{1b}[2J \\u{202e}evil\\u{0}");
        let long = Rejection::resource(ResourceReason::InvalidFilter, "\u{1b}界".repeat(10_000));
        assert!(long.message.len() <= TEXT_BYTES && long.message.ends_with('…'), "{}", long.message.len());
    }
}
