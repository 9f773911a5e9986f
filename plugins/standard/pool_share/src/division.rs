//! Dividing an amount by weights so that the parts add up: the method of the largest remainder.

use alloc::{string::String, vec::Vec};

use merit_sdk::Decimal;

/// A part of the amount.
pub struct Share {
    /// The exact part, cut off at the amount's decimals.
    pub cut: Decimal,
    /// One unit of the last decimal, for those who come first when what is left over is given out; else 0.
    pub rest: Decimal,
    /// The place in that line, from 0.
    pub place: usize,
}

/// The parts of an amount in proportion to the weights, none of which is negative. What cutting off leaves over goes, a unit
/// each, to the largest remainders; among equal ones to the larger weight, among those to the earlier row. Where all
/// weights are 0 nobody gets anything.
pub fn divide(amount: Decimal, weights: &[Decimal]) -> Result<Vec<Share>, String> {
    let too_large = || String::from("the pool and the scores are too large to be divided exactly");
    let scale = weights.iter().map(|weight| weight.scale()).max().unwrap_or(0);
    let mut digits = Vec::with_capacity(weights.len());
    for weight in weights {
        digits.push(weight.rounded(scale, merit_sdk::Rounding::HalfEven)?.unscaled());
    }
    let total =
        digits.iter().try_fold(0_i128, |sum, digits| sum.checked_add(*digits)).ok_or_else(too_large)?;
    let units = amount.unscaled().unsigned_abs() as i128;
    let unit = Decimal::new(if amount.unscaled() < 0 { -1 } else { 1 }, amount.scale());
    let times = |count: i128| Decimal::new(count * unit.unscaled(), amount.scale());
    // Of each part: whole units, and the remainder in parts of the total.
    let mut parts = Vec::with_capacity(digits.len());
    for &weight in &digits {
        let product = units.checked_mul(weight).ok_or_else(too_large)?;
        parts.push(if total == 0 { (0, 0) } else { (product / total, product % total) });
    }
    let given: i128 = parts.iter().map(|(whole, _)| whole).sum();
    let left = if total == 0 { 0 } else { units - given };
    let mut line: Vec<usize> = (0..digits.len()).collect();
    line.sort_by_key(|&row| (-parts[row].1, -digits[row], row));
    let mut shares: Vec<Share> =
        parts.iter().map(|(whole, _)| Share { cut: times(*whole), rest: Decimal::ZERO, place: 0 }).collect();
    for (place, &row) in line.iter().enumerate() {
        shares[row].place = place;
        if (place as i128) < left {
            shares[row].rest = times(1);
        }
    }
    Ok(shares)
}
