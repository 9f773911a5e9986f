//! A column that grows and follows: what is there, shared with the views that readers hold, and the page of cells just
//! decoded, which a change makes part of it.

use std::sync::Arc;

use merit_expression::{Column, Unscaled, Values};

use super::{change::Change, texts::Texts};
use crate::model::schema::FieldKind;

/// A column that grows.
#[derive(Debug)]
pub(super) struct Growing {
    content: Content,
    missing: Arc<Vec<bool>>,
    page_missing: Vec<bool>,
}

#[derive(Debug)]
enum Content {
    Number { scale: u8, unscaled: Unscaled, page: Vec<i128> },
    Text { texts: Texts, codes: Arc<Vec<u32>>, page: Vec<u32> },
    Boolean { flags: Arc<Vec<bool>>, page: Vec<bool> },
    Date { days: Arc<Vec<i32>>, page: Vec<i32> },
}

// === impl Growing ===

impl Growing {
    /// A column of this kind with `rows` missing values.
    pub(super) fn new(kind: FieldKind, rows: usize) -> Self {
        let content = match kind {
            FieldKind::Number { scale } => {
                Content::Number { scale, unscaled: Unscaled::Narrow(filled(rows)), page: Vec::new() }
            }
            FieldKind::Text | FieldKind::Enum | FieldKind::Reference => {
                Content::Text { texts: Texts::new(), codes: filled(rows), page: Vec::new() }
            }
            FieldKind::Boolean => Content::Boolean { flags: filled(rows), page: Vec::new() },
            FieldKind::Date | FieldKind::Timestamp => Content::Date { days: filled(rows), page: Vec::new() },
        };
        Self { content, missing: Arc::new(vec![true; rows]), page_missing: Vec::new() }
    }

    /// Begins a page of `rows` missing values.
    pub(super) fn begin(&mut self, rows: usize) {
        self.page_missing.clear();
        self.page_missing.resize(rows, true);
        match &mut self.content {
            Content::Number { page, .. } => refill(page, rows),
            Content::Text { page, .. } => refill(page, rows),
            Content::Boolean { page, .. } => refill(page, rows),
            Content::Date { page, .. } => refill(page, rows),
        }
    }

    /// Sets a number in the page. A column of another kind does not change.
    pub(super) fn set_number(&mut self, row: usize, value: i128) {
        if let Content::Number { page, .. } = &mut self.content {
            page[row] = value;
            self.page_missing[row] = false;
        }
    }

    /// Sets a text in the page; the empty one is missing.
    pub(super) fn set_text(&mut self, row: usize, value: &str) {
        if let Content::Text { texts, page, .. } = &mut self.content {
            page[row] = texts.code(value);
            self.page_missing[row] = value.is_empty();
        }
    }

    /// Sets a flag in the page.
    pub(super) fn set_flag(&mut self, row: usize, value: bool) {
        if let Content::Boolean { page, .. } = &mut self.content {
            page[row] = value;
            self.page_missing[row] = false;
        }
    }

    /// Sets a date in the page, as days since 1970-01-01.
    pub(super) fn set_days(&mut self, row: usize, value: i32) {
        if let Content::Date { page, .. } = &mut self.content {
            page[row] = value;
            self.page_missing[row] = false;
        }
    }

    /// Makes the page a part of the column.
    pub(super) fn commit(&mut self, change: &Change) {
        change.apply(&mut self.missing, &self.page_missing);
        match &mut self.content {
            Content::Number { unscaled, page, .. } => commit_numbers(unscaled, page, change),
            Content::Text { texts, codes, page } => {
                change.apply(codes, page);
                // Texts that changes left behind may not outgrow those in use.
                if texts.dictionary().len() > 2 * codes.len() + 1024 {
                    (*texts, *codes) = compacted(texts, codes);
                }
            }
            Content::Boolean { flags, page } => change.apply(flags, page),
            Content::Date { days, page } => change.apply(days, page),
        }
    }

    /// The column as it is now, for readers.
    pub(super) fn publish(&self) -> Column {
        let values = match &self.content {
            Content::Number { scale, unscaled, .. } => {
                Values::Number { scale: *scale, unscaled: unscaled.clone() }
            }
            Content::Text { texts, codes, .. } => {
                Values::Text { dictionary: Arc::clone(texts.dictionary()), codes: Arc::clone(codes) }
            }
            Content::Boolean { flags, .. } => Values::Boolean(Arc::clone(flags)),
            Content::Date { days, .. } => Values::Date(Arc::clone(days)),
        };
        let missing = self.missing.contains(&true).then(|| Arc::clone(&self.missing));
        Column { values, missing }
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        let content = match &self.content {
            Content::Number { unscaled: Unscaled::Narrow(cells), .. } => cells.capacity() * 8,
            Content::Number { unscaled: Unscaled::Wide(cells), .. } => cells.capacity() * 16,
            Content::Text { codes, .. } => codes.capacity() * 4,
            Content::Boolean { flags, .. } => flags.capacity(),
            Content::Date { days, .. } => days.capacity() * 4,
        };
        let texts = if let Content::Text { texts, .. } = &self.content { texts.bytes() } else { 0 };
        (content + self.missing.capacity()) as u64 + texts
    }
}

fn filled<T: Clone + Default>(rows: usize) -> Arc<Vec<T>> {
    Arc::new(vec![T::default(); rows])
}

fn refill<T: Clone + Default>(page: &mut Vec<T>, rows: usize) {
    page.clear();
    page.resize(rows, T::default());
}

/// Numbers stay narrow until the first that does not fit.
fn commit_numbers(unscaled: &mut Unscaled, page: &[i128], change: &Change) {
    if let Unscaled::Narrow(cells) = unscaled {
        let narrow: Option<Vec<i64>> = page.iter().map(|&cell| i64::try_from(cell).ok()).collect();
        if let Some(narrow) = narrow {
            return change.apply(cells, &narrow);
        }
        *unscaled = Unscaled::Wide(Arc::new(cells.iter().map(|&cell| i128::from(cell)).collect()));
    }
    if let Unscaled::Wide(cells) = unscaled {
        change.apply(cells, page);
    }
}

/// The same texts without those that no row has.
fn compacted(texts: &Texts, codes: &[u32]) -> (Texts, Arc<Vec<u32>>) {
    let mut kept = Texts::new();
    let codes = codes.iter().map(|&code| kept.code(&texts.dictionary()[code as usize])).collect();
    (kept, Arc::new(codes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(kind: FieldKind, set: impl FnOnce(&mut Growing), rows: usize) -> Column {
        let mut column = Growing::new(kind, 0);
        column.begin(rows);
        set(&mut column);
        column.commit(&Change::InPlace(Vec::new()));
        column.publish()
    }

    #[test]
    fn numbers_widen_when_they_have_to() {
        let wide = i128::from(i64::MAX) + 1;
        let mut column = Growing::new(FieldKind::Number { scale: 2 }, 1);
        column.begin(1);
        column.set_number(0, 7);
        column.commit(&Change::InPlace(Vec::new()));
        let narrow = Unscaled::Narrow(Arc::new(vec![0, 7]));
        assert_eq!(column.publish().values, Values::Number { scale: 2, unscaled: narrow });
        column.begin(1);
        column.set_number(0, wide);
        column.commit(&Change::InPlace(vec![0]));
        let widened = Unscaled::Wide(Arc::new(vec![wide, 7]));
        assert_eq!(
            column.publish(),
            Column { values: Values::Number { scale: 2, unscaled: widened }, missing: None }
        );
    }

    #[test]
    fn what_is_not_set_is_missing() {
        let column = appended(FieldKind::Text, |column| column.set_text(1, "b"), 3);
        assert_eq!(column.missing, Some(Arc::new(vec![true, false, true])));
        let column = appended(FieldKind::Text, |column| column.set_text(0, ""), 1);
        assert_eq!(column.missing, Some(Arc::new(vec![true])));
        let column = appended(FieldKind::Boolean, |column| column.set_flag(0, false), 1);
        assert_eq!(column, Column { values: Values::Boolean(Arc::new(vec![false])), missing: None });
    }

    #[test]
    fn texts_that_nobody_has_any_more_go() {
        let mut column = Growing::new(FieldKind::Text, 0);
        for number in 0..5000 {
            column.begin(1);
            column.set_text(0, &format!("text {number}"));
            column.commit(&Change::InPlace(if number == 0 { vec![] } else { vec![0] }));
        }
        let Values::Text { dictionary, codes } = column.publish().values else { panic!("a text column") };
        assert_eq!(&*dictionary[codes[0] as usize], "text 4999");
        assert!(dictionary.len() < 2000, "{} texts", dictionary.len());
    }
}
