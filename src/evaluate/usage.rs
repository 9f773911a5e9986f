//! Which runs used a revision of a plugin.

use super::evaluator::Evaluator;
use crate::{
    model::{
        name::Name,
        records::decode,
        rejection::{Rejection, ResourceReason},
    },
    proto::v1,
    resource::page::{self, Binding, Position},
    store::{Key, KeyRange, WriteError},
};

/// Runs looked at for a page; one that finds too little by then is short, or empty, and has a next one.
const LOOK: usize = 10_000;
/// Runs read at a time.
const TAKE: usize = 256;

// === impl Evaluator ===

impl Evaluator {
    /// See `PluginService.ListPluginRevisionRuns`.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_NAME`, `INVALID_FIELD`, `INVALID_PAGE_TOKEN`; when the store fails.
    pub fn revision_runs(
        &self,
        request: &v1::ListPluginRevisionRunsRequest,
    ) -> Result<v1::ListPluginRevisionRunsResponse, WriteError> {
        let name = Name::parse(&request.name)?;
        if name.collection() != "pluginRevisions" {
            let message = format!("{name} is not a revision: teams/{{team}}/pluginRevisions/{{id}}");
            return Err(Rejection::resource(ResourceReason::InvalidName, message).into());
        }
        let _: v1::PluginRevision = self.resources().get(&name)?;
        let size = page::size(request.page_size.into())?;
        let name_text = name.to_string();
        let binding = Binding::new(&["ListPluginRevisionRuns", &name_text]);
        let mut range = KeyRange::collection(name.team(), "runs");
        if let Some(after) = Position::read_id(&request.page_token, binding)? {
            range = range.after(&Key::of(&Name::new(name.team().clone(), "runs", after)));
        }
        let (mut runs, mut looked) = (Vec::new(), 0);
        loop {
            let entries = self.database().scan(&range, TAKE)?;
            for entry in &entries {
                let run: v1::Run = decode(&entry.value)?;
                looked += 1;
                let used = |step: &v1::RunStep| step.revision == name_text || step.shadow == name_text;
                if run.steps.iter().any(used) {
                    runs.push(run.name.clone());
                }
                if runs.len() == size || looked == LOOK {
                    let last = run.name.rsplit('/').next().unwrap_or_default();
                    let next_page_token = Position::of_id(last).token(binding);
                    return Ok(v1::ListPluginRevisionRunsResponse { runs, next_page_token });
                }
            }
            let Some(last) = entries.last().filter(|_| entries.len() == TAKE) else {
                return Ok(v1::ListPluginRevisionRunsResponse { runs, next_page_token: String::new() });
            };
            range = range.after(&last.key);
        }
    }
}
