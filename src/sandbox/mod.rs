//! The only room that knows Wasm: checks, compiles, caches and runs plugins under limits. What the values mean is not
//! known here.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::model::rejection::PluginReason;

/// The contract's types and calls, version 1.0.0, made from `plugins/wit/1.0.0`.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
mod bindings {
    wasmtime::component::bindgen!({ path: "plugins/wit/1.0.0", world: "scoring" });
}

pub use bindings::exports::merit::scoring::plugin::{
    Batch, Column, Context, Decimals, Fault, Input, Kind, Lines, Manifest, Outcome, Output, Role, Rounding,
    Scope, Step, Texts, Values,
};

/// What a plugin may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fuel for a call.
    pub fuel_per_call: u64,
    /// Fuel on top for each row (and each detail line) of the batch.
    pub fuel_per_row: u64,
    /// Bytes of linear memory of an instance.
    pub memory_bytes: usize,
    /// Bytes that the answer of a call may take on the host.
    pub output_bytes: usize,
    /// The wall time of a call, to protect the host only.
    pub wall_time: Duration,
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Verdict {
    /// What happened, as clients see it.
    pub reason: PluginReason,
    /// The row that was at work, where that can be told.
    pub row: Option<u32>,
    /// What happened, the limit and what was used, for people.
    pub message: String,
}

/// How the sandbox is set up.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where compiled plugins are kept; nothing means in memory only.
    pub cache: Option<PathBuf>,
    /// The largest component accepted, in bytes.
    pub component_bytes: usize,
}

/// Loads plugins. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    _inner: Arc<()>,
}

/// A plugin, compiled and ready to be called from any thread. Cheap to clone. Every call has an instance of its own.
#[derive(Clone)]
pub struct Plugin {
    _inner: Arc<()>,
}

// === impl Sandbox ===

impl Sandbox {
    /// Sets the engine up.
    ///
    /// # Errors
    /// In words, when the machine or the configuration does not allow it.
    pub fn new(_config: SandboxConfig) -> Result<Self, String> {
        todo!()
    }

    /// Checks and compiles a component, or takes it from the cache.
    ///
    /// # Errors
    /// `INVALID_COMPONENT` or `IMPORT_REFUSED`.
    pub fn load(&self, _component: &[u8]) -> Result<Plugin, Verdict> {
        todo!()
    }

    /// Name and version of the engine, for the evidence of a run.
    pub fn version(&self) -> String {
        todo!()
    }
}

// === impl Plugin ===

impl Plugin {
    /// The component's BLAKE3 hash.
    pub fn hash(&self) -> [u8; 32] {
        todo!()
    }

    /// What the plugin needs and gives under these parameters.
    pub fn describe(&self, _parameters: &str, _limits: &Limits) -> Result<Manifest, Verdict> {
        todo!()
    }

    /// Scores a batch. The outcome is checked against the manifest: columns, kinds, scales, rows, faults.
    pub fn evaluate(
        &self,
        _parameters: &str,
        _context: &Context,
        _manifest: &Manifest,
        _batch: &Batch,
        _limits: &Limits,
    ) -> Result<Outcome, Verdict> {
        todo!()
    }

    /// Explains a row of the batch.
    pub fn explain(
        &self,
        _parameters: &str,
        _context: &Context,
        _manifest: &Manifest,
        _batch: &Batch,
        _row: u32,
        _limits: &Limits,
    ) -> Result<Vec<Step>, Verdict> {
        todo!()
    }
}
