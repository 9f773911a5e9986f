//! What a dataset says about its run, as JSON in the metadata of the file: what the columns mean, and all that it takes
//! to execute the plugins again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    proto::v1,
    sandbox::{self, AtCeiling, Limits},
};

/// What a dataset says about its run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of Merit that wrote it.
    pub merit: String,
    /// The run, `teams/{team}/runs/{id}`.
    pub run: String,
    /// The first day of the period.
    pub period_start: String,
    /// The day after its last.
    pub period_end: String,
    /// ISO 4217.
    pub currency: String,
    /// Decimals of an amount in the currency.
    pub currency_scale: u8,
    /// How payouts are rounded.
    pub rounding: StoredRounding,
    /// The state of the store that the run saw.
    pub sequence: u64,
    /// Name and version of the engine that executed the plugins.
    pub engine: String,
    /// What the plugins were allowed.
    pub limits: StoredLimits,
    /// The time zone of the team's days; empty: UTC.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub time_zone: String,
    /// The measures that inputs come from, or are targets of, and those that these are ratios of, by id: as they were, in the
    /// JSON of `merit.v1.Measure`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measures: BTreeMap<String, Value>,
    /// What figures were made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<BaseHeader>,
    /// What was executed, in this order.
    pub steps: Vec<StepHeader>,
}

/// Records that figures were made of: those that one measure counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseHeader {
    /// The id of the measure.
    pub measure: String,
    /// Whose they are.
    pub kind: BaseKind,
    /// The collection of the records.
    pub collection: String,
}

/// Whose records a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseKind {
    /// The account manager's own.
    Own,
    /// The own ones, and those of everybody below in the reporting line.
    ReportingLine,
    /// The account manager's goals on the measure.
    Goals,
}

/// How payouts are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StoredRounding {
    /// Ties away from zero.
    HalfUp,
    /// Ties to the even neighbour.
    HalfEven,
}

/// What a plugin was allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredLimits {
    /// See [`Limits`].
    pub fuel_per_call: u64,
    /// See [`Limits`].
    pub fuel_per_row: u64,
    /// See [`Limits`].
    pub memory_bytes: u64,
    /// See [`Limits`].
    pub output_bytes: u64,
    /// Those of them that only the operator could raise, by name: verdicts say who can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_ceiling: Vec<String>,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepHeader {
    /// What the run calls it.
    pub step: String,
    /// The step that it is a shadow of, a candidate executed beside it; nothing for a step whose outputs count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow_of: Option<String>,
    /// The plugin revision.
    pub revision: String,
    /// The component's BLAKE3 hash, in hex.
    pub component: String,
    /// The parameters, a JSON document.
    pub parameters: String,
    /// What makes a group, for a plugin of scope group; empty: the whole team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
    /// The inputs.
    pub inputs: Vec<InputHeader>,
    /// The detail lines, for a step that takes some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<LineHeader>,
    /// The outputs.
    pub outputs: Vec<OutputHeader>,
}

/// An input of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputHeader {
    /// What the plugin calls it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Decimals of a number.
    pub scale: u8,
    /// Where it comes from.
    pub source: Source,
    /// The places of the bases that its figures were made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<usize>,
}

/// The detail lines of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineHeader {
    /// The collection that the lines are records of.
    pub collection: String,
    /// The line inputs; the source of each is an expression over the collection's fields.
    pub inputs: Vec<InputHeader>,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// The measure of this id.
    Measure(String),
    /// The target of the goals on the measure of this id.
    Target(String),
    /// An expression over the fields of the account manager.
    Attribute(String),
    /// An output of a step before.
    Output {
        /// The step.
        step: String,
        /// The output.
        output: String,
    },
    /// The same decimal for everybody.
    Constant(String),
    /// An expression over the fields of the record that the detail line is.
    Field(String),
    /// Nothing: the plugin can do without, and nothing has its name.
    Nothing,
}

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An exact decimal.
    Number,
    /// A text.
    Text,
}

/// An output of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputHeader {
    /// What the plugin calls it.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Decimals of a number.
    pub scale: u8,
}

/// What an output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// How well someone did.
    Score,
    /// Money to be paid.
    Payout,
    /// A mark, as text.
    Grade,
    /// A figure on the way.
    Detail,
}

// === impl Header ===

impl Header {
    /// The bases of an input.
    #[must_use]
    pub fn bases_of(&self, input: &InputHeader) -> Vec<&BaseHeader> {
        input.bases.iter().filter_map(|&place| self.bases.get(place)).collect()
    }

    /// The steps whose outputs count, with their places: all but shadows.
    pub fn live(&self) -> impl Iterator<Item = (usize, &StepHeader)> {
        self.steps.iter().enumerate().filter(|(_, step)| step.shadow_of.is_none())
    }

    /// What the plugins see of the run.
    #[must_use]
    pub fn context(&self) -> sandbox::Context {
        sandbox::Context {
            period_start: self.period_start.clone(),
            period_end: self.period_end.clone(),
            currency: self.currency.clone(),
            currency_scale: self.currency_scale,
            rounding: match self.rounding {
                StoredRounding::HalfUp => sandbox::Rounding::HalfUp,
                StoredRounding::HalfEven => sandbox::Rounding::HalfEven,
            },
        }
    }
}

// === impl StoredLimits ===

impl StoredLimits {
    /// What is kept of the limits: all but the wall time, which protects the host and decides nothing.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        Self {
            fuel_per_call: limits.fuel_per_call,
            fuel_per_row: limits.fuel_per_row,
            memory_bytes: limits.memory_bytes as u64,
            output_bytes: limits.output_bytes as u64,
            at_ceiling: kept_ceilings(&limits.at_ceiling),
        }
    }

    /// The limits again, with the wall time that holds now.
    #[must_use]
    pub fn restore(&self, now: &Limits) -> Limits {
        Limits {
            fuel_per_call: self.fuel_per_call,
            fuel_per_row: self.fuel_per_row,
            memory_bytes: usize::try_from(self.memory_bytes).unwrap_or(usize::MAX),
            output_bytes: usize::try_from(self.output_bytes).unwrap_or(usize::MAX),
            wall_time: now.wall_time,
            fuel_ns: now.fuel_ns,
            at_ceiling: AtCeiling {
                fuel_per_call: self.is_at_ceiling("fuel_per_call"),
                fuel_per_row: self.is_at_ceiling("fuel_per_row"),
                memory_bytes: self.is_at_ceiling("memory_bytes"),
                output_bytes: self.is_at_ceiling("output_bytes"),
            },
        }
    }

    fn is_at_ceiling(&self, limit: &str) -> bool {
        self.at_ceiling.iter().any(|kept| kept == limit)
    }
}

/// The limits at a ceiling by name.
fn kept_ceilings(at: &AtCeiling) -> Vec<String> {
    let limits = [
        ("fuel_per_call", at.fuel_per_call),
        ("fuel_per_row", at.fuel_per_row),
        ("memory_bytes", at.memory_bytes),
        ("output_bytes", at.output_bytes),
    ];
    limits.iter().filter(|(_, at)| *at).map(|(name, _)| (*name).to_owned()).collect()
}

// === impl Source ===

impl Source {
    /// The source in words, as explanations name it: `measure won-revenue`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Measure(id) => format!("measure {id}"),
            Self::Target(id) => format!("target of {id}"),
            Self::Attribute(expression) => format!("attribute {expression}"),
            Self::Output { step, output } => format!("output {step}.{output}"),
            Self::Constant(number) => format!("constant {number}"),
            Self::Field(expression) => format!("field {expression}"),
            Self::Nothing => "nothing".to_owned(),
        }
    }

    /// Whether records are behind it, so that their number is kept.
    #[must_use]
    pub fn has_records(&self) -> bool {
        matches!(self, Self::Measure(_) | Self::Target(_))
    }
}

// === impl Kind ===

impl Kind {
    /// What people call it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "text",
        }
    }
}

impl From<sandbox::Kind> for Kind {
    fn from(kind: sandbox::Kind) -> Self {
        match kind {
            sandbox::Kind::Number => Self::Number,
            sandbox::Kind::Text => Self::Text,
        }
    }
}

// === impl Role ===

impl Role {
    /// The role in words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Payout => "payout",
            Self::Grade => "grade",
            Self::Detail => "detail",
        }
    }

    /// The role as clients see it.
    #[must_use]
    pub fn message(self) -> v1::OutputRole {
        match self {
            Self::Score => v1::OutputRole::Score,
            Self::Payout => v1::OutputRole::Payout,
            Self::Grade => v1::OutputRole::Grade,
            Self::Detail => v1::OutputRole::Detail,
        }
    }

    /// What an output of this role is.
    #[must_use]
    pub fn kind(self) -> Kind {
        if self == Self::Grade { Kind::Text } else { Kind::Number }
    }
}

impl From<sandbox::Role> for Role {
    fn from(role: sandbox::Role) -> Self {
        match role {
            sandbox::Role::Score => Self::Score,
            sandbox::Role::Payout => Self::Payout,
            sandbox::Role::Grade => Self::Grade,
            sandbox::Role::Detail => Self::Detail,
        }
    }
}
