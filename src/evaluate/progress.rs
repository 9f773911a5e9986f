//! A run as it stands, with its progress, for those who watch it.

use super::{evaluator::Evaluator, results::run_name};
use crate::{
    model::name::Name,
    proto::v1::{self, RunState},
    store::WriteError,
};

/// A run as a watcher sees it.
pub struct Watched {
    /// What is told.
    pub response: v1::WatchRunResponse,
    /// Whether nothing more will be told.
    pub ended: bool,
}

// === impl Evaluator ===

impl Evaluator {
    /// The run as it stands, with its progress. Progress is kept in memory; the stored run has it when it has ended.
    ///
    /// # Errors
    /// `NOT_FOUND`; when the store fails.
    pub fn watched(&self, run: &Name) -> Result<Watched, WriteError> {
        let name = run_name(&run.to_string())?;
        // Asked before the run is read: a run that ends in between shows its end.
        let progress = self.board().get(&name);
        let mut run: v1::Run = self.resources().get(&name)?;
        let ended = match run.state() {
            RunState::Succeeded | RunState::Failed => true,
            // One that was at work has its figures when the last of it has stopped.
            RunState::Cancelled => progress.is_none() || run.start_time.is_none() || run.end_time.is_some(),
            RunState::Unspecified | RunState::Pending | RunState::Running => false,
        };
        let rows_per_second = match progress {
            Some(progress) if !ended && run.start_time.is_some() => {
                run.rows_total = progress.rows_total();
                run.rows_done = progress.rows_done().min(run.rows_total);
                rate(run.rows_done, progress.milliseconds())
            }
            _ => rate(run.rows_done, milliseconds(&run)),
        };
        Ok(Watched { response: v1::WatchRunResponse { run: Some(run), rows_per_second }, ended })
    }
}

/// Thousandths of a second that a finished run took.
fn milliseconds(run: &v1::Run) -> u64 {
    let (Some(start), Some(end)) = (&run.start_time, &run.end_time) else { return 0 };
    let seconds = end.seconds.saturating_sub(start.seconds).saturating_mul(1_000);
    u64::try_from(seconds + i64::from(end.nanos - start.nanos) / 1_000_000).unwrap_or(0)
}

/// Rows a second, to the thousandth; 0 before anything can be said.
#[must_use]
pub fn rate(rows: u64, milliseconds: u64) -> f64 {
    if milliseconds == 0 {
        return 0.0;
    }
    let thousandths = u128::from(rows) * 1_000_000 / u128::from(milliseconds);
    // For people to look at: the only place where a float is made, and never computed with.
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000).parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_rows_by_seconds() {
        let check = |rows, milliseconds, expected: &str| {
            assert_eq!(rate(rows, milliseconds).to_string(), expected);
        };
        check(0, 0, "0");
        check(100, 0, "0");
        check(100, 2_000, "50");
        check(1, 3_000, "0.333");
        check(u64::MAX, 1, "18446744073709552000000");
    }
}
