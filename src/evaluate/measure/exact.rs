//! Figures before they are rounded: fractions of whole numbers, so that an average, or one measure divided by another,
//! is rounded once, at the very end.

/// A fraction, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact {
    numerator: i128,
    /// Greater than 0.
    denominator: i128,
}

// === impl Exact ===

impl Exact {
    /// `unscaled` × 10^-`scale`, divided by `divisor` (greater than 0); nothing where it cannot be held.
    pub(super) fn new(unscaled: i128, scale: u8, divisor: u64) -> Option<Self> {
        let denominator = power_of_ten(scale.into())?;
        let this = Self { numerator: unscaled, denominator };
        let divisor = i128::from(divisor);
        match denominator.checked_mul(divisor) {
            Some(denominator) => Some(Self { denominator, ..this }),
            None => product(this, Self { numerator: 1, denominator: divisor }),
        }
    }

    /// Whether it is 0.
    pub(super) fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// This divided by `other`, which is not 0; nothing where it cannot be held.
    pub(super) fn divided_by(self, other: Self) -> Option<Self> {
        let sign = other.numerator.signum();
        let inverse = Self {
            numerator: other.denominator.checked_mul(sign)?,
            denominator: other.numerator.checked_abs().filter(|&divisor| divisor > 0)?,
        };
        product(self, inverse)
    }

    /// Its digits at a scale, rounded half to even; nothing where they cannot be held.
    pub(super) fn round(self, scale: u8) -> Option<i128> {
        let factor = power_of_ten(scale.into())?;
        let scaled = match self.numerator.checked_mul(factor) {
            Some(numerator) => Self { numerator, ..self },
            None => product(self, Self { numerator: factor, denominator: 1 })?,
        };
        let Self { numerator, denominator } = scaled;
        let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
        // `rest` is compared with what is left of the denominator, as twice of it may not fit.
        let up = match rest.cmp(&(denominator - rest)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => quotient % 2 != 0,
        };
        quotient.checked_add(up.into())
    }
}

/// The product, reduced only where it would not fit otherwise: that is slow, and seldom needed.
fn product(a: Exact, b: Exact) -> Option<Exact> {
    let multiply = |a: Exact, b: Exact| {
        Some(Exact {
            numerator: a.numerator.checked_mul(b.numerator)?,
            denominator: a.denominator.checked_mul(b.denominator)?,
        })
    };
    multiply(a, b).or_else(|| {
        let (a, b) = (reduced(a.numerator, a.denominator), reduced(b.numerator, b.denominator));
        let (c, d) = (reduced(a.numerator, b.denominator), reduced(b.numerator, a.denominator));
        multiply(
            Exact { numerator: c.numerator, denominator: d.denominator },
            Exact { numerator: d.numerator, denominator: c.denominator },
        )
    })
}

fn reduced(numerator: i128, denominator: i128) -> Exact {
    let divisor = divisor(numerator, denominator);
    Exact { numerator: numerator / divisor, denominator: denominator / divisor }
}

/// The greatest common divisor; at least 1.
fn divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i128::try_from(a).unwrap_or(1).max(1)
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(unscaled: i128, scale: u8, divisor: u64) -> Exact {
        Exact::new(unscaled, scale, divisor).unwrap()
    }

    #[test]
    fn rounding_is_half_to_even() {
        let check = |unscaled: i128, scale: u8, divisor: u64, to: u8, expected: i128| {
            assert_eq!(
                exact(unscaled, scale, divisor).round(to),
                Some(expected),
                "{unscaled}e-{scale}/{divisor}"
            );
        };
        check(125, 3, 1, 2, 12);
        check(135, 3, 1, 2, 14);
        check(-125, 3, 1, 2, -12);
        check(-135, 3, 1, 2, -14);
        check(1251, 4, 1, 2, 13);
        check(5, 0, 1, 4, 50_000);
        check(1, 0, 3, 4, 3333);
        check(2, 0, 3, 4, 6667);
        check(-1, 0, 3, 0, 0);
        check(-2, 0, 3, 0, -1);
        check(1, 0, 2, 0, 0);
        check(3, 0, 2, 0, 2);
    }

    #[test]
    fn what_does_not_fit_is_reduced_and_what_cannot_be_is_refused() {
        let large = 10_i128.pow(38);
        assert_eq!(exact(large, 28, 1).round(10), Some(10_i128.pow(20)));
        assert_eq!(exact(large, 0, 1).round(1), None);
        let third = exact(large, 20, 3);
        assert_eq!(third.divided_by(third).and_then(|one| one.round(12)), Some(10_i128.pow(12)));
        assert_eq!(exact(i128::MAX, 0, 1).divided_by(exact(1, 1, 1)), None);
        assert_eq!(Exact::new(1, 39, 1), None);
    }

    #[test]
    fn signs() {
        let check = |a: i128, b: i128, expected: i128| {
            assert_eq!(
                exact(a, 1, 1).divided_by(exact(b, 2, 1)).and_then(|quotient| quotient.round(1)),
                Some(expected)
            );
        };
        check(12, 400, 3);
        check(-12, 400, -3);
        check(12, -400, -3);
        check(-12, -400, 3);
    }

    proptest! {
        #[test]
        fn nothing_is_nearer(
            a in -1_000_000_i128..1_000_000, a_scale in 0_u8..6, a_divisor in 1_u64..50,
            b in prop_oneof![-1_000_000_i128..0, 1_i128..1_000_000], b_scale in 0_u8..6, b_divisor in 1_u64..50,
            to in 0_u8..6,
        ) {
            let rounded = exact(a, a_scale, a_divisor).divided_by(exact(b, b_scale, b_divisor)).unwrap().round(to);
            let ten = |exponent: u8| 10_i128.pow(exponent.into());
            let wanted = a * i128::from(b_divisor) * ten(b_scale + to) * b.signum();
            let by = b.abs() * i128::from(a_divisor) * ten(a_scale);
            let off = (rounded.unwrap() * by - wanted).abs() * 2;
            prop_assert!(off < by || (off == by && rounded.unwrap() % 2 == 0));
        }
    }
}
