//! What a measure comes to: rounded once, at the very end.

use super::fold::{Figure, TOO_LARGE};
use crate::model::name::Name;

/// One figure per row of the account managers' view, in its order of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Decimals of the figures.
    pub scale: u8,
    /// The figure of row i is unscaled\[i\] × 10^-scale; 0 in a missing row.
    pub unscaled: Vec<i128>,
    /// True where there is no figure: no records to aggregate, nothing to divide by, or a fault.
    pub missing: Vec<bool>,
    /// From how many records the figure comes.
    pub records: Vec<u64>,
    /// The rows that have no figure because it cannot be reckoned, with the reason; by row, at most one for each.
    pub faults: Vec<(usize, String)>,
}

// === impl Figures ===

impl Figures {
    /// Whether the row has a figure, and which.
    ///
    /// # Panics
    /// Beyond the last row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<i128> {
        (!self.missing[row]).then(|| self.unscaled[row])
    }

    pub(super) fn rounded(figures: &[Figure], records: Vec<u64>, scale: u8, measure: &Name) -> Self {
        let mut rounded = Self {
            scale,
            unscaled: vec![0; figures.len()],
            missing: vec![true; figures.len()],
            records,
            faults: Vec::new(),
        };
        for (row, figure) in figures.iter().enumerate() {
            let figure = match figure {
                Ok(None) => continue,
                Ok(Some(exact)) => exact.round(scale).ok_or(TOO_LARGE),
                Err(message) => Err(message.as_str()),
            };
            match figure {
                Ok(unscaled) => (rounded.unscaled[row], rounded.missing[row]) = (unscaled, false),
                Err(message) => rounded.faults.push((row, format!("measure {}: {message}", measure.id()))),
            }
        }
        rounded
    }
}
