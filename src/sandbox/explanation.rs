//! What an explanation must satisfy beyond its types, and that its steps add up.

use super::{
    Column, Manifest, Step, Values,
    verdict::{Verdict, shorten},
};

/// Steps of an explanation.
const STEPS: usize = 10_000;

/// Decimals of a step: what fits a 64-bit number.
const SCALE: u8 = 18;

/// Holds the steps to the contract; labels and notes are cut to the length that is kept. That they add up is
/// [`verify_steps`]'s matter.
pub fn check(mut steps: Vec<Step>, manifest: &Manifest) -> Result<Vec<Step>, Verdict> {
    if steps.len() > STEPS {
        return Err(Verdict::contract(format!(
            "`explain` gave {} steps; at most {STEPS} are allowed",
            steps.len()
        )));
    }
    for (index, step) in steps.iter_mut().enumerate() {
        if step.scale > SCALE {
            return Err(Verdict::contract(format!(
                "`explain`: step {index} has the scale {}; at most {SCALE} is allowed",
                step.scale
            )));
        }
        if let Some(name) = &step.output
            && !manifest.outputs.iter().any(|output| output.name == *name)
        {
            return Err(Verdict::contract(format!(
                "`explain`: step {index} names the output {:?}, which the manifest does not have",
                name.chars().take(64).collect::<String>()
            )));
        }
        shorten(&mut step.label);
        shorten(&mut step.note);
    }
    Ok(steps)
}

/// Holds that the amounts of the steps that name an output add up to the output's value in the row, exactly. An output
/// that no step names needs no sum; nor does text, nor a row without a value.
///
/// # Errors
/// `CONTRACT_VIOLATION`, with both numbers.
pub fn verify_steps(column: &Column, row: u32, steps: &[Step]) -> Result<(), Verdict> {
    let Values::Decimals(decimals) = &column.values else { return Ok(()) };
    let index = usize::try_from(row).unwrap_or(usize::MAX);
    let Some(&value) = decimals.unscaled.get(index) else {
        return Err(Verdict::contract(format!("the output `{}` has no row {row}", column.name)).at_row(row));
    };
    let naming = || steps.iter().filter(|step| step.output.as_deref() == Some(column.name.as_str()));
    if column.missing.binary_search(&row).is_ok() || naming().next().is_none() {
        return Ok(());
    }
    let scale = naming().map(|step| step.scale).fold(decimals.scale, u8::max);
    let wanted = rescaled(value, decimals.scale, scale);
    let sum =
        naming().try_fold(0_i128, |sum, step| sum.checked_add(rescaled(step.unscaled, step.scale, scale)?));
    match (wanted, sum) {
        (Some(wanted), Some(sum)) if wanted == sum => Ok(()),
        (Some(wanted), Some(sum)) => Err(Verdict::contract(format!(
            "the steps of the output `{}` add up to {sum}, its value is {wanted} (both × 10^-{scale})",
            column.name
        ))
        .at_row(row)),
        _ => Err(Verdict::contract(format!(
            "the steps of the output `{}` are too large to add up",
            column.name
        ))
        .at_row(row)),
    }
}

/// The number with more decimals; nothing if it does not fit.
fn rescaled(unscaled: i64, from: u8, to: u8) -> Option<i128> {
    i128::from(unscaled).checked_mul(10_i128.checked_pow(u32::from(to.checked_sub(from)?))?)
}
