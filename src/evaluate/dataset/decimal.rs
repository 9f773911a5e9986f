//! Exact decimals in the bytes that Parquet has for those that do not fit 18 digits.

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
    fn wide_bytes_come_back() {
        for unscaled in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(from_wide_bytes(&wide_bytes(unscaled)), Some(unscaled));
        }
        assert_eq!(from_wide_bytes(&i128::MAX.to_be_bytes()), None);
        assert_eq!(from_wide_bytes(&[0; 8]), None);
    }
}
