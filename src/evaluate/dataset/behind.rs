//! Which records the figures of a run were made of. A record is listed once, however many above its owner count it too: the
//! list of a row has what is nearest to it, and what a figure counts that rolls up is the lists of everybody below.

use std::{collections::BTreeMap, sync::Arc};

use super::header::{BaseHeader, BaseKind};
use crate::evaluate::hierarchy::Hierarchy;

/// Which records the figures of a run were made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// The ids of the records that are listed, by collection, ascending.
    pub ids: BTreeMap<String, Arc<Vec<Arc<str>>>>,
    /// What each base of the header lists.
    pub lists: Vec<Arc<RecordLists>>,
    /// The nearest row above each in the reporting line, where something rolls up.
    pub above: Option<Arc<Vec<Option<u32>>>>,
}

/// The records listed in each row: places in the ids of the collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordLists {
    /// The records of row i are those from ends[i-1] (0 for the first row) up to ends\[i\].
    pub ends: Vec<u32>,
    /// Ascending in each row.
    pub records: Vec<u32>,
}

/// Records of one collection: its name, and the ids.
pub type Found<'a> = (&'a str, Vec<&'a Arc<str>>);

// === impl Behind ===

impl Behind {
    /// The records that the figure in a row was made of, where it was made of these bases: by collection, then by id, each
    /// once.
    #[must_use]
    pub fn of<'a>(&'a self, bases: &[&'a BaseHeader], places: &[usize], row: usize) -> Vec<Found<'a>> {
        let mut union: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        let mut team = None;
        for (base, &place) in bases.iter().zip(places) {
            let Some(lists) = self.lists.get(place) else { continue };
            let records = union.entry(&base.collection).or_default();
            match (base.kind, &self.above) {
                (BaseKind::ReportingLine, Some(above)) => {
                    let team = team.get_or_insert_with(|| Hierarchy::of(above.to_vec()).team_of(row));
                    team.iter().for_each(|&row| records.extend_from_slice(lists.of(row as usize)));
                }
                _ => records.extend_from_slice(lists.of(row)),
            }
        }
        let named = union.into_iter().filter_map(|(collection, mut records)| {
            records.sort_unstable();
            records.dedup();
            let ids = self.ids.get(collection)?;
            Some((collection, records.into_iter().map(|record| &ids[record as usize]).collect()))
        });
        named.collect()
    }

    /// Bytes it takes in memory, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let ids = self.ids.values().flat_map(|ids| ids.iter()).map(|id| id.len() + 32).sum::<usize>();
        let lists: usize = self.lists.iter().map(|lists| lists.ends.len() + lists.records.len()).sum();
        let above = self.above.as_ref().map_or(0, |above| above.len() * 2);
        ids + (lists + above) * size_of::<u32>()
    }
}

// === impl RecordLists ===

impl RecordLists {
    /// The records of a row.
    ///
    /// # Panics
    /// Beyond the last row.
    #[must_use]
    pub fn of(&self, row: usize) -> &[u32] {
        &self.records[range(&self.ends, row)]
    }
}

/// Where the items of a row begin and end, of lists that lie end to end.
#[must_use]
pub fn range(ends: &[u32], row: usize) -> std::ops::Range<usize> {
    let start = if row == 0 { 0 } else { ends[row - 1] as usize };
    start..ends[row] as usize
}
