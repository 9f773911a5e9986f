//! Blocks of rows in, columns out: rows are evaluated in blocks that stay in the processor's cache.

use super::lane::{Cells, Data, Gathered, Lane};
use crate::fault::{FINE, Faults, is_fault};
use crate::{Column, Kind, RowFault, Values};
use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

/// Rows in a block, at least.
const ROWS: usize = 2048;

/// How many rows to take at a time: more where a dictionary is large, since some work is done once for each of its entries.
pub(crate) fn block_rows<'c>(columns: impl IntoIterator<Item = &'c Column>) -> usize {
    columns.into_iter().fold(ROWS, |rows, column| match &column.values {
        Values::Text { dictionary, .. } => rows.max(dictionary.len().saturating_mul(8)),
        _ => rows,
    })
}

/// Gathers the lanes of all blocks into one column.
pub(crate) struct Output {
    kind: Kind,
    scale: u8,
    numbers: Gathered,
    flags: Vec<bool>,
    days: Vec<i32>,
    codes: Vec<u32>,
    dictionary: Vec<Arc<str>>,
    known: BTreeMap<Arc<str>, u32>,
    missing: Vec<bool>,
    any_missing: bool,
}

impl Output {
    pub(crate) fn new(kind: Kind, rows: usize) -> Self {
        let room = |wanted: Kind| if kind == wanted { rows } else { 0 };
        Self {
            kind,
            scale: 0,
            numbers: Gathered::with_capacity(room(Kind::Number)),
            flags: Vec::with_capacity(room(Kind::Boolean)),
            days: Vec::with_capacity(room(Kind::Date)),
            codes: Vec::with_capacity(room(Kind::Text)),
            dictionary: Vec::new(),
            known: BTreeMap::new(),
            missing: Vec::with_capacity(rows),
            any_missing: false,
        }
    }

    /// Appends a block. A scale is the same for every block: it does not depend on values. Rows without a value get a zero, so
    /// that equal results are equal bytes.
    pub(crate) fn push(&mut self, lane: &Lane<'_>, rows: usize) {
        match &lane.data {
            Data::Number(scale, digits) => {
                self.scale = *scale;
                match &lane.status {
                    Cells::One(FINE) => self.numbers.extend(digits, rows),
                    status => {
                        (0..rows).for_each(|row| {
                            self.numbers.push(if status.get(row) == FINE { digits.get(row) } else { 0 })
                        });
                    }
                }
            }
            Data::Boolean(flags) => {
                self.flags.extend((0..rows).map(|row| lane.status.get(row) == FINE && flags.get(row)))
            }
            Data::Date(days) => {
                self.days.extend(
                    (0..rows).map(|row| if lane.status.get(row) == FINE { days.get(row) } else { 0 }),
                );
            }
            Data::Text(texts) => {
                let mut codes: Vec<Option<u32>> = alloc::vec![None; texts.dictionary.len()];
                for row in 0..rows {
                    let code = texts.codes.get(row) as usize;
                    let fine = lane.status.get(row) == FINE;
                    let (true, Some(text), Some(cached)) =
                        (fine, texts.dictionary.get(code), codes.get_mut(code))
                    else {
                        self.codes.push(0);
                        continue;
                    };
                    let (known, dictionary) = (&mut self.known, &mut self.dictionary);
                    self.codes.push(*cached.get_or_insert_with(|| {
                        *known.entry(text.clone()).or_insert_with(|| {
                            dictionary.push(text.clone());
                            (dictionary.len() - 1) as u32
                        })
                    }));
                }
            }
        }
        self.push_status(lane, rows);
    }

    fn push_status(&mut self, lane: &Lane<'_>, rows: usize) {
        match &lane.status {
            Cells::One(status) => {
                self.any_missing |= *status != FINE && rows > 0;
                self.missing.resize(self.missing.len() + rows, *status != FINE);
            }
            Cells::Many(all) => {
                self.missing.extend(all.iter().map(|status| *status != FINE));
                self.any_missing |= all.iter().any(|status| *status != FINE);
            }
        }
    }

    pub(crate) fn column(self) -> Column {
        let values = match self.kind {
            Kind::Number => Values::Number { scale: self.scale, unscaled: self.numbers.unscaled() },
            Kind::Boolean => Values::Boolean(Arc::new(self.flags)),
            Kind::Date => Values::Date(Arc::new(self.days)),
            Kind::Text => {
                let mut dictionary = self.dictionary;
                if dictionary.is_empty() {
                    dictionary.push(Arc::from(""));
                }
                Values::Text { dictionary: Arc::new(dictionary), codes: Arc::new(self.codes) }
            }
        };
        Column { values, missing: self.any_missing.then(|| Arc::new(self.missing)) }
    }
}

/// The faults of a lane's rows, `start` being the number of its first row.
pub(crate) fn row_faults(
    lane: &Lane<'_>,
    rows: usize,
    start: usize,
    faults: &Faults,
    found: &mut Vec<RowFault>,
) {
    if lane.status.is_one() && !is_fault(lane.status.get(0)) {
        return;
    }
    for row in 0..rows {
        let status = lane.status.get(row);
        if is_fault(status) {
            found.push(RowFault { row: (start + row) as u32, message: faults.message(status) });
        }
    }
}
