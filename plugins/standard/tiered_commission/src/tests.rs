//! The rule as a table: parameters, inputs, and what is paid.

use alloc::{borrow::ToOwned, vec};

use merit_sdk::testing::{Case, check};

use super::*;

const GRADUATED: &str =
    r#"{"tiers": [{"from": 0, "rate": "5%"}, {"from": 1000, "rate": "8%"}, {"from": 2000, "rate": "12%"}]}"#;
const VOLUME: &str =
    r#"{"mode": "volume", "tiers": [{"from": 0, "rate": "5%"}, {"from": 1000, "rate": "8%"}]}"#;
const BY_ATTAINMENT: &str = r#"{"basis": "attainment", "gate": "50%", "cap": 400,
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
}
