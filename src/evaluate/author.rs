//! A plugin where it is written: loaded from its file and called on rows of texts, without a store or a service. What
//! authors ask of it (cases, checks, figures) is in `cli`.

use std::time::Duration;

use super::{
    plugins::{formula_rejection, rejection, sheet_parameters},
    standard::{FORMULA, STANDARD_PLUGINS},
    written,
};
use crate::{
    model::rejection::{PluginReason, Rejection},
    proto::v1,
    sandbox::{self, Batch, Context, Limits, Manifest, Outcome, Plugin, Sandbox, Scope, Step, Verdict},
};

/// How long a call may take where nobody else waits: fuel decides, and an interpreter on a busy machine is slow, not wrong.
const WALL_TIME: Duration = Duration::from_secs(600);

/// What an author gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draft {
    /// A component, or a core module that is to become one.
    Wasm(Vec<u8>),
    /// The text of a formula sheet.
    Formula(String),
    /// The id of a standard plugin.
    Standard(String),
}

/// A plugin under an author's parameters.
#[derive(Clone)]
pub struct AuthoredPlugin {
    plugin: Plugin,
    parameters: String,
    /// What it needs and gives.
    pub manifest: Manifest,
    /// The component's bytes.
    pub component_bytes: usize,
    limits: Limits,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scored {
    /// Every output, by name; nothing where it has no value.
    Outputs(Vec<(String, Option<String>)>),
    /// Why it could not be scored: the reason's code and what the plugin or the sandbox says.
    Fault(String),
}

// === impl AuthoredPlugin ===

impl AuthoredPlugin {
    /// Loads a plugin and asks what it needs under these parameters; they are a formula's sheet itself, and `{}` where
    /// none are given.
    ///
    /// # Errors
    /// What is wrong with the component, its parameters or its manifest.
    pub fn load(sandbox: &Sandbox, draft: &Draft, parameters: Option<&str>) -> Result<Self, Rejection> {
        let misplaced = |what: &str| Rejection::field("parameters", what);
        let given = parameters.unwrap_or("{}").to_owned();
        let (component, parameters) = match draft {
            Draft::Wasm(bytes) => {
                let packed = sandbox::pack(bytes).map_err(|what| {
                    Rejection::new(
                        crate::model::rejection::Reason::Plugin(PluginReason::InvalidComponent),
                        what,
                    )
                })?;
                (packed, given)
            }
            Draft::Formula(_) if parameters.is_some_and(|given| given != "{}") => {
                return Err(misplaced("a formula's sheet is its parameters: give no others"));
            }
            Draft::Formula(sheet) => (standard(FORMULA)?.to_vec(), sheet_parameters(sheet)),
            Draft::Standard(id) => (standard(id)?.to_vec(), given),
        };
        let limits = Limits { wall_time: WALL_TIME, ..Limits::default() };
        let plugin = sandbox.load(&component).map_err(|verdict| rejection(&verdict))?;
        let refused = match draft {
            Draft::Formula(_) => formula_rejection,
            Draft::Standard(id) if id == FORMULA => formula_rejection,
            _ => rejection,
        };
        let manifest = plugin.describe(&parameters, &limits).map_err(|verdict| refused(&verdict))?;
        Ok(Self { plugin, parameters, manifest, component_bytes: component.len(), limits })
    }

    /// What the plugin says it needs and gives, asked again.
    ///
    /// # Errors
    /// What stopped it.
    pub fn describe(&self) -> Result<Manifest, Verdict> {
        self.plugin.describe(&self.parameters, &self.limits)
    }

    /// Which required input a row lacks, in words.
    ///
    /// # Errors
    /// Which value is not what the plugin takes.
    pub fn lacks(&self, row: &v1::PluginRow) -> Result<Option<String>, Rejection> {
        written::check_row(&self.manifest, 0, row)
    }

    /// The batch of some rows.
    ///
    /// # Errors
    /// Which value is not what the plugin takes.
    pub fn batch(&self, rows: &[&v1::PluginRow]) -> Result<Batch, Rejection> {
        written::batch(&self.manifest, rows)
    }

    /// Scores a batch as a run does.
    ///
    /// # Errors
    /// What stopped it.
    pub fn evaluate(&self, context: &Context, batch: &Batch) -> Result<Outcome, Verdict> {
        self.plugin.evaluate(&self.parameters, context, &self.manifest, batch, &self.limits)
    }

    /// Explains a row of a batch.
    ///
    /// # Errors
    /// What stopped it.
    pub fn explain(&self, context: &Context, batch: &Batch, row: u32) -> Result<Vec<Step>, Verdict> {
        self.plugin.explain(&self.parameters, context, &self.manifest, batch, row, &self.limits)
    }

    /// Scores rows as texts: independent rows each by itself, a group as a whole.
    ///
    /// # Errors
    /// Which value is not what the plugin takes.
    pub fn score(&self, context: &Context, rows: &[&v1::PluginRow]) -> Result<Vec<Scored>, Rejection> {
        let mut scored = Vec::with_capacity(rows.len());
        let mut seen = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            match written::check_row(&self.manifest, place, row)? {
                Some(lacking) => {
                    scored.push(Some(Scored::Fault(format!(
                        "{}: {lacking}",
                        PluginReason::MissingInput.code()
                    ))));
                }
                None => {
                    scored.push(None);
                    seen.push(place);
                }
            }
        }
        let parts: Vec<Vec<usize>> = match self.manifest.scope {
            Scope::Row => seen.into_iter().map(|place| vec![place]).collect(),
            Scope::Group if seen.is_empty() => Vec::new(),
            Scope::Group => vec![seen],
        };
        for part in parts {
            let of_part: Vec<&v1::PluginRow> = part.iter().map(|&place| rows[place]).collect();
            match self.evaluate(context, &self.batch(&of_part)?) {
                Ok(outcome) => {
                    for (row, &place) in part.iter().enumerate() {
                        scored[place] = Some(self.of_row(&outcome, row));
                    }
                }
                Err(verdict) => {
                    let fault = format!("{}: {}", verdict.reason.code(), verdict.message);
                    part.iter().for_each(|&place| scored[place] = Some(Scored::Fault(fault.clone())));
                }
            }
        }
        Ok(scored.into_iter().flatten().collect())
    }

    /// What an outcome says of a row, as texts.
    #[must_use]
    pub fn of_row(&self, outcome: &Outcome, row: usize) -> Scored {
        if let Some(fault) = outcome.faults.iter().find(|fault| fault.row as usize == row) {
            return Scored::Fault(format!("{}: {}", PluginReason::PluginFault.code(), fault.message));
        }
        let outputs = self.manifest.outputs.iter().zip(&outcome.columns);
        let text = |value: v1::Value| match value.value {
            Some(v1::value::Value::Number(text) | v1::value::Value::Text(text)) => Some(text),
            None => None,
        };
        Scored::Outputs(
            outputs
                .map(|(output, column)| {
                    (output.name.clone(), text(written::output_value(output, column, row)))
                })
                .collect(),
        )
    }
}

fn standard(id: &str) -> Result<&'static [u8], Rejection> {
    let found = STANDARD_PLUGINS.iter().find(|plugin| plugin.id == id);
    found.map(|plugin| plugin.component).ok_or_else(|| {
        let known: Vec<&str> = STANDARD_PLUGINS.iter().map(|plugin| plugin.id).collect();
        Rejection::field(
            "plugin",
            format!("{id:?} is no file and no standard plugin; those are {}", known.join(", ")),
        )
    })
}
