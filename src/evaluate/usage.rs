//! Which runs used a revision of a plugin.

use super::evaluator::Evaluator;
use crate::{
    model::{
        name::{Id, Name},
        records::decode,
        rejection::{Rejection, ResourceReason},
    },
    proto::v1,
    store::{Key, KeyRange, WriteError},
};

/// Runs of a page that does not say.
const PAGE_DEFAULT: usize = 50;
/// The most runs of a page.
const PAGE_MOST: usize = 1_000;
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
        let size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE_DEFAULT,
            Ok(size) => size.min(PAGE_MOST),
            Err(_) => return Err(Rejection::field("page_size", "is negative: 1 to 1000, or 0").into()),
        };
        let (binding, name_text) = (binding(&name), name.to_string());
        let mut range = KeyRange::collection(name.team(), "runs");
        if let Some(after) = after(&request.page_token, &binding)? {
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
                    let next_page_token = token(&run.name, &binding);
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

/// What a page token is bound to: another revision is another list.
fn binding(name: &Name) -> String {
    blake3::hash(name.to_string().as_bytes()).to_hex()[..16].to_owned()
}

fn token(run: &str, binding: &str) -> String {
    format!("{}.{binding}", run.rsplit('/').next().unwrap_or_default())
}

fn after(token: &str, binding: &str) -> Result<Option<Id>, Rejection> {
    if token.is_empty() {
        return Ok(None);
    }
    let id = token.strip_suffix(binding).and_then(|rest| rest.strip_suffix('.'));
    id.and_then(|id| Id::parse(id).ok()).map(Some).ok_or_else(|| {
        let message =
            "page_token is not the next_page_token of this list: the same revision, or empty to begin";
        Rejection::resource(ResourceReason::InvalidPageToken, message).violation("page_token", message)
    })
}
