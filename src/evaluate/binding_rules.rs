//! What an input may be bound to, and how a binding that may not be is refused. Who finds the source of an input is
//! `binding`; who makes its values is `input`.

use merit_expression::Kind as ExpressionKind;

use super::{dataset::Kind, made::digits_of};
use crate::{
    model::rejection::{EvaluationReason, Reason, Rejection},
    resource::scope::kind_name,
};

/// A rejection of a binding.
#[must_use]
pub fn invalid_binding(step: &str, input: &str, what: &str) -> Rejection {
    let reason = Reason::Evaluation(EvaluationReason::InvalidBinding);
    Rejection::new(reason, format!("step {step}, {input}: {what}"))
        .violation(format!("run.steps[{step}].{input}"), what)
}

/// Checks that an expression gives what an input wants.
///
/// # Errors
/// `INVALID_BINDING`.
pub fn check_kind(
    step: &str,
    input: &str,
    text: &str,
    given: ExpressionKind,
    wanted: Kind,
) -> Result<(), Rejection> {
    let wanted = match wanted {
        Kind::Number => ExpressionKind::Number,
        Kind::Text => ExpressionKind::Text,
    };
    if given == wanted {
        return Ok(());
    }
    let (wanted, given) = (kind_name(wanted), kind_name(given));
    Err(invalid_binding(step, input, &format!("the plugin wants a {wanted}; {text:?} gives a {given}")))
}

/// The digits of a constant, as the plugin takes them.
///
/// # Errors
/// `INVALID_BINDING` where it is no number, or not one that the plugin takes.
pub fn constant(step: &str, input: &str, number: &str, scale: u8) -> Result<i64, Rejection> {
    digits_of(number, scale).map_err(|what| invalid_binding(step, input, &format!("the constant {what}")))
}
