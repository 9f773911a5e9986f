//! Periods: intervals of days, closed at the start and open at the end.

use jiff::civil::Date;

use super::rejection::Rejection;

/// An interval of days: `start` belongs to it, `end` is the day after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    start: Date,
    end: Date,
}

// === impl Period ===

impl Period {
    /// Parses two dates, `YYYY-MM-DD`; the end has to be after the start.
    ///
    /// # Errors
    /// `INVALID_FIELD` that names `period_start` or `period_end`.
    pub fn parse(start: &str, end: &str) -> Result<Self, Rejection> {
        let start = parse_date("period_start", start)?;
        let end = parse_date("period_end", end)?;
        if start < end {
            return Ok(Self { start, end });
        }
        Err(Rejection::field(
            "period_end",
            format!("{end} is not after period_start {start}: give the day after the period's last"),
        ))
    }

    /// The first day.
    #[must_use]
    pub fn start(self) -> Date {
        self.start
    }

    /// The day after the last.
    #[must_use]
    pub fn end(self) -> Date {
        self.end
    }

    /// The last day.
    ///
    /// # Panics
    /// Never: a period has a day before its end.
    #[must_use]
    pub fn last_day(self) -> Date {
        self.end.yesterday().expect("the start is before the end")
    }

    /// Whether the day belongs to it.
    #[must_use]
    pub fn contains(self, day: Date) -> bool {
        self.start <= day && day < self.end
    }
}

/// The first year of dates: what lies before it is a slip, or the zero of another system.
pub const FIRST_YEAR: i16 = 1900;

/// Parses a calendar date of the form `YYYY-MM-DD`, nothing looser, of the years 1900 to 9999.
///
/// # Errors
/// `INVALID_FIELD` that names the field.
pub fn parse_date(field: &str, text: &str) -> Result<Date, Rejection> {
    match read_date(text) {
        Some(date) if date.year() >= FIRST_YEAR => Ok(date),
        Some(_) => Err(Rejection::field(
            field,
            format!("{text:?} lies before 1900: years 1900 to 9999 are accepted"),
        )),
        None => Err(Rejection::field(field, format!("{text:?} is not a date like 2026-03-31"))),
    }
}

/// The date of a text of the form `YYYY-MM-DD`, of any year; nothing where it is not one.
#[must_use]
pub fn read_date(text: &str) -> Option<Date> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i16, |number, &digit| {
            digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0'))
        })
    };
    let (month, day) = (i8::try_from(number(&[m1, m2])?).ok()?, i8::try_from(number(&[d1, d2])?).ok()?);
    Date::new(number(&[y1, y2, y3, y4])?, month, day).ok()
}

/// Days since 1970-01-01: how a date is kept in a column.
#[must_use]
pub fn days_since_epoch(date: Date) -> i32 {
    // Years begin in March, so that the day that is sometimes there comes last (H. Hinnant, "chrono-compatible
    // low-level date algorithms", days_from_civil).
    let (year, month, day) = (i32::from(date.year()), i32::from(date.month()), i32::from(date.day()));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}
