//! What a plugin says of itself, as clients see it.

use super::dataset;
use crate::{
    proto::v1,
    sandbox::{self, Kind, Scope},
};

/// A manifest as clients see it.
#[must_use]
pub fn manifest_message(manifest: &sandbox::Manifest) -> v1::Manifest {
    let input = |input: &sandbox::Input| v1::PluginInput {
        name: input.name.clone(),
        kind: match input.kind {
            Kind::Number => v1::ValueKind::Number.into(),
            Kind::Text => v1::ValueKind::Text.into(),
        },
        scale: i32::from(input.scale),
        required: input.required,
    };
    v1::Manifest {
        summary: manifest.summary.clone(),
        scope: match manifest.scope {
            Scope::Row => v1::PluginScope::Row.into(),
            Scope::Group => v1::PluginScope::Group.into(),
        },
        inputs: manifest.inputs.iter().map(input).collect(),
        line_inputs: manifest.line_inputs.iter().map(input).collect(),
        outputs: manifest
            .outputs
            .iter()
            .map(|output| v1::PluginOutput {
                name: output.name.clone(),
                role: dataset::Role::from(output.role).message().into(),
                scale: i32::from(output.scale),
            })
            .collect(),
    }
}
