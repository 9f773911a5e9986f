//! The configuration of the service: its keys, and what the rooms are made with. Where values come from is in `load`; what
//! every key means is in `defaults.toml`.

mod load;

use std::{net::SocketAddr, path::PathBuf, thread::available_parallelism, time::Duration};

pub use load::{Flags, LogFlags, stray_variables};
use serde::{Deserialize, Serialize};

use crate::{
    evaluate::RunOptions,
    grpc,
    sandbox::{self, AtCeiling, CompileLimits, Compiler, SandboxConfig},
    store,
};

/// Every key with its default and what it means.
pub const DEFAULTS: &str = include_str!("../defaults.toml");

/// The configuration of the service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on; port 0 means any that is free.
    pub listen: SocketAddr,
    /// The directory for everything that lasts.
    pub data: PathBuf,
    /// What clients may take.
    pub limits: grpc::Limits,
    /// The journal and its index.
    pub store: StoreConfig,
    /// Collections as columns in memory.
    pub views: ViewConfig,
    /// How runs execute.
    pub runs: RunConfig,
    /// Plugins.
    pub plugins: PluginConfig,
    /// The log.
    pub log: LogConfig,
}

/// The journal and its index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// Bytes of a journal segment.
    pub segment_bytes: u64,
    /// The most commands in a group.
    pub group_commands: usize,
    /// The longest a group gathers, in microseconds.
    pub group_delay_us: u64,
    /// Commands that may wait.
    pub queue: usize,
    /// Free bytes below which writes are refused.
    pub free_floor_bytes: u64,
    /// Bytes of the index's page cache.
    pub cache_bytes: u64,
}

/// Collections as columns in memory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewConfig {
    /// Bytes they may take.
    pub budget_bytes: u64,
}

/// How runs execute.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Rows a call of a plugin.
    pub chunk_rows: usize,
    /// Threads of a run; 0 means the cores.
    pub threads: usize,
    /// Runs at work at the same time, each of another team.
    pub concurrent: usize,
    /// Fuel for a call of a plugin.
    pub fuel_per_call: u64,
    /// Fuel on top for each row and detail line.
    pub fuel_per_row: u64,
    /// Bytes of memory of a plugin.
    pub memory_bytes: usize,
    /// Bytes that the answer of a plugin may take.
    pub output_bytes: usize,
    /// Milliseconds of a call of a plugin, beside those of its fuel.
    pub wall_ms: u64,
    /// Nanoseconds on top for each unit of its fuel.
    pub fuel_ns: u64,
}

/// Plugins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginConfig {
    /// The largest component accepted, in bytes.
    pub component_bytes: usize,
    /// Bytes that compiled plugins may take on disk.
    pub cache_bytes: u64,
    /// Milliseconds that all calls of a plugin may take together, for a request that tries it out.
    pub try_out_ms: u64,
    /// The executable that compiles components, `merit` or one that answers to the same command. Empty: `merit serve`
    /// starts itself; in other processes, such as tests, the service compiles in its own.
    pub compiler: PathBuf,
    /// Seconds of processor time that compiling a component may take.
    pub compile_cpu_seconds: u64,
    /// Bytes of address space that compiling a component may take.
    pub compile_memory_bytes: u64,
    /// Milliseconds until compiling a component has to be done.
    pub compile_wall_ms: u64,
    /// Bytes of machine code that may come of a component.
    pub compile_code_bytes: u64,
    /// Seconds of processor time that compiling a component may take which is only tried out.
    pub try_out_compile_cpu_seconds: u64,
    /// Uploaded components compiled at the same time, each of another team. 0: half the cores, and 2 at least.
    pub compiles: usize,
    /// Milliseconds that a component waits for its turn to be compiled.
    pub compile_wait_ms: u64,
    /// The most that a team's own limits may be.
    pub ceilings: CeilingConfig,
}

/// The most that a team's own limits may be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeilingConfig {
    /// See [`RunConfig::fuel_per_call`].
    pub fuel_per_call: u64,
    /// See [`RunConfig::fuel_per_row`].
    pub fuel_per_row: u64,
    /// See [`RunConfig::memory_bytes`].
    pub memory_bytes: usize,
    /// See [`RunConfig::output_bytes`].
    pub output_bytes: usize,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// For whom.
    pub format: LogFormat,
    /// What is logged, as `tracing_subscriber::EnvFilter` reads it.
    pub filter: String,
}

/// For whom the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

// === impl Config ===

impl Config {
    /// How the store is opened.
    #[must_use]
    pub fn store_options(&self) -> store::Options {
        store::Options {
            segment_bytes: self.store.segment_bytes,
            group_commands: self.store.group_commands,
            group_delay: Duration::from_micros(self.store.group_delay_us),
            queue: self.store.queue,
            free_floor_bytes: self.store.free_floor_bytes,
            cache_bytes: self.store.cache_bytes,
            ..store::Options::default()
        }
    }

    /// How the sandbox is set up: compiled plugins are kept beside the data, in a directory that may be deleted.
    #[must_use]
    pub fn sandbox(&self) -> SandboxConfig {
        SandboxConfig {
            cache: Some(self.data.join("compiled")),
            cache_bytes: self.plugins.cache_bytes,
            component_bytes: self.plugins.component_bytes,
            compiler: self.compiler(),
        }
    }

    /// Who compiles components.
    fn compiler(&self) -> Compiler {
        let plugins = &self.plugins;
        if plugins.compiler.as_os_str().is_empty() {
            return Compiler::Here;
        }
        let limits = CompileLimits {
            cpu_seconds: plugins.compile_cpu_seconds,
            try_out_cpu_seconds: plugins.try_out_compile_cpu_seconds,
            memory_bytes: plugins.compile_memory_bytes,
            wall_time: Duration::from_millis(plugins.compile_wall_ms),
            code_bytes: plugins.compile_code_bytes,
        };
        Compiler::Process { executable: plugins.compiler.clone(), limits }
    }

    /// The same, for a process that is `merit`: it compiles components in processes of its own kind, unless another
    /// executable is named.
    #[must_use]
    pub fn for_merit_itself(mut self) -> Self {
        if self.plugins.compiler.as_os_str().is_empty() {
            self.plugins.compiler = Compiler::own_executable();
        }
        self
    }

    /// How runs execute.
    #[must_use]
    pub fn run_options(&self) -> RunOptions {
        let threads = match self.runs.threads {
            0 => available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let ceilings = &self.plugins.ceilings;
        let (wall_time, fuel_ns) = (Duration::from_millis(self.runs.wall_ms), self.runs.fuel_ns);
        RunOptions {
            chunk_rows: self.runs.chunk_rows,
            threads,
            limits: sandbox::Limits {
                fuel_per_call: self.runs.fuel_per_call,
                fuel_per_row: self.runs.fuel_per_row,
                memory_bytes: self.runs.memory_bytes,
                output_bytes: self.runs.output_bytes,
                wall_time,
                fuel_ns,
                at_ceiling: AtCeiling::NONE,
            },
            ceilings: sandbox::Limits {
                fuel_per_call: ceilings.fuel_per_call,
                fuel_per_row: ceilings.fuel_per_row,
                memory_bytes: ceilings.memory_bytes,
                output_bytes: ceilings.output_bytes,
                wall_time,
                fuel_ns,
                at_ceiling: AtCeiling::ALL,
            },
            compiles: match self.plugins.compiles {
                0 => available_parallelism().map_or(1, usize::from).div_ceil(2).max(2),
                compiles => compiles,
            },
            compile_longest: Duration::from_secs(self.plugins.compile_cpu_seconds),
            compile_wait: Duration::from_millis(self.plugins.compile_wait_ms),
            try_out: Duration::from_millis(self.plugins.try_out_ms),
            concurrent_runs: self.runs.concurrent,
        }
    }
}
