//! Division of whole numbers, rounded, and by machine words: one of 128 bits costs WebAssembly hundreds of instructions.
//! What the numbers mean is `decimal.rs`.

use core::cmp::Ordering;

use crate::Rounding;

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

/// 10^`exponent`, where it fits.
pub(crate) fn power(exponent: u32) -> Option<i128> {
    POWERS.get(exponent as usize).copied()
}

/// The product. Of 64 bits each, which is nearly always, it always fits, and nothing has to be checked.
pub(crate) fn product(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

/// The quotient of whole numbers, rounded to the nearest; the rule decides ties.
pub(crate) fn divide(dividend: i128, divisor: i128, rounding: Rounding) -> i128 {
    let by = divisor.unsigned_abs();
    let (quotient, remainder) = with_remainder(dividend.unsigned_abs(), by);
    let up = remainder.cmp(&(by - remainder));
    signed(rounded(quotient, up, rounding).cast_signed(), dividend, divisor)
}

/// The quotient × 10^`shift`, rounded as one division is; nothing where it does not fit.
pub(crate) fn divide_shifted(dividend: i128, divisor: i128, shift: i32, rounding: Rounding) -> Option<i128> {
    let widened = |digits: i128| power(shift.unsigned_abs()).and_then(|factor| product(digits, factor));
    match shift {
        0.. => match widened(dividend) {
            Some(dividend) => Some(divide(dividend, divisor, rounding)),
            None => divide_long(dividend, divisor, shift, rounding),
        },
        _ => match widened(divisor) {
            Some(divisor) => Some(divide(dividend, divisor, rounding)),
            None => Some(divide_tiny(dividend, divisor, shift.unsigned_abs(), rounding)),
        },
    }
}

/// Digit by digit, where the dividend with `digits` zeros behind it does not fit.
fn divide_long(dividend: i128, divisor: i128, digits: i32, rounding: Rounding) -> Option<i128> {
    let by = divisor.unsigned_abs();
    let (mut quotient, mut rest) = with_remainder(dividend.unsigned_abs(), by);
    for _ in 0..digits {
        let (digit, left) = with_remainder(rest.checked_mul(10)?, by);
        (quotient, rest) = (quotient.checked_mul(10)?.checked_add(digit)?, left);
    }
    let quotient = i128::try_from(rounded(quotient, rest.cmp(&(by - rest)), rounding)).ok()?;
    Some(signed(quotient, dividend, divisor))
}

/// Where the divisor with `zeros` behind it does not fit, and so is larger than the dividend: 0, or one unit.
fn divide_tiny(dividend: i128, divisor: i128, zeros: u32, rounding: Rounding) -> i128 {
    let Some(power) = power(zeros) else { return 0 };
    // Twice the dividend against the divisor with its zeros.
    let (whole, rest) = with_remainder(dividend.unsigned_abs().saturating_mul(2), power.unsigned_abs());
    let up = whole.cmp(&divisor.unsigned_abs()).then(rest.cmp(&0));
    signed(rounded(0, up, rounding).cast_signed(), dividend, divisor)
}

/// The quotient or the one above it, by how what is left compares to half of the divisor.
fn rounded(quotient: u128, left: Ordering, rounding: Rounding) -> u128 {
    let up = match left {
        Ordering::Greater => true,
        Ordering::Less => false,
        Ordering::Equal => matches!(rounding, Rounding::HalfUp) || !quotient.is_multiple_of(2),
    };
    quotient + u128::from(up)
}

fn signed(quotient: i128, dividend: i128, divisor: i128) -> i128 {
    if (dividend < 0) == (divisor < 0) { quotient } else { -quotient }
}

fn with_remainder(dividend: u128, divisor: u128) -> (u128, u128) {
    match u64::try_from(divisor) {
        Ok(divisor) => divide_by_64(dividend, divisor),
        Err(_) => {
            let quotient = dividend / divisor;
            (quotient, dividend - quotient * divisor)
        }
    }
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
    fn a_shift_rounds_as_one_division_does() {
        let check =
            |dividend: i128, divisor: i128, shift: i32, half_up: Option<i128>, half_even: Option<i128>| {
                let found = [Rounding::HalfUp, Rounding::HalfEven]
                    .map(|rounding| divide_shifted(dividend, divisor, shift, rounding));
                assert_eq!(found, [half_up, half_even], "{dividend} × 10^{shift} by {divisor}");
            };
        const E37: i128 = 10_i128.pow(37);
        check(5, 2, 0, Some(3), Some(2));
        check(-1, 8, 2, Some(-13), Some(-12));
        check(125, 1, -1, Some(13), Some(12));
        // The dividend's zeros do not fit.
        check(E37, 3 * E37, 12, Some(333_333_333_333), Some(333_333_333_333));
        check(-E37, 8 * E37, 2, Some(-13), Some(-12));
        check(10 * E37, 16 * E37, 1, None, None);
        check(-E37, 16 * E37 / 10, 3, Some(-625), Some(-625));
        check(E37, 16 * E37 / 10, 1, Some(6), Some(6));
        check(E37 / 2, E37, 5, Some(50_000), Some(50_000));
        check(E37, 1, 12, None, None);
        // The divisor's zeros do not fit.
        check(5 * E37, 1, -38, Some(1), Some(0));
        check(5 * E37 + 1, 1, -38, Some(1), Some(1));
        check(-15 * E37, 3, -38, Some(-1), Some(0));
        check(15 * E37 - 1, 3, -38, Some(0), Some(0));
        check(i128::MAX, 1, -39, Some(0), Some(0));
    }
}
