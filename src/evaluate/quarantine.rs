//! What a quarantine is of: a component with its parameters, whatever number they were published under.

use super::evaluator::Evaluator;
use crate::{
    model::{
        name::{Id, Name},
        rejection::{PluginReason, Reason, Rejection},
    },
    proto::v1::PluginRevision,
    store::WriteError,
};

// === impl Evaluator ===

impl Evaluator {
    /// The other revisions of the team that are the same component with the same parameters.
    ///
    /// # Errors
    /// `NOT_FOUND`, `TOO_MANY_RECORDS`; when the store fails.
    pub(super) fn alike(&self, revision: &str) -> Result<Vec<String>, WriteError> {
        let name = Name::parse(revision)?;
        let found: PluginRevision = self.resources().get(&name)?;
        let all = self.same(name.team(), &found.component, &found.parameters)?;
        Ok(all.into_iter().map(|same| same.name).filter(|same| same != revision).collect())
    }

    /// Refuses a component with parameters that are in quarantine already, under another number.
    ///
    /// # Errors
    /// `QUARANTINED`, `TOO_MANY_RECORDS`; when the store fails.
    pub(super) fn check_trusted(
        &self,
        team: &Id,
        component: &str,
        parameters: &str,
    ) -> Result<(), WriteError> {
        let same = self.same(team, component, parameters)?;
        let Some(distrusted) = same.into_iter().find(|same| !same.quarantine_reason.is_empty()) else {
            return Ok(());
        };
        let message = format!(
            "{} is the same component with the same parameters, and in quarantine: {}. Mend the plugin first",
            distrusted.name, distrusted.quarantine_reason
        );
        let rejection = Rejection::new(Reason::Plugin(PluginReason::Quarantined), message);
        Err(rejection.with("resource", distrusted.name).into())
    }

    fn same(&self, team: &Id, component: &str, parameters: &str) -> Result<Vec<PluginRevision>, WriteError> {
        let mut all: Vec<PluginRevision> = self.resources().list_all(team, "pluginRevisions")?;
        all.retain(|revision| revision.component == component && revision.parameters == parameters);
        Ok(all)
    }
}
