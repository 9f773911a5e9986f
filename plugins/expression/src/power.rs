//! Powers, rounded once, half to even. Where the digits of a power fit 256 bits it is told exactly; else in binary, with as many
//! bits as it takes to see on which side of a half it lies.

use crate::decimal::{Rounding, rounded, signed, ten};
use crate::fault::{DIVISION_BY_ZERO, OVERFLOW, Reason, ZERO_TO_ZERO};
use crate::wide::Wide;
use alloc::{vec, vec::Vec};

/// 64-bit limbs of a first try: enough unless a result lies within 10^-30 or so of a half.
const LIMBS: usize = 4;

/// What no number can hold: 128 bits before the point.
const TOO_LARGE: i64 = 128;
/// What is nothing to any number of digits after the point: below a quarter of 10^-28.
const NOTHING: i64 = -97;

/// `value` × 10^-scale to a whole power, at `target` digits after the point.
pub(crate) fn power(value: i128, scale: u8, exponent: i128, target: u8) -> Result<i128, Reason> {
    if value == 0 {
        return match exponent {
            0 => Err(ZERO_TO_ZERO),
            1.. => Ok(0),
            _ => Err(DIVISION_BY_ZERO),
        };
    }
    let base = Base::new(value.unsigned_abs(), scale);
    let times = exponent.unsigned_abs();
    let inverse = exponent < 0;
    let exact = if inverse { base.exact_inverse(times, target) } else { base.exact(times, target) };
    let magnitude = match exact {
        Some(known) => known?,
        None => base.approximate(times, inverse, target)?,
    };
    signed(magnitude, value < 0 && exponent & 1 == 1)
}

/// digits × 10^-scale, where the digits do not end with a zero; so the scale may be of either sign.
#[derive(Clone, Copy)]
struct Base {
    digits: u128,
    scale: i128,
}

impl Base {
    fn new(value: u128, scale: u8) -> Self {
        let mut base = Self { digits: value, scale: i128::from(scale) };
        while base.digits.is_multiple_of(10) {
            base = Self { digits: base.digits / 10, scale: base.scale - 1 };
        }
        base
    }

    /// The digits of a power, where 256 bits hold them.
    fn digits_to(self, times: u128) -> Option<Wide> {
        if self.digits == 1 || times == 0 {
            return Some(Wide::product(1, 1));
        }
        // Two to that power needs more bits.
        let times = u32::try_from(times).ok().filter(|times| *times <= 256)?;
        Some(Wide::product(self.digits.checked_pow(times - 1)?, self.digits))
    }

    /// The power, exactly, where it can be told so; nothing where that would need more digits.
    ///
    /// That is so wherever the power lies on a half: digits to the n-th over 10^k, of digits that do not end with a zero, does only
    /// where k is 1, and then there are few of them.
    fn exact(self, times: u128, target: u8) -> Option<Result<u128, Reason>> {
        let digits = self.digits_to(times)?;
        let lift = i128::from(target).saturating_sub(self.scale.saturating_mul(clamped(times)));
        if lift >= 0 {
            let lifted = small(lift).and_then(|lift| digits.times(ten(lift).unsigned_abs())?.divide(1));
            return Some(lifted.map(|(whole, _)| whole).ok_or(OVERFLOW));
        }
        let by = ten(small(lift.saturating_neg())?).unsigned_abs();
        Some(nearest(digits, by))
    }

    /// The same of one over the power. It lies on a half only where the digits are a power of two, which then is below 2^56.
    fn exact_inverse(self, times: u128, target: u8) -> Option<Result<u128, Reason>> {
        let lift = self.scale.saturating_mul(clamped(times)).saturating_add(i128::from(target));
        if lift < 0 {
            return Some(Ok(0));
        }
        let (by, _) = self.digits_to(times)?.divide(1)?;
        let (first, second) = (lift.min(38), small((lift - 38).max(0))?);
        let numerator = Wide::product(ten(first as u8).unsigned_abs(), ten(second).unsigned_abs());
        Some(nearest(numerator, by))
    }

    /// The power, or one over it, with ever more bits until they tell which number is nearest. None lies on a half: those
    /// that do are told exactly.
    fn approximate(self, times: u128, inverse: bool, target: u8) -> Result<u128, Reason> {
        let over = u8::try_from(self.scale).map_or(1, |scale| ten(scale).unsigned_abs());
        let under = u8::try_from(-self.scale).map_or(1, |zeros| ten(zeros).unsigned_abs());
        let (dividend, divisor) = (self.digits * under, over);
        let (dividend, divisor) = if inverse { (divisor, dividend) } else { (dividend, divisor) };
        let mut limbs = LIMBS;
        loop {
            let power = Binary::quotient(dividend, divisor, limbs).power(times);
            if power.top() > TOO_LARGE {
                return Err(OVERFLOW);
            }
            if power.top() <= NOTHING {
                return Ok(0);
            }
            let lifted = power.times(&Binary::quotient(ten(target).unsigned_abs(), 1, limbs));
            // Each step is rounded down by a last bit at most, and a power carries those of its base as often as it is taken.
            let unsure = i64::from(u128::BITS - times.leading_zeros()) + 3;
            if let Some(nearest) = lifted.nearest(unsure) {
                return nearest;
            }
            limbs *= 2;
        }
    }
}

/// A count of factors, as far as it is of use.
fn clamped(times: u128) -> i128 {
    i128::try_from(times).unwrap_or(i128::MAX)
}

/// An exponent of ten that 128 bits hold.
fn small(exponent: i128) -> Option<u8> {
    u8::try_from(exponent).ok().filter(|exponent| *exponent <= 38)
}

fn nearest(dividend: Wide, divisor: u128) -> Result<u128, Reason> {
    let (quotient, rest) = dividend.divide(divisor).ok_or(OVERFLOW)?;
    Ok(rounded(quotient, rest, divisor, false, Rounding::HalfEven))
}

/// A number above zero in binary, limbs × 2^exponent, at most as large as what it stands for. The lowest limb comes first, and the
/// highest bit of the highest is set.
struct Binary {
    limbs: Vec<u64>,
    exponent: i64,
}

impl Binary {
    /// So many limbs, rounded down, of limbs that are not all zero.
    fn new(mut limbs: Vec<u64>, mut exponent: i64, count: usize) -> Self {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        let shift = limbs.last().map_or(0, |highest| highest.leading_zeros());
        let mut carried = 0;
        for limb in &mut limbs {
            let wide = (u128::from(*limb) << shift) | carried;
            (*limb, carried) = (wide as u64, wide >> 64);
        }
        exponent -= i64::from(shift);
        // More limbs than wanted go at the low end, fewer come there.
        exponent += (limbs.len() as i64 - count as i64) * 64;
        let missing = count.saturating_sub(limbs.len());
        limbs.drain(..limbs.len().saturating_sub(count));
        limbs.splice(..0, core::iter::repeat_n(0, missing));
        Self { limbs, exponent }
    }

    fn quotient(dividend: u128, divisor: u128, count: usize) -> Self {
        let (mut quotient, mut rest) = (dividend / divisor, dividend % divisor);
        let mut highest_first = Vec::with_capacity(count + 4);
        // The highest bit may be the last of the second 128.
        for _ in 0..count / 2 + 2 {
            highest_first.extend([(quotient >> 64) as u64, quotient as u64]);
            (quotient, rest) = Wide::new(rest, 0).divide(divisor).unwrap_or((0, 0));
        }
        let exponent = (2 - highest_first.len() as i64) * 64;
        highest_first.reverse();
        Self::new(highest_first, exponent, count)
    }

    /// It lies below 2 to this power, and not below half of that.
    fn top(&self) -> i64 {
        self.exponent + self.limbs.len() as i64 * 64
    }

    fn times(&self, other: &Self) -> Self {
        let count = self.limbs.len();
        let mut product = vec![0u64; count + other.limbs.len()];
        for (at, a) in self.limbs.iter().enumerate() {
            let mut carried = 0u128;
            for (limb, b) in product[at..].iter_mut().zip(&other.limbs) {
                let sum = u128::from(*a) * u128::from(*b) + u128::from(*limb) + carried;
                (*limb, carried) = (sum as u64, sum >> 64);
            }
            product[at + other.limbs.len()] = carried as u64;
        }
        Self::new(product, self.exponent + other.exponent, count)
    }

    /// A power, at least the first; or, of one that is too large or nothing, a lower one that is so already.
    fn power(&self, times: u128) -> Self {
        let mut power = Self { limbs: self.limbs.clone(), exponent: self.exponent };
        for bit in (0..times.ilog2()).rev() {
            power = power.times(&power);
            if (times >> bit) & 1 == 1 {
                power = power.times(self);
            }
            if power.top() > TOO_LARGE || power.top() <= NOTHING {
                break;
            }
        }
        power
    }

    /// The bit that counts 2 to this power.
    fn bit(&self, weight: i64) -> bool {
        let at = weight - self.exponent;
        let limb = usize::try_from(at / 64).ok().and_then(|at| self.limbs.get(at));
        at >= 0 && limb.is_some_and(|limb| (limb >> (at % 64)) & 1 == 1)
    }

    /// The nearest whole number, where it is the same whatever is added below the bit `unsure`, counted from the last; a half
    /// is none.
    fn nearest(&self, unsure: i64) -> Option<Result<u128, Reason>> {
        if self.top() >= TOO_LARGE {
            return Some(Err(OVERFLOW));
        }
        let up = self.bit(-1);
        let sure = self.exponent + unsure;
        if !up && (sure..-1).all(|weight| self.bit(weight)) {
            return None;
        }
        let whole =
            (0..self.top()).rev().fold(0u128, |whole, weight| (whole << 1) | u128::from(self.bit(weight)));
        Some(Ok(whole + u128::from(up)))
    }
}

#[cfg(test)]
mod tests {
    use super::power;
    use crate::fault::{DIVISION_BY_ZERO, OVERFLOW, Reason, ZERO_TO_ZERO};

    #[test]
    fn powers_are_rounded_once() {
        let check = |value: i128, scale: u8, exponent: i128, target: u8, expected: Result<i128, Reason>| {
            assert_eq!(
                power(value, scale, exponent, target),
                expected,
                "{value} × 10^-{scale} ^ {exponent} at {target}"
            );
        };
        check(0, 3, 0, 12, Err(ZERO_TO_ZERO));
        check(0, 3, 5, 12, Ok(0));
        check(0, 3, -1, 12, Err(DIVISION_BY_ZERO));
        check(7, 0, 0, 3, Ok(1000));
        // On a half, to the even neighbour: 5^13 / 10, and 2^-13 at twelve digits.
        check(5, 1, 13, 12, Ok(122_070_312));
        check(15, 1, 13, 12, Ok(194_619_506_835_938));
        check(2, 0, -13, 12, Ok(122_070_312));
        check(-2, 0, -13, 12, Ok(-122_070_312));
        check(6, 0, -1, 0, Ok(0));
        check(2, 0, -1, 0, Ok(0));
        // The ends of what is held.
        check(2, 0, 126, 0, Ok(1 << 126));
        check(-2, 0, 127, 0, Err(OVERFLOW));
        check(i128::MAX, 0, 1, 0, Ok(i128::MAX));
        check(i128::MIN, 0, 1, 0, Err(OVERFLOW));
        check(i128::MIN, 28, 2, 28, Err(OVERFLOW));
        check(i128::MAX, 28, i128::MAX, 28, Err(OVERFLOW));
        check(i128::MIN, 28, i128::MIN, 28, Ok(0));
        check(1, 28, i128::MAX, 28, Ok(0));
        check(1, 28, i128::MIN, 28, Err(OVERFLOW));
        // e^5 and e^-5: what exponents beyond 64 bits give.
        let just_above = 10_i128.pow(28) + 1;
        check(just_above, 28, 5 * 10_i128.pow(28), 9, Ok(148_413_159_103));
        check(just_above, 28, -5 * 10_i128.pow(28), 12, Ok(6_737_946_999));
        check(just_above, 28, 10_i128.pow(30), 28, Err(OVERFLOW));
    }
}
