//! Exact decimals as text, and in the bytes that Parquet has for those that do not fit 18 digits.

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

/// The bytes of a DECIMAL of 16 bytes, the highest first.
#[must_use]
pub fn wide_bytes(unscaled: i64) -> Vec<u8> {
    i128::from(unscaled).to_be_bytes().to_vec()
}

/// The digits in the bytes of a DECIMAL; nothing where they do not fit 64 bits.
#[must_use]
pub fn from_wide_bytes(bytes: &[u8]) -> Option<i64> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    i64::try_from(i128::from_be_bytes(bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn wide_bytes_come_back() {
        for unscaled in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(from_wide_bytes(&wide_bytes(unscaled)), Some(unscaled));
        }
        assert_eq!(from_wide_bytes(&i128::MAX.to_be_bytes()), None);
        assert_eq!(from_wide_bytes(&[0; 8]), None);
    }
}
