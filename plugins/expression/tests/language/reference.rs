//! Decimal arithmetic a second time, slow and plain: 256 bits as two halves, division a bit at a time. Shares nothing with
//! the language but the rules of LANGUAGE.md. Also what the bench `decimals` holds the language against.

use std::cmp::Ordering;

/// Digits after the point that a product or quotient has at least.
const DIGITS: u32 = 12;

/// How the rest of a division is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    HalfEven,
    HalfUp,
    Up,
    Down,
    Floor,
}

/// A magnitude of 256 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Magnitude {
    high: u128,
    low: u128,
}

impl Magnitude {
    const ZERO: Self = Self { high: 0, low: 0 };

    fn plus(self, other: Self) -> Option<Self> {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.checked_add(other.high)?.checked_add(u128::from(carry))?;
        Some(Self { high, low })
    }

    fn minus(self, other: Self) -> Self {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Self { high: self.high - other.high - u128::from(borrow), low }
    }

    fn doubled(self) -> Option<Self> {
        self.plus(self)
    }

    /// Times a small number, by doubling and adding.
    fn times(self, mut factor: u128) -> Option<Self> {
        let (mut sum, mut power) = (Self::ZERO, Some(self));
        while factor > 0 {
            let here = power?;
            if factor & 1 == 1 {
                sum = sum.plus(here)?;
            }
            factor >>= 1;
            power = here.doubled();
        }
        Some(sum)
    }

    fn times_ten_to(self, exponent: u32) -> Option<Self> {
        (0..exponent).try_fold(self, |product, _| product.times(10))
    }

    fn bit(self, index: u32) -> bool {
        let (half, index) = if index < 128 { (self.low, index) } else { (self.high, index - 128) };
        half >> index & 1 == 1
    }

    /// Quotient and rest, a bit at a time.
    fn divided_by(self, divisor: Self) -> (Self, Self) {
        let (mut quotient, mut rest) = (Self::ZERO, Self::ZERO);
        for index in (0..256).rev() {
            // The rest is below the divisor, and no divisor here has its highest bit set.
            rest = rest.doubled().expect("it fits");
            rest.low |= u128::from(self.bit(index));
            quotient = quotient.doubled().expect("it fits");
            if rest >= divisor {
                rest = rest.minus(divisor);
                quotient.low |= 1;
            }
        }
        (quotient, rest)
    }
}

fn magnitude(number: i128) -> Magnitude {
    Magnitude { high: 0, low: number.unsigned_abs() }
}

/// A number that was calculated: unscaled × 10^-scale; nothing where 127 bits do not hold it.
pub type Answer = (Option<i128>, u32);

fn rounded(
    dividend: Option<Magnitude>,
    divisor: Option<Magnitude>,
    negative: bool,
    rounding: Rounding,
) -> Option<i128> {
    let divisor = divisor?;
    let (quotient, rest) = dividend?.divided_by(divisor);
    let half = rest.cmp(&divisor.minus(rest));
    let away = rest != Magnitude::ZERO
        && match rounding {
            Rounding::HalfEven => half == Ordering::Greater || (half == Ordering::Equal && quotient.bit(0)),
            Rounding::HalfUp => half != Ordering::Less,
            Rounding::Up => true,
            Rounding::Down => false,
            Rounding::Floor => negative,
        };
    let size = quotient.plus(Magnitude { high: 0, low: u128::from(away) })?;
    let size = i128::try_from(size.low).ok().filter(|_| size.high == 0)?;
    Some(if negative { -size } else { size })
}

/// The sum.
pub fn sum(a: i128, a_scale: u32, b: i128, b_scale: u32) -> Answer {
    let scale = a_scale.max(b_scale);
    let lifted = |number: i128, from: u32| number.checked_mul(10_i128.checked_pow(scale - from)?);
    let sum = lifted(a, a_scale).and_then(|a| a.checked_add(lifted(b, b_scale)?));
    (sum, scale)
}

/// The product: exact up to twelve digits, or as many as a factor has; beyond them half to even.
pub fn product(a: i128, a_scale: u32, b: i128, b_scale: u32) -> Answer {
    let scale = (a_scale + b_scale).min(DIGITS.max(a_scale).max(b_scale));
    let exact = magnitude(a).times(b.unsigned_abs());
    let divisor = magnitude(1).times_ten_to(a_scale + b_scale - scale);
    (rounded(exact, divisor, (a < 0) != (b < 0), Rounding::HalfEven), scale)
}

/// The quotient: twelve digits, or as many as an operand has, half to even. The divisor is not 0.
pub fn quotient(a: i128, a_scale: u32, b: i128, b_scale: u32) -> Answer {
    let scale = DIGITS.max(a_scale).max(b_scale);
    let dividend = magnitude(a).times_ten_to(scale + b_scale - a_scale);
    (rounded(dividend, Some(magnitude(b)), (a < 0) != (b < 0), Rounding::HalfEven), scale)
}

/// The number with so many digits after the point.
pub fn round(a: i128, scale: u32, digits: i32, rounding: Rounding) -> Answer {
    if digits >= scale as i32 {
        return (Some(a), scale);
    }
    let drop = (scale as i32 - digits) as u32;
    let whole = rounded(Some(magnitude(a)), magnitude(1).times_ten_to(drop), a < 0, rounding);
    let back = u32::try_from(-digits).unwrap_or(0);
    (whole.and_then(|whole| whole.checked_mul(10_i128.checked_pow(back)?)), digits.max(0) as u32)
}

/// Compares two numbers.
pub fn compare(a: i128, a_scale: u32, b: i128, b_scale: u32) -> Ordering {
    let scale = a_scale.max(b_scale);
    let size = |number: i128, from: u32| magnitude(number).times_ten_to(scale - from).expect("it fits");
    match (a < 0, b < 0) {
        (false, false) => size(a, a_scale).cmp(&size(b, b_scale)),
        (true, true) => size(b, b_scale).cmp(&size(a, a_scale)),
        (negative, _) => {
            if negative {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}
