//! Rules of the organisation: when people work here, and to whom they report on which day.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{
    finding::Findings,
    format::quoted,
    period::{FIRST_YEAR, read_date},
    records::{Records, find},
    rejection::{OrganisationReason, Reason, Rejection},
};
use crate::proto::v1::{AccountManager, ReportingLine};

/// How many people above somebody are looked at, on all days together: more than a team has managers.
const PEOPLE_ABOVE: usize = 1_000;

/// How many lines above somebody are followed, each once for every stretch of days on which it is reached.
const LINES_ABOVE: usize = 20_000;

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
    let lines: Vec<Interval> = account_manager.reporting_line.iter().map(Interval::of).collect();
    // Lines that overlap are followed by nobody: on a day there is one way up at most, which keeps the ways few.
    if !check_intervals(account_manager, &lines, findings) {
        return Ok(());
    }
    let before = find::<AccountManager>(records, &account_manager.name)?;
    if before.is_none_or(|before| before.reporting_line != account_manager.reporting_line) {
        check_cycle(account_manager, &lines, records, findings)?;
    }
    Ok(())
}

/// Whether each line has a day, and no two of them hold on the same.
fn check_intervals(account_manager: &AccountManager, lines: &[Interval], findings: &mut Findings) -> bool {
    let mut sound = true;
    for (index, interval) in lines.iter().enumerate() {
        if interval.is_empty() {
            let line = &account_manager.reporting_line[index];
            findings.field(
                format!("reporting_line[{index}].effective_until"),
                format!("{} is not after effective_from {}", line.effective_until, line.effective_from),
            );
            sound = false;
        }
        if let Some(earlier) = lines[..index].iter().position(|other| interval.meets(*other)) {
            findings.add(
                Reason::Organisation(OrganisationReason::ReportingOverlap),
                format!("reporting_line[{index}]"),
                format!(
                    "holds on days on which reporting_line[{earlier}] holds: end one where the other begins"
                ),
            );
            sound = false;
        }
    }
    sound
}

/// Checks that no line leads back on any of its days: follows the lines above each, on the days that are left.
fn check_cycle(
    account_manager: &AccountManager,
    lines: &[Interval],
    records: &dyn Records,
    findings: &mut Findings,
) -> Result<(), Rejection> {
    let mut above: BTreeMap<String, Lines> = BTreeMap::new();
    let mut circles = BTreeSet::new();
    let own = account_manager.reporting_line.iter().zip(lines).enumerate();
    let mut ahead: Vec<(usize, String, Interval)> =
        own.map(|(index, (line, days))| (index, line.manager.clone(), *days)).collect();
    let mut followed = 0;
    while let Some((index, manager, days)) = ahead.pop() {
        if manager == account_manager.name {
            circles.insert(index);
            continue;
        }
        if !above.contains_key(&manager) {
            let lines = find(records, &manager)?.map(|manager| Lines::of(&manager)).unwrap_or_default();
            above.insert(manager.clone(), lines);
        }
        followed += 1;
        if above.len() > PEOPLE_ABOVE || followed > LINES_ABOVE {
            let what = format!(
                "too much is above it to be followed: at most {PEOPLE_ABOVE} people and {LINES_ABOVE} lines \
                 of theirs are"
            );
            findings.field(format!("reporting_line[{index}].manager"), what);
            break;
        }
        ahead.extend(above[&manager].on(days).map(|(next, days)| (index, next.to_owned(), days)));
    }
    for index in circles {
        let manager = quoted(&account_manager.reporting_line[index].manager);
        let name = &account_manager.name;
        findings.add(
            Reason::Organisation(OrganisationReason::ReportingCycle),
            format!("reporting_line[{index}].manager"),
            format!("{manager} reports, directly or through others, to {name} on a day of this line"),
        );
    }
    Ok(())
}

/// Whom somebody reports to, and on which days; in the order of the days, of which none is in two lines.
#[derive(Default)]
struct Lines(Vec<(String, Interval)>);

// === impl Lines ===

impl Lines {
    fn of(account_manager: &AccountManager) -> Self {
        let lines = account_manager.reporting_line.iter();
        let mut lines: Vec<_> = lines.map(|line| (line.manager.clone(), Interval::of(line))).collect();
        lines.sort_unstable_by_key(|(_, days)| *days);
        Self(lines)
    }

    /// The lines that hold on any of these days, each with those on which it does.
    fn on(&self, days: Interval) -> impl Iterator<Item = (&str, Interval)> {
        let first = self.0.partition_point(|(_, line)| line.until <= days.from);
        let lines = self.0[first..].iter().take_while(move |(_, line)| line.from < days.until);
        lines.map(move |(manager, line)| (manager.as_str(), line.common(days)))
    }
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
    read_date(text).filter(|date| date.year() >= FIRST_YEAR)
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
        // A line that overlaps is not followed.
        check(&[("b", &[("a", "", "")])], &[("b", "", ""), ("b", "", "")], "REPORTING_OVERLAP");
    }

    /// People who each report for a day to everybody of the level above, level upon level; `ends` is reported to by all of
    /// the last.
    fn levels(count: usize, width: usize, ends: &str) -> Kept {
        let id = |level: usize, place: usize| match level {
            level if level == count => ends.to_owned(),
            level => format!("p{level}-{place}"),
        };
        let first: Date = "2000-01-01".parse().unwrap();
        let date = |days: usize| (first + jiff::Span::new().days(days as i64)).to_string();
        let mut kept = Kept::default();
        for (level, place) in (0..count).flat_map(|level| (0..width).map(move |place| (level, place))) {
            let lines: Vec<(String, String, String)> = (0..100)
                .map(|line| (id(level + 1, line % width), date(line * 7 + level), date(line * 7 + level + 7)))
                .collect();
            let lines: Vec<Line<'_>> =
                lines.iter().map(|(manager, from, until)| (&**manager, &**from, &**until)).collect();
            let person = person(&id(level, place), &lines);
            kept.put(&person.name.clone(), &person);
        }
        kept
    }

    /// However many lines are above, either all of them are followed or the line is refused.
    #[test]
    fn no_circle_is_too_large_to_be_found() {
        let check = |count: usize, width: usize, ends: &str, expected: &str| {
            let mut findings = Findings::default();
            let lines = [("p0-0", "", "")];
            account_manager(&person("a", &lines), &levels(count, width, ends), &mut findings).unwrap();
            let found = findings.refuse().err().map_or("", |rejection| rejection.reason.code());
            assert_eq!(found, expected, "{count} levels of {width}");
        };
        check(5, 1, "z", "");
        check(5, 1, "a", "REPORTING_CYCLE");
        check(5, 10, "z", "");
        check(5, 10, "a", "REPORTING_CYCLE");
        check(60, 25, "a", "INVALID_FIELD");
    }

    #[test]
    fn a_reporting_line_that_stays_is_not_followed() {
        let mut kept = levels(60, 25, "z");
        let mut anna = person("a", &[("p0-0", "", "")]);
        let check = |anna: &AccountManager, kept: &Kept, expected: bool| {
            let mut findings = Findings::default();
            account_manager(anna, kept, &mut findings).unwrap();
            assert_eq!(findings.is_empty(), expected, "{anna:?}");
        };
        check(&anna, &kept, false);
        kept.put(&anna.name.clone(), &anna);
        anna.display_name = "Anna".to_owned();
        check(&anna, &kept, true);
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
