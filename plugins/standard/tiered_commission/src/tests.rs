//! The rule as a table: parameters, inputs, and what is paid.

use alloc::{borrow::ToOwned, format, vec};

use merit_sdk::testing::{Case, Cells, Sample, check, score};

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

/// What is paid for detail lines: `deal D-1, amount 100; amount -50, refund_of D-1`; with inputs of the row before a bar.
fn paid_for(parameters: &str, lines: &str, expected: &str) {
    let cells = |text: &str| -> Cells {
        let pairs = text.split(", ").filter_map(|cell| cell.trim().split_once(' '));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (row, deals) = lines.split_once('|').unwrap_or(("", lines));
    let sample = Sample { rows: vec![cells(row)], lines: vec![deals.split(';').map(cells).collect()] };
    let found = score::<TieredCommission>(parameters, &sample).map(|scored| scored.value("commission", 0));
    assert_eq!(found.unwrap_or_else(|refused| refused), expected, "{parameters} {lines}");
}

#[test]
fn a_gate_holds_back_what_is_new_and_no_refund() {
    const ORIGINAL: &str = r#"{"per": "deal", "refunds": "original", "gate_amount": 1000, "tiers": [{"from": 0, "rate": "5%"}]}"#;
    paid_for(ORIGINAL, "deal R, amount -500, refund_of D-0, original_rate 5%", "-25");
    paid_for(ORIGINAL, "deal D-1, amount 1200; deal R, amount -500, refund_of D-0, original_rate 5%", "-25");
    paid_for(ORIGINAL, "deal D-1, amount 1500; deal R, amount -500, refund_of D-0, original_rate 5%", "50");
    // Of what is held back nothing is taken back.
    paid_for(ORIGINAL, "deal D-1, amount 1200; deal R, amount -500, refund_of D-1", "0");
    paid_for(ORIGINAL, "deal D-1, amount 999.99", "0");
    paid_for(ORIGINAL, "deal D-1, amount 1000", "50");
    const TIERS: &str =
        r#"{"per": "deal", "gate_amount": 1000, "floor": -20, "tiers": [{"from": 0, "rate": "5%"}]}"#;
    paid_for(TIERS, "amount -300", "-15");
    paid_for(TIERS, "amount 1200; amount -500", "0");
    paid_for(TIERS, "amount 200; amount -500", "-15");
    const BEFORE: &str =
        r#"{"per": "running", "before": true, "gate_amount": 1000, "tiers": [{"from": 0, "rate": "5%"}]}"#;
    paid_for(BEFORE, "before 900 | amount -300", "0");
    paid_for(BEFORE, "before 1200 | amount -300", "-15");
    paid_for(BEFORE, "before 0 | amount -300", "-15");
    paid(r#"{"gate_amount": 1000, "tiers": [{"from": 0, "rate": "5%"}]}"#, "-200", None, "-10");
    paid(r#"{"gate_amount": 1000, "tiers": [{"from": 0, "rate": "5%", "flat": 10}]}"#, "900", None, "0");
}

#[test]
fn refunds_take_back_the_part_that_was_paid_for() {
    const SHARES: &str =
        r#"{"per": "deal", "shares": true, "refunds": "original", "tiers": [{"from": 0, "rate": "5%"}]}"#;
    paid_for(SHARES, "deal R, amount -100, share 0.5, refund_of D-0, original_rate 5%", "-2.5");
    paid_for(
        SHARES,
        "deal D-0, amount 1000, share 0.5; deal R, amount -100, share 0.5, refund_of D-0",
        "22.5",
    );
    paid_for(SHARES, "deal R, amount -100, refund_of D-0, original_rate 5%", "-5");
    paid_for(
        SHARES,
        "deal D-1, amount 1, share 50",
        "fault: share is 50; give a share from 0 to 10 (1000%): 50% is 0.5",
    );
    paid_for(
        SHARES,
        "deal R, amount -100, refund_of D-0, original_rate -5%",
        "fault: original_rate is -0.05; a rate is 0 or above",
    );
}

#[test]
fn all_lines_of_a_deal_are_refunded_together() {
    const BY_PRODUCT: &str = r#"{"per": "deal", "refunds": "original", "base_rate": {"input": "product", "rates": {"a": "5%", "b": "2%"}},
        "tiers": [{"from": 0, "multiplier": 1}]}"#;
    let deal = "deal D, amount 100, product a; deal D, amount 300, product b";
    paid_for(BY_PRODUCT, &format!("{deal}; deal R, amount -200, product a, refund_of D"), "5.5");
    paid_for(BY_PRODUCT, &format!("{deal}; deal R, amount -400, product a, refund_of D"), "0");
    let third = "; deal R, amount -133.333333, product a, refund_of D";
    paid_for(BY_PRODUCT, &format!("{deal}{third}{third}{third}"), "0");
    paid_for(
        BY_PRODUCT,
        &format!("{deal}; deal R, amount -400.01, product a, refund_of D"),
        "fault: D was 400, and 400.01 of it is refunded",
    );
}

#[test]
fn half_cents_are_those_of_the_whole() {
    const OF_TARGET_PAY: &str =
        r#"{"per": "deal", "rate_of": "target_pay", "tiers": [{"from": 0, "rate": 0.5}]}"#;
    let row = "quota 3000, target_pay 100.01 | ";
    paid_for(OF_TARGET_PAY, &format!("{row}amount 3000"), "50.01");
    paid_for(OF_TARGET_PAY, &format!("{row}amount 1000; amount 1000; amount 1000"), "50.01");
    paid_for(OF_TARGET_PAY, &format!("{row}amount 1000; amount 2000"), "50.01");
    // A cap on a deal that is no decimal: 1000 / 3000 × 0.5 × 100.01 is cut to 16.66, and two others are not.
    const CAPPED: &str =
        r#"{"per": "deal", "rate_of": "target_pay", "deal_cap": 16.66, "tiers": [{"from": 0, "rate": 0.5}]}"#;
    paid_for(CAPPED, &format!("{row}amount 1000; amount 999; amount 999"), "49.96");
    const REFUNDED: &str = r#"{"per": "deal", "refunds": "original", "tiers": [{"from": 0, "rate": "5%"}]}"#;
    let thirds = "; deal R, amount -1000, refund_of D".repeat(2);
    paid_for(REFUNDED, &format!("deal D, amount 3000.3{thirds}"), "50.02");
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
        r#"{"tiers": [{"from": 0, "rate": 1, "flat": -5}], "cap": -1, "gate_amount": -1, "gate_attainment": 50}"#,
        "refused: tiers[0].flat: has to be 0 or above\n\
         cap: has to be 0 or above\n\
         gate_amount: has to be 0 or above\n\
         gate_attainment: is 50; give a share from 0 to 10 (1000%): 50% is 0.5",
    );
    refused(
        r#"{"basis": "attainment", "tiers": [{"from": 0, "rate": 1}, {"from": 100, "rate": 2}]}"#,
        "refused: tiers[1].from: is 100; give a share from 0 to 10 (1000%): 100% is 1",
    );
    refused(
        r#"{"base_rate": {"input": "quota"}, "tiers": [{"from": 0, "rate": 1}], "shares": true}"#,
        "refused: shares: is about single deals: set per to deal or running\n\
         base_rate.input: quota is an input with another meaning; give another name\n\
         tiers[0].rate: there is a base_rate: give a multiplier of it\n\
         tiers[0].multiplier: is missing",
    );
}
