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

#[test]
fn prizes_go_by_place() {
    let check = |ties: &str, tied_prizes: &str, scores: [&str; 4], expected: [&str; 4]| {
        let rows = scores.map(|score| vec![("score".to_string(), score.to_string())]);
        let sample = Sample { rows: rows.to_vec(), lines: Vec::new() };
        let prizes = r#"[{"place": 1, "prize": 100}, {"place": 2, "prize": 50}, {"place": 3, "prize": 10}]"#;
        let parameters =
            alloc::format!(r#"{{"ties": "{ties}", "tied_prizes": "{tied_prizes}", "prizes": {prizes}}}"#);
        let scored = score::<Ranking>(&parameters, &sample).expect("prizes");
        let paid: Vec<_> = (0..4).map(|row| scored.value("prize", row)).collect();
        assert_eq!(paid, expected, "{ties} {tied_prizes} {scores:?}");
    };
    check("standard", "each", ["3", "3", "2", "1"], ["100", "100", "10", "0"]);
    check("modified", "each", ["3", "3", "2", "1"], ["50", "50", "10", "0"]);
    check("dense", "each", ["3", "3", "2", "1"], ["100", "100", "50", "10"]);
    check("ordinal", "each", ["3", "3", "2", "1"], ["100", "50", "10", "0"]);
    check("ordinal", "each", ["1", "3", "3", "3"], ["0", "100", "50", "10"]);
    // Places 1 and 2 are 1.5 and 1.5: the better one; three of place 2, the middle of 1 to 3, are on it.
    check("fractional", "each", ["3", "3", "2", "1"], ["100", "100", "10", "0"]);
    check("fractional", "each", ["3", "3", "3", "1"], ["50", "50", "50", "0"]);
    check("standard", "shared", ["3", "3", "2", "1"], ["75", "75", "10", "0"]);
    check("modified", "shared", ["3", "3", "2", "1"], ["75", "75", "10", "0"]);
    check("dense", "shared", ["3", "3", "2", "1"], ["50", "50", "50", "10"]);
    check("fractional", "shared", ["3", "3", "3", "1"], ["53.34", "53.33", "53.33", "0"]);
}
