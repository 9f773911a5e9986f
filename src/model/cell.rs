//! Reads one field out of an encoded record without decoding the rest: what filters, orders and columns see.

use super::{
    decimal::Unscaled,
    period::parse_date,
    schema::{Field, FieldKind, short_value_name},
    wire::{Walk, Wire},
};

/// The value of a field in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// The digits of a number, at the scale of its field.
    Number(i128),
    /// A text, the short name of an enum's value, or the name of a resource.
    Text(&'a str),
    /// True or false.
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
}

/// Reads one field out of encoded records.
#[derive(Clone, Debug)]
pub struct CellReader {
    numbers: Vec<u32>,
    key: Option<String>,
    kind: FieldKind,
    decimal: bool,
    zigzag: bool,
    names: Vec<(i32, String)>,
}

// === impl CellReader ===

impl CellReader {
    /// A reader of the field that `path` names; for a map, of the entry that the path ends in.
    #[must_use]
    pub fn new(field: &Field, path: &str) -> Self {
        let key = field.map.then(|| path[(field.path.len() + 1).min(path.len())..].to_owned());
        let last = field.descriptors.last().map(prost_reflect::FieldDescriptor::kind);
        let names = match &last {
            Some(prost_reflect::Kind::Enum(values)) => values
                .values()
                .filter(|value| value.number() != 0)
                .map(|value| (value.number(), short_value_name(&value).to_owned()))
                .collect(),
            _ => Vec::new(),
        };
        Self {
            numbers: field.descriptors.iter().map(prost_reflect::FieldDescriptor::number).collect(),
            key,
            kind: field.kind,
            decimal: matches!(last, Some(prost_reflect::Kind::String)),
            zigzag: matches!(last, Some(prost_reflect::Kind::Sint32 | prost_reflect::Kind::Sint64)),
            names,
        }
    }

    /// What its cells are.
    #[must_use]
    pub fn kind(&self) -> FieldKind {
        self.kind
    }

    /// The value in an encoded record; nothing where it is missing. An empty text and the unspecified value of an enum
    /// are missing; a number that is not a decimal, and a flag, are not: they are 0 and false.
    #[must_use]
    pub fn read<'a>(&'a self, encoded: &'a [u8]) -> Option<Cell<'a>> {
        let (&last, above) = self.numbers.split_last()?;
        let mut message = encoded;
        for &number in above {
            message = message_field(message, number)?;
        }
        if let Some(key) = &self.key {
            return map_entry(message, last, key).filter(|text| !text.is_empty()).map(Cell::Text);
        }
        let found = field(message, last);
        match self.kind {
            FieldKind::Number { .. } if !self.decimal => {
                // A field of implicit presence that is not on the wire is 0.
                Some(Cell::Number(found.map_or(0, |wire| self.whole(wire))))
            }
            FieldKind::Boolean => Some(Cell::Boolean(matches!(found, Some(Wire::Varint(1..))))),
            _ => self.convert(found?),
        }
    }

    fn whole(&self, wire: Wire<'_>) -> i128 {
        match wire {
            Wire::Varint(number) if self.zigzag => i128::from((number >> 1) as i64 ^ -((number & 1) as i64)),
            Wire::Varint(number) | Wire::Fixed64(number) => i128::from(number as i64),
            Wire::Fixed32(number) => i128::from(number as i32),
            Wire::Bytes(_) => 0,
        }
    }

    fn convert<'a>(&'a self, wire: Wire<'a>) -> Option<Cell<'a>> {
        match (self.kind, wire) {
            (FieldKind::Enum, Wire::Varint(number)) => {
                let found = self.names.iter().find(|(value, _)| i64::from(*value) == number as i64)?;
                Some(Cell::Text(&found.1))
            }
            (FieldKind::Timestamp, Wire::Bytes(timestamp)) => {
                let seconds = match field(timestamp, 1) {
                    Some(Wire::Varint(seconds)) => seconds as i64,
                    _ => 0,
                };
                i32::try_from(seconds.div_euclid(86_400)).ok().map(Cell::Date)
            }
            (kind, Wire::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())?;
                match kind {
                    FieldKind::Number { scale } => Unscaled::parse(text)?.rescale(scale).map(Cell::Number),
                    FieldKind::Date => {
                        let date = parse_date("", text).ok()?;
                        Some(Cell::Date(super::period::days_since_epoch(date)))
                    }
                    _ => Some(Cell::Text(text)),
                }
            }
            _ => None,
        }
    }
}

/// A singular field of an encoded message; the last one where there are several.
fn field(message: &[u8], wanted: u32) -> Option<Wire<'_>> {
    Walk::new(message)
        .map_while(Result::ok)
        .filter(|(number, _)| *number == wanted)
        .last()
        .map(|found| found.1)
}

fn message_field(message: &[u8], wanted: u32) -> Option<&[u8]> {
    match field(message, wanted)? {
        Wire::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// The value under a key of a map from text to text.
fn map_entry<'a>(message: &'a [u8], wanted: u32, key: &str) -> Option<&'a str> {
    let entries = Walk::new(message).map_while(Result::ok).filter(|(number, _)| *number == wanted);
    for (_, entry) in entries {
        let Wire::Bytes(entry) = entry else { continue };
        if message_field(entry, 1).unwrap_or_default() == key.as_bytes() {
            return std::str::from_utf8(message_field(entry, 2)?).ok();
        }
    }
    None
}
