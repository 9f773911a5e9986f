//! Periods as people write them: `2017-Q1`, `2017-03`, `2017`, `2017-01-01..2017-04-01` by the calendar, `FY2017` and
//! `FY2017-Q1` by the fiscal year of the team.

use jiff::{
    Span,
    civil::{Date, date},
};

use super::{
    connection::{Connection, client},
    failure::Failure,
};
use crate::{
    model::period::{Period, parse_date},
    proto::v1,
};

/// What is accepted, for messages.
pub(super) const ACCEPTED: &str =
    "2017-Q1, 2017-03, 2017, FY2017, FY2017-Q1, or FIRST..DAY-AFTER-LAST as 2017-01-01..2017-04-01";

/// What begins a period of the fiscal year.
const FISCAL: &str = "FY";

/// The first day of a period and the day after its last, as the service writes dates, where there is no team to ask.
pub(super) fn parse(text: &str) -> Result<(String, String), String> {
    parse_of(text, None)
}

/// The same, of a team whose fiscal year begins with a month.
pub(super) fn parse_of(text: &str, first_month: Option<i8>) -> Result<(String, String), String> {
    if let Some((start, end)) = text.split_once("..") {
        let period = Period::parse(start.trim(), end.trim()).map_err(|rejection| rejection.message)?;
        return Ok((period.start().to_string(), period.end().to_string()));
    }
    let text = text.trim().to_uppercase();
    let found = match (text.strip_prefix(FISCAL), first_month) {
        (None, _) => calendar(&text),
        (Some(year), Some(month)) => fiscal(year, month),
        (Some(_), None) => {
            return Err(format!(
                "{text} is of the fiscal year of a team, and there is none to ask: give its dates"
            ));
        }
    };
    let (start, months) = found.ok_or_else(|| format!("{text:?} is not a period: give {ACCEPTED}"))?;
    let end = start.checked_add(Span::new().months(months)).map_err(|error| error.to_string())?;
    Ok((start.to_string(), end.to_string()))
}

/// The month with which the fiscal year of the team begins; nothing for a period that does not ask for it.
pub(super) async fn first_month(connection: &Connection, text: &str) -> Result<Option<i8>, Failure> {
    if !text.trim().to_uppercase().starts_with(FISCAL) {
        return Ok(None);
    }
    let mut client = client!(connection, organisation_service_client::OrganisationServiceClient);
    let request = v1::GetTeamRequest { name: connection.team()?.to_owned() };
    let answer = client.get_team(connection.request(request)).await;
    let team = answer.map_err(|status| connection.failure(status))?.into_inner();
    Ok(Some(i8::try_from(team.fiscal_year_start_month).unwrap_or(1).max(1)))
}

/// The first day, and how many months.
fn calendar(text: &str) -> Option<(Date, i8)> {
    let (year, part) = match text.split_once('-') {
        Some((year, part)) => (year, Some(part)),
        None => (text, None),
    };
    let first = parse_date("year", &format!("{year}-01-01")).ok()?;
    match part {
        None => Some((first, 12)),
        Some(part) => match part.strip_prefix('Q') {
            Some(quarter) => Some((date(first.year(), quarter_of(quarter)? * 3 - 2, 1), 3)),
            None => Some((parse_date("month", &format!("{year}-{part}-01")).ok()?, 1)),
        },
    }
}

/// The same of the fiscal year that ends in a year, or of a quarter of it: `2017`, `2017-Q1`.
fn fiscal(text: &str, first_month: i8) -> Option<(Date, i8)> {
    let (year, part) = match text.split_once('-') {
        Some((year, part)) => (year, Some(part)),
        None => (text, None),
    };
    let january = parse_date("year", &format!("{year}-01-01")).ok()?;
    let ends_later = i16::from(first_month > 1);
    let first = Date::new(january.year() - ends_later, first_month, 1).ok()?;
    match part {
        None => Some((first, 12)),
        Some(part) => {
            let quarter = quarter_of(part.strip_prefix('Q')?)?;
            Some((first.checked_add(Span::new().months(quarter * 3 - 3)).ok()?, 3))
        }
    }
}

fn quarter_of(text: &str) -> Option<i8> {
    text.parse().ok().filter(|quarter| (1..=4).contains(quarter))
}

#[cfg(test)]
mod tests {
    use super::{parse, parse_of};

    #[test]
    fn periods_are_read_as_people_write_them() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let found = parse(text).ok();
            assert_eq!(found, expected.map(|(start, end)| (start.to_owned(), end.to_owned())), "{text}");
        };
        check("2017-Q1", Some(("2017-01-01", "2017-04-01")));
        check("2017-q4", Some(("2017-10-01", "2018-01-01")));
        check("2017-12", Some(("2017-12-01", "2018-01-01")));
        check("2017", Some(("2017-01-01", "2018-01-01")));
        check("2017-01-15..2017-02-01", Some(("2017-01-15", "2017-02-01")));
        check("2017-02-01..2017-01-15", None);
        check("2017-Q5", None);
        check("2017-13", None);
        check("Q1", None);
        check("17-Q1", None);
        check("FY2017", None);
    }

    #[test]
    fn a_fiscal_year_is_the_one_that_ends_in_the_year() {
        let check = |text: &str, first_month: i8, expected: Option<(&str, &str)>| {
            let found = parse_of(text, Some(first_month)).ok();
            let expected = expected.map(|(start, end)| (start.to_owned(), end.to_owned()));
            assert_eq!(found, expected, "{text} from month {first_month}");
        };
        check("FY2026", 1, Some(("2026-01-01", "2027-01-01")));
        check("FY2026-Q1", 1, Some(("2026-01-01", "2026-04-01")));
        check("FY2026", 4, Some(("2025-04-01", "2026-04-01")));
        check("fy2026-q1", 4, Some(("2025-04-01", "2025-07-01")));
        check("FY2026-Q4", 4, Some(("2026-01-01", "2026-04-01")));
        check("FY2026", 12, Some(("2025-12-01", "2026-12-01")));
        check("FY2026-Q1", 12, Some(("2025-12-01", "2026-03-01")));
        check("FY2026-Q5", 4, None);
        check("FY2026-03", 4, None);
        check("FY26", 4, None);
        // Others stay those of the calendar.
        check("2026-Q1", 4, Some(("2026-01-01", "2026-04-01")));
        check("2026", 4, Some(("2026-01-01", "2027-01-01")));
    }
}
