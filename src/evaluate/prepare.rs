//! Loads the plugins of a request before it takes a place among those that compute. Compiling takes seconds: those whose
//! plugins are loaded already do not wait for it, and uploads do not hold up what was published.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{evaluator::Evaluator, plugins::Plugins, plugins::parse_hash, standard};
use crate::{
    model::{
        name::Name,
        rejection::{Reason, Rejection, ServiceReason},
    },
    proto::v1::{self, plugin_source::Source},
    store::{BlobHash, WriteError},
};

/// Published plugins loaded at the same time; they are few, and most are in the cache on disk.
const PUBLISHED: usize = 2;

/// Bytes that are hashed without leaving the thread that serves everybody.
const HASHED_HERE: usize = 256 << 10;

/// Components of so many bytes are small: they are compiled in places of their own, so that one made to be expensive, which
/// is large, does not hold up what anybody else tries.
const SMALL_BYTES: usize = 512 << 10;

/// How many are compiled at the same time.
pub struct Places {
    uploads: Arc<Semaphore>,
    small_uploads: Arc<Semaphore>,
    published: Arc<Semaphore>,
}

// === impl Places ===

impl Places {
    /// Places for so many uploads.
    #[must_use]
    pub fn new(uploads: usize) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.max(1)));
        Self { uploads: places(uploads), small_uploads: places(uploads), published: places(PUBLISHED) }
    }

    fn for_upload(&self, bytes: usize) -> &Arc<Semaphore> {
        if bytes <= SMALL_BYTES { &self.small_uploads } else { &self.uploads }
    }
}

// === impl Evaluator ===

impl Evaluator {
    /// Loads the plugin of a request. What is wrong with the request itself is said by the call that follows.
    ///
    /// # Errors
    /// As loading does; when the store fails.
    pub async fn prepare(&self, source: Option<&v1::PluginSource>) -> Result<(), WriteError> {
        match source.and_then(|source| source.source.as_ref()) {
            None => Ok(()),
            Some(Source::Component(bytes)) => self.prepare_upload(bytes).await,
            Some(Source::Standard(id)) => self.prepare_standard(id).await,
            Some(Source::Formula(_)) => self.prepare_standard(standard::FORMULA).await,
            Some(Source::Revision(name)) => self.prepare_revision(name).await,
        }
    }

    /// Loads a component that was sent.
    ///
    /// # Errors
    /// `INVALID_COMPONENT`, `IMPORT_REFUSED`, `TIMED_OUT`.
    pub async fn prepare_upload(&self, bytes: &bytes::Bytes) -> Result<(), WriteError> {
        let hash = if bytes.len() <= HASHED_HERE {
            BlobHash(*blake3::hash(bytes).as_bytes())
        } else {
            let bytes = bytes.clone();
            let hashed = tokio::task::spawn_blocking(move || *blake3::hash(&bytes).as_bytes()).await;
            BlobHash(hashed.map_err(|error| internal(&error.to_string()))?)
        };
        let (bytes, places) = (bytes.clone(), self.places().for_upload(bytes.len()));
        self.load(places, hash, move |plugins| Ok(plugins.component(&bytes).map(drop)?)).await
    }

    /// Loads the plugins of a finished run.
    ///
    /// # Errors
    /// As loading does; when the store fails.
    pub async fn prepare_run(&self, run: &Name) -> Result<(), WriteError> {
        let run: v1::Run = self.resources().get(run)?;
        for step in &run.steps {
            match self.prepare_revision(&step.revision).await {
                // The run has on file what it executed; what is wrong with that is said by whoever looks at it.
                Ok(()) | Err(WriteError::Rejected(_)) => {}
                Err(error) => return Err(error),
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
        self.load(&self.places().published, BlobHash(found.hash()), load).await
    }

    /// Loads the plugin of a published revision.
    ///
    /// # Errors
    /// As loading does; when the store fails.
    pub async fn prepare_revision(&self, name: &str) -> Result<(), WriteError> {
        let revision: v1::PluginRevision = self.resources().get(&Name::parse(name)?)?;
        let Some(hash) = parse_hash(&revision.component) else { return Ok(()) };
        let load = move |plugins: &Plugins| plugins.published(&revision.component).map(drop);
        self.load(&self.places().published, hash, load).await
    }

    async fn load(
        &self,
        places: &Arc<Semaphore>,
        hash: BlobHash,
        load: impl FnOnce(&Plugins) -> Result<(), WriteError> + Send + 'static,
    ) -> Result<(), WriteError> {
        let plugins = self.plugins();
        if plugins.is_loaded(&hash) {
            return Ok(());
        }
        let place = Arc::clone(places).acquire_owned().await.map_err(|error| internal(&error.to_string()))?;
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
