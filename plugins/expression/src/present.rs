//! Numbers as people read them.

use alloc::{format, string::String};

/// The number without zeros at its end: `1250.5`.
pub(crate) fn number(unscaled: i128, scale: u8) -> String {
    let (unscaled, scale) = shortest(unscaled, scale, 0);
    fixed(unscaled, scale)
}

/// The number with all digits of its scale: `1250.50`.
pub(crate) fn fixed(unscaled: i128, scale: u8) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    format!("{sign}{whole}.{fraction}")
}

/// The same number without zeros at its end, but at least `least` digits after the point.
pub(crate) fn shortest(mut unscaled: i128, mut scale: u8, least: u8) -> (i128, u8) {
    while scale > least && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    (unscaled, scale)
}
