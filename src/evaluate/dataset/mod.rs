//! The evidence of a run: every input, output and fault, the records that figures were made of, and what it takes to execute
//! the plugins again. As a Parquet file it is written by `write` and read back by `read`; the words about the run are in `header`.

use std::{collections::BTreeMap, sync::Arc};

use super::column::{Column, Texts};

mod behind;
mod decimal;
mod definition;
mod header;
mod layout;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub use behind::{Behind, RecordLists};
pub use definition::{kept as kept_measure, restored as restored_measure};
pub use header::{
    BaseHeader, BaseKind, Header, InputHeader, Kind, LineHeader, OutputHeader, Role, Source, StepHeader,
    StoredLimits, StoredRounding,
};
pub use layout::shadow as shadow_name;
pub use read::{ReadError, read};
pub use write::write;

/// The evidence of a run, one row per account manager, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// What the columns mean, and what it takes to execute the run again.
    pub header: Header,
    /// The account managers' ids, ascending.
    pub ids: Vec<Arc<str>>,
    /// What people call them.
    pub display_names: Texts,
    /// Which records figures were made of.
    pub behind: Behind,
    /// What went into each step, and what came out.
    pub steps: Vec<StepData>,
}

/// What went into a step, and what came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepData {
    /// In the order of the header.
    pub inputs: Vec<InputData>,
    /// The detail lines, for a step that takes some.
    pub lines: Option<LineData>,
    /// What makes the group of each row, for a plugin of scope group; a row without is faulted.
    pub groups: Option<Arc<Column>>,
    /// In the order of the header.
    pub outputs: Vec<Column>,
    /// What could not be scored, by row.
    pub faults: Faults,
}

/// The values of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputData {
    /// The values.
    pub column: Arc<Column>,
    /// How many records each comes from, where records are behind it.
    pub records: Option<Arc<Vec<u32>>>,
}

/// The detail lines of all rows, end to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineData {
    /// The lines of row i are those from ends[i-1] (0 for the first row) up to ends\[i\].
    pub ends: Vec<u32>,
    /// The id of the record that each line is.
    pub records: Texts,
    /// The line inputs, in the order of the header.
    pub columns: Vec<Column>,
}

/// Why rows could not be scored, by row.
pub type Faults = BTreeMap<u32, RowFault>;

/// Why a row could not be scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// The code of a `PluginReason`.
    pub reason: String,
    /// What happened, for people.
    pub message: String,
}

// === impl Dataset ===

impl Dataset {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ids.len()
    }

    /// The row of an account manager.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<usize> {
        self.ids.binary_search_by(|probe| (**probe).cmp(id)).ok()
    }

    /// Rows that at least one step could not score; shadows do not count.
    #[must_use]
    pub fn faulted(&self) -> Vec<bool> {
        let mut faulted = vec![false; self.rows()];
        for row in self.header.live().flat_map(|(place, _)| self.steps[place].faults.keys()) {
            faulted[*row as usize] = true;
        }
        faulted
    }

    /// Bytes it takes in memory, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let ids: usize = self.ids.iter().map(|id| id.len() + 32).sum();
        ids + self.display_names.bytes()
            + self.behind.bytes()
            + self.steps.iter().map(StepData::bytes).sum::<usize>()
    }
}

// === impl StepData ===

impl StepData {
    fn bytes(&self) -> usize {
        let input = |input: &InputData| {
            input.column.bytes()
                + input.records.as_ref().map_or(0, |records| records.len() * size_of::<u32>())
        };
        let fault = |fault: &RowFault| fault.reason.len() + fault.message.len() + 64;
        self.inputs.iter().map(input).sum::<usize>()
            + self.lines.as_ref().map_or(0, LineData::bytes)
            + self.groups.as_ref().map_or(0, |groups| groups.bytes())
            + self.outputs.iter().map(Column::bytes).sum::<usize>()
            + self.faults.values().map(fault).sum::<usize>()
    }
}

// === impl LineData ===

impl LineData {
    /// Where the lines of a row begin and end.
    #[must_use]
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        behind::range(&self.ends, row)
    }

    fn bytes(&self) -> usize {
        self.ends.len() * size_of::<u32>()
            + self.records.bytes()
            + self.columns.iter().map(Column::bytes).sum::<usize>()
    }
}
