//! What expressions over a view may name.

use merit_expression::{Kind, Scope};

use super::is_kept;
use crate::model::schema::{Field, FieldKind, Schema};

/// The fields of a collection that views keep: all but `etag`.
#[derive(Clone, Copy, Debug)]
pub struct FieldScope(pub &'static Schema);

impl Scope for FieldScope {
    fn kind(&self, name: &str) -> Option<Kind> {
        let field: &Field = self.0.field(name)?;
        is_kept(field).then_some(match field.kind {
            FieldKind::Number { .. } => Kind::Number,
            FieldKind::Text | FieldKind::Enum | FieldKind::Reference => Kind::Text,
            FieldKind::Boolean => Kind::Boolean,
            FieldKind::Date | FieldKind::Timestamp => Kind::Date,
        })
    }

    fn names(&self) -> Vec<String> {
        self.0.fields.values().filter(|field| is_kept(field)).map(|field| field.path.clone()).collect()
    }

    fn values(&self, name: &str) -> Option<Vec<String>> {
        self.0.field(name)?.values()
    }

    fn form(&self, name: &str, text: &str) -> Option<String> {
        self.0.field(name)?.form(text)
    }
}
