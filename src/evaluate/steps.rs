//! Which revision each step of a run executes, and whether the run may.

use super::plugins::Plugins;
use crate::{
    model::{
        name::Name,
        plugin::{check_mode, check_quarantine},
        rejection::{Rejection, ResourceReason},
    },
    proto::v1,
    resource::Resources,
    store::WriteError,
};

/// Finds the active revision of each step that names a plugin, and checks that the run may execute what its steps name.
/// What a run that began before has found stays, whatever has become of its revisions since.
///
/// # Errors
/// `NOT_FOUND`, `QUARANTINED`; `STATE_FORBIDS` for a plugin without an active revision, and for a final run of a revision
/// that is not active; when the store fails.
pub fn resolve(resources: &Resources, run: &mut v1::Run) -> Result<(), WriteError> {
    let (mode, begun) = (run.mode(), run.state() == v1::RunState::Running);
    for step in &mut run.steps {
        if step.revision.is_empty() {
            step.revision = active(resources, &step.plugin)?;
        }
        let revision: v1::PluginRevision = resources.get(&Name::parse(&step.revision)?)?;
        check_quarantine(&revision)?;
        if !begun {
            check_mode(&revision, mode)?;
        }
    }
    Ok(())
}

fn active(resources: &Resources, plugin: &str) -> Result<String, WriteError> {
    let found: v1::Plugin = resources.get(&Name::parse(plugin)?)?;
    if !found.active_revision.is_empty() {
        return Ok(found.active_revision);
    }
    let message = format!("{plugin} has no active revision: activate one, or name a revision");
    let rejection = Rejection::resource(ResourceReason::StateForbids, message);
    Err(rejection.with("resource", plugin).into())
}

// === impl Plugins ===

impl Plugins {
    /// The candidate beside a step, with the parameters that it carries or else those of the step.
    ///
    /// # Errors
    /// `NOT_FOUND`, `QUARANTINED`, what the plugin says of its parameters; when the store fails.
    pub fn candidate(
        &self,
        name: &str,
        parameters: &str,
    ) -> Result<super::plugins::LoadedPlugin, WriteError> {
        let revision: v1::PluginRevision = self.resources().get(&Name::parse(name)?)?;
        check_quarantine(&revision)?;
        let parameters = if revision.parameters.is_empty() { parameters } else { "" };
        self.revision(name, parameters)
    }
}
