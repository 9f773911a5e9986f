//! What an output can be: results travel as 64 bits.

use super::{SHEET_SCALE, SheetRole};
use crate::constant::Outcome;
use crate::decimal::{Rounding, rescale};
use crate::{Kind, present};
use alloc::{format, string::String};

/// What is wrong with the line of an output that comes to this in every row.
pub(super) fn problem(outcome: &Outcome, kind: Kind, role: SheetRole) -> Option<String> {
    let lane = match outcome {
        Outcome::Fault(reason) => return Some(format!("this fails in every row: {reason}")),
        Outcome::Value(lane) => lane,
    };
    let scale = match role {
        SheetRole::Score => SHEET_SCALE,
        SheetRole::Payout => 0,
        SheetRole::Grade | SheetRole::Detail => return None,
    };
    if kind != Kind::Number {
        return None;
    }
    let (given_scale, digits) = lane.number();
    let given = digits.get(0);
    if fits(given, given_scale, scale) {
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

fn fits(value: i128, from: u8, to: u8) -> bool {
    rescale(value, from, to, Rounding::HalfEven).is_ok_and(|value| i64::try_from(value).is_ok())
}
