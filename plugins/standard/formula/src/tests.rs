//! Sheets over the plugin contract: what goes in comes out, and what is explained adds up.

use alloc::{borrow::ToOwned, vec::Vec};

use merit_sdk::testing::{Case, check};

use super::*;

const SHEET: &str = r#"{"sheet": "input revenue\ninput quota\ninput region text\nattainment = revenue / quota\nbase = TIERED(revenue, 0, 5%, quota, 8%, 1.2 * quota, 12%)\nkicker = IF(region = \"North\", 250, 0)\npayout commission = IF(attainment < 50%, 0, base + kicker)\ngrade band = IFS(attainment >= 1, \"A\", TRUE, \"B\")"}"#;

fn evaluated(parameters: &str, inputs: &[(&str, &str)], output: &str, expected: &str) {
    let inputs: Vec<_> =
        inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    check::<Formula>(&Case { parameters, inputs, output, expected });
}

#[test]
fn a_commission() {
    let inputs = |revenue, region| [("revenue", revenue), ("quota", "1000"), ("region", region)];
    evaluated(SHEET, &inputs("499", "South"), "commission", "0");
    evaluated(SHEET, &inputs("500", "South"), "commission", "25");
    evaluated(SHEET, &inputs("500", "North"), "commission", "275");
    evaluated(SHEET, &inputs("1000", "South"), "commission", "50");
    evaluated(SHEET, &inputs("1500.55", "South"), "commission", "102.07");
    evaluated(SHEET, &inputs("1500", "South"), "band", "A");
    evaluated(SHEET, &inputs("1500", "South"), "attainment", "1.5");
}

#[test]
fn a_row_faults_by_itself() {
    let inputs = [("revenue", "1"), ("quota", "0"), ("region", "South")];
    evaluated(SHEET, &inputs, "commission", "fault: division by zero in line 4 (attainment)");
}

#[test]
fn problems_are_shown_where_they_are() {
    evaluated(
        r#"{"sheet": "input revenue\npayout commission = 5% * revenu"}"#,
        &[],
        "commission",
        "refused: sheet: the formula has 1 problem\nline 2, column 26: `revenu` is not known; did you mean `revenue`?\n  payout commission = 5% * revenu\n                           ^^^^^^",
    );
}

#[test]
fn of_long_sheets_and_lines_only_what_matters_is_shown() {
    let sheet = format!("payout p = {}x{}", "1 + ".repeat(40), " + 1".repeat(40));
    let expected = format!(
        "refused: sheet: the formula has 1 problem\nline 1, column 172: `x` is not known\n  …{}x{}…\n  {}^",
        "1 + ".repeat(15),
        &" + 1".repeat(15)[..59],
        " ".repeat(61)
    );
    evaluated(&format!("{{\"sheet\": {sheet:?}}}"), &[], "p", &expected);
    let many = ParameterError::new("sheet", "the formula has 100 problems or more").message();
    let refused = merit_sdk::testing::score::<Formula>(
        &format!("{{\"sheet\": {:?}}}", "payout = 1\n".repeat(300)),
        &merit_sdk::testing::Sample::default(),
    );
    assert!(refused.is_err_and(|message| message.contains(&many) && message.matches('^').count() > 99));
}

#[test]
fn the_manual_says_what_happens() {
    assert!(merit_sdk::testing::check_manual::<Formula>(include_str!("../MANUAL.md")) > 4);
}
