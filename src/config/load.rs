//! Where the configuration comes from: defaults, a file, variables of the environment, flags, each over the one before; and
//! what it may not be.

use std::{
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::Serialize;

use super::{Config, DEFAULTS, LogFormat};
use crate::model::nearest::nearest;

/// What the names of variables begin with. Not everything that does is a setting: clients have some of their own, and a
/// container's surroundings make others of the service's name (`MERIT_PORT`).
const PREFIX: &str = "MERIT_";

/// What is between the parts of a key in the name of a variable.
const BETWEEN: &str = "__";

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
    /// See [`super::LogConfig::format`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<LogFormat>,
    /// See [`super::LogConfig::filter`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// The keys on top of the configuration, and its sections.
#[derive(Clone)]
struct Keys {
    plain: Vec<String>,
    sections: Vec<String>,
}

/// Variables of the environment that are no settings, and were probably meant to be, each with what was meant.
#[must_use]
pub fn stray_variables() -> Vec<String> {
    let keys = Keys::known();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(|name| keys.meant(&name)).collect()
}

// === impl Keys ===

impl Keys {
    fn known() -> Self {
        let defaults: toml::Table = DEFAULTS.parse().expect("a test reads the defaults");
        let (sections, plain) = defaults.into_iter().partition::<Vec<_>, _>(|(_, value)| value.is_table());
        let names = |keys: Vec<(String, toml::Value)>| keys.into_iter().map(|(key, _)| key).collect();
        Self { plain: names(plain), sections: names(sections) }
    }

    /// Whether a variable is a setting, by its name without the prefix: then it has to be right.
    fn has(&self, variable: &str) -> bool {
        let variable = variable.to_lowercase();
        let known = |keys: &[String], name: &str| keys.iter().any(|key| key == name);
        match variable.split_once(BETWEEN) {
            Some((section, _)) => known(&self.sections, section),
            None => known(&self.plain, &variable),
        }
    }

    /// What a variable was probably meant to be, where it is not a setting.
    fn meant(&self, name: &str) -> Option<String> {
        let variable = name.strip_prefix(PREFIX)?;
        if self.has(variable) {
            return None;
        }
        let lower = variable.to_lowercase();
        let (first, rest) = lower.split_once(BETWEEN).map_or((lower.as_str(), None), |(a, b)| (a, Some(b)));
        let keys = match rest {
            Some(_) => &self.sections,
            None if self.sections.iter().any(|section| section == first) => {
                return Some(format!("{name} is ignored: a key of that section is {name}{BETWEEN}KEY"));
            }
            None => &self.plain,
        };
        let near = nearest(first, keys.iter().map(String::as_str))?.to_uppercase();
        let rest = rest.map(|rest| format!("{BETWEEN}{}", rest.to_uppercase())).unwrap_or_default();
        Some(format!("{name} is ignored; did you mean {PREFIX}{near}{rest}?"))
    }
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
        let keys = Keys::known();
        let environment = Env::prefixed(PREFIX).filter(move |key| keys.has(key.as_str())).split(BETWEEN);
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
        let wrong = self.numbers().into_iter().find(|(_, value, accepted)| !accepted.contains(value));
        if let Some((key, value, accepted)) = wrong {
            return Err(format!(
                "{key} = {value}: {} to {} are accepted, in whole numbers",
                accepted.start(),
                accepted.end()
            ));
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
        ];
        match ceilings.iter().find(|(_, usual, ceiling)| usual > ceiling) {
            Some((key, usual, ceiling)) => Err(format!(
                "runs.{key} = {usual} is more than plugins.ceilings.{key} = {ceiling}: lower the one or raise the other"
            )),
            None => Ok(()),
        }
    }
}

/// How many of something may be asked for: more than any machine has room for, and not more than can be counted.
const COUNT: RangeInclusive<u64> = 1..=1_000_000;
/// The same, where 0 leaves it to the service.
const COUNT_OR_AUTO: RangeInclusive<u64> = 0..=1_000_000;
/// Milliseconds of a wait: a hundred years at most, so that the clock can count them.
const WAIT_MS: RangeInclusive<u64> = 1..=3_153_600_000_000;
/// Bytes of a message: what a frame of the protocol can say.
const MESSAGE_BYTES: RangeInclusive<u64> = 1..=4_294_967_295;
/// Bytes of metadata: what the transport reads in one go.
const METADATA_BYTES: RangeInclusive<u64> = 1..=16_777_216;

// === impl Config ===

impl Config {
    /// Every number that has bounds of its own, with its key.
    fn numbers(&self) -> Vec<(&'static str, u64, RangeInclusive<u64>)> {
        let (limits, store, runs, plugins) = (&self.limits, &self.store, &self.runs, &self.plugins);
        vec![
            ("limits.calls", limits.calls as u64, COUNT),
            ("limits.streams", limits.streams as u64, COUNT),
            ("limits.component_calls", limits.component_calls as u64, COUNT),
            ("limits.computing_calls", limits.computing_calls as u64, COUNT_OR_AUTO),
            ("limits.connections", limits.connections as u64, COUNT),
            ("limits.silent_connections", limits.silent_connections as u64, COUNT),
            ("limits.calls_per_connection", limits.calls_per_connection.into(), COUNT),
            ("limits.message_bytes", limits.message_bytes as u64, MESSAGE_BYTES),
            ("limits.component_message_bytes", limits.component_message_bytes as u64, MESSAGE_BYTES),
            ("limits.metadata_bytes", limits.metadata_bytes.into(), METADATA_BYTES),
            ("limits.call_ms", limits.call_ms, WAIT_MS),
            ("limits.message_wait_ms", limits.message_wait_ms, WAIT_MS),
            ("limits.preface_ms", limits.preface_ms, WAIT_MS),
            ("limits.ping_ms", limits.ping_ms, WAIT_MS),
            ("limits.ping_answer_ms", limits.ping_answer_ms, WAIT_MS),
            ("limits.drain_ms", limits.drain_ms, WAIT_MS),
            ("store.group_commands", store.group_commands as u64, COUNT),
            ("store.group_delay_us", store.group_delay_us, 0..=60_000_000),
            ("store.queue", store.queue as u64, COUNT),
            ("runs.chunk_rows", runs.chunk_rows as u64, COUNT),
            ("runs.threads", runs.threads as u64, COUNT_OR_AUTO),
            ("runs.concurrent", runs.concurrent as u64, COUNT),
            ("runs.wall_ms", runs.wall_ms, WAIT_MS),
            ("runs.fuel_ns", runs.fuel_ns, 0..=1_000_000),
            ("plugins.try_out_ms", plugins.try_out_ms, WAIT_MS),
            ("plugins.compile_wall_ms", plugins.compile_wall_ms, WAIT_MS),
            ("plugins.compile_wait_ms", plugins.compile_wait_ms, WAIT_MS),
            ("plugins.compiles", plugins.compiles as u64, COUNT_OR_AUTO),
        ]
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
            let hint = nearest(name, known.iter().copied()).map_or_else(
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
        assert_eq!(Config::default().run_options().limits, crate::sandbox::Limits::default());
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
        for (key, value) in [
            ("limits.calls", "0"),
            ("limits.calls", "9223372036854775807"),
            ("limits.streams", "9223372036854775807"),
            ("limits.component_calls", "9223372036854775807"),
            ("limits.computing_calls", "1000001"),
            ("limits.connections", "9223372036854775807"),
            ("limits.silent_connections", "0"),
            ("limits.message_bytes", "0"),
            ("limits.message_wait_ms", "0"),
            ("limits.call_ms", "9223372036854775807"),
            ("store.queue", "9223372036854775807"),
            ("store.group_delay_us", "9223372036854775807"),
            ("runs.threads", "1000001"),
            ("plugins.compiles", "1000001"),
        ] {
            let (section, name) = key.split_once('.').unwrap();
            let told = format!("{key} = {value}: ");
            check_refused(&format!("[{section}]\n{name} = {value}"), &[&told, " to ", " are accepted"]);
        }
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
    fn a_variable_is_a_setting_by_its_name() {
        let keys = Keys::known();
        let check = |name: &str, setting: bool, meant: Option<&str>| {
            assert_eq!(keys.has(name.trim_start_matches(PREFIX)), setting, "{name}");
            assert_eq!(keys.meant(name).as_deref(), meant);
        };
        check("MERIT_LISTEN", true, None);
        check("MERIT_LIMITS__CALLS", true, None);
        check("MERIT_LIMITS__CALS", true, None);
        check("MERIT_PLUGINS__CEILINGS__WALL_MS", true, None);
        check("MERIT_LISTN", false, Some("MERIT_LISTN is ignored; did you mean MERIT_LISTEN?"));
        check(
            "MERIT_LIMTS__CALLS",
            false,
            Some("MERIT_LIMTS__CALLS is ignored; did you mean MERIT_LIMITS__CALLS?"),
        );
        check("MERIT_LOG", false, Some("MERIT_LOG is ignored: a key of that section is MERIT_LOG__KEY"));
        // Of clients, and of what surrounds a container.
        for name in [
            "MERIT_TEAM",
            "MERIT_SERVER",
            "MERIT_AUTHOR",
            "MERIT_CA",
            "MERIT_CONFIG",
            "MERIT_PYTHON",
            "MERIT_BINARY",
            "MERIT_PORT",
            "MERIT_PORT_7171_TCP_ADDR",
            "MERIT_SERVICE_HOST",
            "OTHER_LISTN",
        ] {
            check(name, false, None);
        }
    }

    #[test]
    fn loopback_in_every_form() {
        for address in ["127.0.0.1:0", "127.8.9.10:1", "[::1]:7171", "[::ffff:127.0.0.1]:7171"] {
            load(&format!("listen = \"{address}\""), &Flags::default()).unwrap();
        }
    }
}
