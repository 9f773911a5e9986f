//! Why a run has nothing to show.

use super::execute::Stopped;
use crate::{
    model::rejection::{EvaluationReason, Reason, Rejection, ServiceReason},
    store::WriteError,
    view::ViewError,
};

/// Why a run has no dataset.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Something is wrong with the run, or with what it refers to: it fails.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A step was stopped.
    #[error("step {step}: {stopped}")]
    Stopped {
        /// Which.
        step: String,
        /// Why.
        stopped: Stopped,
    },
    /// A plugin's answer for a row depends on more than the row, or its explanations are not true: its revision is not to be
    /// trusted.
    #[error("step {step}: {reason}")]
    Distrusted {
        /// Which.
        step: String,
        /// The revision.
        revision: String,
        /// What it did.
        reason: String,
    },
    /// The store failed: not the run's fault, it is done again.
    #[error(transparent)]
    Store(WriteError),
}

// === impl RunError ===

impl From<WriteError> for RunError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Rejected(rejection) => Self::Rejected(rejection),
            other => Self::Store(other),
        }
    }
}

impl From<ViewError> for RunError {
    fn from(error: ViewError) -> Self {
        match view_error(error) {
            WriteError::Rejected(rejection) => Self::Rejected(rejection),
            other => Self::Store(other),
        }
    }
}

/// What is told when there is no view.
fn view_error(error: ViewError) -> WriteError {
    match error {
        ViewError::Store(error) => error.into(),
        error @ ViewError::TooLarge { .. } => {
            let reason = Reason::Evaluation(EvaluationReason::ViewTooLarge);
            Rejection::new(reason, error.to_string()).into()
        }
        error @ ViewError::UnknownCollection(_) => {
            let reason = Reason::Evaluation(EvaluationReason::InvalidBinding);
            Rejection::new(reason, error.to_string()).into()
        }
        error @ ViewError::Undecodable { .. } => {
            tracing::error!(%error, "a record cannot be viewed");
            let message = "a record of the store cannot be read; the log names it";
            Rejection::new(Reason::Service(ServiceReason::Internal), message).into()
        }
    }
}
