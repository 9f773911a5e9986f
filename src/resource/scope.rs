//! The names that an expression over a collection may use: its fields, by their proto names. Also what is said of
//! expressions, in the same words everywhere.

use merit_expression::{Kind, Scope};

use crate::model::schema::{FieldKind, Schema};

/// The fields of a collection, for expressions.
#[derive(Clone, Copy, Debug)]
pub struct CollectionScope<'a> {
    schema: &'a Schema,
}

// === impl CollectionScope ===

impl<'a> CollectionScope<'a> {
    /// The fields of this collection.
    #[must_use]
    pub fn new(schema: &'a Schema) -> Self {
        Self { schema }
    }
}

impl Scope for CollectionScope<'_> {
    fn kind(&self, name: &str) -> Option<Kind> {
        self.schema.field(name).map(|field| expression_kind(field.kind))
    }

    fn names(&self) -> Vec<String> {
        self.schema.known()
    }

    fn values(&self, name: &str) -> Option<Vec<String>> {
        self.schema.field(name)?.values()
    }

    fn form(&self, name: &str, text: &str) -> Option<String> {
        self.schema.field(name)?.form(text)
    }
}

/// What a value of a field is in an expression.
#[must_use]
pub fn expression_kind(kind: FieldKind) -> Kind {
    match kind {
        FieldKind::Number { .. } => Kind::Number,
        FieldKind::Text | FieldKind::Enum | FieldKind::Reference => Kind::Text,
        FieldKind::Boolean => Kind::Boolean,
        FieldKind::Date | FieldKind::Timestamp => Kind::Date,
    }
}

/// What people call a kind.
#[must_use]
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "number",
        Kind::Text => "text",
        Kind::Boolean => "truth value",
        Kind::Date => "date",
    }
}
