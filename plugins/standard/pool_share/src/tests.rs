//! The rule as the manual page has it, and that the shares always add up.

use alloc::{format, string::ToString, vec, vec::Vec};

use merit_sdk::testing::{Sample, score};

use super::*;

#[test]
fn the_manual_says_what_happens() {
    assert!(merit_sdk::testing::check_manual::<PoolShare>(include_str!("../MANUAL.md")) > 10);
}

#[test]
fn shares_add_up_whatever_the_weights() {
    // A generator of its own, so that the cases are the same everywhere.
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..500 {
        let cents = next(100_000_000);
        let count = next(40) + 1;
        let scores: Vec<u64> = (0..count).map(|_| next(3) * next(1_000_000)).collect();
        let rows = scores
            .iter()
            .map(|score| vec![("score".to_string(), format!("{}.{:03}", score / 1000, score % 1000))]);
        let sample = Sample { rows: rows.collect(), lines: Vec::new() };
        let pool = Decimal::new(i128::from(cents), 2);
        let parameters = format!("{{\"pool\": {pool}, \"all_zero\": \"equal\"}}");
        let scored = score::<PoolShare>(&parameters, &sample).expect("shares");
        let shares =
            (0..sample.rows.len()).map(|row| Decimal::parse(&scored.value("share", row)).expect("a share"));
        let sum = shares.fold(Decimal::ZERO, |sum, share| sum.plus(share).expect("fits"));
        assert_eq!(sum, pool, "{scores:?}");
    }
}

#[test]
fn who_is_below_the_minimum_has_no_part() {
    let check = |by: &str, all_zero: &str, rows: [[&str; 2]; 3], expected: [&str; 3]| {
        let cells = |[score, weight]: [&str; 2]| {
            vec![("score".to_string(), score.to_string()), ("weight".to_string(), weight.to_string())]
        };
        let sample = Sample { rows: rows.map(cells).to_vec(), lines: Vec::new() };
        let parameters =
            format!(r#"{{"pool": 100, "by": "{by}", "minimum_score": 50, "all_zero": "{all_zero}"}}"#);
        let scored = score::<PoolShare>(&parameters, &sample).expect("shares");
        let shares: Vec<_> = (0..3).map(|row| scored.value("share", row)).collect();
        assert_eq!(shares, expected, "{by} {all_zero} {rows:?}");
    };
    check("score", "equal", [["10", "1"], ["0", "1"], ["49.99", "1"]], ["0", "0", "0"]);
    check("score_and_weight", "equal", [["60", "0"], ["10", "5"], ["50", "0"]], ["50", "0", "50"]);
    check("score_and_weight", "nothing", [["60", "0"], ["10", "5"], ["50", "0"]], ["0", "0", "0"]);
    check("score_and_weight", "equal", [["60", "0"], ["-1", "-5"], ["40", "1"]], ["100", "0", "0"]);
    check("equal", "equal", [["60", "0"], ["10", "5"], ["50", "0"]], ["50", "0", "50"]);
}
