//! Who reports to whom on a day, and who is below whom.

use jiff::civil::Date;

use crate::view::View;

/// The reporting lines of a day, over the rows of the account managers' view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// The row of the one reported to, if there is one; one per row.
    pub manager: Vec<Option<u32>>,
}

// === impl Hierarchy ===

impl Hierarchy {
    /// The reporting lines of a day, from the account managers' view.
    #[must_use]
    pub fn as_of(_view: &View, _day: Date) -> Self {
        todo!()
    }

    /// Everybody below the row, direct and through others, and the row itself; ascending.
    #[must_use]
    pub fn team_of(&self, _row: usize) -> Vec<u32> {
        todo!()
    }
}
