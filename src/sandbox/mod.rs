//! The only room that knows Wasm: checks, compiles, caches and runs plugins under limits. What the values mean is not
//! known here.
//!
//! A component comes in through [`Sandbox::load`]: `admission` looks at its bytes, `memory` and `disk` at what is compiled
//! already, the compiler at the rest, and `contract` links it. [`Plugin`] calls it. Whatever goes wrong is a [`Verdict`].

mod admission;
mod census;
mod child;
mod compiled;
mod compiler;
mod contract;
mod disk;
mod engine;
mod explanation;
mod limits;
mod manifest;
mod memory;
mod outcome;
mod pack;
mod patience;
mod plugin;
mod prices;
mod refused;
mod verdict;
mod weight;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use wasmtime::{Engine, component::Component};

pub use census::UnderWay;
pub use child::{REFUSED as COMPONENT_REFUSED, compile_standard_input};
pub use compiler::{CompileLimits, Compiler, Purpose};
pub use contract::v1_0_0::{
    Batch, Column, Context, Decimals, Fault, Input, Kind, Lines, Manifest, Outcome, Output, Role, Rounding,
    Scope, Step, Texts, Values,
};
pub use explanation::verify_steps;
pub use limits::{AtCeiling, Limits};
pub use pack::pack;
pub use patience::{Over, Patience, Waiting};
pub use plugin::Plugin;
pub use verdict::{REFUSES_PARAMETERS, Verdict};

use admission::Admitted;
use census::Census;
use compiled::Authenticated;
use compiler::{Allowance, Failure};
use contract::Contract;
use disk::{Disk, Found};
use memory::{Capacity, Memory};
use refused::Refused;

/// What is kept in memory: more plugins than a large organisation has, and a few dozen interpreters among them.
const IN_MEMORY: Capacity = Capacity { entries: 256, bytes: 1 << 30 };

/// What is kept of components that are only tried out: for whoever is at it, and never in the place of those above.
const TRIED_OUT: Capacity = Capacity { entries: 64, bytes: 256 << 20 };

/// How the sandbox is set up.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where compiled plugins are kept; nothing means in memory only. The folder's key is kept beside it, in `NAME.key`.
    pub cache: Option<PathBuf>,
    /// Bytes that they may take there; the ones used longest ago go first.
    pub cache_bytes: u64,
    /// The largest component accepted, in bytes.
    pub component_bytes: usize,
    /// Who compiles.
    pub compiler: Compiler,
}

// === impl SandboxConfig ===

impl Default for SandboxConfig {
    /// No cache on disk (2 GiB where there is one); components up to 32 MiB, which is what script languages need; this
    /// process compiles.
    fn default() -> Self {
        Self { cache: None, cache_bytes: 2 << 30, component_bytes: 32 << 20, compiler: Compiler::Here }
    }
}

/// Loads plugins. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    component_bytes: usize,
    compiler: Compiler,
    memory: Memory<Plugin, Unloaded>,
    tried_out: Memory<Plugin, Unloaded>,
    refused: Refused,
    disk: Option<Disk>,
    loads: Counters,
    census: Arc<Census>,
}

/// Why a component was not loaded.
#[derive(Clone, Debug)]
enum Unloaded {
    Refused(Verdict),
    /// It was not compiled in a moment.
    TakesLonger,
}

/// How loads were answered since the sandbox was set up; those answered from memory are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loads {
    /// Components compiled.
    pub compiled: u64,
    /// Components taken from the cache on disk.
    pub from_disk: u64,
    /// Files in the cache on disk that were not believed, or did not load.
    pub refused: u64,
}

#[derive(Default)]
struct Counters {
    compiled: AtomicU64,
    from_disk: AtomicU64,
    refused: AtomicU64,
}

// === impl Sandbox ===

impl Sandbox {
    /// Sets the engine up.
    ///
    /// # Errors
    /// In words, when the machine or the configuration does not allow it.
    pub fn new(config: SandboxConfig) -> Result<Self, String> {
        let engine = engine::new().map_err(|error| format!("the Wasm engine: {error:#}"))?;
        let disk = match config.cache {
            Some(directory) => {
                Some(Disk::open(directory, config.cache_bytes, engine::compatibility(&engine))?)
            }
            None => None,
        };
        let inner = Inner {
            engine,
            component_bytes: config.component_bytes,
            compiler: config.compiler,
            refused: Refused::default(),
            memory: Memory::new(IN_MEMORY, Plugin::code_bytes),
            tried_out: Memory::new(TRIED_OUT, Plugin::code_bytes),
            disk,
            loads: Counters::default(),
            census: Arc::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Checks and compiles a component, or takes it from the cache. Nothing of the component runs. Blocks: compiling takes
    /// 20 ms for a plugin in Rust, and many seconds for an interpreter.
    ///
    /// # Errors
    /// `INVALID_COMPONENT` or `IMPORT_REFUSED`.
    pub fn load(&self, component: &[u8]) -> Result<Plugin, Verdict> {
        self.load_for(component, Purpose::Revision)
    }

    /// The same, with what compiling for this purpose may take. What is only tried out is kept apart, and in memory only.
    ///
    /// # Errors
    /// As for `load`; `TIMED_OUT` and `HOST_UNAVAILABLE` where the host could not do it now.
    pub fn load_for(&self, component: &[u8], purpose: Purpose) -> Result<Plugin, Verdict> {
        match self.load_within(component, purpose, Allowance::Whole(purpose)) {
            Ok(plugin) => Ok(plugin),
            Err(Unloaded::Refused(verdict)) => Err(verdict),
            Err(Unloaded::TakesLonger) => Err(Verdict::host("compiling was given up before its time")),
        }
    }

    /// The same, where compiling takes no time to speak of; nothing where it takes longer.
    ///
    /// # Errors
    /// As for `load_for`.
    pub fn load_briefly(&self, component: &[u8], purpose: Purpose) -> Result<Option<Plugin>, Verdict> {
        match self.load_within(component, purpose, Allowance::Brief) {
            Ok(plugin) => Ok(Some(plugin)),
            Err(Unloaded::Refused(verdict)) => Err(verdict),
            Err(Unloaded::TakesLonger) => Ok(None),
        }
    }

    fn load_within(
        &self,
        component: &[u8],
        purpose: Purpose,
        allowance: Allowance,
    ) -> Result<Plugin, Unloaded> {
        let hash = *blake3::hash(component).as_bytes();
        if let Some(plugin) = self.loaded(&hash, purpose) {
            return Ok(plugin);
        }
        loop {
            let mut own = false;
            let memory = self.inner.memory_for(purpose);
            let loaded = memory.get_or_load(hash, || {
                own = true;
                self.inner.load(hash, component, purpose, allowance)
            });
            // Others that wait for the same component may have had less time for it.
            if loaded.is_ok() || own {
                return loaded;
            }
        }
    }

    /// The plugin of a component, where it is loaded already for this purpose. What is published can be tried out as well.
    pub fn loaded(&self, hash: &[u8; 32], purpose: Purpose) -> Option<Plugin> {
        let published = self.inner.memory.get(hash);
        match purpose {
            Purpose::Revision => published,
            Purpose::TryOut => published.or_else(|| self.inner.tried_out.get(hash)),
        }
    }

    /// Name and version of the engine, for the evidence of a run.
    pub fn version(&self) -> String {
        engine::name()
    }

    /// The largest component that is accepted, in bytes.
    #[must_use]
    pub fn component_bytes(&self) -> usize {
        self.inner.component_bytes
    }

    /// The guests under way now.
    pub fn under_way(&self) -> UnderWay {
        self.inner.census.under_way()
    }

    /// How loads were answered so far.
    pub fn loads(&self) -> Loads {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { compiled, from_disk, refused } = &self.inner.loads;
        Loads { compiled: read(compiled), from_disk: read(from_disk), refused: read(refused) }
    }
}

// === impl Inner ===

impl Inner {
    fn memory_for(&self, purpose: Purpose) -> &Memory<Plugin, Unloaded> {
        match purpose {
            Purpose::Revision => &self.memory,
            Purpose::TryOut => &self.tried_out,
        }
    }

    fn load(
        &self,
        hash: [u8; 32],
        bytes: &[u8],
        purpose: Purpose,
        allowance: Allowance,
    ) -> Result<Plugin, Unloaded> {
        // What was tried out is published without compiling it again.
        if purpose == Purpose::Revision
            && let Some(plugin) = self.tried_out.get(&hash)
        {
            self.keep(&hash, || plugin.compiled());
            return Ok(plugin);
        }
        let Admitted { version, weight } =
            admission::check(bytes, self.component_bytes).map_err(Unloaded::Refused)?;
        let component = match self.load_compiled(&hash) {
            Some(component) => component,
            None => self.compile(&hash, bytes, purpose, allowance)?,
        };
        let contract = Contract::link(&self.engine, &component, &version).map_err(Unloaded::Refused)?;
        let image = component.image_range();
        let code_bytes = (image.end as usize).saturating_sub(image.start as usize);
        Ok(Plugin::new(hash, self.engine.clone(), contract, weight, code_bytes, Arc::clone(&self.census)))
    }

    fn load_compiled(&self, hash: &[u8; 32]) -> Option<Component> {
        match self.disk.as_ref()?.load(&self.engine, hash) {
            Found::Loaded(component) => {
                self.loads.from_disk.fetch_add(1, Ordering::Relaxed);
                Some(component)
            }
            Found::Absent => None,
            Found::Refused(why) => {
                self.loads.refused.fetch_add(1, Ordering::Relaxed);
                let component = blake3::Hash::from_bytes(*hash).to_hex();
                tracing::warn!(%component, %why, "a compiled plugin on disk is not used; compiling again");
                None
            }
        }
    }

    fn compile(
        &self,
        hash: &[u8; 32],
        bytes: &[u8],
        purpose: Purpose,
        allowance: Allowance,
    ) -> Result<Component, Unloaded> {
        let code = self.code(hash, bytes, allowance).map_err(|failure| match failure {
            Failure::UsedUp(_) if allowance == Allowance::Brief => Unloaded::TakesLonger,
            failure => Unloaded::Refused(failure.verdict()),
        })?;
        if purpose == Purpose::Revision {
            self.keep(hash, || Ok(&code));
        }
        compiled::load(&self.engine, &Authenticated::vouch(&code)).map_err(|error| {
            Unloaded::Refused(Verdict::host(&format!(
                "what the compiler gave does not load, is it another version's? {error:#}"
            )))
        })
    }

    /// Keeps what was compiled, so that what is published is there again after a restart.
    fn keep<T: AsRef<[u8]>>(&self, hash: &[u8; 32], code: impl FnOnce() -> wasmtime::Result<T>) {
        let Some(disk) = &self.disk else { return };
        let kept = code().map_err(|error| format!("{error:#}"));
        let kept = kept.and_then(|code| disk.keep(hash, code.as_ref()).map_err(|error| error.to_string()));
        if let Err(error) = kept {
            tracing::warn!(error, "a compiled plugin could not be kept on disk");
        }
    }

    fn code(&self, hash: &[u8; 32], bytes: &[u8], allowance: Allowance) -> Result<Vec<u8>, Failure> {
        if let Some(failure) = self.refused.get(hash, allowance) {
            return Err(failure);
        }
        self.loads.compiled.fetch_add(1, Ordering::Relaxed);
        let code = match &self.compiler {
            Compiler::Here => self.compile_here(bytes).map_err(Failure::Refused),
            Compiler::Process { executable, limits } => {
                compiler::compile(executable, limits, bytes, allowance)
            }
        };
        code.inspect_err(|failure| self.refused.put(hash, allowance, failure))
    }

    fn compile_here(&self, bytes: &[u8]) -> Result<Vec<u8>, Verdict> {
        // A panic in the compiler is a defect that an uploaded component must not turn into an outage.
        catch_unwind(AssertUnwindSafe(|| self.engine.precompile_component(bytes)))
            .map_err(|_| Verdict::invalid_component("the compiler cannot handle it"))?
            .map_err(|error| Verdict::invalid_component(format!("{error:#}")))
    }
}
