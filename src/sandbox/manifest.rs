//! What a manifest must satisfy beyond its types, so that its names can be columns and its numbers decimals.

use super::{
    Manifest,
    verdict::{Verdict, shorten},
};
use crate::model::name::is_word;

/// Inputs, line inputs and outputs, each: a formula sheet has up to 500 names.
pub const COLUMNS: usize = 512;

/// Decimals of an input or output.
pub const SCALE: u8 = 12;

/// Characters of a name.
const NAME_CHARACTERS: usize = 63;

/// Holds the manifest to the contract.
pub fn check(mut manifest: Manifest) -> Result<Manifest, Verdict> {
    shorten(&mut manifest.summary);
    check_columns("inputs", manifest.inputs.iter().map(|input| (input.name.as_str(), input.scale)))?;
    check_columns(
        "line-inputs",
        manifest.line_inputs.iter().map(|input| (input.name.as_str(), input.scale)),
    )?;
    check_columns("outputs", manifest.outputs.iter().map(|output| (output.name.as_str(), output.scale)))?;
    if manifest.outputs.is_empty() {
        return Err(Verdict::contract("`describe`: outputs is empty; a plugin gives at least one"));
    }
    Ok(manifest)
}

fn check_columns<'a>(
    list: &str,
    columns: impl ExactSizeIterator<Item = (&'a str, u8)>,
) -> Result<(), Verdict> {
    let wrong = |what: String| Err(Verdict::contract(format!("`describe`: {list}{what}")));
    if columns.len() > COLUMNS {
        return wrong(format!(" has {} entries; at most {COLUMNS} are allowed", columns.len()));
    }
    let mut names = std::collections::HashSet::new();
    for (index, (name, scale)) in columns.enumerate() {
        if !is_word(name) {
            let shown: String = name.chars().take(NAME_CHARACTERS + 1).collect();
            return wrong(format!(
                "[{index}]: {shown:?} is not a name: a small letter, then small letters, digits and underscores, \
                 {NAME_CHARACTERS} characters at most"
            ));
        }
        if !names.insert(name) {
            return wrong(format!("[{index}]: the name `{name}` is there twice"));
        }
        if scale > SCALE {
            return wrong(format!("[{index}] `{name}`: the scale is {scale}; at most {SCALE} is allowed"));
        }
    }
    Ok(())
}
