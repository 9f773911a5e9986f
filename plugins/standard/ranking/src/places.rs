//! Who is ahead of whom, and the named methods for ties.

use alloc::{string::String, vec::Vec};
use core::{cmp::Reverse, ops::Range};

use merit_sdk::Decimal;

/// How those who are tied are placed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Ties {
    /// 1 2 2 4
    #[default]
    Standard,
    /// 1 3 3 4
    Modified,
    /// 1 2 2 3
    Dense,
    /// 1 2 3 4
    Ordinal,
    /// 1 2.5 2.5 4
    Fractional,
}

/// Where a row stands.
pub struct Standing {
    /// The row.
    pub row: usize,
    /// How many are strictly ahead.
    pub ahead: usize,
    /// How many different keys are strictly ahead.
    pub distinct_ahead: usize,
    /// How many have the same keys, this one included.
    pub tied: usize,
    /// The position among those, in the order of rows, from 0.
    pub among: usize,
}

/// The rows in the order of their keys, the largest first; where they are the same in the order of rows.
pub fn standings(rows: &[usize], keys: &[Vec<Decimal>]) -> Vec<Standing> {
    let mut order = rows.to_vec();
    order.sort_by_key(|&row| (Reverse(&keys[row]), row));
    let mut standings: Vec<Standing> = Vec::with_capacity(order.len());
    let ties = order.chunk_by(|&a, &b| keys[a] == keys[b]);
    for (distinct_ahead, tied) in ties.enumerate() {
        let ahead = standings.len();
        let one =
            |(among, &row): (usize, &usize)| Standing { row, ahead, distinct_ahead, tied: tied.len(), among };
        standings.extend(tied.iter().enumerate().map(one));
    }
    standings
}

// === impl Ties ===

impl Ties {
    /// The names that the parameters have for them.
    pub const NAMES: [&str; 5] = ["standard", "modified", "dense", "ordinal", "fractional"];

    /// The method of a name.
    pub fn named(name: &str) -> Self {
        match name {
            "modified" => Self::Modified,
            "dense" => Self::Dense,
            "ordinal" => Self::Ordinal,
            "fractional" => Self::Fractional,
            _ => Self::Standard,
        }
    }

    /// The places, from 0, that those who are tied with a standing take together, and whose prizes they share. A place that
    /// dense ties give to several is one; an ordinal place is one's own.
    pub fn taken(self, standing: &Standing) -> Range<usize> {
        let one = |place: usize| place..place + 1;
        match self {
            Self::Dense => one(standing.distinct_ahead),
            Self::Ordinal => one(standing.ahead + standing.among),
            Self::Standard | Self::Modified | Self::Fractional => {
                standing.ahead..standing.ahead + standing.tied
            }
        }
    }

    /// The place of a standing.
    pub fn place(self, standing: &Standing) -> Result<Decimal, String> {
        let taken = self.taken(standing);
        let (first, last) = (taken.start + 1, taken.end);
        let whole = |place: usize| Ok(Decimal::new(place as i128, 0));
        match self {
            Self::Standard | Self::Dense | Self::Ordinal => whole(first),
            Self::Modified => whole(last),
            Self::Fractional => Decimal::new((first + last) as i128, 0).over(Decimal::new(2, 0)),
        }
    }

    /// The place, from 0, whose prize one gets who shares none: the one that is shown, or where that is between two the
    /// better one.
    pub fn paid(self, standing: &Standing) -> usize {
        let taken = self.taken(standing);
        match self {
            Self::Modified => taken.end - 1,
            Self::Fractional => (taken.start + taken.end - 1) / 2,
            Self::Standard | Self::Dense | Self::Ordinal => taken.start,
        }
    }
}
