//! Loads the plugins of a request before it takes a place among those that compute. Compiling takes seconds: those whose
//! plugins are loaded already do not wait for it, uploads do not hold up what was published, and no team holds up another.

use std::sync::Arc;

use tokio::time::timeout;

use super::{
    evaluator::Evaluator,
    places::{Lane, Lanes},
    plugins::{Plugins, parse_hash},
    standard,
    turns::Turn,
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

/// Bytes beyond which an uploaded component is known to take longer than a moment.
const BRIEF_BYTES: usize = 512 << 10;

const BUSY: Reason = Reason::Service(ServiceReason::Busy);

/// Bytes that are hashed without leaving the thread that serves everybody.
const HASHED_HERE: usize = 256 << 10;

/// A component that is to be loaded.
#[derive(Clone)]
struct Wanted {
    hash: BlobHash,
    purpose: Purpose,
    team: Id,
    bytes: Bytes,
    /// Others of the team that may wait before it.
    most: usize,
    /// Whether it may be loaded in a moment.
    is_brief: bool,
}

/// Where the bytes of a component are.
#[derive(Clone)]
enum Bytes {
    Sent(bytes::Bytes),
    /// On file, under this hash.
    Published(String),
}

// === impl Bytes ===

impl Bytes {
    fn get(&self, plugins: &Plugins) -> Result<bytes::Bytes, WriteError> {
        match self {
            Self::Sent(bytes) => Ok(bytes.clone()),
            Self::Published(component) => plugins.published_bytes(component),
        }
    }
}

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
        let wanted = Wanted {
            hash,
            purpose,
            team: team.clone(),
            bytes: Bytes::Sent(bytes.clone()),
            most: if bytes.len() > LARGE_BYTES { WAITING_LARGE } else { WAITING },
            is_brief: bytes.len() <= BRIEF_BYTES,
        };
        self.load(wanted, &self.places().uploads).await
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
        let plugins = self.plugins();
        if plugins.is_loaded(&BlobHash(found.hash()), Purpose::Revision) {
            return Ok(());
        }
        let place = Arc::clone(&self.places().standard).acquire_owned().await;
        let place = place.map_err(|error| internal(&error.to_string()))?;
        let id = id.to_owned();
        load_in(place, move || Ok(plugins.standard(&id).map(drop)?)).await
    }

    /// Loads the plugin of a published revision, when it is its team's turn.
    ///
    /// # Errors
    /// As loading does; `BUSY`; when the store fails.
    pub async fn prepare_revision(&self, name: &str) -> Result<(), WriteError> {
        let name = Name::parse(name)?;
        let revision: v1::PluginRevision = self.resources().get(&name)?;
        let Some(hash) = parse_hash(&revision.component) else { return Ok(()) };
        let wanted = Wanted {
            hash,
            purpose: Purpose::Revision,
            team: name.team().clone(),
            bytes: Bytes::Published(revision.component),
            most: WAITING,
            // Most are in the cache on disk, however large they are.
            is_brief: true,
        };
        self.load(wanted, &self.places().published).await
    }

    /// Loads a component that is not loaded yet, when it is its team's turn: in a moment, or when it is found to take longer
    /// among those that do.
    async fn load(&self, wanted: Wanted, lanes: &Lanes) -> Result<(), WriteError> {
        let plugins = self.plugins();
        let is_loaded = || plugins.is_loaded(&wanted.hash, wanted.purpose);
        if is_loaded() {
            return Ok(());
        }
        if wanted.is_brief {
            let turn = self.turn(&lanes.brief, lanes.which, &wanted).await?;
            let (plugins, wanted) = (plugins.clone(), wanted.clone());
            let load = move || Ok(plugins.load_briefly(&wanted.bytes.get(&plugins)?, wanted.purpose)?);
            if load_in(turn, load).await? {
                return Ok(());
            }
        }
        let turn = self.turn(&lanes.long, lanes.which, &wanted).await?;
        // Others may have waited for the same.
        if is_loaded() {
            return Ok(());
        }
        let load = move || {
            let bytes = wanted.bytes.get(&plugins)?;
            Ok(plugins.component_for(&bytes, wanted.purpose).map(drop)?)
        };
        load_in(turn, load).await
    }

    /// A team's turn, where no more than so many of the team wait for theirs.
    async fn turn(&self, lane: &Lane, which: &str, wanted: &Wanted) -> Result<Turn, WriteError> {
        let Wanted { team, most, .. } = wanted;
        let ahead = match lane.turns.ask_behind(team.as_str(), *most) {
            Ok((told, ahead)) => match timeout(self.places().wait, told).await {
                Ok(Ok(turn)) => return Ok(turn),
                Ok(Err(_)) | Err(_) => ahead,
            },
            Err(ahead) => ahead,
        };
        let waited = format!("this one waited {:?} (plugins.compile_wait_ms)", self.places().wait);
        let in_the_way = if ahead.waiting >= *most {
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
        let message = format!("{in_the_way}: come back in {} s", lane.come_back.as_secs());
        Err(Rejection::new(BUSY, message).retry_after(lane.come_back).into())
    }
}

/// Loads what is to be loaded, in its place. Whoever asked may be gone: the place is taken until the work is done.
async fn load_in<P: Send + 'static, T: Send + 'static>(
    place: P,
    load: impl FnOnce() -> Result<T, WriteError> + Send + 'static,
) -> Result<T, WriteError> {
    let loading = tokio::task::spawn_blocking(move || {
        let loaded = load();
        drop(place);
        loaded
    });
    loading.await.map_err(|error| internal(&error.to_string()))?
}

fn internal(cause: &str) -> Rejection {
    tracing::error!(cause, "a plugin cannot be loaded");
    let reason = Reason::Service(ServiceReason::Internal);
    Rejection::new(reason, "something is broken on the server; the log has the cause")
}
