//! The rule as a table: parameters, inputs, and the score.

use alloc::{borrow::ToOwned, vec};

use merit_sdk::testing::{Case, check};

use super::*;

const ONE: &str = r#"{"items": [{"name": "revenue", "weight": 1, "target": 1000, "threshold": "50%"}]}"#;
const LESS: &str =
    r#"{"items": [{"name": "days", "weight": 1, "target": 10, "threshold": 2, "stretch": "0.5"}]}"#;
const TWO: &str = r#"{"items": [{"name": "revenue", "weight": 60}, {"name": "satisfaction", "weight": 40, "target": 4}],
    "grades": [{"from": 100, "grade": "A"}, {"from": 50, "grade": "B"}]}"#;

fn scored(parameters: &str, inputs: &[(&str, &str)], output: &str, expected: &str) {
    let inputs = inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    check::<WeightedScorecard>(&Case { parameters, inputs, output, expected });
}

#[test]
fn points_along_the_curve() {
    scored(ONE, &[("revenue", "499.99")], "performance", "0");
    scored(ONE, &[("revenue", "500")], "performance", "0");
    scored(ONE, &[("revenue", "750")], "performance", "50");
    scored(ONE, &[("revenue", "1000")], "performance", "100");
    scored(ONE, &[("revenue", "1250")], "performance", "125");
    scored(ONE, &[("revenue", "9999")], "performance", "150");
}

#[test]
fn less_is_better() {
    scored(LESS, &[("days", "21")], "performance", "0");
    scored(LESS, &[("days", "15")], "performance", "50");
    scored(LESS, &[("days", "10")], "performance", "100");
    scored(LESS, &[("days", "1")], "performance", "150");
}

#[test]
fn a_missing_part_never_counts_as_zero() {
    let both = [("revenue", "50"), ("revenue_target", "100"), ("satisfaction", "4")];
    scored(TWO, &both, "performance", "70");
    scored(TWO, &both, "band", "B");
    scored(TWO, &both[..2], "performance", "50");
    scored(TWO, &both[2..], "performance", "100");
    scored(TWO, &both[2..], "band", "A");
    scored(TWO, &[], "performance", "missing");
    scored(TWO, &[], "band", "missing");
    scored(
        TWO,
        &[("revenue", "50"), ("revenue_target", "0")],
        "performance",
        "fault: revenue_target is 0; shares of a target need one above 0",
    );
}

#[test]
fn parameters_are_checked() {
    let refused = |parameters: &str, expected: &str| {
        check::<WeightedScorecard>(&Case { parameters, inputs: vec![], output: "performance", expected });
    };
    refused(r#"{"items": []}"#, "refused: items: give at least one");
    refused(r#"{"items": [{"name": "a", "weight": 0}]}"#, "refused: items[0].weight: has to be above 0");
    refused(
        r#"{"items": [{"name": "a", "weight": 1, "threshold": 2, "stretch": 3}]}"#,
        "refused: items[0].threshold: the target (1) has to be between threshold and stretch",
    );
    refused(
        r#"{"items": [{"name": "a", "weight": 1}, {"name": "a", "weight": 1}]}"#,
        "refused: items[1].name: is used by an item before",
    );
}

#[test]
fn the_manual_says_what_happens() {
    assert!(merit_sdk::testing::check_manual::<WeightedScorecard>(include_str!("../MANUAL.md")) > 10);
}
