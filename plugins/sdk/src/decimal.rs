//! Exact decimals for plugins that compute value by value.

use alloc::{
    format,
    string::{String, ToString},
};
use core::{cmp::Ordering, fmt};

use crate::Rounding;

/// Decimals that a product or a quotient keeps, as in the expression language.
const KEPT: u8 = 12;

/// An exact decimal: `unscaled` × 10^-`scale`. What cannot be held is an error, never a wrong number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    unscaled: i128,
    scale: u8,
}

// === impl Decimal ===

impl Decimal {
    /// 0.
    pub const ZERO: Self = Self { unscaled: 0, scale: 0 };
    /// 1.
    pub const ONE: Self = Self { unscaled: 1, scale: 0 };

    /// `unscaled` × 10^-`scale`.
    #[must_use]
    pub const fn new(unscaled: i128, scale: u8) -> Self {
        Self { unscaled, scale }
    }

    /// Parses `12.5`, `-3` or `5%`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, percent) = match text.strip_suffix('%') {
            Some(digits) => (digits, 2),
            None => (text, 0),
        };
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, digits),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let point_without_digits = digits.contains('.') && fraction.is_empty();
        if whole.is_empty() || point_without_digits || fraction.len() > usize::from(KEPT) {
            return None;
        }
        let mut unscaled: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
        }
        let scale = u8::try_from(fraction.len()).ok()? + percent;
        Some(Self { unscaled: if negative { -unscaled } else { unscaled }, scale })
    }

    /// The sum.
    ///
    /// # Errors
    /// When it cannot be held.
    pub fn plus(self, other: Self) -> Result<Self, String> {
        if self.scale == other.scale {
            let sum = self.unscaled.checked_add(other.unscaled).ok_or_else(|| too_large("sum"))?;
            return Ok(Self { unscaled: sum, scale: self.scale });
        }
        let scale = self.scale.max(other.scale);
        let sum = match (self.digits_at(scale), other.digits_at(scale)) {
            (Some(a), Some(b)) => a.checked_add(b),
            _ => None,
        };
        sum.map(|unscaled| Self { unscaled, scale }).ok_or_else(|| too_large("sum"))
    }

    /// The difference.
    ///
    /// # Errors
    /// When it cannot be held.
    pub fn minus(self, other: Self) -> Result<Self, String> {
        self.plus(Self { unscaled: -other.unscaled, scale: other.scale })
    }

    /// The product: exact up to 12 decimals, beyond them rounded half to even.
    ///
    /// # Errors
    /// When it cannot be held.
    pub fn times(self, other: Self) -> Result<Self, String> {
        let unscaled = product(self.unscaled, other.unscaled).ok_or_else(|| too_large("product"))?;
        let exact = Self { unscaled, scale: self.scale + other.scale };
        if exact.scale <= KEPT { Ok(exact) } else { exact.rounded(KEPT, Rounding::HalfEven) }
    }

    /// The quotient, with 12 decimals, rounded half to even.
    ///
    /// # Errors
    /// When the divisor is 0, or the quotient cannot be held.
    pub fn over(self, other: Self) -> Result<Self, String> {
        if other.unscaled == 0 {
            return Err("division by zero".to_string());
        }
        // self / other = (self.unscaled × 10^shift / other.unscaled) × 10^-12
        let shift = i32::from(KEPT) + i32::from(other.scale) - i32::from(self.scale);
        let widened =
            |digits: i128, by: i32| power(by.unsigned_abs()).and_then(|factor| product(digits, factor));
        let (dividend, divisor) = if shift >= 0 {
            (widened(self.unscaled, shift), Some(other.unscaled))
        } else {
            (Some(self.unscaled), widened(other.unscaled, shift))
        };
        let (dividend, divisor) = dividend.zip(divisor).ok_or_else(|| too_large("quotient"))?;
        let unscaled = divide(dividend, divisor, Rounding::HalfEven);
        Ok(Self { unscaled, scale: KEPT })
    }

    /// The same number with `scale` decimals.
    ///
    /// # Errors
    /// When it cannot be held.
    pub fn rounded(self, scale: u8, rounding: Rounding) -> Result<Self, String> {
        if scale >= self.scale {
            let unscaled = self.digits_at(scale).ok_or_else(|| too_large("number"))?;
            return Ok(Self { unscaled, scale });
        }
        let divisor = power(u32::from(self.scale - scale)).ok_or_else(|| too_large("number"))?;
        Ok(Self { unscaled: divide(self.unscaled, divisor, rounding), scale })
    }

    /// The number with its sign turned.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { unscaled: -self.unscaled, scale: self.scale }
    }

    /// The same number without zeros at the end of its decimals.
    #[must_use]
    pub fn shortest(self) -> Self {
        let Self { mut unscaled, mut scale } = self;
        while scale > 0 && unscaled % 10 == 0 {
            (unscaled, scale) = (unscaled / 10, scale - 1);
        }
        Self { unscaled, scale }
    }

    /// The digits without the point.
    #[must_use]
    pub fn unscaled(self) -> i128 {
        self.unscaled
    }

    /// How many of the digits stand behind the point.
    #[must_use]
    pub fn scale(self) -> u8 {
        self.scale
    }

    fn digits_at(self, scale: u8) -> Option<i128> {
        if scale == self.scale {
            Some(self.unscaled)
        } else {
            product(self.unscaled, power(u32::from(scale - self.scale))?)
        }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            return self.unscaled.cmp(&other.unscaled);
        }
        let scale = self.scale.max(other.scale);
        match (self.digits_at(scale), other.digits_at(scale)) {
            (Some(a), Some(b)) => a.cmp(&b),
            // The one that cannot be widened is the larger of the two in size: its sign decides.
            (None, _) => self.unscaled.cmp(&0),
            (_, None) => 0.cmp(&other.unscaled),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let digits = self.unscaled.unsigned_abs();
        let Some(unit) = power(u32::from(self.scale)).filter(|&unit| unit > 1) else {
            return write!(formatter, "{sign}{digits}");
        };
        let (whole, fraction) = (digits / unit.unsigned_abs(), digits % unit.unsigned_abs());
        let fraction = format!("{fraction:0width$}", width = usize::from(self.scale));
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(formatter, "{sign}{whole}{point}{fraction}")
    }
}

/// Powers of ten, as many as fit: raising them anew is what would cost a plugin most of its fuel.
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

fn power(exponent: u32) -> Option<i128> {
    POWERS.get(exponent as usize).copied()
}

/// The product. Of 64 bits each, which is nearly always, it always fits, and nothing has to be checked.
fn product(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

fn too_large(what: &str) -> String {
    format!("the {what} is too large to be held exactly")
}

/// The quotient of whole numbers, rounded to the nearest; the rule decides ties.
fn divide(dividend: i128, divisor: i128, rounding: Rounding) -> i128 {
    let (size, by) = (dividend.unsigned_abs(), divisor.unsigned_abs());
    let (quotient, remainder) = match u64::try_from(by) {
        Ok(by) => divide_by_64(size, by),
        Err(_) => {
            let quotient = size / by;
            (quotient, size - quotient * by)
        }
    };
    let up = match remainder.cmp(&(by - remainder)) {
        Ordering::Greater => true,
        Ordering::Less => false,
        Ordering::Equal => matches!(rounding, Rounding::HalfUp) || quotient % 2 != 0,
    };
    let quotient = (quotient + u128::from(up)).cast_signed();
    if (dividend < 0) == (divisor < 0) { quotient } else { -quotient }
}

/// Quotient and remainder by 64 bits, from divisions of 64 bits: one of 128 costs WebAssembly hundreds of instructions.
fn divide_by_64(dividend: u128, divisor: u64) -> (u128, u128) {
    let (high, low) = ((dividend >> 64) as u64, dividend as u64);
    if high == 0 {
        return (u128::from(low / divisor), u128::from(low % divisor));
    }
    let (quotient, rest) = divide_two(high % divisor, low, divisor);
    (u128::from(high / divisor) << 64 | u128::from(quotient), u128::from(rest))
}

/// `high` × 2^64 + `low` by the divisor, which is above `high`: long division with digits of 32 bits (Knuth, volume 2,
/// 4.3.1, algorithm D).
fn divide_two(high: u64, low: u64, divisor: u64) -> (u64, u64) {
    const HALF: u64 = 1 << 32;
    // So that the divisor's highest bit is set, and a digit is guessed at most two too large.
    let shift = divisor.leading_zeros();
    let divisor = divisor << shift;
    let (divisor_high, divisor_low) = (divisor >> 32, divisor & (HALF - 1));
    let high = if shift == 0 { high } else { high << shift | low >> (64 - shift) };
    let low = low << shift;
    let digit = |rest: u64, next: u64| {
        let (mut digit, mut left) = (rest / divisor_high, rest % divisor_high);
        while digit >= HALF || digit * divisor_low > left << 32 | next {
            (digit, left) = (digit - 1, left + divisor_high);
            if left >= HALF {
                break;
            }
        }
        let rest = (rest << 32 | next).wrapping_sub(digit.wrapping_mul(divisor));
        (digit, rest)
    };
    let (first, rest) = digit(high, low >> 32);
    let (second, rest) = digit(rest, low & (HALF - 1));
    (first << 32 | second, rest >> shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn arithmetic() {
        let check = |left: &str, operator: char, right: &str, expected: &str| {
            let (a, b) = (number(left), number(right));
            let answer = match operator {
                '+' => a.plus(b),
                '-' => a.minus(b),
                '*' => a.times(b),
                _ => a.over(b),
            };
            assert_eq!(answer.map_or_else(|e| e, |d| d.to_string()), expected, "{left} {operator} {right}");
        };
        check("0.1", '+', "0.2", "0.3");
        check("1", '-', "1.0001", "-0.0001");
        check("5%", '*', "200", "10");
        check("0.0000001", '*', "0.0000005", "0");
        check("0.0000003", '*', "0.0000005", "0");
        check("0.000001", '*', "0.0000015", "0.000000000002");
        check("1", '/', "3", "0.333333333333");
        check("2", '/', "3", "0.666666666667");
        check("-2", '/', "3", "-0.666666666667");
        check("1", '/', "0", "division by zero");
    }

    #[test]
    fn rounding() {
        let check = |text: &str, half_up: &str, half_even: &str| {
            let at = |rounding| number(text).rounded(2, rounding).expect("fits").to_string();
            assert_eq!(
                (at(Rounding::HalfUp), at(Rounding::HalfEven)),
                (half_up.into(), half_even.into()),
                "{text}"
            );
        };
        check("0.125", "0.13", "0.12");
        check("0.135", "0.14", "0.14");
        check("-0.125", "-0.13", "-0.12");
        check("0.1249", "0.12", "0.12");
        check("7", "7", "7");
    }

    #[test]
    fn division_by_64_bits_is_that_of_128() {
        // A generator of its own, so that the cases are the same everywhere.
        let mut state = 1_u128;
        let mut next = || {
            state = state
                .wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645)
                .wrapping_add(0x5851_F42D_4C95_7F2D);
            state >> (state >> 121)
        };
        let edges = [1, 2, 10, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, 1 << 63, u128::from(u64::MAX)];
        let check = |dividend: u128, divisor: u128| {
            let found = divide_by_64(dividend, divisor as u64);
            assert_eq!(found, (dividend / divisor, dividend % divisor), "{dividend} by {divisor}");
        };
        for round in 0..20_000 {
            let (dividend, by) =
                (next(), edges.get(round % 16).copied().unwrap_or_else(|| (next() as u64 | 1).into()));
            check(dividend, by);
            check(u128::MAX - dividend, by);
        }
    }

    #[test]
    fn refused_texts() {
        for text in ["", "-", "1.", ".5", "1e3", "1,000", "+1", "0.0000000000001", "--1", "1%%"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }
}
