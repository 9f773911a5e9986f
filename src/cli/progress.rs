//! Progress for people: nothing in the first second, nothing where stderr is no terminal.

use std::{
    cell::Cell,
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that shows itself when something takes long.
pub(super) struct Progress {
    bar: ProgressBar,
    begun: Instant,
    shown: Cell<bool>,
}

// === impl Progress ===

impl Progress {
    /// A bar of so many of something: `rows`.
    pub(super) fn of(total: u64, what: &str) -> Self {
        let style = format!("{{wide_bar}} {{human_pos}}/{{human_len}} {what}, {{per_sec}}, {{eta}} left");
        Self::with(ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()), &style)
    }

    /// A bar of so many bytes.
    pub(super) fn of_bytes(total: u64) -> Self {
        let style = "{wide_bar} {binary_bytes}/{binary_total_bytes} {msg} {eta} left";
        Self::with(ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()), style)
    }

    /// A count of something of which nobody knows how many there are.
    pub(super) fn counting(what: &str) -> Self {
        let style = format!("{{spinner}} {{human_pos}} {what}, {{per_sec}}");
        Self::with(ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()), &style)
    }

    fn with(bar: ProgressBar, style: &str) -> Self {
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self { bar, begun: Instant::now(), shown: Cell::new(false) }
    }

    /// How far it has come.
    pub(super) fn at(&self, done: u64) {
        self.show_when_late();
        self.bar.set_position(done);
    }

    /// How far it has come, and how far it has to go.
    pub(super) fn at_of(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.at(done);
    }

    /// Something to say beside the bar.
    pub(super) fn say(&self, message: String) {
        self.bar.set_message(message);
    }

    fn show_when_late(&self) {
        if !self.shown.get() && self.begun.elapsed() > PATIENCE && std::io::stderr().is_terminal() {
            self.shown.set(true);
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
