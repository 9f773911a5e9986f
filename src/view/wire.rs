//! Protobuf as it is written: fields by number, and the texts in them that mean numbers and dates. Which field goes
//! where is in `plan`.

/// A value as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire<'a> {
    /// Integers, flags, enums.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Texts, messages.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32(u32),
}

/// Reads the next field, and moves on; nothing at the end.
///
/// # Errors
/// What is malformed.
pub(super) fn next<'a>(bytes: &mut &'a [u8]) -> Result<Option<(u32, Wire<'a>)>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let tag = varint(bytes)?;
    let number = u32::try_from(tag >> 3).map_err(|_| format!("field number {}", tag >> 3))?;
    let value = match tag & 7 {
        0 => Wire::Varint(varint(bytes)?),
        1 => Wire::Fixed64(u64::from_le_bytes(array(bytes)?)),
        2 => {
            let length = usize::try_from(varint(bytes)?).map_err(|_| "a length beyond the end".to_owned())?;
            Wire::Bytes(take(bytes, length)?)
        }
        5 => Wire::Fixed32(u32::from_le_bytes(array(bytes)?)),
        other => return Err(format!("field {number} has wire type {other}")),
    };
    Ok(Some((number, value)))
}

fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or("ends within a number")?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number of more than ten bytes".to_owned())
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or("a length beyond the end")?;
    *bytes = rest;
    Ok(taken)
}

fn array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], String> {
    Ok(take(bytes, N)?.try_into().expect("as many bytes as were taken"))
}

/// The digits of a decimal text, `-12.5`, at a scale. Digits beyond the scale may only be zeros.
pub(super) fn unscaled(text: &[u8], scale: u8) -> Result<i128, String> {
    let wrong = || format!("{:?} is not a number of at most {scale} decimals", String::from_utf8_lossy(text));
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (whole, decimals) = match digits.iter().position(|&byte| byte == b'.') {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &[][..]),
    };
    if whole.is_empty() || (digits.len() > whole.len() && decimals.is_empty()) {
        return Err(wrong());
    }
    let (kept, beyond) = decimals.split_at(decimals.len().min(scale.into()));
    if beyond.iter().any(|&byte| byte != b'0') {
        return Err(wrong());
    }
    let mut value = 0_i128;
    for byte in whole.iter().chain(kept) {
        if !byte.is_ascii_digit() {
            return Err(wrong());
        }
        value = value.checked_mul(10).ok_or_else(wrong)?;
        value = value.checked_add(i128::from(byte - b'0')).ok_or_else(wrong)?;
    }
    for _ in kept.len()..scale.into() {
        value = value.checked_mul(10).ok_or_else(wrong)?;
    }
    Ok(if negative { -value } else { value })
}

/// Days since 1970-01-01 of a date text, `2026-03-31`.
pub(super) fn days(text: &[u8]) -> Result<i32, String> {
    let wrong = || format!("{:?} is not a date", String::from_utf8_lossy(text));
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return Err(wrong()) };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i16, |number, &byte| {
            byte.is_ascii_digit().then(|| number * 10 + i16::from(byte - b'0')).ok_or_else(wrong)
        })
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (month, day) = (i8::try_from(month), i8::try_from(day));
    let (Ok(month), Ok(day)) = (month, day) else { return Err(wrong()) };
    let date = jiff::civil::Date::new(year, month, day).map_err(|_| wrong())?;
    Ok(super::day_number(date))
}

/// Days since 1970-01-01, in UTC, of an encoded `google.protobuf.Timestamp`.
pub(super) fn timestamp_days(mut message: &[u8]) -> Result<i32, String> {
    let mut seconds = 0_i64;
    while let Some((number, value)) = next(&mut message)? {
        if let (1, Wire::Varint(bits)) = (number, value) {
            seconds = bits.cast_signed();
        }
    }
    i32::try_from(seconds.div_euclid(86_400)).map_err(|_| format!("{seconds} seconds is no date"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals() {
        let check = |text: &str, scale: u8, expected: Option<i128>| {
            assert_eq!(unscaled(text.as_bytes(), scale).ok(), expected, "{text} at {scale}");
        };
        check("0", 4, Some(0));
        check("12.5", 4, Some(125_000));
        check("-12.5", 4, Some(-125_000));
        check("12.50000", 4, Some(125_000));
        check("12.50001", 4, None);
        check("-0.0001", 4, Some(-1));
        check("7", 0, Some(7));
        check("7.0", 0, Some(7));
        check("7.1", 0, None);
        check("99999999999999999999", 4, Some(999_999_999_999_999_999_990_000));
        check("9999999999999999999999999999999999999999", 0, None);
        for wrong in ["", "-", ".", "5.", ".5", "+5", "1e3", "1,000", "--1", "1.2.3", " 1"] {
            check(wrong, 4, None);
        }
    }

    #[test]
    fn dates() {
        let check = |text: &str, expected: Option<i32>| {
            assert_eq!(days(text.as_bytes()).ok(), expected, "{text}");
        };
        check("1970-01-01", Some(0));
        check("1969-12-31", Some(-1));
        check("2000-02-29", Some(11_016));
        check("2026-03-31", Some(20_543));
        for wrong in ["2026-02-29", "2026-13-01", "2026-3-31", "2026-03-3x", "20260331", "", "2026-99-99"] {
            check(wrong, None);
        }
    }

    #[test]
    fn fields() {
        let check = |bytes: &[u8], expected: Option<&[(u32, Wire<'_>)]>| {
            let (mut rest, mut found) = (bytes, Vec::new());
            let outcome = loop {
                match next(&mut rest) {
                    Ok(Some(field)) => found.push(field),
                    Ok(None) => break Some(&found[..]),
                    Err(_) => break None,
                }
            };
            assert_eq!(outcome, expected, "{bytes:?}");
        };
        check(&[], Some(&[]));
        check(&[0x08, 0x96, 0x01], Some(&[(1, Wire::Varint(150))]));
        check(&[0x12, 2, b'h', b'i', 0x08, 1], Some(&[(2, Wire::Bytes(b"hi")), (1, Wire::Varint(1))]));
        check(&[0x0d, 1, 0, 0, 0], Some(&[(1, Wire::Fixed32(1))]));
        check(&[0x09, 2, 0, 0, 0, 0, 0, 0, 0], Some(&[(1, Wire::Fixed64(2))]));
        check(&[0x12, 3, b'h'], None);
        check(&[0x08], None);
        check(&[0x0b], None);
        check(&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255], None);
    }

    #[test]
    fn instants_count_for_their_day_in_utc() {
        let check = |seconds: i64, expected: i32| {
            let message = prost_types::Timestamp { seconds, nanos: 5 };
            assert_eq!(timestamp_days(&prost::Message::encode_to_vec(&message)), Ok(expected));
        };
        check(0, 0);
        check(86_399, 0);
        check(86_400, 1);
        check(-1, -1);
    }
}
