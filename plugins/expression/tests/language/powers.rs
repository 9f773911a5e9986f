//! Powers and roots against whole numbers of any size: that an answer is the nearest is held by multiplying, never by dividing,
//! and so is that one that is refused cannot be held. Shares nothing with the language but the rules of LANGUAGE.md. The bench
//! `decimals` holds more of them.

use crate::agreement::{Generator, column, columns_of, value};
use merit_expression::Evaluated;
use std::cmp::Ordering;

/// The largest number that the language holds, in its last digit.
const MOST: u128 = i128::MAX.unsigned_abs();

/// A whole number of any size: digits of nine decimals, the lowest first, no zeros at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Big(Vec<u64>);

impl Big {
    const UNIT: u64 = 1_000_000_000;

    fn of(mut number: u128) -> Self {
        let mut digits = Vec::new();
        while number > 0 {
            digits.push((number % u128::from(Self::UNIT)) as u64);
            number /= u128::from(Self::UNIT);
        }
        Self(digits)
    }

    fn times(&self, other: &Self) -> Self {
        let mut product = vec![0; self.0.len() + other.0.len()];
        for (at, a) in self.0.iter().enumerate() {
            let mut carried = 0;
            for (digit, b) in product[at..].iter_mut().zip(other.0.iter().chain([&0])) {
                let sum = *digit + a * b + carried;
                (*digit, carried) = (sum % Self::UNIT, sum / Self::UNIT);
            }
        }
        while product.last() == Some(&0) {
            product.pop();
        }
        Self(product)
    }

    fn to(&self, exponent: u64) -> Self {
        let (mut power, mut square, mut rest) = (Self::of(1), self.clone(), exponent);
        while rest > 0 {
            if rest & 1 == 1 {
                power = power.times(&square);
            }
            rest >>= 1;
            square = if rest > 0 { square.times(&square) } else { square };
        }
        power
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

/// Whether the size is the whole number nearest to dividend ÷ divisor, the even one of two.
fn is_nearest(size: u128, dividend: &Big, divisor: &Big) -> bool {
    let twice = dividend.times(&Big::of(2));
    // Sizes go to 2^127: twice that still fits.
    let above = twice.order(&divisor.times(&Big::of(2 * size + 1)));
    let below = match size {
        0 => Ordering::Greater,
        _ => twice.order(&divisor.times(&Big::of(2 * size - 1))),
    };
    let even = size.is_multiple_of(2);
    (above.is_lt() || (above.is_eq() && even)) && (below.is_gt() || (below.is_eq() && even))
}

/// Whether an answer to a power is right, at `target` digits after the point; nothing stands for a fault.
fn is_power((a, scale): (i128, u32), exponent: i64, target: u32, answer: Option<(i128, u32)>) -> bool {
    if a == 0 {
        return if exponent > 0 { answer.is_some_and(|(digits, _)| digits == 0) } else { answer.is_none() };
    }
    let (times, ten) = (exponent.unsigned_abs(), Big::of(10));
    let digits = Big::of(a.unsigned_abs()).to(times);
    let (tens, wanted) = (ten.to(u64::from(scale) * times), ten.to(u64::from(target)));
    let (above, below) = if exponent < 0 { (tens, digits) } else { (digits, tens) };
    let (dividend, divisor) = (above.times(&wanted), below);
    match answer {
        None => !nearest_is_held(&dividend, &divisor),
        Some((found, scale)) => {
            let negative = a < 0 && exponent % 2 != 0;
            scale == target
                && (found == 0 || (found < 0) == negative)
                && is_nearest(found.unsigned_abs(), &dividend, &divisor)
        }
    }
}

fn nearest_is_held(dividend: &Big, divisor: &Big) -> bool {
    dividend.times(&Big::of(2)).order(&divisor.times(&Big::of(2 * MOST + 1))).is_lt()
}

/// Whether an answer to the root of `a` is right.
fn is_root((a, scale): (i128, u32), answer: Option<(i128, u32)>) -> bool {
    let target = answer.map_or(scale.max(12), |(_, scale)| scale);
    let square = |size: u128| Big::of(size).times(&Big::of(size));
    let lifted = Big::of(a.unsigned_abs()).times(&Big::of(10).to(u64::from(2 * target - scale)));
    let fourfold = lifted.times(&Big::of(4));
    match answer {
        None => a < 0 || fourfold.order(&square(2 * MOST + 1)).is_ge(),
        Some((found, _)) if a < 0 || found < 0 => false,
        Some((found, _)) => {
            let found = found.unsigned_abs();
            fourfold.order(&square(2 * found + 1)).is_le()
                && (found == 0 || fourfold.order(&square(2 * found - 1)).is_ge())
        }
    }
}

fn answer(evaluated: &Evaluated, row: usize) -> Option<(i128, u32)> {
    let faulted = evaluated.faults.iter().any(|fault| fault.row as usize == row);
    (!faulted).then(|| value(evaluated, row))
}

/// A base and an exponent: growth over many periods, small powers of anything, and those at the ends of what is held.
fn drawn(generator: &mut Generator, scale: u32) -> (i128, i64) {
    let one = 10_i128.pow(scale);
    let sign =
        |generator: &mut Generator, number: i64| if generator.below(2) == 0 { number } else { -number };
    match generator.below(4) {
        0 => {
            let change =
                i128::from(generator.below(1_000)) * one / [100, 1_000, 10_000][generator.below(3) as usize];
            let exponent = [12, 24, 54, 60, 120, 240, 360, 365, 400][generator.below(9) as usize];
            (if generator.below(4) == 0 { one - change } else { one + change }, sign(generator, exponent))
        }
        1 => (i128::from(generator.below(100)), sign(generator, generator.0 as i64 % 200)),
        2 => {
            let exponent = 1 + generator.below(9) as i64;
            let base = generator.number((126 / exponent + 2).min(126) as u32);
            (base, sign(generator, exponent))
        }
        _ => (generator.number(126), generator.below(15) as i64 - 7),
    }
}

/// Holds about so many generated powers and roots, and answers how many, and how many of them faults.
///
/// # Panics
/// Where one is not the nearest, or a fault without need.
pub fn hold(cases: usize, rows: usize, seed: u64) -> (usize, usize) {
    let mut generator = Generator(seed);
    let (mut held, mut faults) = (0, 0);
    while held < cases {
        let scale = [0, 1, 2, 4, 6, 9, 12, 20, 28][generator.below(9) as usize];
        let drawn: Vec<(i128, i64)> = (0..rows).map(|_| drawn(&mut generator, scale)).collect();
        let bases: Vec<i128> = drawn.iter().map(|(base, _)| *base).collect();
        let exponents: Vec<i128> = drawn.iter().map(|(_, exponent)| i128::from(*exponent)).collect();
        let columns = [column(&bases, scale), column(&exponents, 0)];
        let written = drawn[0].1;
        let (each, same) =
            (columns_of("POWER(a, b)", &columns), columns_of(&format!("a ^ {written}"), &columns));
        // Where the exponent is written, no digits are kept that are always zero.
        let finest = scale.max(12);
        let coarse = u32::try_from(written).map_or(finest, |written| finest.min(scale * written));
        let roots = columns_of("SQRT(a)", &columns);
        for (row, (base, exponent)) in drawn.into_iter().enumerate() {
            let (each, same, root) = (answer(&each, row), answer(&same, row), answer(&roots, row));
            let told = || format!("{base} × 10^-{scale}");
            assert!(
                is_power((base, scale), exponent, finest, each),
                "{} ^ {exponent} is not {each:?}",
                told()
            );
            assert!(is_power((base, scale), written, coarse, same), "{} ^ {written} is not {same:?}", told());
            assert!(is_root((base, scale), root), "the root of {} is not {root:?}", told());
            faults += [each, same, root].iter().filter(|answer| answer.is_none()).count();
        }
        held += 3 * rows;
    }
    (held, faults)
}
