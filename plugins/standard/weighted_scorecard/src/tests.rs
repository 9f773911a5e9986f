//! The rule as a table: parameters, inputs, and the score.

use alloc::{borrow::ToOwned, format, vec};

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
fn a_gate_that_cannot_be_told_is_closed() {
    let gated = |missing: &str| {
        format!(
            r#"{{"missing": "{missing}", "items": [{{"name": "a", "weight": 1, "gate": true, "threshold": "50%"}},
                {{"name": "b", "weight": 1, "target": 10}}]}}"#
        )
    };
    let (rescale, zero, fault) = (gated("rescale"), gated("zero"), gated("fault"));
    let (b, value, target) = (("b", "10"), ("a", "10"), ("a_target", "10"));
    scored(&rescale, &[b, value, target], "performance", "100");
    scored(&rescale, &[b, ("a", "4"), target], "performance", "0");
    scored(&rescale, &[b], "performance", "0");
    scored(&rescale, &[b, value], "performance", "0");
    scored(&rescale, &[value, target], "performance", "100");
    scored(&rescale, &[], "performance", "missing");
    scored(&zero, &[b, target], "performance", "0");
    scored(&fault, &[b, value], "performance", "fault: a_target is missing");
    scored(&fault, &[b, target], "performance", "fault: a is missing");
}

#[test]
fn a_missing_target_counts_as_zero_where_that_is_said() {
    const ZERO: &str = r#"{"missing": "zero", "items": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1, "target": 10}]}"#;
    scored(ZERO, &[("a", "10"), ("b", "10")], "performance", "50");
    scored(ZERO, &[("a", "10"), ("b", "10")], "a_points", "0");
    scored(ZERO, &[("a_target", "10"), ("b", "10")], "performance", "50");
    scored(ZERO, &[], "performance", "0");
}

#[test]
fn parts_are_added_up_before_they_are_rounded() {
    let item = |name: &str| {
        format!(
            r#"{{"name": "{name}", "weight": 1, "curve_of": "value", "curve": [{{"at": 0, "points": "0.0000115"}}]}}"#
        )
    };
    let three = format!(r#"{{"items": [{}, {}, {}]}}"#, item("a"), item("b"), item("c"));
    scored(&three, &[("a", "1"), ("b", "1"), ("c", "1")], "performance", "0.000012");
    scored(&three, &[("a", "1")], "performance", "0.000012");
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
    refused(
        r#"{"items": [{"name": "a", "weight": 1}, {"name": "a_target", "weight": 1}]}"#,
        "refused: items[1].name: is the input that has the target of a; give another name",
    );
    refused(
        r#"{"items": [{"name": "a_target", "weight": 1, "target": 1}, {"name": "a", "weight": 1}]}"#,
        "refused: items[1].name: its target would come from a_target, an item before; give another name",
    );
    refused(
        r#"{"items": [{"name": "a", "weight": 1, "stretch": 150}]}"#,
        "refused: items[0].stretch: is 150; give a share from 0 to 10 (1000%): 150% is 1.5",
    );
    refused(
        r#"{"items": [{"name": "a", "weight": 1, "curve": [{"at": 0, "points": 0}, {"at": 100, "points": 100}]},
            {"name": "b", "weight": 1, "curve": [{"at": 200, "points": 0}, {"at": 80, "points": 100}]}]}"#,
        "refused: items[0].curve[1].at: is 100; give a share from 0 to 10 (1000%): 100% is 1\n\
         items[1].curve[1].at: is 80; give a share from 0 to 10 (1000%): 80% is 0.8",
    );
}

#[test]
fn the_manual_says_what_happens() {
    assert!(merit_sdk::testing::check_manual::<WeightedScorecard>(include_str!("../MANUAL.md")) > 10);
}
