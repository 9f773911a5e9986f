//! Finds and loads plugins: published revisions, standard plugins, components that are tried out. What they say
//! of their parameters is kept for the next call; loaded plugins are kept by the sandbox.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::standard::{self, FORMULA};
use crate::{
    model::{
        name::Name,
        rejection::{PluginReason, Reason, Rejection, ServiceReason},
    },
    proto::v1,
    resource::Resources,
    sandbox::{Limits, Manifest, Patience, Plugin, Purpose, REFUSES_PARAMETERS, Sandbox, UnderWay, Verdict},
    store::{BlobHash, Database, WriteError},
};

/// When to come back where the host could not do its part.
const COME_BACK: Duration = Duration::from_secs(5);

/// Manifests kept.
const MANIFESTS: usize = 1_024;

/// A plugin with its parameters and what it needs and gives under them.
#[derive(Clone)]
pub struct LoadedPlugin {
    /// The plugin.
    pub plugin: Plugin,
    /// The component's BLAKE3 hash, in hex.
    pub component: String,
    /// The parameters, a JSON document.
    pub parameters: String,
    /// What it needs and gives under them.
    pub manifest: Arc<Manifest>,
}

/// Manifests, by the hashes of the component and of its parameters with the room that it may use, each with the fuel that it
/// is known to take no more than.
type Manifests = Recent<(BlobHash, BlobHash), (u64, Arc<Manifest>)>;

/// Loads plugins. Cheap to clone.
#[derive(Clone)]
pub struct Plugins {
    database: Database,
    resources: Resources,
    sandbox: Sandbox,
    limits: Limits,
    patience: Patience,
    manifests: Arc<Mutex<Manifests>>,
}

/// The entries used most recently.
struct Recent<K, V> {
    most: usize,
    /// With the use that was the last, counted.
    entries: HashMap<K, (V, u64)>,
    uses: u64,
}

// === impl Plugins ===

impl Plugins {
    /// A loader that has loaded nothing.
    #[must_use]
    pub fn new(database: Database, resources: Resources, sandbox: Sandbox, limits: Limits) -> Self {
        Self {
            database,
            resources,
            sandbox,
            limits,
            patience: Patience::default(),
            manifests: Arc::new(Mutex::new(Recent::new(MANIFESTS))),
        }
    }

    /// The same loader; the plugins that it gives are stopped when nobody waits for them any more.
    #[must_use]
    pub fn waiting(&self, patience: &Patience) -> Self {
        Self { patience: patience.clone(), ..self.clone() }
    }

    /// The same loader; what its plugins may use to describe themselves is this.
    #[must_use]
    pub fn within(&self, limits: Limits) -> Self {
        Self { limits, ..self.clone() }
    }

    /// The largest component that is accepted, in bytes.
    #[must_use]
    pub fn component_bytes(&self) -> usize {
        self.sandbox.component_bytes()
    }

    /// The records.
    pub(super) fn resources(&self) -> &Resources {
        &self.resources
    }

    /// The guests under way now.
    #[must_use]
    pub fn under_way(&self) -> UnderWay {
        self.sandbox.under_way()
    }

    /// Checks and compiles a component.
    ///
    /// # Errors
    /// `INVALID_COMPONENT`, `IMPORT_REFUSED`.
    pub fn component(&self, bytes: &[u8]) -> Result<Plugin, Rejection> {
        self.component_for(bytes, Purpose::Revision)
    }

    /// The same, with what compiling for this purpose may take.
    ///
    /// # Errors
    /// As for `component`.
    pub fn component_for(&self, bytes: &[u8], purpose: Purpose) -> Result<Plugin, Rejection> {
        let plugin = self.sandbox.load_for(bytes, purpose).map_err(|verdict| rejection(&verdict))?;
        Ok(plugin.waiting(&self.patience))
    }

    /// Loads a component where compiling it takes no time to speak of. Answers whether it is loaded.
    ///
    /// # Errors
    /// As for `component`.
    pub fn load_briefly(&self, bytes: &[u8], purpose: Purpose) -> Result<bool, Rejection> {
        let loaded = self.sandbox.load_briefly(bytes, purpose).map_err(|verdict| rejection(&verdict))?;
        Ok(loaded.is_some())
    }

    /// Whether a component is loaded for this purpose.
    #[must_use]
    pub fn is_loaded(&self, hash: &BlobHash, purpose: Purpose) -> bool {
        self.sandbox.loaded(&hash.0, purpose).is_some()
    }

    fn loaded(&self, hash: &[u8; 32]) -> Option<Plugin> {
        self.sandbox.loaded(hash, Purpose::Revision).map(|plugin| plugin.waiting(&self.patience))
    }

    /// A standard plugin.
    ///
    /// # Errors
    /// `INVALID_FIELD` that lists those there are.
    pub fn standard(&self, id: &str) -> Result<Plugin, Rejection> {
        let Some(found) = standard::find(id) else {
            let known: Vec<&str> = standard::STANDARD_PLUGINS.iter().map(|plugin| plugin.id).collect();
            let message = format!("there is no standard plugin {id:?}; there are {}", known.join(", "));
            return Err(Rejection::field("standard", message));
        };
        match self.loaded(&found.hash()) {
            Some(plugin) => Ok(plugin),
            None => self.component(found.component),
        }
    }

    /// A component that was published.
    ///
    /// # Errors
    /// `STORE_DAMAGED` where it is not on file; when the store fails.
    pub fn published(&self, component: &str) -> Result<Plugin, WriteError> {
        if let Some(plugin) = parse_hash(component).and_then(|hash| self.loaded(&hash.0)) {
            return Ok(plugin);
        }
        Ok(self.component(&self.published_bytes(component)?)?)
    }

    /// The bytes of a component that was published.
    ///
    /// # Errors
    /// `INVALID_COMPONENT` where it is not on file; when the store fails.
    pub fn published_bytes(&self, component: &str) -> Result<bytes::Bytes, WriteError> {
        let missing = || {
            let message =
                format!("the component {component} is not on file, as it was when it was published");
            Rejection::new(Reason::Service(ServiceReason::StoreDamaged), message)
        };
        let hash = parse_hash(component).ok_or_else(missing)?;
        Ok(self.database.blobs().get(hash)?.ok_or_else(missing)?)
    }

    /// A published revision with the parameters that it carries, or that the caller gives.
    ///
    /// # Errors
    /// `NOT_FOUND`, `PARAMETERS_MISPLACED`, what the plugin says of its parameters; when the store fails.
    pub fn revision(&self, name: &str, parameters: &str) -> Result<LoadedPlugin, WriteError> {
        let revision: v1::PluginRevision = self.resources.get(&Name::parse(name)?)?;
        let parameters = match (revision.parameters.as_str(), parameters) {
            ("", "") => "{}",
            ("", given) => given,
            (carried, "") => carried,
            _ => return Err(misplaced(&format!("{name} carries its own parameters: give none")).into()),
        };
        let plugin = self.published(&revision.component)?;
        let formula = revision.standard == FORMULA;
        Ok(self.with_parameters(plugin, parameters, formula)?)
    }

    /// A plugin that a request names or brings along.
    ///
    /// # Errors
    /// As `revision` and `component`.
    pub fn source(&self, source: Option<&v1::PluginSource>) -> Result<LoadedPlugin, WriteError> {
        use v1::plugin_source::Source;
        let missing = || {
            let accepted = "is missing: give a revision, a component, a standard plugin or a formula";
            Rejection::field("plugin.source", accepted)
        };
        let source = source.ok_or_else(missing)?;
        let given = &source.parameters;
        let parameters = if given.is_empty() { "{}" } else { given };
        match &source.source {
            Some(Source::Revision(name)) => self.revision(name, given),
            Some(Source::Component(bytes)) => {
                let plugin = self.component_for(bytes, Purpose::TryOut)?;
                Ok(self.with_parameters(plugin, parameters, false)?)
            }
            Some(Source::Standard(id)) => {
                Ok(self.with_parameters(self.standard(id)?, parameters, id == FORMULA)?)
            }
            Some(Source::Formula(_)) if !given.is_empty() => {
                Err(misplaced("a formula's sheet is its parameters: give no others").into())
            }
            Some(Source::Formula(sheet)) => {
                Ok(self.with_parameters(self.standard(FORMULA)?, &sheet_parameters(sheet), true)?)
            }
            None => Err(missing().into()),
        }
    }

    /// What a plugin needs and gives under these parameters.
    ///
    /// # Errors
    /// `INVALID_FORMULA` for a formula, else what the plugin says of its parameters.
    pub fn with_parameters(
        &self,
        plugin: Plugin,
        parameters: &str,
        formula: bool,
    ) -> Result<LoadedPlugin, Rejection> {
        let manifest = self.describe(&plugin, parameters).map_err(|verdict| match formula {
            true => formula_rejection(&verdict),
            false => rejection(&verdict),
        })?;
        let component = hash_text(plugin.hash());
        Ok(LoadedPlugin { plugin, component, parameters: parameters.to_owned(), manifest })
    }

    fn describe(&self, plugin: &Plugin, parameters: &str) -> Result<Arc<Manifest>, Verdict> {
        // Another team may not have the room or the fuel for it. Wall time decides nothing.
        let Limits { fuel_per_call, memory_bytes, output_bytes, .. } = self.limits;
        let mut hasher = blake3::Hasher::new();
        for limit in [memory_bytes as u64, output_bytes as u64] {
            hasher.update(&limit.to_le_bytes());
        }
        let hash = *hasher.update(parameters.as_bytes()).finalize().as_bytes();
        let key = (BlobHash(plugin.hash()), BlobHash(hash));
        if let Some((enough, manifest)) = lock(&self.manifests).get(&key)
            && enough <= fuel_per_call
        {
            return Ok(manifest);
        }
        let manifest = Arc::new(plugin.describe(parameters, &self.limits)?);
        lock(&self.manifests).put(key, (fuel_per_call, manifest.clone()));
        Ok(manifest)
    }
}

/// The parameters of the standard plugin `formula` for a sheet.
#[must_use]
pub fn sheet_parameters(sheet: &str) -> String {
    serde_json::json!({ "sheet": sheet }).to_string()
}

/// The rejection for a verdict of the sandbox: where a plugin has more than a line to say of its parameters, a violation for
/// each.
#[must_use]
pub fn rejection(verdict: &Verdict) -> Rejection {
    let reason = Reason::Plugin(verdict.reason);
    let mut lines = verdict.message.lines();
    let first = lines.next().unwrap_or_default();
    if verdict.reason != PluginReason::BadParameters || verdict.message.len() == first.len() {
        let rejection = Rejection::new(reason, verdict.message.clone());
        return if verdict.is_of_host() { rejection.retry_after(COME_BACK) } else { rejection };
    }
    let said = first.strip_prefix(REFUSES_PARAMETERS).unwrap_or(first);
    let message = format!("{first}; and {} more", lines.clone().count());
    let rejection = Rejection::new(reason, message).violation("parameters", said);
    lines.fold(rejection, |rejection, line| rejection.violation("parameters", line))
}

/// The rejection for what the plugin `formula` says of a sheet: a violation for every problem, with its line and column. Where it
/// stands is shown by whoever has the sheet.
#[must_use]
pub fn formula_rejection(verdict: &Verdict) -> Rejection {
    // A line of the sheet, shown below a problem, is set in.
    let problems: Vec<&str> = verdict.message.lines().filter(|line| line.starts_with("line ")).collect();
    let (PluginReason::BadParameters, Some(first)) = (verdict.reason, problems.first()) else {
        return rejection(verdict);
    };
    let message = match problems.len() {
        1 => format!("the formula has a problem: {first}"),
        count => format!("the formula has {count} problems; the first: {first}"),
    };
    let rejection = Rejection::new(Reason::Plugin(PluginReason::InvalidFormula), message);
    problems.into_iter().fold(rejection, |rejection, problem| rejection.violation("formula", problem))
}

/// Parameters where they do not belong.
#[must_use]
pub fn misplaced(message: &str) -> Rejection {
    Rejection::new(Reason::Plugin(PluginReason::ParametersMisplaced), message)
}

/// A hash in hex.
#[must_use]
pub fn hash_text(hash: [u8; 32]) -> String {
    blake3::Hash::from_bytes(hash).to_hex().to_string()
}

/// A hash from hex.
#[must_use]
pub fn parse_hash(text: &str) -> Option<BlobHash> {
    blake3::Hash::from_hex(text).ok().map(|hash| BlobHash(*hash.as_bytes()))
}

/// What a lock guards is whole between calls, so that a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Recent ===

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    fn new(most: usize) -> Self {
        Self { most, entries: HashMap::new(), uses: 0 }
    }

    fn get(&mut self, key: &K) -> Option<V> {
        self.uses += 1;
        let (value, used) = self.entries.get_mut(key)?;
        *used = self.uses;
        Some(value.clone())
    }

    fn put(&mut self, key: K, value: V) {
        self.uses += 1;
        self.entries.insert(key, (value, self.uses));
        if self.entries.len() > self.most {
            let oldest = self.entries.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.entries.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut recent = Recent::new(2);
        recent.put(1, "one");
        recent.put(2, "two");
        assert_eq!(recent.get(&1), Some("one"));
        recent.put(3, "three");
        assert_eq!(recent.get(&2), None);
        assert_eq!((recent.get(&1), recent.get(&3)), (Some("one"), Some("three")));
    }

    fn refused(message: &str) -> Verdict {
        Verdict { reason: PluginReason::BadParameters, row: None, message: message.to_owned() }
    }

    #[test]
    fn every_problem_of_a_sheet_is_a_violation() {
        let check = |message: &str, expected: &str, violations: &[&str]| {
            let rejection = formula_rejection(&refused(message));
            assert_eq!(rejection.to_string(), expected);
            let told =
                rejection.violations.iter().map(|wrong| format!("{} {}", wrong.field, wrong.description));
            assert_eq!(told.collect::<Vec<_>>(), violations);
        };
        check(
            "sheet: 2 problems\nline 1, column 3: what\n  line 7, column 1: a + b\n    ^\nline 2, column 1: why",
            "INVALID_FORMULA: the formula has 2 problems; the first: line 1, column 3: what",
            &["formula line 1, column 3: what", "formula line 2, column 1: why"],
        );
        check(
            "sheet: 1 problem\nline 1, column 3: what\n  a\n  ^",
            "INVALID_FORMULA: the formula has a problem: line 1, column 3: what",
            &["formula line 1, column 3: what"],
        );
        check("sheet: is missing", "BAD_PARAMETERS: sheet: is missing", &[]);
    }

    #[test]
    fn everything_that_is_wrong_with_parameters_is_a_violation() {
        let wrong = format!("{REFUSES_PARAMETERS}tiers[0].rate: is 5\ncap: is a text");
        let rejection = rejection(&refused(&wrong));
        assert_eq!(rejection.message, "the plugin refuses its parameters: tiers[0].rate: is 5; and 1 more");
        let told: Vec<&str> = rejection.violations.iter().map(|wrong| wrong.description.as_str()).collect();
        assert_eq!(told, ["tiers[0].rate: is 5", "cap: is a text"]);
    }
}
