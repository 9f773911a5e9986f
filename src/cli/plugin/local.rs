//! The plugin that an author works on: which file it is, and the context that it is told. No server is asked.

use std::path::Path;

use clap::{Args, ValueEnum};

use crate::{
    cli::{
        argument::{read_bytes, read_text, text_of},
        failure::Failure,
        period,
        refusal::Refusal,
    },
    evaluate::author::{AuthoredPlugin, Draft},
    model::{currency, rejection::Rejection},
    sandbox::{Context, Rounding, Sandbox, SandboxConfig},
};

/// What a plugin is told where nobody says: a quarter.
const PERIOD: (&str, &str) = ("2026-01-01", "2026-04-01");

/// The team's currency, where nobody says.
const CURRENCY: &str = "EUR";

/// Which plugin, and what it is told.
#[derive(Clone, Debug, Args)]
pub(super) struct PluginArguments {
    /// The plugin: a component or core module (.wasm), a formula sheet (.formula), or the id of a standard plugin.
    plugin: String,
    /// The parameters, JSON or @FILE [default: those of the cases, or {}].
    #[arg(long, value_name = "JSON")]
    parameters: Option<String>,
    #[command(flatten)]
    context: ContextArguments,
}

/// What a plugin is told about the team and the period.
#[derive(Clone, Debug, Args)]
pub(super) struct ContextArguments {
    /// The team's currency.
    #[arg(long, value_name = "CODE", default_value = CURRENCY)]
    currency: String,
    /// How payouts are rounded.
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    rounding: RoundingArgument,
    /// The period [default: the first quarter of 2026].
    #[arg(long, value_name = "PERIOD")]
    period: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum RoundingArgument {
    #[default]
    HalfUp,
    HalfEven,
}

// === impl PluginArguments ===

impl PluginArguments {
    /// The plugin of a file, or a standard one, told about a period.
    pub(super) fn of(plugin: &str, parameters: Option<String>, period: Option<String>) -> Self {
        let context =
            ContextArguments { currency: CURRENCY.to_owned(), rounding: RoundingArgument::default(), period };
        Self { plugin: plugin.to_owned(), parameters, context }
    }

    /// Loads the plugin, with the parameters of the flag or else of the cases.
    pub(super) fn load(&self, of_cases: Option<&str>) -> Result<AuthoredPlugin, Failure> {
        let parameters = match &self.parameters {
            Some(argument) => Some(text_of("--parameters", argument)?),
            None => of_cases.map(str::to_owned),
        };
        let sandbox = Sandbox::new(SandboxConfig::default()).map_err(Failure::Service)?;
        let draft = draft(&self.plugin)?;
        AuthoredPlugin::load(&sandbox, &draft, parameters.as_deref()).map_err(|rejection| {
            let sheet = if let Draft::Formula(sheet) = &draft { Some(sheet.as_str()) } else { None };
            let refusal = Refusal::of_rejection(&rejection).about(sheet);
            Failure::Differs(format!("{}: {}", self.plugin, refusal.told().trim_end()))
        })
    }

    /// What the plugin is told.
    pub(super) fn context(&self) -> Result<Context, Failure> {
        self.context.context()
    }

    /// What the plugin is called in messages.
    pub(super) fn name(&self) -> &str {
        &self.plugin
    }
}

// === impl ContextArguments ===

impl ContextArguments {
    fn context(&self) -> Result<Context, Failure> {
        let currency_scale = currency::decimals(&self.currency).ok_or_else(|| {
            Failure::Usage(format!("--currency {}: not a currency of ISO 4217 like EUR", self.currency))
        })?;
        let (period_start, period_end) = match &self.period {
            Some(text) => period::parse(text).map_err(|what| Failure::Usage(format!("--period: {what}")))?,
            None => (PERIOD.0.to_owned(), PERIOD.1.to_owned()),
        };
        let rounding = match self.rounding {
            RoundingArgument::HalfUp => Rounding::HalfUp,
            RoundingArgument::HalfEven => Rounding::HalfEven,
        };
        Ok(Context { period_start, period_end, currency: self.currency.clone(), currency_scale, rounding })
    }
}

/// What a file or id means.
pub(super) fn draft(plugin: &str) -> Result<Draft, Failure> {
    match Path::new(plugin).extension().and_then(|extension| extension.to_str()) {
        Some("wasm") => read_bytes(plugin).map(Draft::Wasm),
        Some(_) => read_text(plugin).map(Draft::Formula),
        None => Ok(Draft::Standard(plugin.to_owned())),
    }
}

/// What is wrong with the plugin itself; nothing went anywhere.
pub(super) fn refused(plugin: &str, rejection: &Rejection) -> Failure {
    Failure::Differs(format!("{plugin}: {}: {}", rejection.reason.code(), rejection.message))
}
