//! The rule as the manual page has it, and what it leaves out.

use alloc::{borrow::ToOwned, vec::Vec};

use merit_sdk::testing::{Case, check};

use super::*;

#[test]
fn the_manual_says_what_happens() {
    assert!(merit_sdk::testing::check_manual::<MilestoneBonus>(include_str!("../MANUAL.md")) > 10);
}

fn found(parameters: &str, inputs: &[(&str, &str)], output: &str, expected: &str) {
    let inputs: Vec<_> =
        inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    check::<MilestoneBonus>(&Case { parameters, inputs, output, expected });
}

#[test]
fn half_cents_are_those_of_the_whole() {
    const THREE: &str = r#"{"milestones": [{"name": "a", "weight": 1, "graded": true}, {"name": "b", "weight": 1, "graded": true},
        {"name": "c", "weight": 1, "graded": true}]}"#;
    let half = [("a", "0.5"), ("b", "0.5"), ("c", "0.5"), ("target_pay", "100.01")];
    found(THREE, &half, "bonus", "50.01");
    found(THREE, &half, "achievement", "50");
    const ONE: &str = r#"{"milestones": [{"name": "a", "weight": 1, "graded": true}]}"#;
    found(ONE, &[("a", "0.5"), ("target_pay", "100.01")], "bonus", "50.01");
}

#[test]
fn milestones_worth_nothing_pay_nothing() {
    const NOTHING: &str = r#"{"milestones": [{"name": "a", "amount": 0}]}"#;
    found(NOTHING, &[("a", "1")], "bonus", "0");
    found(NOTHING, &[("a", "1")], "achievement", "missing");
}

#[test]
fn degrees_that_cannot_be_meant_are_refused() {
    const GRADED: &str = r#"{"bonus": 100, "milestones": [{"name": "a", "weight": 1, "graded": true}]}"#;
    found(GRADED, &[("a", "80")], "bonus", "fault: a is 80; give a share from 0 to 10 (1000%): 80% is 0.8");
    found(GRADED, &[("a", "10")], "bonus", "100");
    found(GRADED, &[("a", "-0.5")], "bonus", "0");
    const TEXTS: &str = r#"{"bonus": 100, "gate": 50, "milestones": [
        {"name": "a", "weight": 1, "texts": {"done": -1, "open": 0, "half": 50}},
        {"name": "b", "weight": 1, "graded": true, "least": 50, "most": 120}]}"#;
    found(
        TEXTS,
        &[],
        "bonus",
        "refused: milestones[0].texts.done: is -1; give a share from 0 to 10 (1000%)\n\
         milestones[0].texts.half: is 50; give a share from 0 to 10 (1000%): 50% is 0.5\n\
         milestones[1].least: is 50; give a share from 0 to 10 (1000%): 50% is 0.5\n\
         milestones[1].most: is 120; give a share from 0 to 10 (1000%): 120% is 1.2\n\
         gate: is 50; give a share from 0 to 10 (1000%): 50% is 0.5",
    );
}
