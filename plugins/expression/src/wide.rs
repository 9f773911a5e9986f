//! 256-bit intermediates of a multiplication or division. Only unsigned magnitudes; signs are the caller's.

/// A magnitude of up to 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wide {
    high: u128,
    low: u128,
}

const HALF: u32 = 64;
const MASK: u128 = u64::MAX as u128;

impl Wide {
    /// high × 2^128 + low.
    pub(crate) fn new(high: u128, low: u128) -> Self {
        Self { high, low }
    }

    /// The whole product of two magnitudes.
    pub(crate) fn product(a: u128, b: u128) -> Self {
        let (a1, a0) = (a >> HALF, a & MASK);
        let (b1, b0) = (b >> HALF, b & MASK);
        let low = a0 * b0;
        let cross = a1 * b0 + (low >> HALF);
        let middle = a0 * b1 + (cross & MASK);
        Self { high: a1 * b1 + (cross >> HALF) + (middle >> HALF), low: (middle << HALF) | (low & MASK) }
    }

    /// This times a magnitude; nothing where 256 bits do not hold it.
    pub(crate) fn times(self, by: u128) -> Option<Self> {
        let low = Self::product(self.low, by);
        let high = Self::product(self.high, by);
        if high.high != 0 {
            return None;
        }
        Some(Self { high: low.high.checked_add(high.low)?, low: low.low })
    }

    /// Quotient and remainder; nothing where the quotient needs more than 128 bits or the divisor is zero.
    pub(crate) fn divide(self, by: u128) -> Option<(u128, u128)> {
        if self.high >= by {
            return None;
        }
        if self.high == 0 {
            return Some((self.low / by, self.low % by));
        }
        if by <= MASK {
            let first = (self.high << HALF) | (self.low >> HALF);
            let second = ((first % by) << HALF) | (self.low & MASK);
            return Some((((first / by) << HALF) | (second / by), second % by));
        }
        let (mut rest, mut quotient) = (self.high, 0u128);
        for bit in (0..128).rev() {
            let carry = rest >> 127;
            rest = (rest << 1) | ((self.low >> bit) & 1);
            quotient <<= 1;
            if carry == 1 || rest >= by {
                rest = rest.wrapping_sub(by);
                quotient |= 1;
            }
        }
        Some((quotient, rest))
    }

    /// The whole square root, rounded down; nothing where it needs more than 127 bits.
    pub(crate) fn root(self) -> Option<u128> {
        if self.high == 0 {
            return Some(self.low.isqrt());
        }
        let mut root = 0u128;
        for bit in (0..127).rev() {
            let candidate = root | (1 << bit);
            if Self::product(candidate, candidate) <= self {
                root = candidate;
            }
        }
        (root != (1 << 127) - 1).then_some(root)
    }
}

#[cfg(test)]
mod tests {
    use super::Wide;
    use proptest::prelude::*;

    /// The sum of a wide magnitude and a small one.
    fn plus(a: Wide, b: u128) -> Wide {
        let (low, carry) = a.low.overflowing_add(b);
        Wide { high: a.high + u128::from(carry), low }
    }

    proptest! {
        #[test]
        fn quotient_times_divisor_plus_rest_is_the_number(a: u128, b: u128, by: u128, shift in 0u32..128) {
            let by = (by >> shift).max(1);
            let product = Wide::product(a, b);
            match product.divide(by) {
                Some((quotient, rest)) => {
                    prop_assert!(rest < by);
                    prop_assert_eq!(plus(Wide::product(quotient, by), rest), product);
                }
                None => prop_assert!(product.high >= by),
            }
        }

        #[test]
        fn a_root_is_the_largest_whose_square_fits(root in 0u128..(1 << 126), more: u64) {
            let square = Wide::product(root, root);
            prop_assert_eq!(square.root(), Some(root));
            let between = plus(square, (u128::from(more)).min(2 * root));
            prop_assert_eq!(between.root(), Some(root));
        }

        #[test]
        fn times_agrees_with_products(a: u64, b: u64, c: u128) {
            let both = u128::from(a) * u128::from(b);
            prop_assert_eq!(Wide::product(u128::from(a), u128::from(b)).times(c), Some(Wide::product(both, c)));
        }
    }

    #[test]
    fn what_256_bits_do_not_hold_is_told() {
        let most = Wide::product(u128::MAX, u128::MAX);
        assert_eq!(most.times(2), None);
        assert_eq!(most.divide(0), None);
        assert_eq!(most.divide(u128::MAX), Some((u128::MAX, 0)));
        assert_eq!(most.root(), None);
    }
}
