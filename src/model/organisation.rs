//! Rules of the organisation: when people work here, and to whom they report on which day.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{
    finding::Findings,
    format::quoted,
    period::parse_date,
    records::{Records, find},
    rejection::{OrganisationReason, Reason, Rejection},
};
use crate::proto::v1::{AccountManager, ReportingLine};

/// How many reporting lines above somebody are followed: more than any organisation has.
const LINES_FOLLOWED: usize = 10_000;

/// Checks an account manager: employment dates in order, and a reporting line without overlaps and circles.
///
/// # Errors
/// `INTERNAL` where the store failed. What is wrong goes to `findings`.
pub fn account_manager(
    account_manager: &AccountManager,
    records: &dyn Records,
    findings: &mut Findings,
) -> Result<(), Rejection> {
    let (hired, left) = (day(&account_manager.hire_date), day(&account_manager.leave_date));
    if let (Some(hired), Some(left)) = (hired, left)
        && left <= hired
    {
        findings.field("leave_date", format!("{left} is not after hire_date {hired}"));
    }
    let lines = &account_manager.reporting_line;
    for (index, line) in lines.iter().enumerate() {
        let interval = Interval::of(line);
        if interval.is_empty() {
            findings.field(
                format!("reporting_line[{index}].effective_until"),
                format!("{} is not after effective_from {}", line.effective_until, line.effective_from),
            );
        }
        if let Some(earlier) = lines[..index].iter().position(|other| interval.meets(Interval::of(other))) {
            findings.add(
                Reason::Organisation(OrganisationReason::ReportingOverlap),
                format!("reporting_line[{index}]"),
                format!(
                    "holds on days on which reporting_line[{earlier}] holds: end one where the other begins"
                ),
            );
        }
        if reaches(line, interval, &account_manager.name, records)? {
            findings.add(
                Reason::Organisation(OrganisationReason::ReportingCycle),
                format!("reporting_line[{index}].manager"),
                format!(
                    "{} reports, directly or through others, to {} on a day of this line",
                    quoted(&line.manager),
                    account_manager.name
                ),
            );
        }
    }
    Ok(())
}

/// Whether the line leads to `target` on any day of `interval`: follows the lines above it, each on the days that are
/// left.
fn reaches(
    line: &ReportingLine,
    interval: Interval,
    target: &str,
    records: &dyn Records,
) -> Result<bool, Rejection> {
    let mut ahead = vec![(line.manager.clone(), interval)];
    let mut seen = BTreeSet::new();
    while let Some((manager, interval)) = ahead.pop() {
        if manager == target {
            return Ok(true);
        }
        if interval.is_empty() || seen.len() >= LINES_FOLLOWED || !seen.insert((manager.clone(), interval)) {
            continue;
        }
        let Some(manager) = find::<AccountManager>(records, &manager)? else { continue };
        for line in manager.reporting_line {
            let common = interval.common(Interval::of(&line));
            if !common.is_empty() {
                ahead.push((line.manager, common));
            }
        }
    }
    Ok(false)
}

/// An interval of days that may be open at either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Interval {
    from: Date,
    until: Date,
}

// === impl Interval ===

impl Interval {
    fn of(line: &ReportingLine) -> Self {
        Self {
            from: day(&line.effective_from).unwrap_or(Date::MIN),
            until: day(&line.effective_until).unwrap_or(Date::MAX),
        }
    }

    fn common(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    fn is_empty(self) -> bool {
        self.from >= self.until
    }

    fn meets(self, other: Self) -> bool {
        !self.common(other).is_empty()
    }
}

/// A date, where there is one and it can be read: what cannot be is found where fields are checked.
pub(super) fn day(text: &str) -> Option<Date> {
    parse_date("", text).ok()
}

#[cfg(test)]
mod tests {
    use super::super::records::tests::Kept;
    use super::*;

    fn person(id: &str, lines: &[Line<'_>]) -> AccountManager {
        let line = |(manager, from, until): &Line<'_>| ReportingLine {
            manager: format!("teams/t/accountManagers/{manager}"),
            effective_from: (*from).into(),
            effective_until: (*until).into(),
        };
        AccountManager {
            name: format!("teams/t/accountManagers/{id}"),
            reporting_line: lines.iter().map(line).collect(),
            ..Default::default()
        }
    }

    /// The manager, the first day and the day after the last.
    type Line<'a> = (&'a str, &'a str, &'a str);

    /// What is wrong with `a`, whose reporting line is given, among people who report as said.
    fn check(others: &[(&str, &[Line<'_>])], lines: &[Line<'_>], expected: &str) {
        let mut kept = Kept::default();
        for (id, lines) in others {
            let person = person(id, lines);
            kept.put(&person.name.clone(), &person);
        }
        let mut findings = Findings::default();
        account_manager(&person("a", lines), &kept, &mut findings).unwrap();
        let found = findings.refuse().err().map_or("", |rejection| rejection.reason.code());
        assert_eq!(found, expected, "{others:?} {lines:?}");
    }

    #[test]
    fn reporting_lines() {
        const ALWAYS: (&str, &str) = ("", "");
        let (from, until) = ALWAYS;
        check(&[("b", &[])], &[("b", from, until)], "");
        check(&[], &[("a", from, until)], "REPORTING_CYCLE");
        check(&[("b", &[("a", "", "")])], &[("b", "", "")], "REPORTING_CYCLE");
        check(&[("b", &[("c", "", "")]), ("c", &[("a", "", "")])], &[("b", "", "")], "REPORTING_CYCLE");
        // They take turns: on no day is there a circle.
        check(&[("b", &[("a", "", "2024-01-01")])], &[("b", "2024-01-01", "")], "");
        check(&[("b", &[("a", "", "2024-01-02")])], &[("b", "2024-01-01", "")], "REPORTING_CYCLE");
        check(
            &[("b", &[("c", "2024-01-01", "2024-02-01")]), ("c", &[("a", "2024-02-01", "")])],
            &[("b", "", "")],
            "",
        );
        check(&[("b", &[]), ("c", &[])], &[("b", "2024-01-01", "2024-02-01"), ("c", "2024-02-01", "")], "");
        check(
            &[("b", &[]), ("c", &[])],
            &[("b", "2024-01-01", "2024-02-02"), ("c", "2024-02-01", "")],
            "REPORTING_OVERLAP",
        );
        check(&[("b", &[])], &[("b", "2024-02-01", "2024-02-01")], "INVALID_FIELD");
    }

    #[test]
    fn employment() {
        let check = |hire: &str, leave: &str, expected: bool| {
            let mut findings = Findings::default();
            let person =
                AccountManager { hire_date: hire.into(), leave_date: leave.into(), ..Default::default() };
            account_manager(&person, &Kept::default(), &mut findings).unwrap();
            assert_eq!(findings.is_empty(), expected, "{hire} {leave}");
        };
        check("2024-01-01", "", true);
        check("", "2024-01-01", true);
        check("2024-01-01", "2024-01-02", true);
        check("2024-01-01", "2024-01-01", false);
        check("2024-01-02", "2024-01-01", false);
    }
}
