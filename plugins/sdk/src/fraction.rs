//! Quotients that wait to be divided: amounts that are shares of each other, added up before anything is rounded.

use alloc::string::{String, ToString};
use core::{cmp::Ordering, fmt};

use crate::{Decimal, Rounding};

/// A number over another. Parts of a whole add up to it: three times a third is 1, which three quotients of 12 decimals are
/// not. It is divided once, where it is [`rounded`](Self::rounded).
///
/// What 38 digits cannot hold goes on with 12 decimals, as products and quotients of [`Decimal`] do.
///
/// ```
/// use merit_sdk::{Decimal, Fraction, Rounding};
///
/// let third = Fraction::new(Decimal::ONE, Decimal::new(3, 0))?;
/// assert_eq!(third.to_string(), "0.333333333333");
/// assert_eq!(third.plus(third)?.plus(third)?.to_string(), "1");
/// assert_eq!(third.times(Decimal::new(3015, 3))?.rounded(2, Rounding::HalfUp)?.to_string(), "1.01");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fraction {
    dividend: Decimal,
    /// Above 0.
    divisor: Decimal,
}

// === impl Fraction ===

impl Fraction {
    /// 0.
    pub const ZERO: Self = Self { dividend: Decimal::ZERO, divisor: Decimal::ONE };

    /// One number over another.
    ///
    /// # Errors
    /// When the divisor is 0.
    pub fn new(dividend: Decimal, divisor: Decimal) -> Result<Self, String> {
        Self::from(dividend).over(divisor)
    }

    /// The sum.
    ///
    /// # Errors
    /// When it cannot be held.
    pub fn plus(self, other: impl Into<Self>) -> Result<Self, String> {
        let other = other.into();
        if self.divisor == other.divisor {
            return Ok(Self { dividend: self.dividend.plus(other.dividend)?, divisor: self.divisor });
        }
        let sum = || {
            let (a, b) = self.crosswise(other)?;
            let divisor = self.divisor_times(other.divisor)?;
            Some(Self { dividend: a.plus(b).ok()?, divisor })
        };
        match sum() {
            Some(sum) => Ok(sum),
            None => self.decimal()?.plus(other.decimal()?).map(Self::from),
        }
    }

    /// The difference.
    ///
    /// # Errors
    /// When it cannot be held.
    pub fn minus(self, other: impl Into<Self>) -> Result<Self, String> {
        self.plus(other.into().negated())
    }

    /// The product.
    ///
    /// # Errors
    /// When it cannot be held.
    pub fn times(self, factor: Decimal) -> Result<Self, String> {
        match self.dividend.times_exactly(factor) {
            Some(dividend) => Ok(Self { dividend, divisor: self.divisor }),
            None => self.decimal()?.times(factor).map(Self::from),
        }
    }

    /// The quotient.
    ///
    /// # Errors
    /// When the divisor is 0, or the quotient cannot be held.
    pub fn over(self, divisor: Decimal) -> Result<Self, String> {
        let (dividend, by) = match divisor.cmp(&Decimal::ZERO) {
            Ordering::Less => (self.dividend.negated(), divisor.negated()),
            Ordering::Equal => return Err("division by zero".to_string()),
            Ordering::Greater => (self.dividend, divisor),
        };
        match self.divisor_times(by) {
            Some(divisor) => Ok(Self { dividend, divisor }),
            None => self.decimal()?.over(divisor).map(Self::from),
        }
    }

    /// The number with its sign turned.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { dividend: self.dividend.negated(), divisor: self.divisor }
    }

    /// The decimal with `scale` decimals that is nearest: divided and rounded in one.
    ///
    /// # Errors
    /// When it cannot be held.
    pub fn rounded(self, scale: u8, rounding: Rounding) -> Result<Decimal, String> {
        if self.is_whole() {
            return self.dividend.rounded(scale, rounding);
        }
        self.dividend.divided(self.divisor, scale, rounding)
    }

    /// The decimal: exact where nothing has to be divided, else with 12 decimals.
    ///
    /// # Errors
    /// When it cannot be held.
    pub fn decimal(self) -> Result<Decimal, String> {
        if self.is_whole() { Ok(self.dividend) } else { self.rounded(Decimal::KEPT, Rounding::HalfEven) }
    }

    /// Which of the two is larger, without dividing where 38 digits hold the products.
    #[must_use]
    pub fn compare(self, other: impl Into<Self>) -> Ordering {
        let other = other.into();
        if self.divisor == other.divisor {
            return self.dividend.cmp(&other.dividend);
        }
        let decimal = |fraction: Self| fraction.decimal().unwrap_or(fraction.dividend);
        match self.crosswise(other) {
            Some((a, b)) => a.cmp(&b),
            None => decimal(self).cmp(&decimal(other)),
        }
    }

    /// Whether there is nothing to divide.
    fn is_whole(self) -> bool {
        self.divisor.unscaled() == 1 && self.divisor.scale() == 0
    }

    /// The divisor times a number above 0, with a digit left to divide by.
    fn divisor_times(self, by: Decimal) -> Option<Decimal> {
        let divisor = self.divisor.times_exactly(by)?;
        divisor.unscaled().checked_mul(10).map(|_| divisor)
    }

    /// Both dividends over the common divisor.
    fn crosswise(self, other: Self) -> Option<(Decimal, Decimal)> {
        self.dividend.times_exactly(other.divisor).zip(other.dividend.times_exactly(self.divisor))
    }
}

impl Default for Fraction {
    fn default() -> Self {
        Self::ZERO
    }
}

impl From<Decimal> for Fraction {
    fn from(number: Decimal) -> Self {
        Self { dividend: number, divisor: Decimal::ONE }
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.decimal() {
            Ok(decimal) => decimal.fmt(formatter),
            Err(_) => write!(formatter, "{} / {}", self.dividend, self.divisor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `3`, or `1/3`.
    fn number(text: &str) -> Fraction {
        let decimal = |text: &str| Decimal::parse(text).unwrap_or_else(|| panic!("{text}"));
        let (dividend, divisor) = text.split_once('/').unwrap_or((text, "1"));
        Fraction::new(decimal(dividend), decimal(divisor)).expect("a divisor")
    }

    #[test]
    fn parts_add_up_before_they_are_rounded() {
        let check = |parts: &[&str], scale: u8, half_up: &str, half_even: &str| {
            let sum = parts.iter().try_fold(Fraction::ZERO, |sum, part| sum.plus(number(part)));
            let sum = sum.expect("fits");
            let rounded = |rounding| sum.rounded(scale, rounding).expect("fits").to_string();
            assert_eq!(
                (rounded(Rounding::HalfUp), rounded(Rounding::HalfEven)),
                (half_up.into(), half_even.into()),
                "{parts:?}"
            );
        };
        check(&["1/3", "1/3", "1/3"], 12, "1", "1");
        check(&["50.005/3", "50.005/3", "50.005/3"], 2, "50.01", "50");
        check(&["1/3", "1/6", "0.005"], 2, "0.51", "0.5");
        check(&["1/3", "1/6", "-1/2"], 12, "0", "0");
        check(&["-1/-8", "1/-8"], 2, "0", "0");
        check(&["-1/8"], 2, "-0.13", "-0.12");
        check(&["1/3", "0.000000000001"], 12, "0.333333333334", "0.333333333334");
        // Divisors whose product 38 digits do not hold.
        check(&["1/9999999999999", "1/9999999999998", "1/9999999999997", "1/9999999999996"], 12, "0", "0");
        check(&["2/3", "1/9999999999999", "1/9999999999998", "1/9999999999997"], 3, "0.667", "0.667");
    }

    #[test]
    fn comparing_divides_nothing() {
        let check = |left: &str, expected: Ordering, right: &str| {
            assert_eq!(number(left).compare(number(right)), expected, "{left} and {right}");
        };
        check("1/3", Ordering::Less, "0.333333333334");
        check("1/3", Ordering::Greater, "0.333333333333");
        check("2/6", Ordering::Equal, "1/3");
        check("-1/3", Ordering::Less, "-0.333333333333");
        check("1/-3", Ordering::Less, "0");
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        assert_eq!(Fraction::new(Decimal::ONE, Decimal::new(0, 6)).unwrap_err(), "division by zero");
    }
}
