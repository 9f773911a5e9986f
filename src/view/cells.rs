//! All that a collection has a cell per row of: columns, entries of maps, reporting lines. Which record goes to which row is
//! in `follower`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use merit_expression::Column;

use super::{
    ReportingLines,
    change::Change,
    growing::Growing,
    lines::GrowingLines,
    plan::{Layout, Sink},
};
use crate::model::{cell::Cell, schema::FieldKind};

/// All that has a cell per row, and the row of the page that is being read.
#[derive(Debug)]
pub(super) struct Cells {
    row: usize,
    columns: Vec<(String, Growing)>,
    maps: Vec<MapColumns>,
    lines: Option<GrowingLines>,
    rows: usize,
    page_rows: usize,
}

/// The columns of the entries of a map, by key.
#[derive(Debug)]
struct MapColumns {
    path: String,
    columns: HashMap<String, usize>,
}

// === impl Cells ===

impl Cells {
    /// The columns of a layout, without rows.
    pub(super) fn new(layout: Layout) -> Self {
        let columns = layout.columns.into_iter().map(|(path, kind)| (path, Growing::new(kind, 0))).collect();
        let maps = layout.maps.into_iter().map(|path| MapColumns { path, columns: HashMap::new() }).collect();
        let lines = layout.reporting_lines.then(GrowingLines::new);
        Self { row: 0, columns, maps, lines, rows: 0, page_rows: 0 }
    }

    /// Makes room for a page of so many records.
    pub(super) fn begin(&mut self, rows: usize) {
        self.page_rows = rows;
        self.columns.iter_mut().for_each(|(_, column)| column.begin(rows));
        if let Some(lines) = &mut self.lines {
            lines.begin(rows);
        }
    }

    /// What takes the record of this row of the page.
    pub(super) fn row(&mut self, row: usize) -> &mut Self {
        self.row = row;
        self
    }

    /// Makes the page a part of what is there: `rows` of them by now.
    pub(super) fn commit(&mut self, change: &Change, rows: usize) {
        self.rows = rows;
        self.columns.iter_mut().for_each(|(_, column)| column.commit(change));
        if let Some(lines) = &mut self.lines {
            lines.commit(change);
        }
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        let columns: u64 = self.columns.iter().map(|(_, column)| column.bytes()).sum();
        columns + self.lines.as_ref().map_or(0, GrowingLines::bytes)
    }

    /// The columns as they are now, for readers.
    pub(super) fn columns(&self) -> BTreeMap<String, Arc<Column>> {
        let columns = self.columns.iter();
        columns.map(|(path, column)| (path.clone(), Arc::new(column.publish()))).collect()
    }

    /// The reporting lines as they are now, for readers; nothing where records have none.
    pub(super) fn reporting_lines(&self) -> Option<ReportingLines> {
        self.lines.as_ref().map(GrowingLines::publish)
    }
}

impl Sink for Cells {
    fn cell(&mut self, column: usize, value: Cell<'_>) {
        let column = &mut self.columns[column].1;
        match value {
            Cell::Number(number) => column.set_number(self.row, number),
            Cell::Text(text) => column.set_text(self.row, text),
            Cell::Boolean(flag) => column.set_flag(self.row, flag),
            Cell::Date(days) | Cell::Instant { day: days, .. } => column.set_days(self.row, days),
        }
    }

    fn entry(&mut self, map: usize, key: &str, value: &str) {
        let columns = &mut self.columns;
        let map = &mut self.maps[map];
        let column = map.columns.get(key).copied().unwrap_or_else(|| {
            let mut column = Growing::new(FieldKind::Text, self.rows);
            column.begin(self.page_rows);
            columns.push((format!("{}.{key}", map.path), column));
            map.columns.insert(key.to_owned(), columns.len() - 1);
            columns.len() - 1
        });
        columns[column].1.set_text(self.row, value);
    }

    fn reporting_line(&mut self, manager: &str, from: i32, until: i32) {
        if let Some(lines) = &mut self.lines {
            lines.add(self.row, manager, from, until);
        }
    }
}
