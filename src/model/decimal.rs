//! Exact decimals as text: their one form, and their digits. Arithmetic beyond that is where it is needed.

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

// === impl Unscaled ===

impl Unscaled {
    /// Parses `-12.50`: digits, with at least one on either side of the point, at most 28 of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = normal(text)?;
        let mut digits = 0i128;
        let mut scale = None;
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' => {
                    digits = digits * 10 + i128::from(byte - b'0');
                    scale = scale.map(|scale: u8| scale + 1);
                }
                b'.' => scale = Some(0),
                _ => {}
            }
        }
        let digits = if text.starts_with('-') { -digits } else { digits };
        Some(Self { digits, scale: scale.unwrap_or(0) })
    }

    /// The digits at another scale; nothing where that would lose some, or does not fit.
    #[must_use]
    pub fn rescale(self, scale: u8) -> Option<i128> {
        if scale >= self.scale {
            return self.digits.checked_mul(10i128.checked_pow(u32::from(scale - self.scale))?);
        }
        let divisor = 10i128.checked_pow(u32::from(self.scale - scale))?;
        (self.digits % divisor == 0).then(|| self.digits / divisor)
    }
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
    fn rescaling_never_loses() {
        let check = |text: &str, scale: u8, expected: Option<i128>| {
            assert_eq!(Unscaled::parse(text).unwrap().rescale(scale), expected, "{text} {scale}");
        };
        check("12.5", 2, Some(1250));
        check("-12.50", 1, Some(-125));
        check("12.55", 1, None);
        check("9999999999999999999999999999", 12, None);
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
    }
}
