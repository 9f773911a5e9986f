//! The configuration of the service: defaults, a file, variables of the environment, flags, each over the one before.
//! `defaults.toml` documents every key.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    thread::available_parallelism,
    time::Duration,
};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

use crate::{
    evaluate::RunOptions,
    grpc,
    sandbox::{self, AtCeiling, CompileLimits, Compiler, SandboxConfig},
    store,
};

/// Every key with its default and what it means.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// Variables with the same prefix that are meant for the commands which are clients.
const OF_CLIENTS: &[&str] = &["config", "server", "team", "author", "timeout", "output"];

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
    /// Milliseconds of a call of a plugin.
    pub wall_ms: u64,
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
    /// See [`RunConfig::wall_ms`].
    pub wall_ms: u64,
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

/// What the command line says; what it leaves open is in the file, the environment or the defaults.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Flags {
    /// See [`Config::listen`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// See [`Config::data`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// See [`Config::log`].
    #[serde(skip_serializing_if = "LogFlags::is_empty")]
    pub log: LogFlags,
}

/// What the command line says about the log.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LogFlags {
    /// See [`LogConfig::format`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<LogFormat>,
    /// See [`LogConfig::filter`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

// === impl LogFlags ===

impl LogFlags {
    fn is_empty(&self) -> bool {
        self.format.is_none() && self.filter.is_none()
    }
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Figment::from(Toml::string(DEFAULTS)).extract().expect("a test reads the defaults")
    }
}

impl Config {
    /// The configuration from the defaults, the file if one is given, the environment and the flags.
    ///
    /// # Errors
    /// In words: a file that cannot be read, an unknown key, a value that may not be, an address that may not be
    /// listened on.
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Self, String> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            // A file that is named has to be there.
            let text =
                std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            let table: figment::value::Dict =
                toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
            figment = figment.merge(Serialized::defaults(table));
        }
        let environment = Env::prefixed("MERIT_").ignore(OF_CLIENTS).split("__");
        let config: Self = figment
            .merge(environment)
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(|error| wrong(&error, file))?;
        config.check()?;
        Ok(config)
    }

    /// Whether the service may run like this.
    ///
    /// # Errors
    /// In words, with what would be accepted.
    pub fn check(&self) -> Result<(), String> {
        if !self.listen.ip().to_canonical().is_loopback() {
            return Err(format!(
                "listen = {}: only a loopback address is accepted, such as 127.0.0.1:{} or [::1]:{}, because there is \
                 no authentication yet: whoever reaches the port could read and change everything. To serve other \
                 machines, put a proxy on this one that does TLS and authentication (Envoy, nginx), or use an SSH \
                 tunnel (ssh -L {}:127.0.0.1:{} HOST)",
                self.listen,
                self.listen.port(),
                self.listen.port(),
                self.listen.port(),
                self.listen.port(),
            ));
        }
        let positive = [
            ("limits.calls", self.limits.calls),
            ("limits.streams", self.limits.streams),
            ("limits.component_calls", self.limits.component_calls),
            ("limits.connections", self.limits.connections),
            ("limits.silent_connections", self.limits.silent_connections),
            ("limits.calls_per_connection", self.limits.calls_per_connection as usize),
            ("limits.message_bytes", self.limits.message_bytes),
            ("store.group_commands", self.store.group_commands),
            ("store.queue", self.store.queue),
            ("runs.chunk_rows", self.runs.chunk_rows),
        ];
        if let Some((key, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{key} = 0: at least 1 is needed"));
        }
        if self.runs.concurrent < 2 {
            return Err(format!(
                "runs.concurrent = {}: at least 2 are needed, so that no team waits for what another one runs",
                self.runs.concurrent
            ));
        }
        if self.plugins.compiles == 1 {
            return Err(
                "plugins.compiles = 1: at least 2 are needed, so that no team waits for what another one \
                        uploads, or 0 for half the cores"
                    .to_owned(),
            );
        }
        let (runs, ceilings) = (&self.runs, &self.plugins.ceilings);
        let ceilings = [
            ("fuel_per_call", runs.fuel_per_call, ceilings.fuel_per_call),
            ("fuel_per_row", runs.fuel_per_row, ceilings.fuel_per_row),
            ("memory_bytes", runs.memory_bytes as u64, ceilings.memory_bytes as u64),
            ("output_bytes", runs.output_bytes as u64, ceilings.output_bytes as u64),
            ("wall_ms", runs.wall_ms, ceilings.wall_ms),
        ];
        match ceilings.iter().find(|(_, usual, ceiling)| usual > ceiling) {
            Some((key, usual, ceiling)) => Err(format!(
                "runs.{key} = {usual} is more than plugins.ceilings.{key} = {ceiling}: lower the one or raise the other"
            )),
            None => Ok(()),
        }
    }

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
        RunOptions {
            chunk_rows: self.runs.chunk_rows,
            threads,
            limits: sandbox::Limits {
                fuel_per_call: self.runs.fuel_per_call,
                fuel_per_row: self.runs.fuel_per_row,
                memory_bytes: self.runs.memory_bytes,
                output_bytes: self.runs.output_bytes,
                wall_time: Duration::from_millis(self.runs.wall_ms),
                at_ceiling: AtCeiling::NONE,
            },
            ceilings: sandbox::Limits {
                fuel_per_call: ceilings.fuel_per_call,
                fuel_per_row: ceilings.fuel_per_row,
                memory_bytes: ceilings.memory_bytes,
                output_bytes: ceilings.output_bytes,
                wall_time: Duration::from_millis(ceilings.wall_ms),
                at_ceiling: AtCeiling::ALL,
            },
            compiles: match self.plugins.compiles {
                0 => available_parallelism().map_or(1, usize::from).div_ceil(2).max(2),
                compiles => compiles,
            },
            compile_wait: Duration::from_millis(self.plugins.compile_wait_ms),
            try_out: Duration::from_millis(self.plugins.try_out_ms),
            concurrent_runs: self.runs.concurrent,
        }
    }
}

/// What is wrong with the configuration, where, and what was probably meant.
fn wrong(error: &figment::Error, file: Option<&Path>) -> String {
    use figment::error::Kind;

    let of_environment =
        error.metadata.as_ref().is_some_and(|metadata| metadata.name.contains("environment"));
    let place = match file {
        _ if of_environment => "the environment (MERIT_…, `__` between the parts of a key)".to_owned(),
        Some(file) => file.display().to_string(),
        None => "the configuration".to_owned(),
    };
    let mut path = error.path.clone();
    if let Kind::UnknownField(name, _) = &error.kind
        && path.last() != Some(name)
    {
        path.push(name.clone());
    }
    let what = match &error.kind {
        Kind::UnknownField(name, known) => {
            let like = |known: &&&str| strsim::damerau_levenshtein(name, known);
            let near = known.iter().min_by_key(like).filter(|known| like(known) <= 2);
            let hint = near.map_or_else(
                || format!("there are {}", known.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            format!("there is no such key; {hint}")
        }
        kind => kind.to_string(),
    };
    format!("{place}: {}: {what}; `merit serve --print-config` shows every key", path.join("."))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn defaults_are_complete_and_accepted() {
        assert_eq!(Config::default().check(), Ok(()));
    }

    #[test]
    fn a_plugin_is_checked_at_home_within_the_limits_of_a_server() {
        assert_eq!(Config::default().run_options().limits, sandbox::Limits::default());
    }

    #[test]
    fn every_default_is_explained() {
        let mut before = "";
        for line in DEFAULTS.lines() {
            let is_key = line.contains(" = ") && !line.starts_with('#');
            assert!(!is_key || before.starts_with('#') || before.starts_with("fuel_per_call"), "{line}");
            before = line;
        }
    }

    fn load(text: &str, flags: &Flags) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("merit.toml");
        fs::write(&file, text).unwrap();
        Config::load(Some(&file), flags)
    }

    #[test]
    fn a_flag_is_over_the_file_which_is_over_the_defaults() {
        let flags = Flags { listen: Some(([127, 0, 0, 1], 9).into()), ..Flags::default() };
        let config =
            load("listen = \"127.0.0.1:8\"\ndata = \"here\"\n[limits]\ncalls = 3\n", &flags).unwrap();
        assert_eq!(config.listen.port(), 9);
        assert_eq!(config.data, Path::new("here"));
        assert_eq!((config.limits.calls, config.limits.streams), (3, Config::default().limits.streams));
    }

    fn check_refused(text: &str, parts: &[&str]) {
        let error = load(text, &Flags::default()).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn what_is_refused() {
        check_refused("listn = 1", &["merit.toml: listn: there is no such key; did you mean listen?"]);
        check_refused("[limits]\ncall = 1", &["merit.toml: limits.call: ", "did you mean calls?"]);
        check_refused("[limits]\nwhatever = 1", &["limits.whatever: ", "there are ", "streams"]);
        check_refused("[limits]\ncalls = 0", &["limits.calls", "at least 1"]);
        check_refused("[runs]\nconcurrent = 1", &["runs.concurrent = 1: at least 2 are needed"]);
        check_refused("[plugins]\ncompiles = 1", &["plugins.compiles = 1: at least 2 are needed"]);
        check_refused("[limits]\ncalls = \"many\"", &["merit.toml: limits.calls: invalid type"]);
        check_refused(
            "[plugins.ceilings]\nmemory_bytes = 1000",
            &["runs.memory_bytes = 268435456 is more than plugins.ceilings.memory_bytes = 1000"],
        );
        check_refused("listen = \"0.0.0.0:7171\"", &["loopback", "proxy"]);
        check_refused("listen = \"192.168.1.10:7171\"", &["loopback"]);
        check_refused("listen = \"[::]:7171\"", &["loopback"]);
        check_refused("listen = \"localhost\"", &["listen"]);
        check_refused("not toml", &["merit.toml"]);
    }

    #[test]
    fn loopback_in_every_form() {
        for address in ["127.0.0.1:0", "127.8.9.10:1", "[::1]:7171", "[::ffff:127.0.0.1]:7171"] {
            load(&format!("listen = \"{address}\""), &Flags::default()).unwrap();
        }
    }
}
