//! The datasets of finished runs, decoded, the latest used kept in memory up to a bound.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::{
    dataset::{self, Dataset},
    plugins::parse_hash,
};
use crate::{
    model::{
        name::{Id, Name},
        rejection::{EvaluationReason, Reason, Rejection},
    },
    proto::v1,
    store::{BlobHash, Database, StoreError, WriteError},
};

/// Bytes of decoded datasets kept. The one asked for last is kept even if it alone is larger.
const KEPT_BYTES: usize = 256 << 20;

/// The datasets of finished runs.
pub struct Results {
    database: Database,
    kept: Mutex<Kept>,
}

/// Decoded datasets, the one asked for last at the end.
#[derive(Default)]
struct Kept {
    datasets: VecDeque<(BlobHash, Arc<Dataset>)>,
    bytes: usize,
}

// === impl Results ===

impl Results {
    /// Those that this database keeps.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database, kept: Mutex::default() }
    }

    /// The bytes of the dataset of a run, checked against their hash.
    ///
    /// # Errors
    /// `RUN_NOT_FINISHED`, `DATASET_DAMAGED`; when the store fails.
    pub fn bytes(&self, run: &v1::Run) -> Result<Bytes, WriteError> {
        let hash = dataset_hash(run)?;
        match self.database.blobs().get(hash) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(damaged(run, "it is not on file").into()),
            Err(StoreError::Damaged { .. }) => {
                Err(damaged(run, "the bytes on file are not those that were written").into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The dataset of a run, which may have been read before.
    ///
    /// # Errors
    /// `RUN_NOT_FINISHED`, `DATASET_DAMAGED`; when the store fails.
    pub fn dataset(&self, run: &v1::Run) -> Result<Arc<Dataset>, WriteError> {
        let hash = dataset_hash(run)?;
        if let Some(dataset) = self.lock().get(hash) {
            return Ok(dataset);
        }
        let dataset = Arc::new(self.on_file(run)?);
        self.lock().put(hash, dataset.clone());
        Ok(dataset)
    }

    /// The dataset of a run as it is on disk now, checked against its hash, whatever is in memory: for who proves something
    /// by it.
    ///
    /// # Errors
    /// `RUN_NOT_FINISHED`, `DATASET_DAMAGED`; when the store fails.
    pub fn on_file(&self, run: &v1::Run) -> Result<Dataset, WriteError> {
        dataset::read(self.bytes(run)?).map_err(|error| damaged(run, &error.to_string()).into())
    }

    /// Keeps a dataset that was just written.
    pub fn keep(&self, hash: BlobHash, dataset: Arc<Dataset>) {
        self.lock().put(hash, dataset);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Kept ===

impl Kept {
    fn get(&mut self, hash: BlobHash) -> Option<Arc<Dataset>> {
        let place = self.datasets.iter().position(|(kept, _)| *kept == hash)?;
        let entry = self.datasets.remove(place)?;
        let dataset = entry.1.clone();
        self.datasets.push_back(entry);
        Some(dataset)
    }

    fn put(&mut self, hash: BlobHash, dataset: Arc<Dataset>) {
        if self.get(hash).is_some() {
            return;
        }
        self.bytes += dataset.bytes();
        self.datasets.push_back((hash, dataset));
        while self.bytes > KEPT_BYTES
            && self.datasets.len() > 1
            && let Some((_, oldest)) = self.datasets.pop_front()
        {
            self.bytes -= oldest.bytes();
        }
    }
}

fn dataset_hash(run: &v1::Run) -> Result<BlobHash, Rejection> {
    if run.state() != v1::RunState::Succeeded {
        let state = run.state().as_str_name().trim_start_matches("RUN_STATE_");
        let reason = Reason::Evaluation(EvaluationReason::RunNotFinished);
        let hint = match run.state() {
            v1::RunState::Pending | v1::RunState::Running => "wait until it has succeeded (WatchRun)",
            _ => "it keeps no results: create another run",
        };
        return Err(Rejection::new(reason, format!("{} is {state}: {hint}", run.name)).with("state", state));
    }
    parse_hash(&run.dataset).ok_or_else(|| damaged(run, "its hash is no hash"))
}

fn damaged(run: &v1::Run, what: &str) -> Rejection {
    let reason = Reason::Evaluation(EvaluationReason::DatasetDamaged);
    Rejection::new(reason, format!("the dataset of {}: {what}", run.name)).with("run", &*run.name)
}

/// The name of an account manager.
#[must_use]
pub fn account_manager(team: &Id, id: &str) -> String {
    format!("teams/{team}/accountManagers/{id}")
}

/// The name of a run, checked to be one.
///
/// # Errors
/// `INVALID_NAME`.
pub fn run_name(text: &str) -> Result<Name, Rejection> {
    let name = Name::parse(text)?;
    if name.collection() == "runs" {
        return Ok(name);
    }
    let reason = crate::model::rejection::ResourceReason::InvalidName;
    Err(Rejection::resource(reason, format!("{text:?} is not a run: teams/{{team}}/runs/{{run}}")))
}
