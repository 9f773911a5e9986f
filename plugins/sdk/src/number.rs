//! Numbers of parameters, as people and programs write them: `12.5`, `5%`, `1e-7`. Numbers in columns are `decimal.rs`.

use alloc::{
    format,
    string::{String, ToString},
};

use crate::Decimal;

/// What a number of parameters may look like.
pub(crate) const NUMBER: &str = "give a number with a point and without separators, like 1234.5 or \"5%\"";

/// Decimals that a number may have.
const DECIMALS: i64 = 12;

/// Powers of ten that a number may reach, above and below 0. Columns hold less; sums of what is computed still fit.
const LARGEST: i64 = 18;

/// Reads a number.
///
/// # Errors
/// What is wrong with it, and what would be accepted.
pub(crate) fn read(text: &str) -> Result<Decimal, String> {
    let (digits, percent) = match text.strip_suffix('%') {
        Some(digits) => (digits, 2),
        None => (text, 0),
    };
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let (digits, exponent) = match digits.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, read_exponent(exponent).ok_or(NUMBER)?),
        None => (digits, 0),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(NUMBER.to_string()),
        None => (digits, ""),
    };
    let all = [whole, fraction].concat();
    if whole.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NUMBER.to_string());
    }
    // The number is what is left of the digits × 10^-decimals.
    let shortest = all.trim_end_matches('0');
    let mut decimals = fraction.len() as i64 - exponent - (all.len() - shortest.len()) as i64;
    let shortest = shortest.trim_start_matches('0');
    if shortest.is_empty() {
        return Ok(Decimal::ZERO);
    }
    if decimals > DECIMALS {
        return Err(format!("has {decimals} decimals; give at most {DECIMALS}"));
    }
    decimals += percent;
    let reaches = shortest.len() as i64 - decimals;
    if reaches > LARGEST && !(reaches == LARGEST + 1 && shortest == "1") {
        return Err(format!("is out of range; give a number between -10^{LARGEST} and 10^{LARGEST}"));
    }
    let mut unscaled = shortest.bytes().fold(0_i128, |number, byte| number * 10 + i128::from(byte - b'0'));
    while decimals < 0 {
        (unscaled, decimals) = (unscaled * 10, decimals + 1);
    }
    Ok(Decimal::new(if negative { -unscaled } else { unscaled }, decimals as u8))
}

/// The exponent; one that is longer than any sense is cut off, and out of range either way.
fn read_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size =
        digits.bytes().fold(0_i64, |size, byte| (size * 10 + i64::from(byte - b'0')).min(1_000_000_000));
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly_or_refused() {
        let check = |text: &str, expected: &str| {
            let found = read(text).map_or_else(|what| what, |number| number.to_string());
            assert_eq!(found, expected, "{text}");
        };
        const OUT: &str = "is out of range; give a number between -10^18 and 10^18";
        check("12.5", "12.5");
        check("5%", "0.05");
        check("-0", "0");
        check("-0.0e5", "0");
        check("0.050000000000000000000", "0.05");
        check("000012", "12");
        check("1e3", "1000");
        check("2.5E+2", "250");
        check("1e-7", "0.0000001");
        check("100e-2%", "0.01");
        check("0e999999999999999999999", "0");
        check("1e18", "1000000000000000000");
        check("-1000000000000000000", "-1000000000000000000");
        check("999999999999999999.999999999999", "999999999999999999.999999999999");
        check("0.000000000001%", "0.00000000000001");
        check("100000000000000000000%", "1000000000000000000");
        check("1000000000000000001", OUT);
        check("1000000000000000000.1", OUT);
        check("1e30", OUT);
        check("-1e30", OUT);
        check("1e999999999999999999999", OUT);
        check(&"9".repeat(10_000), OUT);
        check("0.30000000000000004", "has 17 decimals; give at most 12");
        check("1e-13", "has 13 decimals; give at most 12");
        for text in [
            "", "-", "+5", "five", "1,000", "1 000", "1_000", "0,05", "5 %", " 5", ".5", "5.", "1.2.3", "1e",
            "1e+", "--1", "%", "∞", "٣", "5%%", "0x10",
        ] {
            check(text, NUMBER);
        }
    }
}
