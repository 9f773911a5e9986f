//! Rules of goals.

use super::{
    crm::no_cycle,
    finding::Findings,
    organisation::day,
    records::{Records, find},
    rejection::{GoalReason, Reason, Rejection},
};
use crate::proto::v1::Goal;

/// Checks a goal: a period that ends after it begins, a weight that counts for something, and no goal that is a part of
/// itself.
///
/// # Errors
/// `INTERNAL` where the store failed.
pub fn goal(goal: &Goal, records: &dyn Records, findings: &mut Findings) -> Result<(), Rejection> {
    period(&goal.period_start, &goal.period_end, findings);
    if goal.weight.starts_with('-') {
        findings.field("weight", format!("{} is negative: 0 or more is accepted", goal.weight));
    }
    let above =
        |name: &str| Ok(find::<Goal>(records, name)?.map(|goal| goal.parent_goal).unwrap_or_default());
    let reason = Reason::Goal(GoalReason::GoalCycle);
    no_cycle("parent_goal", reason, &goal.name, &goal.parent_goal, above, findings)
}

/// Checks that a period has a day at least.
pub(super) fn period(start: &str, end: &str, findings: &mut Findings) {
    if let (Some(start), Some(end)) = (day(start), day(end))
        && end <= start
    {
        findings.field(
            "period_end",
            format!("{end} is not after period_start {start}: give the day after the period's last"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::records::tests::Kept;
    use super::*;

    #[test]
    fn goals() {
        let name = |id: &str| format!("teams/t/goals/{id}");
        let mut kept = Kept::default();
        kept.put(&name("b"), &Goal { parent_goal: name("a"), ..Default::default() });
        let check = |start: &str, end: &str, weight: &str, parent: &str, expected: &str| {
            let record = Goal {
                name: name("a"),
                period_start: start.into(),
                period_end: end.into(),
                weight: weight.into(),
                parent_goal: if parent.is_empty() { String::new() } else { name(parent) },
                ..Default::default()
            };
            let mut findings = Findings::default();
            goal(&record, &kept, &mut findings).unwrap();
            let found = findings.refuse().err().map_or("", |rejection| rejection.reason.code());
            assert_eq!(found, expected, "{record:?}");
        };
        check("2024-01-01", "2024-04-01", "1.5", "c", "");
        check("2024-01-01", "2024-01-02", "0", "", "");
        check("2024-01-01", "2024-01-01", "", "", "INVALID_FIELD");
        check("2024-04-01", "2024-01-01", "", "", "INVALID_FIELD");
        check("2024-01-01", "2024-04-01", "-1", "", "INVALID_FIELD");
        check("2024-01-01", "2024-04-01", "", "b", "GOAL_CYCLE");
    }
}
