//! What a mapping says, read and checked: where ids and values come from, and which rows are left out.

use std::collections::{BTreeSet, HashMap};

use crate::transfer::{directory::Lookup, number::NumberForm, path::FieldPath, template::Template};

/// Where the id of a record comes from.
#[derive(Clone, Debug)]
pub(in crate::transfer) enum IdRule {
    /// The slug of a text.
    Slug(Template),
    /// The last part of the name in a column.
    Name(usize),
}

/// How a field gets its value.
#[derive(Clone, Debug)]
pub(in crate::transfer) struct FieldMapping {
    pub(in crate::transfer) path: FieldPath,
    pub(in crate::transfer) source: Template,
    /// What texts of the file mean.
    pub(in crate::transfer) values: HashMap<String, String>,
    /// Whether a text that `values` does not have is refused.
    pub(in crate::transfer) listed_only: bool,
    pub(in crate::transfer) dates: Vec<String>,
    pub(in crate::transfer) number: Option<NumberForm>,
    pub(in crate::transfer) lookup: Option<Lookup>,
    pub(in crate::transfer) default: Option<String>,
    pub(in crate::transfer) reject_empty: bool,
}

/// Rows that are left out.
#[derive(Clone, Debug)]
pub(in crate::transfer) struct RowRule {
    pub(in crate::transfer) column: usize,
    /// The values that leave a row out; the empty text is one of them where the rule says `empty`.
    pub(in crate::transfer) values: BTreeSet<String>,
    pub(in crate::transfer) because: String,
}
