//! Exact decimals as text: their one form, their digits, and how digits are written. Arithmetic beyond that is where it is needed.

use std::borrow::Cow;

/// The most digits of a number, before and after the point together.
pub const DIGITS_MAX: usize = 28;

/// A number taken apart: `digits` × 10^-`scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unscaled {
    /// The digits.
    pub digits: i128,
    /// Decimals.
    pub scale: u8,
}

/// Why a number cannot be had with so many decimals, or in so many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It has more decimals, and nothing is rounded.
    Decimals,
    /// It has more digits than there is room for.
    Range,
}

// === impl Unscaled ===

impl Unscaled {
    /// Parses `-12.50`: digits, with at least one on either side of the point, as many as 128 bits hold. How many a field may
    /// have is the rule of [`normal`]. In one pass and without a copy: every number of every record that is viewed comes
    /// through here.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes() {
            [b'-', unsigned @ ..] => (true, unsigned),
            [b'+', unsigned @ ..] => (false, unsigned),
            unsigned => (false, unsigned),
        };
        let point = unsigned.iter().position(|&byte| byte == b'.');
        let (whole, decimals) = match point {
            Some(point) => (&unsigned[..point], &unsigned[point + 1..]),
            None => (unsigned, &[][..]),
        };
        if whole.is_empty() || (point.is_some() && decimals.is_empty()) {
            return None;
        }
        let mut digits = 0i128;
        for &byte in whole.iter().chain(decimals) {
            if !byte.is_ascii_digit() {
                return None;
            }
            digits = digits.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
        }
        let scale = u8::try_from(decimals.len()).ok()?;
        Some(Self { digits: if negative { -digits } else { digits }, scale })
    }

    /// The digits at another scale, exactly.
    ///
    /// # Errors
    /// Where that would lose some, or they do not fit 128 bits.
    pub fn rescale(self, scale: u8) -> Result<i128, Unfit> {
        if scale == self.scale || self.digits == 0 {
            return Ok(self.digits);
        }
        let factor = 10i128.checked_pow(u32::from(scale.abs_diff(self.scale)));
        if scale > self.scale {
            return factor.and_then(|factor| self.digits.checked_mul(factor)).ok_or(Unfit::Range);
        }
        match factor {
            Some(factor) if self.digits % factor == 0 => Ok(self.digits / factor),
            _ => Err(Unfit::Decimals),
        }
    }

    /// The digits at another scale, as plugins and datasets hold them: in 64 bits.
    ///
    /// # Errors
    /// Where that would lose some, or they do not fit.
    pub fn narrow(self, scale: u8) -> Result<i64, Unfit> {
        i64::try_from(self.rescale(scale)?).map_err(|_| Unfit::Range)
    }
}

/// The number unscaled × 10^-scale as text: `-12.50`. With `trim`, without zeros at its end.
#[must_use]
pub fn decimal_text(unscaled: i128, scale: u8, trim: bool) -> String {
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, mut fraction) = digits.split_at(digits.len() - scale);
    if trim {
        fraction = fraction.trim_end_matches('0');
    }
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// The one form of an exact decimal: no plus sign, no needless zeros in front, no minus before zero. Decimals stay as
/// they are given: `12.50` says that cents are meant. Nothing where the text is no decimal.
#[must_use]
pub fn normal(text: &str) -> Option<Cow<'_, str>> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, decimals) = match unsigned.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (unsigned, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !decimals.is_none_or(digits) {
        return None;
    }
    let stripped = whole.trim_start_matches('0');
    let kept = if stripped.is_empty() { &whole[whole.len() - 1..] } else { stripped };
    if kept.len() + decimals.map_or(0, str::len) > DIGITS_MAX {
        return None;
    }
    let zero =
        stripped.is_empty() && decimals.is_none_or(|decimals| decimals.bytes().all(|byte| byte == b'0'));
    let sign = if negative && !zero { "-" } else { "" };
    let length = sign.len() + kept.len() + decimals.map_or(0, |decimals| decimals.len() + 1);
    // Of a text that is in the form already, nothing is left out.
    if length == text.len() && !text.starts_with('+') {
        return Some(Cow::Borrowed(text));
    }
    Some(Cow::Owned(match decimals {
        Some(decimals) => format!("{sign}{kept}.{decimals}"),
        None => format!("{sign}{kept}"),
    }))
}

/// How many decimals a text in the one form has.
#[must_use]
pub fn decimals(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, decimals)| decimals.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_one_form() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(normal(text).as_deref(), expected, "{text}");
        };
        check("12.50", Some("12.50"));
        check("+12.50", Some("12.50"));
        check("0012", Some("12"));
        check("-0", Some("0"));
        check("-0.00", Some("0.00"));
        check("-00.10", Some("-0.10"));
        check("000", Some("0"));
        check("9999999999999999999999999999", Some("9999999999999999999999999999"));
        check("99999999999999999999999999999", None);
        check(".5", None);
        check("5.", None);
        check("1e3", None);
        check("1,000", None);
        check("--1", None);
        check("-", None);
        check("", None);
        check("٣", None);
    }

    #[test]
    fn decimals_are_written_out() {
        let check = |unscaled, scale, trim, text: &str| assert_eq!(decimal_text(unscaled, scale, trim), text);
        check(0, 0, false, "0");
        check(0, 2, false, "0.00");
        check(0, 2, true, "0");
        check(-5, 2, false, "-0.05");
        check(1250, 2, false, "12.50");
        check(1250, 2, true, "12.5");
        check(1200, 2, true, "12");
        check(1200, 0, true, "1200");
        check(i128::from(i64::MIN), 18, false, "-9.223372036854775808");
        check(i128::MIN, 0, false, "-170141183460469231731687303715884105728");
    }

    #[test]
    fn rescaling_never_loses() {
        let check = |text: &str, scale: u8, expected: Result<i128, Unfit>| {
            assert_eq!(Unscaled::parse(text).unwrap().rescale(scale), expected, "{text} {scale}");
        };
        check("12.5", 2, Ok(1250));
        check("12.5", 1, Ok(125));
        check("-12.50", 1, Ok(-125));
        check("-0.0001", 4, Ok(-1));
        check("7.0", 0, Ok(7));
        check("12.55", 1, Err(Unfit::Decimals));
        check("0", 200, Ok(0));
        check("9999999999999999999999999999", 10, Ok(99_999_999_999_999_999_999_999_999_990_000_000_000));
        check("9999999999999999999999999999", 12, Err(Unfit::Range));
    }

    #[test]
    fn as_many_digits_as_fit() {
        let check = |text: &str, expected: Option<i128>| {
            assert_eq!(Unscaled::parse(text).map(|number| number.digits), expected, "{text}");
        };
        check("170141183460469231731687303715884105727", Some(i128::MAX));
        check("170141183460469231731687303715884105728", None);
        check(
            "-1.7014118346046923173168730371588410572",
            Some(-17_014_118_346_046_923_173_168_730_371_588_410_572),
        );
    }

    #[test]
    fn sixty_four_bits() {
        let check = |digits: i128, from: u8, to: u8, expected: Result<i64, Unfit>| {
            assert_eq!(Unscaled { digits, scale: from }.narrow(to), expected, "{digits} {from} {to}");
        };
        check(1250, 2, 4, Ok(125_000));
        check(1250, 2, 1, Ok(125));
        check(1255, 2, 1, Err(Unfit::Decimals));
        check(0, 38, 0, Ok(0));
        check(1, 39, 0, Err(Unfit::Decimals));
        check(1, 0, 19, Err(Unfit::Range));
        check(i128::from(i64::MAX) + 1, 2, 2, Err(Unfit::Range));
        check(i128::from(i64::MIN), 2, 2, Ok(i64::MIN));
        check(i128::MAX, 0, 38, Err(Unfit::Range));
    }

    proptest! {
        #[test]
        fn the_form_keeps_the_number(digits in -10i64.pow(15)..10i64.pow(15), scale in 0u8..6) {
            let unsigned = format!("{:0>1$}", digits.unsigned_abs(), usize::from(scale) + 1);
            let (whole, decimals) = unsigned.split_at(unsigned.len() - usize::from(scale));
            let sign = if digits < 0 { "-" } else { "" };
            let text = if scale == 0 { format!("{sign}00{whole}") } else { format!("{sign}00{whole}.{decimals}") };
            let form = normal(&text).unwrap().into_owned();
            prop_assert_eq!(Unscaled::parse(&form).unwrap(), Unscaled { digits: digits.into(), scale });
            prop_assert_eq!(normal(&form).unwrap().into_owned(), form);
        }

        #[test]
        fn a_number_is_what_has_a_form(text in "[-+]{0,2}[0-9]{0,20}[.x]?[0-9]{0,8}") {
            let form = normal(&text);
            prop_assert_eq!(Unscaled::parse(&text).is_some(), form.is_some(), "{}", text);
            prop_assert_eq!(Unscaled::parse(&text), form.as_deref().and_then(Unscaled::parse), "{}", text);
        }

        #[test]
        fn rescaling_there_and_back_changes_nothing(digits in -1_000_000_000i128..1_000_000_000, more in 0u8..9) {
            let there = Unscaled { digits, scale: 3 }.rescale(3 + more).unwrap();
            prop_assert_eq!(Unscaled { digits: there, scale: 3 + more }.rescale(3), Ok(digits));
        }
    }
}
