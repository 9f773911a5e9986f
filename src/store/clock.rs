//! The one clock: the writer's. Everybody else takes time as a value, from [`super::Transaction::time`] or a record.

use jiff::Timestamp;

/// Time that never goes back, even where the machine's clock does.
#[derive(Debug)]
pub(super) struct Clock {
    last: Timestamp,
}

// === impl Clock ===

impl Clock {
    /// A clock that is never before the last record.
    pub(super) fn after(last: Timestamp) -> Self {
        Self { last }
    }

    /// What time it is.
    #[allow(clippy::disallowed_methods, reason = "this is the one place where time enters")]
    pub(super) fn now(&mut self) -> Timestamp {
        self.last = self.last.max(Timestamp::now());
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_go_back_where_the_machines_clock_does() {
        let ahead: Timestamp = "2999-01-01T00:00:00Z".parse().expect("a time");
        let mut clock = Clock::after(ahead);
        assert_eq!((clock.now(), clock.now()), (ahead, ahead));
        assert!(Clock::after(Timestamp::UNIX_EPOCH).now() > Timestamp::UNIX_EPOCH);
    }
}
