//! The newest records, in memory, so that those who follow the journal do not read its files.

use std::{collections::VecDeque, sync::Arc};

use super::{Record, Sequence};

/// The newest records, as many as a number of bytes holds.
#[derive(Debug)]
pub(super) struct Recent {
    records: VecDeque<(usize, Arc<Record>)>,
    bytes: usize,
    bytes_max: usize,
}

// === impl Recent ===

impl Recent {
    /// Keeps at most this many bytes of records.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { records: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Adds the next record, which took `bytes` on disk, and forgets the oldest when there are too many.
    pub(super) fn push(&mut self, record: Arc<Record>, bytes: usize) {
        debug_assert!(self.records.back().is_none_or(|(_, last)| last.sequence + 1 == record.sequence));
        self.bytes += bytes;
        self.records.push_back((bytes, record));
        while self.bytes > self.bytes_max {
            let Some((freed, _)) = self.records.pop_front() else { return };
            self.bytes -= freed;
        }
    }

    /// The records after `after`, at most `limit`; nothing where the first of them is not here any more.
    pub(super) fn after(&self, after: Sequence, limit: usize) -> Option<Vec<Arc<Record>>> {
        let first = self.records.front()?.1.sequence;
        let skipped = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        Some(self.records.iter().skip(skipped).take(limit).map(|(_, record)| record.clone()).collect())
    }
}
