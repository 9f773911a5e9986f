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
    /// The team's currency [default: EUR].
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// How payouts are rounded [default: half-up].
    #[arg(long, value_enum, value_name = "HOW")]
    rounding: Option<RoundingArgument>,
    /// The period [default: the first quarter of 2026; of a server, of 2000].
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
    /// The plugin of a file, or a standard one.
    pub(super) fn of(plugin: &str, parameters: Option<String>, context: ContextArguments) -> Self {
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
        let currency = self.currency.clone().unwrap_or_else(|| CURRENCY.to_owned());
        let currency_scale = currency::decimals(&currency).ok_or_else(|| {
            Failure::Usage(format!("--currency {currency}: not a currency of ISO 4217 like EUR"))
        })?;
        let (period_start, period_end) =
            self.period()?.unwrap_or_else(|| (PERIOD.0.to_owned(), PERIOD.1.to_owned()));
        let rounding = match self.rounding.unwrap_or_default() {
            RoundingArgument::HalfUp => Rounding::HalfUp,
            RoundingArgument::HalfEven => Rounding::HalfEven,
        };
        Ok(Context { period_start, period_end, currency, currency_scale, rounding })
    }

    /// The period, if one is given.
    pub(super) fn period(&self) -> Result<Option<(String, String)>, Failure> {
        let parsed = self.period.as_deref().map(period::parse).transpose();
        parsed.map_err(|what| Failure::Usage(format!("--period: {what}")))
    }

    /// The period alone, for a server, which has currency and rounding of the team.
    pub(super) fn period_of_team(&self) -> Result<Option<(String, String)>, Failure> {
        if self.currency.is_some() || self.rounding.is_some() {
            let what =
                "--currency and --rounding are the team's where a server is asked: they go with --case";
            return Err(Failure::Usage(what.to_owned()));
        }
        self.period()
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
