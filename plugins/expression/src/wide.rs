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
