//! Who reports to whom, when: kept aside from the columns, as an account manager has several lines over time.

use std::sync::Arc;

use jiff::civil::Date;

use super::{change::Change, day_number, texts::Texts};

/// The reporting lines of all account managers, by row of their view.
#[derive(Clone, Debug)]
pub struct ReportingLines {
    managers: Arc<Vec<Arc<str>>>,
    lines: Arc<Vec<Box<[Line]>>>,
}

/// From the first day to the day before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    manager: u32,
    from: i32,
    until: i32,
}

/// Reporting lines that grow.
#[derive(Debug)]
pub(super) struct GrowingLines {
    managers: Texts,
    lines: Arc<Vec<Box<[Line]>>>,
    page: Vec<Vec<Line>>,
    /// Lines in all, for the account of memory.
    count: usize,
}

// === impl ReportingLines ===

impl ReportingLines {
    /// Names of all who were ever reported to: what `manager` answers the place in.
    #[must_use]
    pub fn managers(&self) -> &[Arc<str>] {
        &self.managers
    }

    /// Whom the account manager of a row reports to on a day.
    #[must_use]
    pub fn manager(&self, row: usize, day: Date) -> Option<usize> {
        let day = day_number(day);
        let line = self.lines[row].iter().find(|line| line.from <= day && day < line.until)?;
        Some(line.manager as usize)
    }
}

// === impl GrowingLines ===

impl GrowingLines {
    pub(super) fn new() -> Self {
        Self { managers: Texts::new(), lines: Arc::default(), page: Vec::new(), count: 0 }
    }

    /// Begins a page of `rows` account managers who report to nobody.
    pub(super) fn begin(&mut self, rows: usize) {
        self.page.clear();
        self.page.resize(rows, Vec::new());
    }

    /// Adds a line in the page, in days since 1970-01-01.
    pub(super) fn add(&mut self, row: usize, manager: &str, from: i32, until: i32) {
        let manager = self.managers.code(manager);
        self.page[row].push(Line { manager, from, until });
    }

    /// Makes the page a part of the lines.
    pub(super) fn commit(&mut self, change: &Change) {
        let page: Vec<Box<[Line]>> = self.page.drain(..).map(Vec::into_boxed_slice).collect();
        change.apply(&mut self.lines, &page);
        let counted: &[Box<[Line]>] = match change {
            // A build appends page after page: only what is new is counted.
            Change::InPlace(replaced) if replaced.is_empty() => &page,
            Change::InPlace(_) | Change::Merge(_) => {
                self.count = 0;
                &self.lines
            }
        };
        self.count += counted.iter().map(|lines| lines.len()).sum::<usize>();
    }

    /// The lines as they are now, for readers.
    pub(super) fn publish(&self) -> ReportingLines {
        ReportingLines { managers: Arc::clone(self.managers.dictionary()), lines: Arc::clone(&self.lines) }
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        (self.lines.capacity() * size_of::<Box<[Line]>>() + self.count * size_of::<Line>()) as u64
            + self.managers.bytes()
    }
}
