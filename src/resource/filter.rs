//! Filters of lists: an expression, compiled once for a list and evaluated over batches of encoded records.

use std::{collections::HashMap, sync::Arc};

use merit_expression::{Column, Expression, Kind, Unscaled, Values};

use super::scope::{CollectionScope, kind_name};
use crate::model::{
    cell::{Cell, CellReader},
    rejection::{Rejection, ResourceReason},
    schema::{FieldKind, Schema},
    zone::Zone,
};

/// A condition over the records of a collection.
pub(crate) struct Filter {
    expression: Expression,
    /// One per name of the expression.
    readers: Vec<CellReader>,
}

// === impl Filter ===

impl Filter {
    /// Compiles a filter; nothing for the empty text, which lets everything pass. Days are those of the zone.
    ///
    /// # Errors
    /// `INVALID_FILTER` with every problem and its position.
    pub(crate) fn compile(text: &str, schema: &Schema, zone: &Zone) -> Result<Option<Self>, Rejection> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let expression = Expression::compile(text, &CollectionScope::new(schema))
            .map_err(|problems| refused(problems.iter().map(ToString::to_string).collect()))?;
        if expression.kind() != Kind::Boolean {
            return Err(refused(vec![format!(
                "it gives a {}: a condition like display_name = \"Anna\" is wanted",
                kind_name(expression.kind())
            )]));
        }
        let readers = expression
            .names()
            .iter()
            .filter_map(|name| schema.field(name).map(|field| CellReader::new(field, name, zone)))
            .collect();
        Ok(Some(Self { expression, readers }))
    }

    /// For each record, whether it passes. One on which the condition has no value (something is missing, or divided by
    /// zero) does not.
    pub(crate) fn passes(&self, records: &[&[u8]]) -> Vec<bool> {
        let columns: Vec<Column> = self.readers.iter().map(|reader| column(reader, records)).collect();
        let columns: Vec<&Column> = columns.iter().collect();
        let found = self.expression.evaluate(records.len(), &columns).column;
        let Values::Boolean(flags) = &found.values else { return vec![false; records.len()] };
        (0..records.len())
            .map(|row| {
                let missing = found.missing.as_ref().is_some_and(|missing| missing[row]);
                !missing && flags.get(row).copied().unwrap_or(false)
            })
            .collect()
    }
}

fn refused(problems: Vec<String>) -> Rejection {
    let mut rejection =
        Rejection::resource(ResourceReason::InvalidFilter, format!("filter: {}", problems.join("; ")));
    for problem in problems {
        rejection = rejection.violation("filter", problem);
    }
    rejection
}

/// The values of a field in some records.
fn column(reader: &CellReader, records: &[&[u8]]) -> Column {
    let cells: Vec<Option<Cell<'_>>> = records.iter().map(|record| reader.read(record)).collect();
    let missing: Vec<bool> = cells.iter().map(Option::is_none).collect();
    let missing = missing.contains(&true).then(|| Arc::new(missing));
    let values = match reader.kind() {
        FieldKind::Number { scale } => {
            let digits: Vec<i128> = cells
                .iter()
                .map(|cell| if let Some(Cell::Number(digits)) = cell { *digits } else { 0 })
                .collect();
            let narrow: Option<Vec<i64>> = digits.iter().map(|&digits| i64::try_from(digits).ok()).collect();
            let unscaled = match narrow {
                Some(narrow) => Unscaled::Narrow(Arc::new(narrow)),
                None => Unscaled::Wide(Arc::new(digits)),
            };
            Values::Number { scale, unscaled }
        }
        FieldKind::Boolean => {
            Values::Boolean(Arc::new(cells.iter().map(|cell| *cell == Some(Cell::Boolean(true))).collect()))
        }
        FieldKind::Date | FieldKind::Timestamp => Values::Date(Arc::new(
            cells
                .iter()
                .map(|cell| match cell {
                    Some(Cell::Date(day) | Cell::Instant { day, .. }) => *day,
                    _ => 0,
                })
                .collect(),
        )),
        FieldKind::Text | FieldKind::Enum | FieldKind::Reference => texts(&cells),
    };
    Column { values, missing }
}

fn texts(cells: &[Option<Cell<'_>>]) -> Values {
    let mut places: HashMap<&str, u32> = HashMap::new();
    let mut dictionary: Vec<Arc<str>> = Vec::new();
    let codes = cells
        .iter()
        .map(|cell| {
            let text = if let Some(Cell::Text(text)) = cell { text } else { "" };
            *places.entry(text).or_insert_with(|| {
                dictionary.push(Arc::from(text));
                u32::try_from(dictionary.len() - 1).unwrap_or(u32::MAX)
            })
        })
        .collect();
    Values::Text { dictionary: Arc::new(dictionary), codes: Arc::new(codes) }
}
