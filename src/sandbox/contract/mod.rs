//! The versions of the plugin contract that Merit speaks, one file each: which one a component exports, and its calls.
//! What an answer must satisfy beyond its types is in `manifest`, `outcome` and `explanation`.

mod interface;
pub mod v1_0_0;

use wasmtime::{Engine, Store, component::Component};

use super::{limits::Meter, verdict::Verdict};
pub use interface::INTERFACE;
use v1_0_0::{Batch, Context, Manifest, Outcome, Refusal, Step};

/// The versions that Merit speaks, oldest first.
pub const VERSIONS: &[&str] = &[v1_0_0::VERSION];

/// A component linked for the version of the contract that it exports. A new version is a variant here and a file beside
/// this one, which translates to the types of the newest.
#[derive(Clone)]
pub enum Contract {
    V1_0_0(v1_0_0::Linked),
}

/// The answer of a call whose types held: the plugin's own, or its refusal.
pub type Answer<T> = wasmtime::Result<Result<T, Refusal>>;

/// What a plugin is asked to look at.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub parameters: &'a str,
    pub context: &'a Context,
    pub batch: &'a Batch,
}

/// What is wrong with a plugin of a version that Merit does not speak.
pub fn unknown(version: &str) -> String {
    format!("it exports {INTERFACE}{version}; this version of Merit speaks {}", VERSIONS.join(", "))
}

// === impl Contract ===

impl Contract {
    /// Links a component that exports `version`.
    pub fn link(engine: &Engine, component: &Component, version: &str) -> Result<Self, Verdict> {
        match version {
            v1_0_0::VERSION => v1_0_0::Linked::new(engine, component).map(Self::V1_0_0),
            other => Err(Verdict::invalid_component(unknown(other))),
        }
    }

    /// The component.
    pub fn component(&self) -> &Component {
        match self {
            Self::V1_0_0(linked) => linked.component(),
        }
    }

    /// Makes an instance in the store. This runs the guest's start functions.
    pub fn instantiate(&self, store: &mut Store<Meter>) -> wasmtime::Result<Instance> {
        match self {
            Self::V1_0_0(linked) => linked.instantiate(store).map(Instance::V1_0_0),
        }
    }
}

/// An instance, good for the store it was made in.
pub enum Instance {
    V1_0_0(v1_0_0::Guest),
}

// === impl Instance ===

impl Instance {
    pub fn describe(&self, store: &mut Store<Meter>, parameters: &str) -> Answer<Manifest> {
        match self {
            Self::V1_0_0(guest) => guest.call_describe(store, parameters),
        }
    }

    pub fn evaluate(&self, store: &mut Store<Meter>, question: Question<'_>) -> Answer<Outcome> {
        let Question { parameters, context, batch } = question;
        match self {
            Self::V1_0_0(guest) => guest.call_evaluate(store, parameters, context, batch),
        }
    }

    pub fn explain(&self, store: &mut Store<Meter>, question: Question<'_>, row: u32) -> Answer<Vec<Step>> {
        let Question { parameters, context, batch } = question;
        match self {
            Self::V1_0_0(guest) => guest.call_explain(store, parameters, context, batch, row),
        }
    }
}
