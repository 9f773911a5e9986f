//! Lines that come to the same in every row: what goes wrong in them always goes wrong, and is told before anybody is scored.

use super::{SHEET_SCALE, SheetRole};
use crate::evaluate::{Frame, evaluate};
use crate::fault::{Faults, is_fault};
use crate::present;
use crate::text::check::{Node, Operation};
use crate::text::functions::Function;
use crate::{Kind, decimal};
use alloc::{format, string::String};

/// What is wrong with the line of a result, where it is a constant that faults, or that no column can hold.
pub(super) fn problem(node: &Node, role: SheetRole, text: &str) -> Option<String> {
    if !is_constant(node) {
        return None;
    }
    let faults = Faults::new();
    let frame = Frame { rows: 1, slots: &[], detail: None, inside_lines: false, faults: &faults, text };
    let lane = evaluate(node, &frame);
    let status = lane.status.get(0);
    if is_fault(status) {
        let message = faults.message(status);
        // The caret shows where.
        let reason = message.rsplit_once(" at column ").map_or(message.as_str(), |(reason, _)| reason);
        return Some(format!("this fails in every row: {reason}"));
    }
    let scale = match role {
        SheetRole::Score => SHEET_SCALE,
        SheetRole::Payout => 0,
        SheetRole::Grade | SheetRole::Detail => return None,
    };
    let (given_scale, digits) = lane.number();
    let given = digits.get(0);
    if node.kind != Kind::Number || fits(given, given_scale, scale) {
        return None;
    }
    let bounds = match role {
        SheetRole::Score => format!("a score is at most {}", largest(SHEET_SCALE)),
        _ => format!(
            "a payout is at most {}, and with the cents of most currencies at most {}",
            largest(0),
            largest(2)
        ),
    };
    Some(format!("{} is too large: {bounds}", present::number(given, given_scale)))
}

/// The largest number of so many decimals that a column holds.
pub(super) fn largest(scale: u8) -> String {
    present::fixed(i128::from(i64::MAX), scale)
}

fn is_constant(node: &Node) -> bool {
    match &node.operation {
        Operation::Name(_) | Operation::LineName(_) => false,
        // Of the detail lines there are more or fewer, whatever is computed of them.
        Operation::Call(function, nodes) => {
            !matches!(function, Function::Lines(_)) && nodes.iter().all(is_constant)
        }
        _ => true,
    }
}

fn fits(value: i128, from: u8, to: u8) -> bool {
    let rescaled = decimal::rescale(value, from, to, decimal::Rounding::HalfEven);
    rescaled.is_ok_and(|value| i64::try_from(value).is_ok())
}
