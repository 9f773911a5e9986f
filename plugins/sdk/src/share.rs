//! Shares of a whole, and what nobody means by one.

use alloc::{format, string::String};

use crate::Decimal;

/// The largest share of a whole that is taken for meant: ten times all of it. Beyond it a percentage was written as a whole
/// number, `50` for 50 %, and nobody would reach what it asks for.
pub const LARGEST_SHARE: Decimal = Decimal::new(10, 0);

/// Holds a number to what a share of a whole can be: from 0 to [`LARGEST_SHARE`].
///
/// # Errors
/// What it is instead, to be said after its name.
///
/// ```
/// use merit_sdk::{Decimal, share};
///
/// let said = |number| share(Decimal::new(number, 0)).unwrap_err();
/// assert_eq!(said(80), "is 80; give a share from 0 to 10 (1000%): 80% is 0.8");
/// assert_eq!(said(-1), "is -1; give a share from 0 to 10 (1000%)");
/// ```
pub fn share(number: Decimal) -> Result<Decimal, String> {
    if (Decimal::ZERO..=LARGEST_SHARE).contains(&number) {
        return Ok(number);
    }
    let meant = match number.times(Decimal::new(1, 2)) {
        Ok(meant) if number > LARGEST_SHARE => format!(": {number}% is {meant}"),
        _ => String::new(),
    };
    Err(format!("is {number}; give a share from 0 to {LARGEST_SHARE} ({LARGEST_SHARE}00%){meant}"))
}
