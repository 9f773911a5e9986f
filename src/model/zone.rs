//! Time zones: which day it is for a team at an instant. What the text of a zone may be is in `format`.

use std::sync::LazyLock;

use jiff::{
    Timestamp,
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};
use prost::Message as _;

use super::period::days_since_epoch;
use crate::proto::v1::Team;

/// Seconds of a day in UTC.
const DAY_SECONDS: i64 = 86_400;

/// The zone of a team's days. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// The time zone of the IANA database that a text names, whatever the case; nothing where there is none.
#[must_use]
pub fn named(text: &str) -> Option<TimeZone> {
    // The database in the binary, not the machine's: the same text is accepted, and means the same, everywhere.
    static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    DATABASE.get(text).ok()
}

// === impl Zone ===

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// That of a team: UTC where it has none.
    #[must_use]
    pub fn of_team(team: &Team) -> Self {
        named(&team.time_zone).map_or(Self::UTC, Self)
    }

    /// That of a team by its encoded record; UTC where there is none.
    #[must_use]
    pub fn of_record(record: Option<&[u8]>) -> Self {
        record.and_then(|record| Team::decode(record).ok()).map_or(Self::UTC, |team| Self::of_team(&team))
    }

    /// The day of an instant, seconds since 1970-01-01 in UTC, in days since 1970-01-01; nothing beyond the years that
    /// there are.
    #[must_use]
    pub fn day(&self, seconds: i64) -> Option<i32> {
        if self.0 == TimeZone::UTC {
            return i32::try_from(seconds.div_euclid(DAY_SECONDS)).ok();
        }
        let instant = Timestamp::from_second(seconds).ok()?;
        let day: Date = self.0.to_datetime(instant).date();
        Some(days_since_epoch(day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_zone() {
        let check = |zone: &str, instant: &str, expected: &str| {
            let team = Team { time_zone: zone.into(), ..Default::default() };
            let seconds = instant.parse::<Timestamp>().unwrap().as_second();
            let expected: Date = expected.parse().unwrap();
            assert_eq!(
                Zone::of_team(&team).day(seconds),
                Some(days_since_epoch(expected)),
                "{zone} {instant}"
            );
        };
        for zone in ["", "UTC", "nowhere"] {
            check(zone, "1970-01-01T00:00:00Z", "1970-01-01");
            check(zone, "1969-12-31T23:59:59Z", "1969-12-31");
            check(zone, "2026-11-28T04:00:00Z", "2026-11-28");
        }
        check("America/Los_Angeles", "2026-11-28T04:00:00Z", "2026-11-27");
        check("america/los_angeles", "2026-11-28T08:00:00Z", "2026-11-28");
        // Seven hours in summer, eight in winter.
        check("America/Los_Angeles", "2026-07-01T06:59:59Z", "2026-06-30");
        check("America/Los_Angeles", "2026-07-01T07:00:00Z", "2026-07-01");
        check("Asia/Shanghai", "2026-03-31T16:00:00Z", "2026-04-01");
        check("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29");
        check("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31");
    }

    #[test]
    fn no_instant_is_beyond_reckoning() {
        for zone in ["", "Asia/Shanghai"] {
            let zone = Zone::of_team(&Team { time_zone: zone.into(), ..Default::default() });
            assert_eq!([zone.day(i64::MAX), zone.day(i64::MIN)], [None, None]);
        }
    }
}
