//! Periods as people write them: `2017-Q1`, `2017-03`, `2017`, `2017-01-01..2017-04-01`. Quarters are those of the
//! calendar.

use jiff::civil::{Date, date};

use crate::model::period::{Period, parse_date};

/// What is accepted, for messages.
pub(super) const ACCEPTED: &str =
    "2017-Q1, 2017-03, 2017, or FIRST..DAY-AFTER-LAST as 2017-01-01..2017-04-01";

/// The first day of a period and the day after its last, as the service writes dates.
pub(super) fn parse(text: &str) -> Result<(String, String), String> {
    if let Some((start, end)) = text.split_once("..") {
        let period = Period::parse(start.trim(), end.trim()).map_err(|rejection| rejection.message)?;
        return Ok((period.start().to_string(), period.end().to_string()));
    }
    let (start, months) =
        calendar(text).ok_or_else(|| format!("{text:?} is not a period: give {ACCEPTED}"))?;
    let end = start.checked_add(jiff::Span::new().months(months)).map_err(|error| error.to_string())?;
    Ok((start.to_string(), end.to_string()))
}

/// The first day, and how many months.
fn calendar(text: &str) -> Option<(Date, i8)> {
    let text = text.trim().to_uppercase();
    let (year, part) = match text.split_once('-') {
        Some((year, part)) => (year, Some(part)),
        None => (text.as_str(), None),
    };
    let first = parse_date("year", &format!("{year}-01-01")).ok()?;
    match part {
        None => Some((first, 12)),
        Some(part) => match part.strip_prefix('Q') {
            Some(quarter) => {
                let quarter: i8 = quarter.parse().ok().filter(|quarter| (1..=4).contains(quarter))?;
                Some((date(first.year(), quarter * 3 - 2, 1), 3))
            }
            None => Some((parse_date("month", &format!("{year}-{part}-01")).ok()?, 1)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

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
    }
}
