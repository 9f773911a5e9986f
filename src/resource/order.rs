//! Orders of lists: fields, each forwards or backwards, as keys that compare bytewise; ties go by name, and missing values
//! come last either way.

use crate::model::{
    cell::{Cell, CellReader},
    format::quoted,
    rejection::{Rejection, ResourceReason},
    schema::Schema,
    zone::Zone,
};

/// The most fields that an order may name.
const FIELDS_MAX: usize = 4;

/// Texts are compared by so many bytes, so that a position fits into a page token.
const TEXT_BYTES: usize = 256;

/// By what records are ordered before their names decide.
pub(crate) struct Order {
    fields: Vec<(CellReader, bool)>,
}

// === impl Order ===

impl Order {
    /// Reads `amount desc, close_date`.
    ///
    /// # Errors
    /// `INVALID_FILTER` that names the field.
    pub(crate) fn read(text: &str, schema: &Schema) -> Result<Self, Rejection> {
        let mut fields = Vec::new();
        for part in text.split(',').filter(|_| !text.trim().is_empty()) {
            let mut words = part.split_whitespace();
            let name = words.next().unwrap_or_default();
            let descending = match (words.next(), words.next()) {
                (None, _) | (Some("asc"), None) => false,
                (Some("desc"), None) => true,
                _ => return Err(refused(format!("{} is not a field with an optional desc", quoted(part)))),
            };
            let field = schema.field(name).ok_or_else(|| {
                refused(format!("{} is no field: accepted are {}", quoted(name), schema.known().join(", ")))
            })?;
            // What comes first does not depend on the zone.
            fields.push((CellReader::new(field, name, &Zone::UTC), descending));
        }
        if fields.len() > FIELDS_MAX {
            return Err(refused(format!("names {} fields: at most {FIELDS_MAX} are accepted", fields.len())));
        }
        Ok(Self { fields })
    }

    /// Whether names alone decide.
    pub(crate) fn is_by_name(&self) -> bool {
        self.fields.is_empty()
    }

    /// What a record is ordered by: compared as bytes.
    pub(crate) fn key(&self, record: &[u8]) -> Vec<u8> {
        let mut key = Vec::new();
        for (reader, descending) in &self.fields {
            let Some(cell) = reader.read(record) else {
                key.push(1);
                continue;
            };
            key.push(0);
            let start = key.len();
            put_cell(cell, &mut key);
            if *descending {
                key[start..].iter_mut().for_each(|byte| *byte = !*byte);
            }
        }
        key
    }
}

/// Appends bytes that compare as the values do.
fn put_cell(cell: Cell<'_>, key: &mut Vec<u8>) {
    match cell {
        Cell::Number(digits) => key.extend_from_slice(&(digits ^ i128::MIN).to_be_bytes()),
        Cell::Boolean(flag) => key.push(u8::from(flag)),
        Cell::Date(day) => key.extend_from_slice(&(day ^ i32::MIN).to_be_bytes()),
        Cell::Instant { nanoseconds, .. } => {
            key.extend_from_slice(&(nanoseconds ^ i128::MIN).to_be_bytes());
        }
        Cell::Text(text) => {
            key.extend_from_slice(&text.as_bytes()[..text.len().min(TEXT_BYTES)]);
            // No text that is kept has this byte in it: the shorter of two comes first.
            key.push(0);
        }
    }
}

fn refused(description: String) -> Rejection {
    Rejection::resource(ResourceReason::InvalidFilter, format!("order_by: {description}"))
        .violation("order_by", description)
}
