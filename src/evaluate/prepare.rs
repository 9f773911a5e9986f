//! Loads the plugins of a request before it takes a place among those that compute. Compiling takes seconds: those whose
//! plugins are loaded already do not wait for it, uploads do not hold up what was published, and no team holds up another.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{
    evaluator::Evaluator,
    plugins::{Plugins, parse_hash},
    standard,
    turns::{Turn, Turns},
};
use crate::{
    model::{
        name::{Id, Name},
        rejection::{Reason, Rejection, ServiceReason},
    },
    proto::v1::{self, plugin_source::Source},
    sandbox::Purpose,
    store::{BlobHash, WriteError},
};

/// Components of a team that may wait for their turn; fewer of those that are large, since a call with one has room that the
/// large ones of all teams share.
const WAITING: usize = 32;
const WAITING_LARGE: usize = 2;

/// Bytes beyond which a component is large.
const LARGE_BYTES: usize = 4 << 20;

/// When to come back if it was too long.
const COME_BACK: Duration = Duration::from_secs(5);

const BUSY: Reason = Reason::Service(ServiceReason::Busy);

/// Bytes that are hashed without leaving the thread that serves everybody.
const HASHED_HERE: usize = 256 << 10;

// === impl Evaluator ===

impl Evaluator {
    /// Loads the plugin of a request. What is wrong with the request itself is said by the call that follows.
    ///
    /// # Errors
    /// As loading does; when the store fails.
    pub async fn prepare(&self, team: &str, source: Option<&v1::PluginSource>) -> Result<(), WriteError> {
        match source.and_then(|source| source.source.as_ref()) {
            None => Ok(()),
            Some(Source::Component(bytes)) => {
                let team = Name::parse(team)?;
                self.prepare_upload(team.team(), bytes, Purpose::TryOut).await
            }
            Some(Source::Standard(id)) => self.prepare_standard(id).await,
            Some(Source::Formula(_)) => self.prepare_standard(standard::FORMULA).await,
            Some(Source::Revision(name)) => self.prepare_revision(name).await,
        }
    }

    /// Loads a component that was sent, when it is the team's turn.
    ///
    /// # Errors
    /// `NOT_FOUND` where there is no such team, `INVALID_COMPONENT`, `IMPORT_REFUSED`, `TIMED_OUT`, `BUSY`.
    pub async fn prepare_upload(
        &self,
        team: &Id,
        bytes: &bytes::Bytes,
        purpose: Purpose,
    ) -> Result<(), WriteError> {
        let hash = if bytes.len() <= HASHED_HERE {
            BlobHash(*blake3::hash(bytes).as_bytes())
        } else {
            let bytes = bytes.clone();
            let hashed = tokio::task::spawn_blocking(move || *blake3::hash(&bytes).as_bytes()).await;
            BlobHash(hashed.map_err(|error| internal(&error.to_string()))?)
        };
        // Whoever makes teams up has no turns.
        let _: v1::Team = self.resources().get(&Name::of_team(team.clone()))?;
        let most = if bytes.len() > LARGE_BYTES { WAITING_LARGE } else { WAITING };
        let bytes = bytes.clone();
        let load = move |plugins: &Plugins| Ok(plugins.component_for(&bytes, purpose).map(drop)?);
        self.load(&hash, self.turn(&self.places().uploads, team, "uploaded", most), load).await
    }

    /// Loads the plugins of a finished run.
    ///
    /// # Errors
    /// As loading does; when the store fails.
    pub async fn prepare_run(&self, run: &Name) -> Result<(), WriteError> {
        let run: v1::Run = self.resources().get(run)?;
        self.prepare_steps(&run.steps).await
    }

    /// Loads the plugins of steps, where they name their revisions. What is wrong with them is said by whoever looks at them.
    ///
    /// # Errors
    /// `BUSY`; when the store fails.
    pub async fn prepare_steps(&self, steps: &[v1::RunStep]) -> Result<(), WriteError> {
        for step in steps {
            let is_revision = |name: &Name| name.collection() == "pluginRevisions";
            if !Name::parse(&step.revision).as_ref().is_ok_and(is_revision) {
                continue;
            }
            match self.prepare_revision(&step.revision).await {
                Err(WriteError::Rejected(rejection)) if rejection.reason != BUSY => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Loads a standard plugin; one that there is not is told by the call that follows.
    ///
    /// # Errors
    /// As loading does.
    pub async fn prepare_standard(&self, id: &str) -> Result<(), WriteError> {
        let Some(found) = standard::find(id) else { return Ok(()) };
        let id = id.to_owned();
        let load = move |plugins: &Plugins| Ok(plugins.standard(&id).map(drop)?);
        let place = async {
            let place = Arc::clone(&self.places().standard).acquire_owned().await;
            Ok(place.map_err(|error| internal(&error.to_string()))?)
        };
        self.load(&BlobHash(found.hash()), place, load).await
    }

    /// Loads the plugin of a published revision, when it is its team's turn.
    ///
    /// # Errors
    /// As loading does; `BUSY`; when the store fails.
    pub async fn prepare_revision(&self, name: &str) -> Result<(), WriteError> {
        let name = Name::parse(name)?;
        let revision: v1::PluginRevision = self.resources().get(&name)?;
        let Some(hash) = parse_hash(&revision.component) else { return Ok(()) };
        let load = move |plugins: &Plugins| plugins.published(&revision.component).map(drop);
        self.load(&hash, self.turn(&self.places().published, name.team(), "published", WAITING), load).await
    }

    /// A team's turn, where no more than so many of the team wait for theirs.
    async fn turn(
        &self,
        turns: &Arc<Turns>,
        team: &Id,
        which: &str,
        most: usize,
    ) -> Result<Turn, WriteError> {
        let ahead = match turns.ask_behind(team.as_str(), most) {
            Ok((told, ahead)) => match timeout(self.places().wait, told).await {
                Ok(Ok(turn)) => return Ok(turn),
                Ok(Err(_)) | Err(_) => ahead,
            },
            Err(ahead) => ahead,
        };
        let waited = format!("this one waited {:?} (plugins.compile_wait_ms)", self.places().wait);
        let in_the_way = if ahead.waiting >= most {
            format!("{} {which} components of teams/{team} wait for their turn already", ahead.waiting)
        } else if ahead.own > 0 {
            format!(
                "another {which} component of teams/{team} is being compiled, and {} wait: a team has one compiled at a \
                 time, and {waited}",
                ahead.waiting
            )
        } else {
            format!("{which} components of {} other teams are being compiled, and {waited}", ahead.others)
        };
        let message = format!("{in_the_way}: come back in {} s", COME_BACK.as_secs());
        Err(Rejection::new(BUSY, message).retry_after(COME_BACK).into())
    }

    /// Loads a plugin that is not loaded yet, in its place.
    async fn load<P: Send + 'static>(
        &self,
        hash: &BlobHash,
        place: impl Future<Output = Result<P, WriteError>>,
        load: impl FnOnce(&Plugins) -> Result<(), WriteError> + Send + 'static,
    ) -> Result<(), WriteError> {
        let plugins = self.plugins();
        if plugins.is_loaded(hash) {
            return Ok(());
        }
        let place = place.await?;
        let loading = tokio::task::spawn_blocking(move || {
            let loaded = load(&plugins);
            // Whoever asked may be gone: the place is taken until the work is done.
            drop(place);
            loaded
        });
        loading.await.map_err(|error| internal(&error.to_string()))?
    }
}

fn internal(cause: &str) -> Rejection {
    tracing::error!(cause, "a plugin cannot be loaded");
    let reason = Reason::Service(ServiceReason::Internal);
    Rejection::new(reason, "something is broken on the server; the log has the cause")
}
