//! The rule as the manual page has it.

use super::*;

#[test]
fn the_manual_says_what_happens() {
    assert!(merit_sdk::testing::check_manual::<MilestoneBonus>(include_str!("../MANUAL.md")) > 10);
}
