//! The nearest known name to one that is not known.

use alloc::vec::Vec;

/// The known name that the fewest changes of a letter lead to, if they are few.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let most = (name.chars().count() / 3).clamp(1, 3);
    let distances = known.iter().map(|&other| (distance(name, other), other));
    distances.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, n)| n)
}

/// Letters inserted, removed, replaced, or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, &a) in from.iter().enumerate() {
        let mut row = Vec::with_capacity(to.len() + 1);
        row.push(i + 1);
        for (j, &b) in to.iter().enumerate() {
            let mut best = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == to[j - 1] && from[i - 1] == b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = core::mem::replace(&mut above, row);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        let known = ["tiers", "basis", "gate_amount", "cap"];
        let check =
            |name: &str, expected: Option<&str>| assert_eq!(nearest(name, &known), expected, "{name}");
        check("tier", Some("tiers"));
        check("teirs", Some("tiers"));
        check("gate_amuont", Some("gate_amount"));
        check("cpa", Some("cap"));
        check("quota", None);
    }
}
