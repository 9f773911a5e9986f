//! Calendar dates as days since 1970-01-01, in the proleptic Gregorian calendar, from the year 1 to 9999.

use alloc::{format, string::String};

/// 0001-01-01 and 9999-12-31.
const FIRST: i64 = -719_162;
const LAST: i64 = 2_932_896;

/// Year, month and day of a day number; Howard Hinnant's `civil_from_days`.
pub(crate) fn civil(days: i32) -> (i32, u32, u32) {
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as u32, day as u32)
}

/// The day number of a day, whatever the year; month and day may lie outside of the calendar and roll over, as in spreadsheets.
fn rolled(year: i64, month: i64, day: i64) -> Option<i64> {
    if [year, month, day].iter().any(|part| part.unsigned_abs() > 10_000_000) {
        return None;
    }
    let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1);
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * from_march + 2) / 5;
    Some(era * 146_097 + day_of_era - 719_468 + day - 1)
}

/// The day number of a day that rolls over.
pub(crate) fn day_number(year: i64, month: i64, day: i64) -> Option<i32> {
    in_range(rolled(year, month, day)?)
}

/// The day that many days later.
pub(crate) fn add_days(date: i32, days: i64) -> Option<i32> {
    in_range(i64::from(date).checked_add(days)?)
}

/// The same day of the month that many months later, or the last of a month too short for it.
pub(crate) fn add_months(date: i32, months: i64) -> Option<i32> {
    let (year, month, day) = civil(date);
    let month = i64::from(month).checked_add(months)?;
    let (first, next) =
        (rolled(i64::from(year), month, 1)?, rolled(i64::from(year), month.checked_add(1)?, 1)?);
    in_range((first + i64::from(day) - 1).min(next - 1))
}

/// The last day of the month that many months later.
pub(crate) fn end_of_month(date: i32, months: i64) -> Option<i32> {
    let (year, month, _) = civil(date);
    day_number(i64::from(year), i64::from(month).checked_add(months)?.checked_add(1)?, 0)
}

fn in_range(days: i64) -> Option<i32> {
    if (FIRST..=LAST).contains(&days) { i32::try_from(days).ok() } else { None }
}

/// Reads YYYY-MM-DD; nothing where it is no such day.
pub(crate) fn parse(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let part = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0i64, |value, digit| {
            digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let days = day_number(year, month, day)?;
    (civil(days) == (year as i32, month as u32, day as u32)).then_some(days)
}

/// Writes YYYY-MM-DD.
pub(crate) fn text(days: i32) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}
