//! What is to be said against a run before it is created, so that who asks for it is told at once.

use super::{
    evaluator::Evaluator,
    run::{BoundRun, RunError},
};
use crate::{
    model::{
        name::{Id, Name},
        rejection::Rejection,
    },
    proto::v1,
    store::WriteError,
};

// === impl Evaluator ===

impl Evaluator {
    /// What stands against the run that is asked for: an input without a source or with one of the wrong kind, parameters
    /// that the plugin refuses. Nothing where the run could begin now. What standard methods check may be said here too:
    /// they say it better, and are to be asked first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn objection(&self, request: &v1::CreateRunRequest) -> Result<Option<Rejection>, WriteError> {
        let (Ok(parent), Some(run)) = (Name::parse(&request.parent), &request.run) else { return Ok(None) };
        // The id may be one that is yet to be made: any will do, as nothing is kept.
        let name = Name::new(parent.team().clone(), "runs", Id::parse("new")?);
        let run = v1::Run { name: name.to_string(), ..run.clone() };
        match BoundRun::bind(self, run) {
            Ok(_) | Err(RunError::Stopped { .. } | RunError::Distrusted { .. }) => Ok(None),
            Err(RunError::Rejected(rejection)) => Ok(Some(rejection)),
            Err(RunError::Store(error)) => Err(error),
        }
    }
}
