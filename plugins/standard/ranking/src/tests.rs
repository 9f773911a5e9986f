//! The rule as the manual page has it, and the methods for ties side by side.

use alloc::{string::ToString, vec, vec::Vec};

use merit_sdk::testing::{Sample, score};

use super::*;

#[test]
fn the_manual_says_what_happens() {
    assert!(merit_sdk::testing::check_manual::<Ranking>(include_str!("../MANUAL.md")) > 10);
}

#[test]
fn ties_by_every_method() {
    let check = |ties: &str, expected: [&str; 5]| {
        let rows = ["70", "90", "80", "80", "80"].map(|score| vec![("score".to_string(), score.to_string())]);
        let sample = Sample { rows: rows.to_vec(), lines: Vec::new() };
        let parameters = alloc::format!("{{\"ties\": \"{ties}\"}}");
        let scored = score::<Ranking>(&parameters, &sample).expect("places");
        let places: Vec<_> = (0..5).map(|row| scored.value("place", row)).collect();
        assert_eq!(places, expected, "{ties}");
    };
    check("standard", ["5", "1", "2", "2", "2"]);
    check("modified", ["5", "1", "4", "4", "4"]);
    check("dense", ["3", "1", "2", "2", "2"]);
    check("ordinal", ["5", "1", "2", "3", "4"]);
    check("fractional", ["5", "1", "3", "3", "3"]);
}
