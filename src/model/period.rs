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

/// Parses a calendar date of the form `YYYY-MM-DD`, nothing looser.
///
/// # Errors
/// `INVALID_FIELD` that names the field.
pub fn parse_date(field: &str, text: &str) -> Result<Date, Rejection> {
    let parsed = if text.len() == 10 { text.parse::<Date>().ok() } else { None };
    parsed.ok_or_else(|| Rejection::field(field, format!("{text:?} is not a date like 2026-03-31")))
}

/// Days since 1970-01-01: how a date is kept in a column.
#[must_use]
pub fn days_since_epoch(day: Date) -> i32 {
    let hours = day.duration_since(jiff::civil::date(1970, 1, 1)).as_hours();
    // Ten thousand years are less than four million days.
    i32::try_from(hours / 24).unwrap_or(i32::MAX)
}
