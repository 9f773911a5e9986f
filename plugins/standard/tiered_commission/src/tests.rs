//! The rule as a table: parameters, inputs, and what is paid.

use alloc::{borrow::ToOwned, vec};

use merit_sdk::testing::{Case, check};

use super::*;

const GRADUATED: &str =
    r#"{"tiers": [{"from": 0, "rate": "5%"}, {"from": 1000, "rate": "8%"}, {"from": 2000, "rate": "12%"}]}"#;
const VOLUME: &str =
    r#"{"mode": "volume", "tiers": [{"from": 0, "rate": "5%"}, {"from": 1000, "rate": "8%"}]}"#;
const BY_ATTAINMENT: &str = r#"{"basis": "attainment", "gate_attainment": "50%", "cap": 400,
    "tiers": [{"from": 0, "rate": "5%"}, {"from": 1, "rate": "10%", "flat": 100}]}"#;

fn paid(parameters: &str, amount: &str, quota: Option<&str>, expected: &str) {
    let mut inputs = vec![("amount".to_owned(), amount.to_owned())];
    inputs.extend(quota.map(|quota| ("quota".to_owned(), quota.to_owned())));
    check::<TieredCommission>(&Case { parameters, inputs, output: "commission", expected });
}

#[test]
fn each_slice_at_its_own_rate() {
    paid(GRADUATED, "0", None, "0");
    paid(GRADUATED, "999.99", None, "50");
    paid(GRADUATED, "1000", None, "50");
    paid(GRADUATED, "1000.01", None, "50");
    paid(GRADUATED, "2500", None, "190");
    paid(GRADUATED, "-100", None, "-5");
}

#[test]
fn everything_at_the_rate_reached() {
    paid(VOLUME, "999.99", None, "50");
    paid(VOLUME, "1000", None, "80");
    paid(VOLUME, "-100", None, "-5");
}

#[test]
fn by_attainment_with_gate_flat_and_cap() {
    paid(BY_ATTAINMENT, "499", Some("1000"), "0");
    paid(BY_ATTAINMENT, "500", Some("1000"), "25");
    paid(BY_ATTAINMENT, "1000", Some("1000"), "150");
    paid(BY_ATTAINMENT, "1500", Some("1000"), "200");
    paid(BY_ATTAINMENT, "9000", Some("1000"), "400");
    paid(BY_ATTAINMENT, "9000", Some("0"), "fault: quota is 0; attainment needs one above 0");
}

#[test]
fn a_value_on_a_bound_may_stay_below() {
    const BELOW: &str = r#"{"bound": "below", "mode": "volume",
        "tiers": [{"from": 0, "to": 5, "rate": 0, "flat": 100}, {"from": 5, "rate": 10}]}"#;
    paid(BELOW, "0", None, "100");
    paid(BELOW, "5", None, "100");
    paid(BELOW, "6", None, "60");
}

#[test]
fn the_whole_overage_at_the_multiplier_reached() {
    const OVERAGE: &str = r#"{"mode": "overage", "basis": "attainment", "base_rate": "0.5", "tiers": [
        {"from": 0, "multiplier": 1}, {"from": 1, "multiplier": 1.5}, {"from": 1.25, "multiplier": 2}]}"#;
    paid(OVERAGE, "80000", Some("100000"), "40000");
    paid(OVERAGE, "100000", Some("100000"), "50000");
    paid(OVERAGE, "100010", Some("100000"), "50007.5");
    paid(OVERAGE, "140000", Some("100000"), "90000");
}

#[test]
fn the_manual_says_what_happens() {
    assert!(merit_sdk::testing::check_manual::<TieredCommission>(include_str!("../MANUAL.md")) > 15);
}

#[test]
fn parameters_are_checked() {
    let refused = |parameters: &str, expected: &str| {
        check::<TieredCommission>(&Case { parameters, inputs: vec![], output: "commission", expected });
    };
    refused("{}", "refused: tiers: is missing");
    refused(
        r#"{"tiers": [{"from": 10, "rate": 1}]}"#,
        "refused: tiers[0].from: the first tier has to begin at 0: nothing may be left without a rate",
    );
    refused(
        r#"{"tiers": [{"from": 0, "rate": 1}, {"from": 0, "rate": 1}]}"#,
        "refused: tiers[1].from: has to be above 0, where the tier before begins",
    );
    refused(
        r#"{"tiers": [{"from": 0, "rate": 1}], "floor": 2, "cap": 1}"#,
        "refused: cap: is below the floor",
    );
    refused(
        r#"{"tiers": [{"from": 0, "to": 10, "rate": 1}, {"from": 11, "rate": -1}], "per": "deals"}"#,
        "refused: per: is \"deals\"; did you mean deal? give one of total, deal, running\n\
         tiers[1].from: leaves a gap: the tier before ends at 10; give 10\n\
         tiers[1].rate: has to be 0 or above",
    );
    refused(
        r#"{"tiers": [{"from": 0, "to": 10, "rate": 1}, {"from": 9, "to": 20, "rate": 1}]}"#,
        "refused: tiers[1].from: overlaps the tier before, which ends at 10; give 10",
    );
    refused(
        r#"{"tiers": [{"from": 0, "to": 10, "rate": 1}, {"from": 10, "to": 20, "rate": 1}]}"#,
        "refused: tiers[1].to: the last tier has no end: leave it out, or add a tier above",
    );
    refused(
        r#"{"base_rate": {"input": "quota"}, "tiers": [{"from": 0, "rate": 1}], "shares": true}"#,
        "refused: shares: is about single deals: set per to deal or running\n\
         base_rate.input: quota is an input with another meaning; give another name\n\
         tiers[0].rate: there is a base_rate: give a multiplier of it\n\
         tiers[0].multiplier: is missing",
    );
}
