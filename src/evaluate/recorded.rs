//! The steps of a finished run, ready to be executed again over what is on file.

use super::{
    batch::StepInputs,
    dataset::{Dataset, Faults, Kind, StepHeader},
    evaluator::Evaluator,
    plugins::{LoadedPlugin, rejection},
    step_inputs::is_unfit,
};
use crate::{
    model::rejection::{EvaluationReason, Reason, Rejection},
    sandbox::{Limits, Scope},
    store::WriteError,
};

/// A step of a finished run, with its plugin loaded.
pub struct RecordedStep {
    /// The plugin, as it was.
    pub loaded: LoadedPlugin,
    /// What it was allowed.
    pub limits: Limits,
    /// The rows whose inputs could not be made.
    pub unfit: Faults,
}

// === impl RecordedStep ===

impl RecordedStep {
    /// Loads the plugin of a step by the hash on file.
    ///
    /// # Errors
    /// When the component is gone or no longer accepted, or does not need and give what the dataset has: the dataset
    /// was not made by it.
    pub fn load(evaluator: &Evaluator, dataset: &Dataset, place: usize) -> Result<Self, WriteError> {
        let header = &dataset.header.steps[place];
        // Wall time decides nothing: an old run gets as much as anybody may.
        let limits = dataset.header.limits.restore(&evaluator.options().ceilings);
        let plugin = evaluator.plugins().published(&header.component)?;
        let manifest = plugin.describe(&header.parameters, &limits).map_err(|verdict| rejection(&verdict))?;
        let loaded = LoadedPlugin {
            plugin,
            component: header.component.clone(),
            parameters: header.parameters.clone(),
            manifest: manifest.into(),
        };
        check(header, &loaded)?;
        let faults = dataset.steps[place].faults.iter();
        let unfit =
            faults.filter(|(_, fault)| is_unfit(fault)).map(|(row, fault)| (*row, fault.clone())).collect();
        Ok(Self { loaded, limits, unfit })
    }

    /// What went into the step.
    #[must_use]
    pub fn inputs<'a>(&'a self, dataset: &'a Dataset, place: usize) -> StepInputs<'a> {
        StepInputs::new(dataset.rows(), &dataset.header.steps[place], &dataset.steps[place], &self.unfit)
    }
}

fn check(header: &StepHeader, loaded: &LoadedPlugin) -> Result<(), Rejection> {
    let manifest = &loaded.manifest;
    let inputs = manifest.inputs.iter().map(|input| (&input.name, Kind::from(input.kind), input.scale));
    let same_inputs = inputs.eq(header.inputs.iter().map(|input| (&input.name, input.kind, input.scale)));
    let lines = header.lines.iter().flat_map(|lines| &lines.inputs);
    let line_inputs =
        manifest.line_inputs.iter().map(|input| (&input.name, Kind::from(input.kind), input.scale));
    let same_lines = line_inputs.eq(lines.map(|input| (&input.name, input.kind, input.scale)));
    let outputs = manifest.outputs.iter().map(|output| (&output.name, output.role.into()));
    let same_outputs = outputs.eq(header.outputs.iter().map(|output| (&output.name, output.role)));
    let same_scope = (manifest.scope == Scope::Group) || header.group_by.is_none();
    if same_inputs && same_lines && same_outputs && same_scope {
        return Ok(());
    }
    let reason = Reason::Evaluation(EvaluationReason::DatasetDamaged);
    Err(Rejection::new(
        reason,
        format!("step {}: the plugin does not need and give what the dataset has", header.step),
    ))
}
