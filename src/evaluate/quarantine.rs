//! Plugins that are not to be trusted: how that is written down, and what of a finished run shows it. What a quarantine is of
//! is a component with its parameters, whatever number they were published under.

use super::{
    dataset::{Dataset, RowFault},
    evaluator::Evaluator,
    insist::insist,
};
use crate::{
    model::{
        caller::Caller,
        name::{Id, Name},
        rejection::{PluginReason, Reason, Rejection},
    },
    proto::v1::PluginRevision,
    resource::{Changes, OwnRequest},
    store::WriteError,
};

/// Bytes of a reason that are kept: what a plugin gave may be in it, twice.
const REASON_BYTES: usize = 3_000;

// === impl Evaluator ===

impl Evaluator {
    /// Marks a revision that is not to be trusted, once, and those that are the same under another number. That it cannot be
    /// kept is logged.
    pub(super) async fn quarantine(&self, revision: &str, reason: &str) {
        let reason = &reason[..reason.floor_char_boundary(REASON_BYTES)];
        tracing::warn!(revision, reason, "the revision is put in quarantine");
        let mut marks = vec![(revision.to_owned(), reason.to_owned())];
        match self.alike(revision) {
            Ok(alike) => {
                let reason = format!("it is what {revision} is, of which was found: {reason}");
                marks.extend(alike.into_iter().map(|name| (name, reason.clone())));
            }
            Err(error) => tracing::error!(revision, %error, "what is the same cannot be found"),
        }
        let marked = self.write_own("QuarantineRevision", "", move |changes| {
            for (name, reason) in &marks {
                let name = Name::parse(name)?;
                if let Some(mut revision) = changes.get::<PluginRevision>(&name)?
                    && revision.quarantine_reason.is_empty()
                {
                    revision.quarantine_reason.clone_from(reason);
                    changes.put(&name, &revision)?;
                }
            }
            Ok(bytes::Bytes::new())
        });
        if let Err(error) = marked.await {
            tracing::error!(revision, %error, "the quarantine cannot be kept");
        }
    }

    /// The same, of the revision that a finished run executed, from where blocking is allowed. What another engine gives says
    /// nothing of it.
    pub(super) fn quarantine_recorded(&self, dataset: &Dataset, place: usize, reason: &str) {
        if dataset.header.engine == self.engine() {
            let revision = &dataset.header.steps[place].revision;
            tokio::runtime::Handle::current().block_on(self.quarantine(revision, reason));
        }
    }

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

    /// Writes on behalf of an author, or of the service itself, for as long as what keeps it waiting may pass.
    ///
    /// # Errors
    /// What the command says; when the store fails.
    pub(super) async fn write_own(
        &self,
        method: &str,
        author: &str,
        command: impl Fn(&mut Changes<'_, '_>) -> Result<bytes::Bytes, Rejection> + Clone + Send + 'static,
    ) -> Result<(), WriteError> {
        let author = if author.is_empty() { "merit" } else { author };
        let caller =
            Caller { author: author.to_owned(), method: format!("merit.v1.EvaluationService/{method}") };
        let written = insist(self.patience(), || {
            let command = command.clone();
            let command = move |changes: &mut Changes<'_, '_>| command(changes);
            self.resources().change(&caller, OwnRequest::default(), command)
        });
        written.await.map(drop)
    }
}

/// Whether a fault may be another one on another machine: what a function takes of the stack is its compiler's matter.
#[must_use]
pub fn depends_on_the_machine(fault: Option<&RowFault>) -> bool {
    fault.is_some_and(|fault| fault.reason == PluginReason::StackOverflow.code())
}

/// The reason for a plugin that gave two answers: when what happened it gave which.
#[must_use]
pub fn two_answers(account_manager: &str, when: &str) -> String {
    format!(
        "the plugin gave {account_manager} two answers: when {when}; the answer for a row may depend on that row alone, whatever \
         the plugin was asked before"
    )
}

/// The reason for a plugin that explains something else than what it gave.
#[must_use]
pub fn untrue_explanation(account_manager: &str, verdict: &str) -> String {
    format!(
        "the plugin's explanation for {account_manager} is not true: {verdict}; steps that name an output have to add up to \
         what the plugin gave"
    )
}
