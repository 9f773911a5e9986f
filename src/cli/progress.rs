//! Progress for people, on stderr: a bar on a terminal, a line now and then where there is none. Nothing for what is done
//! soon.

use std::{
    cell::{Cell, RefCell},
    fmt::Write,
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{
    BinaryBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

use super::output::print_note;

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a line is written where there is no terminal, as in a log.
const LINE: Duration = Duration::from_secs(30);

/// How often what is waited for is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How far something is that may take long.
pub(super) struct Progress {
    bar: ProgressBar,
    terminal: bool,
    /// When it began, or was last told of.
    told: Cell<Instant>,
    shown: Cell<bool>,
    /// What is counted, nothing where only time is.
    unit: Option<Unit>,
    beside: RefCell<String>,
}

/// What is counted.
enum Unit {
    Bytes,
    /// `rows`.
    Of(String),
}

// === impl Progress ===

impl Progress {
    /// A bar of so many of something: `rows`.
    pub(super) fn of(total: u64, what: &str) -> Self {
        let style = format!("{{wide_bar}} {{human_pos}}/{{human_len}} {what}, {{rate}}, {{eta}} left");
        Self::with(Some(total), &style, Some(Unit::Of(what.to_owned())))
    }

    /// A bar of so many bytes; of as many as come, where nobody knows how many there are.
    pub(super) fn of_bytes(total: Option<u64>) -> Self {
        let style = match total {
            Some(_) => "{wide_bar} {binary_bytes}/{binary_total_bytes} {msg} {eta} left",
            None => "{spinner} {binary_bytes} {msg}",
        };
        Self::with(total, style, Some(Unit::Bytes))
    }

    /// A count of something of which nobody knows how many there are.
    pub(super) fn counting(what: &str) -> Self {
        let style = format!("{{spinner}} {{human_pos}} {what}, {{rate}}");
        Self::with(None, &style, Some(Unit::Of(what.to_owned())))
    }

    /// Something that goes on, and says nothing before it is done.
    pub(super) fn waiting(what: &str) -> Self {
        let progress = Self::with(None, "{spinner} {msg}, {elapsed}", None);
        progress.say(what.to_owned());
        progress
    }

    fn with(total: Option<u64>, style: &str, unit: Option<Unit>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.with_key("rate", rate));
        }
        Self {
            bar,
            terminal: std::io::stderr().is_terminal(),
            told: Cell::new(Instant::now()),
            shown: Cell::new(false),
            unit,
            beside: RefCell::default(),
        }
    }

    /// Waits for something, and looks now and then how far it is.
    pub(super) async fn during<T>(self, work: impl Future<Output = T>, look: impl Fn(&Self)) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(LOOK) => look(&self),
            }
            self.at(self.bar.position());
            self.bar.tick();
        }
    }

    /// How far it has come.
    pub(super) fn at(&self, done: u64) {
        self.bar.set_position(done);
        let waited = self.told.get().elapsed();
        if self.terminal && !self.shown.get() && waited > PATIENCE {
            self.shown.set(true);
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        if !self.terminal && waited > LINE {
            self.told.set(Instant::now());
            print_note(&self.line());
        }
    }

    /// How far it has come, and how far it has to go.
    pub(super) fn at_of(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.at(done);
    }

    /// Something to say beside the bar.
    pub(super) fn say(&self, message: String) {
        self.bar.set_message(message.clone());
        *self.beside.borrow_mut() = message;
    }

    /// How far it is, for a log.
    fn line(&self) -> String {
        let bare = |number: u64| match &self.unit {
            Some(Unit::Of(_)) => HumanCount(number).to_string(),
            _ => BinaryBytes(number).to_string(),
        };
        let number = |number: u64| match &self.unit {
            Some(Unit::Of(what)) => format!("{} {what}", bare(number)),
            _ => bare(number),
        };
        let beside = self.beside.borrow();
        let mut line = match self.bar.length().filter(|&total| total > 0) {
            _ if self.unit.is_none() => return format!("{beside}, {}", HumanDuration(self.bar.elapsed())),
            Some(total) => format!("{} of {}", bare(self.bar.position()), number(total)),
            None => number(self.bar.position()),
        };
        if !beside.is_empty() {
            line = format!("{line} {beside}");
        }
        line
    }
}

/// How many a second, whole: nobody reads more.
fn rate(state: &ProgressState, text: &mut dyn Write) {
    let _ = write!(text, "{}", per_second(state.per_sec()));
}

fn per_second(count: f64) -> String {
    format!("{}/s", HumanCount(count as u64))
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_how_far_it_is() {
        let check = |progress: Progress, done: u64, expected: &str| {
            progress.bar.set_position(done);
            assert_eq!(progress.line(), expected);
        };
        check(Progress::of(8_800, "account managers"), 1_200, "1,200 of 8,800 account managers");
        check(Progress::of(0, "account managers"), 0, "0 account managers");
        check(Progress::counting("customers"), 1_000, "1,000 customers");
        let import = Progress::of_bytes(Some(4 << 20));
        import.say("33000 rows".to_owned());
        check(import, 1 << 20, "1.00 MiB of 4.00 MiB 33000 rows");
        check(Progress::of_bytes(None), 2048, "2.00 KiB");
        check(Progress::waiting("verifying"), 0, "verifying, 0 seconds");
    }

    #[test]
    fn a_rate_is_whole() {
        assert_eq!(per_second(27_180.256_8), "27,180/s");
    }
}
