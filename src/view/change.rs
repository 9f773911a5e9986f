//! How a batch of records that were decoded in order (a page) becomes part of what is there already, the same for every
//! vector with one cell per row.

use std::sync::Arc;

/// Where the rows of a page go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Row i of the page replaces row `rows[i]`; the rest of the page is appended.
    InPlace(Vec<usize>),
    /// Everything is put together anew from these pieces.
    Merge(Vec<Piece>),
}

/// A run of rows, `from` included, `to` not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Of what is there.
    Kept {
        /// The first row.
        from: usize,
        /// The row after the last.
        to: usize,
    },
    /// Of the page.
    New {
        /// The first row.
        from: usize,
        /// The row after the last.
        to: usize,
    },
}

// === impl Change ===

impl Change {
    /// Applies it to one vector. What nobody else reads is changed where it is; what does not change is not copied.
    pub(super) fn apply<T: Clone + PartialEq>(&self, cells: &mut Arc<Vec<T>>, page: &[T]) {
        match self {
            Self::InPlace(rows) => {
                let (replacing, appended) = page.split_at(rows.len());
                if rows.iter().zip(replacing).any(|(&row, cell)| cells[row] != *cell) {
                    let cells = Arc::make_mut(cells);
                    for (&row, cell) in rows.iter().zip(replacing) {
                        cells[row] = cell.clone();
                    }
                }
                if !appended.is_empty() {
                    Arc::make_mut(cells).extend_from_slice(appended);
                }
            }
            Self::Merge(pieces) => {
                let mut merged = Vec::with_capacity(cells.len() + page.len());
                for piece in pieces {
                    merged.extend_from_slice(match *piece {
                        Piece::Kept { from, to } => &cells[from..to],
                        Piece::New { from, to } => &page[from..to],
                    });
                }
                *cells = Arc::new(merged);
            }
        }
    }

    /// Plans a batch over `rows` rows: `puts[i]` says where row i of the page belongs (`Ok` replaces that row, `Err` is
    /// inserted before it), `deletes` which rows go; both ascending.
    pub(super) fn plan(rows: usize, puts: &[Result<usize, usize>], deletes: &[usize]) -> Self {
        let replaced: Vec<usize> = puts.iter().map_while(|put| put.ok()).collect();
        let appends_only = puts[replaced.len()..].iter().all(|put| *put == Err(rows));
        if deletes.is_empty() && appends_only {
            return Self::InPlace(replaced);
        }
        let mut pieces = Pieces::default();
        let mut deletes = deletes.iter().copied().peekable();
        let mut next = 0;
        for (page_row, &put) in puts.iter().enumerate() {
            let (Ok(row) | Err(row)) = put;
            while let Some(deleted) = deletes.next_if(|&deleted| deleted < row) {
                pieces.keep(next, deleted);
                next = deleted + 1;
            }
            pieces.keep(next, row);
            pieces.add(page_row);
            next = row + usize::from(put.is_ok());
        }
        for deleted in deletes {
            pieces.keep(next, deleted);
            next = deleted + 1;
        }
        pieces.keep(next, rows);
        Self::Merge(pieces.0)
    }
}

/// Pieces, those that touch made one.
#[derive(Default)]
struct Pieces(Vec<Piece>);

// === impl Pieces ===

impl Pieces {
    fn keep(&mut self, from: usize, to: usize) {
        if from < to {
            self.0.push(Piece::Kept { from, to });
        }
    }

    fn add(&mut self, page_row: usize) {
        if let Some(Piece::New { to, .. }) = self.0.last_mut()
            && *to == page_row
        {
            *to += 1;
            return;
        }
        self.0.push(Piece::New { from: page_row, to: page_row + 1 });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What a batch over a sorted vector of keys gives, and whether it was done in place.
    fn applied(before: &[u32], puts: &[u32], deletes: &[u32]) -> (Vec<u32>, bool) {
        let places: Vec<_> = puts.iter().map(|key| before.binary_search(key)).collect();
        let gone: Vec<_> = deletes.iter().filter_map(|key| before.binary_search(key).ok()).collect();
        let change = Change::plan(before.len(), &places, &gone);
        let mut cells = Arc::new(before.to_vec());
        change.apply(&mut cells, puts);
        (cells.to_vec(), matches!(change, Change::InPlace(_)))
    }

    #[test]
    fn batches() {
        let check = |before: &[u32], puts: &[u32], deletes: &[u32], after: &[u32], in_place: bool| {
            assert_eq!(applied(before, puts, deletes), (after.to_vec(), in_place));
        };
        check(&[], &[1, 2], &[], &[1, 2], true);
        check(&[1, 3], &[3, 5], &[], &[1, 3, 5], true);
        check(&[1, 3], &[2], &[], &[1, 2, 3], false);
        check(&[1, 3], &[0], &[], &[0, 1, 3], false);
        check(&[1, 3], &[], &[1], &[3], false);
        check(&[1, 3], &[], &[1, 3], &[], false);
        check(&[1, 3], &[2, 3], &[1], &[2, 3], false);
        check(&[1, 3], &[], &[2], &[1, 3], true);
    }

    proptest! {
        #[test]
        fn a_batch_does_what_a_map_would(
            before in prop::collection::btree_set(0_u32..60, 0..40),
            batch in prop::collection::btree_map(0_u32..60, any::<bool>(), 0..40),
        ) {
            let puts: Vec<u32> = batch.iter().filter(|(_, put)| **put).map(|(key, _)| *key).collect();
            let deletes: Vec<u32> = batch.iter().filter(|(_, put)| !**put).map(|(key, _)| *key).collect();
            let mut expected: BTreeMap<u32, ()> = before.iter().map(|&key| (key, ())).collect();
            expected.extend(puts.iter().map(|&key| (key, ())));
            expected.retain(|key, ()| !deletes.contains(key));
            let before: Vec<u32> = before.into_iter().collect();
            let (after, _) = applied(&before, &puts, &deletes);
            prop_assert_eq!(after, expected.into_keys().collect::<Vec<_>>());
        }
    }
}
