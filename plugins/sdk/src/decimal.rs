//! Exact decimals for plugins that compute value by value.

use alloc::{
    format,
    string::{String, ToString},
};
use core::{cmp::Ordering, fmt};

use crate::{
    Rounding,
    division::{divide, divide_shifted, power, product},
};

/// An exact decimal: `unscaled` × 10^-`scale`. What cannot be held is an error, never a wrong number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    unscaled: i128,
    scale: u8,
}

// === impl Decimal ===

impl Decimal {
    /// Decimals that a product or a quotient keeps, as in the expression language.
    pub(crate) const KEPT: u8 = 12;

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
        if whole.is_empty() || point_without_digits || fraction.len() > usize::from(Self::KEPT) {
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
        if exact.scale <= Self::KEPT { Ok(exact) } else { exact.rounded(Self::KEPT, Rounding::HalfEven) }
    }

    /// The quotient, with 12 decimals, rounded half to even.
    ///
    /// # Errors
    /// When the divisor is 0, or the quotient cannot be held.
    pub fn over(self, other: Self) -> Result<Self, String> {
        self.divided(other, Self::KEPT, Rounding::HalfEven)
    }

    /// The quotient with `scale` decimals: divided once, rounded once.
    pub(crate) fn divided(self, other: Self, scale: u8, rounding: Rounding) -> Result<Self, String> {
        if other.unscaled == 0 {
            return Err("division by zero".to_string());
        }
        // self / other = (self.unscaled × 10^shift / other.unscaled) × 10^-scale
        let shift = i32::from(scale) + i32::from(other.scale) - i32::from(self.scale);
        let unscaled = divide_shifted(self.unscaled, other.unscaled, shift, rounding);
        unscaled.map(|unscaled| Self { unscaled, scale }).ok_or_else(|| too_large("quotient"))
    }

    /// The product with all its decimals, where 38 digits hold it.
    pub(crate) fn times_exactly(self, other: Self) -> Option<Self> {
        let exact = |a: Self, b: Self| {
            let scale = a.scale.checked_add(b.scale).filter(|&scale| power(u32::from(scale)).is_some())?;
            product(a.unscaled, b.unscaled).map(|unscaled| Self { unscaled, scale })
        };
        exact(self, other).or_else(|| exact(self.shortest(), other.shortest()))
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

fn too_large(what: &str) -> String {
    format!("the {what} is too large to be held exactly")
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
    fn refused_texts() {
        for text in ["", "-", "1.", ".5", "1e3", "1,000", "+1", "0.0000000000001", "--1", "1%%"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }
}
