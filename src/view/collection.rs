//! The view of one collection: columns, and the rows that names and references mean.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use merit_expression::{Column, Unscaled, Values};

use super::{ReportingLines, growing::Growing, plan};
use crate::model::{
    name::{Id, Name},
    schema::{FieldKind, Schema},
};

/// A collection as columns: one row per resource, in the order of names.
#[derive(Debug)]
pub struct View {
    /// The ids, sorted.
    pub ids: Arc<Vec<Arc<str>>>,
    /// By path of the field: `amount`, `owner`, `labels.region`. A reference is a text column whose dictionary is the
    /// names; an instant is the day in the team's time zone, with [`View::times`] beside it. What an expression names is
    /// better asked of [`View::column`].
    pub columns: BTreeMap<String, Arc<Column>>,
    /// Who reports to whom, when, in the view of account managers.
    pub reporting_lines: Option<ReportingLines>,
    pub(super) team: Id,
    pub(super) schema: &'static Schema,
    pub(super) names: OnceLock<Arc<Column>>,
    pub(super) resolved: Mutex<BTreeMap<String, Resolved>>,
}

/// The rows of another view that a reference column's texts mean, by code.
#[derive(Debug)]
pub(super) struct Resolved {
    target: Weak<View>,
    rows: Arc<Vec<Option<u32>>>,
}

/// What comes first by a field: the day of a date, the instant of a time.
#[derive(Clone, Debug)]
pub struct Times(Option<Arc<Column>>);

// === impl Times ===

impl Times {
    /// A number that is the smaller the earlier the row's time is; 0 where it has none.
    ///
    /// # Panics
    /// Beyond the last row.
    #[must_use]
    pub fn at(&self, row: usize) -> i128 {
        match self.0.as_ref().map(|column| &column.values) {
            Some(Values::Date(days)) => days[row].into(),
            Some(Values::Number { unscaled: Unscaled::Narrow(cells), .. }) => cells[row].into(),
            Some(Values::Number { unscaled: Unscaled::Wide(cells), .. }) => cells[row],
            _ => 0,
        }
    }
}

// === impl View ===

impl View {
    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ids.len()
    }

    /// The row of an id.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<usize> {
        self.ids.binary_search_by(|other| (**other).cmp(id)).ok()
    }

    /// The name of a row's resource.
    ///
    /// # Panics
    /// Beyond the last row.
    #[must_use]
    pub fn name(&self, row: usize) -> Name {
        let id = Id::parse(&self.ids[row]).expect("what is kept under an id has one");
        if self.schema.collection == Name::TEAMS {
            return Name::of_team(id);
        }
        Name::new(self.team.clone(), &self.schema.collection, id)
    }

    /// What the collection is made of.
    #[must_use]
    pub fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// The column of a path. Use this and not `columns` for what an expression names: `name` is made when it is first
    /// asked for, and the entry of a map that no record has is a column without values. Nothing where the schema has
    /// no such field.
    #[must_use]
    pub fn column(&self, path: &str) -> Option<Arc<Column>> {
        if path == plan::NAME {
            return Some(Arc::clone(self.names.get_or_init(|| Arc::new(self.name_column()))));
        }
        if let Some(column) = self.columns.get(path) {
            return Some(Arc::clone(column));
        }
        let entry_of_map = self.schema.field(path).is_some_and(|field| field.map);
        entry_of_map.then(|| Arc::new(Growing::new(FieldKind::Text, self.rows()).publish()))
    }

    /// What comes first by a field of dates or instants.
    #[must_use]
    pub fn times(&self, path: &str) -> Times {
        Times(self.columns.get(&plan::order_of(path)).cloned().or_else(|| self.column(path)))
    }

    /// For each code of a reference column, the row in the view of what is referred to; nothing where it is not there.
    /// Kept for the next time, as long as both views are the same. Nothing where the field is no reference to that
    /// collection.
    #[must_use]
    pub fn rows_in(&self, path: &str, target: &Arc<Self>) -> Option<Arc<Vec<Option<u32>>>> {
        let field = self.schema.field(path).filter(|field| field.kind == FieldKind::Reference)?;
        if field.reference.as_deref() != Some(target.schema.collection.as_str()) {
            return None;
        }
        let column = self.columns.get(path)?;
        let Values::Text { dictionary, .. } = &column.values else { return None };
        let mut resolved = self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = resolved.get(path)
            && std::ptr::eq(known.target.as_ptr(), Arc::as_ptr(target))
        {
            return Some(Arc::clone(&known.rows));
        }
        let rows: Arc<Vec<_>> = Arc::new(dictionary.iter().map(|name| target.row_of_name(name)).collect());
        let known = Resolved { target: Arc::downgrade(target), rows: Arc::clone(&rows) };
        resolved.insert(path.to_owned(), known);
        Some(rows)
    }

    /// The row of the resource of this name, where it is in this view.
    #[must_use]
    pub fn row_of_name(&self, name: &str) -> Option<u32> {
        let id = name.strip_prefix(self.prefix().as_str())?;
        u32::try_from(self.row(id)?).ok()
    }

    /// What all names in this view begin with.
    fn prefix(&self) -> String {
        if self.schema.collection == Name::TEAMS {
            return format!("{}/", Name::TEAMS);
        }
        format!("{}/{}/{}/", Name::TEAMS, self.team, self.schema.collection)
    }

    fn name_column(&self) -> Column {
        let prefix = self.prefix();
        let dictionary: Vec<Arc<str>> = self.ids.iter().map(|id| format!("{prefix}{id}").into()).collect();
        let codes = (0..u32::try_from(self.rows()).expect("rows fit their codes")).collect();
        Column {
            values: Values::Text { dictionary: Arc::new(dictionary), codes: Arc::new(codes) },
            missing: None,
        }
    }
}
