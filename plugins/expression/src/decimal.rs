//! Exact arithmetic on one pair of decimals: integers with a scale. Columns of them are in `evaluate`.

use crate::fault::{DIVISION_BY_ZERO, OVERFLOW, Reason};
use crate::wide::Wide;
use core::cmp::Ordering;

/// Digits after the point that a product or quotient has at least.
pub(crate) const DIGITS: u8 = 12;
/// The most digits after the point that a number may have.
pub(crate) const MOST_DIGITS: u8 = 28;

const POWERS: [i128; 39] = {
    let mut powers = [1i128; 39];
    let mut at = 1;
    while at < 39 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// 10 to the power of `exponent`, which is at most 38.
pub(crate) const fn ten(exponent: u8) -> i128 {
    POWERS[exponent as usize]
}

/// How what does not fit is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// To the nearest, a tie to the even neighbour.
    HalfEven,
    /// To the nearest, a tie away from zero.
    HalfUp,
    /// Away from zero.
    Up,
    /// Toward zero.
    Down,
    /// Toward negative infinity.
    Floor,
    /// Toward positive infinity.
    Ceiling,
}

/// A quotient's magnitude, rounded: `rest` of `by` is left over, and `negative` is the sign of the whole.
pub(crate) fn rounded(quotient: u128, rest: u128, by: u128, negative: bool, rounding: Rounding) -> u128 {
    let away = match rounding {
        Rounding::HalfEven => match rest.cmp(&(by - rest)) {
            Ordering::Less => false,
            Ordering::Equal => quotient & 1 == 1,
            Ordering::Greater => true,
        },
        Rounding::HalfUp => rest >= by - rest,
        Rounding::Up => rest != 0,
        Rounding::Down => false,
        Rounding::Floor => rest != 0 && negative,
        Rounding::Ceiling => rest != 0 && !negative,
    };
    // What is beyond 128 bits is too large for every number.
    quotient.saturating_add(u128::from(away))
}

/// The magnitude with its sign, where a number holds it.
pub(crate) fn signed(magnitude: u128, negative: bool) -> Result<i128, Reason> {
    let value = i128::try_from(magnitude).map_err(|_| OVERFLOW)?;
    Ok(if negative { -value } else { value })
}

/// `value` divided by `by`, to a whole number; `by` is not zero.
pub(crate) fn whole(value: i128, by: i128, rounding: Rounding) -> i128 {
    let negative = (value < 0) != (by < 0);
    let (value, by) = (value.unsigned_abs(), by.unsigned_abs());
    let magnitude = rounded(value / by, value % by, by, negative, rounding).cast_signed();
    if negative { magnitude.wrapping_neg() } else { magnitude }
}

/// The same number at another scale, rounded where digits go.
pub(crate) fn rescale(value: i128, from: u8, to: u8, rounding: Rounding) -> Result<i128, Reason> {
    if to >= from {
        if value == 0 {
            return Ok(0);
        }
        let by = POWERS.get(usize::from(to - from)).ok_or(OVERFLOW)?;
        return value.checked_mul(*by).ok_or(OVERFLOW);
    }
    Ok(match POWERS.get(usize::from(from - to)) {
        Some(by) => whole(value, *by, rounding),
        None => 0,
    })
}

/// The same number at a larger scale.
pub(crate) fn lift(value: i128, by: u8) -> Result<i128, Reason> {
    rescale(value, 0, by, Rounding::HalfEven)
}

/// The scale of a product: exact up to twelve digits, and never coarser than its factors.
pub(crate) fn product_scale(a: u8, b: u8) -> u8 {
    (a + b).min(DIGITS.max(a).max(b))
}

/// The scale of a quotient.
pub(crate) fn quotient_scale(a: u8, b: u8) -> u8 {
    DIGITS.max(a).max(b)
}

/// The product, with `drop` digits rounded away at its end.
pub(crate) fn multiply(a: i128, b: i128, drop: u8) -> Result<i128, Reason> {
    if let Some(product) = a.checked_mul(b) {
        return Ok(if drop == 0 { product } else { whole(product, ten(drop), Rounding::HalfEven) });
    }
    multiply_divide(a, b, ten(drop))
}

/// a × b ÷ by in one step, rounded half to even.
pub(crate) fn multiply_divide(a: i128, b: i128, by: i128) -> Result<i128, Reason> {
    if by == 0 {
        return Err(DIVISION_BY_ZERO);
    }
    let negative = ((a < 0) != (b < 0)) != (by < 0);
    let by = by.unsigned_abs();
    let product = Wide::product(a.unsigned_abs(), b.unsigned_abs());
    let (quotient, rest) = product.divide(by).ok_or(OVERFLOW)?;
    signed(rounded(quotient, rest, by, negative, Rounding::HalfEven), negative)
}

/// a × 10^lift ÷ b, rounded half to even.
pub(crate) fn divide(a: i128, b: i128, lift: u8) -> Result<i128, Reason> {
    if b == 0 {
        return Err(DIVISION_BY_ZERO);
    }
    let negative = (a < 0) != (b < 0);
    let (a, b) = (a.unsigned_abs(), b.unsigned_abs());
    let (first, second) = (lift.min(38), lift.saturating_sub(38));
    let mut numerator = Wide::product(a, ten(first).unsigned_abs());
    if second > 0 {
        numerator = numerator.times(ten(second).unsigned_abs()).ok_or(OVERFLOW)?;
    }
    let (quotient, rest) = numerator.divide(b).ok_or(OVERFLOW)?;
    signed(rounded(quotient, rest, b, negative, Rounding::HalfEven), negative)
}

/// Compares two numbers of any scales; never overflows.
pub(crate) fn compare(a: i128, a_scale: u8, b: i128, b_scale: u8) -> Ordering {
    if a_scale == b_scale || a.signum() != b.signum() {
        return a.cmp(&b);
    }
    let scale = a_scale.max(b_scale);
    let magnitude =
        |value: i128, from: u8| Wide::product(value.unsigned_abs(), ten(scale - from).unsigned_abs());
    let order = magnitude(a, a_scale).cmp(&magnitude(b, b_scale));
    if a < 0 { order.reverse() } else { order }
}

/// The square root of `value` × 10^-scale, at `scale + more` digits; the nearest.
pub(crate) fn root(value: i128, scale: u8, target: u8) -> Result<i128, Reason> {
    if value < 0 {
        return Err(crate::fault::NEGATIVE_ROOT);
    }
    let lift = 2 * target - scale;
    let mut square = Wide::product(value.unsigned_abs(), ten(lift.min(38)).unsigned_abs());
    if lift > 38 {
        square = square.times(ten(lift - 38).unsigned_abs()).ok_or(OVERFLOW)?;
    }
    let root = square.root().ok_or(OVERFLOW)?;
    // Half a step up is (root + 1/2)² = root² + root + 1/4: the next is nearer once the square is beyond root² + root.
    let middle = Wide::product(root, root + 1);
    signed(if square > middle { root + 1 } else { root }, false)
}
