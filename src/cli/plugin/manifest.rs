//! A plugin's manifest, for people.

use crate::{
    cli::{evaluation::role_name, output::Sheet},
    proto::v1,
};

/// What a plugin needs and gives, one a row.
pub(super) fn manifest_sheet(manifest: &v1::Manifest) -> Sheet {
    let mut sheet = Sheet::new(&["what", "name", "kind", "decimals", "required"]);
    for (what, inputs) in [("input", &manifest.inputs), ("line input", &manifest.line_inputs)] {
        for input in inputs {
            let kind = if input.kind() == v1::ValueKind::Text { "text" } else { "number" };
            let required = if input.required { "yes" } else { "no" };
            let decimals = if kind == "text" { String::new() } else { input.scale.to_string() };
            sheet.row([what, &input.name, kind, &decimals, required]);
        }
    }
    for output in &manifest.outputs {
        let decimals = match output.role() {
            v1::OutputRole::Payout => "the currency's".to_owned(),
            v1::OutputRole::Grade => String::new(),
            _ => output.scale.to_string(),
        };
        sheet.row(["output", &output.name, role_name(output.role()), &decimals, ""]);
    }
    sheet
}
