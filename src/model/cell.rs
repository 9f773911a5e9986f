//! Reads one field out of an encoded record without decoding the rest, and any field as its form says: what filters,
//! orders and columns see.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, Kind};

use super::{
    decimal::Unscaled,
    period::{days_since_epoch, read_date},
    schema::{Field, FieldKind, short_value_name},
    wire::{Malformed, Walk, Wire},
    zone::Zone,
};

/// Nanoseconds of a second.
const NANOSECONDS: i128 = 1_000_000_000;

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
    /// An instant.
    Instant {
        /// The day in the team's time zone, in days since 1970-01-01: what conditions and periods see.
        day: i32,
        /// Nanoseconds since 1970-01-01 in UTC: what comes first.
        nanoseconds: i128,
    },
}

/// How the values of a field are written.
#[derive(Clone, Debug)]
pub enum Form {
    /// A number in digits, kept at a scale.
    Decimal {
        /// Decimals.
        scale: u8,
    },
    /// `int32`, `int64`.
    Signed,
    /// `uint32`, `uint64`.
    Unsigned,
    /// `sint32`, `sint64`.
    ZigZag,
    /// `sfixed32`, `sfixed64`.
    FixedSigned,
    /// `fixed32`, `fixed64`.
    FixedUnsigned,
    /// A text, or the name of a resource.
    Text,
    /// `2026-03-31`.
    Date,
    /// An encoded `google.protobuf.Timestamp`, seen from a time zone.
    Timestamp(Zone),
    /// True or false.
    Flag,
    /// The value of an enum, by its number as it is on the wire; the text of the unspecified one is empty.
    Named(BTreeMap<u64, String>),
}

// === impl Form ===

impl Form {
    /// How values of this kind are written in the field. Days are those of the zone.
    #[must_use]
    pub fn of(kind: FieldKind, field: &FieldDescriptor, zone: &Zone) -> Self {
        match (kind, field.kind()) {
            (FieldKind::Number { scale }, Kind::String) => Self::Decimal { scale },
            (_, Kind::Uint32 | Kind::Uint64) => Self::Unsigned,
            (_, Kind::Sint32 | Kind::Sint64) => Self::ZigZag,
            (_, Kind::Fixed32 | Kind::Fixed64) => Self::FixedUnsigned,
            (_, Kind::Sfixed32 | Kind::Sfixed64) => Self::FixedSigned,
            (FieldKind::Number { .. }, _) => Self::Signed,
            (FieldKind::Enum, Kind::Enum(names)) => Self::Named(
                names
                    .values()
                    .map(|value| {
                        let name = short_value_name(&value);
                        let text = if name == "UNSPECIFIED" { "" } else { name };
                        // Enums are written as 64 bits, negative ones with all the upper bits set.
                        (i64::from(value.number()).cast_unsigned(), text.to_owned())
                    })
                    .collect(),
            ),
            (FieldKind::Boolean, _) => Self::Flag,
            (FieldKind::Date, _) => Self::Date,
            (FieldKind::Timestamp, _) => Self::Timestamp(zone.clone()),
            (FieldKind::Text | FieldKind::Reference | FieldKind::Enum, _) => Self::Text,
        }
    }

    /// What a field of implicit presence is where it is not on the wire; nothing where it is missing then.
    #[must_use]
    pub fn implied(&self) -> Option<Cell<'static>> {
        match self {
            Self::Signed | Self::Unsigned | Self::ZigZag | Self::FixedSigned | Self::FixedUnsigned => {
                Some(Cell::Number(0))
            }
            Self::Flag => Some(Cell::Boolean(false)),
            Self::Decimal { .. } | Self::Text | Self::Date | Self::Timestamp(_) | Self::Named(_) => None,
        }
    }

    /// The value that is on the wire. An empty text and the unspecified value of an enum are nothing.
    ///
    /// # Errors
    /// In words, where the value is not written in this form.
    pub fn read<'a>(&'a self, value: Wire<'a>) -> Result<Option<Cell<'a>>, String> {
        Ok(Some(match (self, value) {
            (Self::Timestamp(zone), Wire::Bytes(message)) => instant(message, zone)?,
            (_, Wire::Bytes([])) => return Ok(None),
            (Self::Decimal { scale }, Wire::Bytes(text)) => {
                let text = utf8(text)?;
                let number = Unscaled::parse(text).and_then(|number| number.rescale(*scale).ok());
                Cell::Number(
                    number.ok_or_else(|| format!("{text:?} is not a number of at most {scale} decimals"))?,
                )
            }
            (Self::Signed, Wire::Varint(bits)) => Cell::Number(bits.cast_signed().into()),
            (Self::Unsigned, Wire::Varint(bits)) => Cell::Number(bits.into()),
            (Self::ZigZag, Wire::Varint(bits)) => {
                Cell::Number(((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()).into())
            }
            (Self::FixedSigned, Wire::Fixed64(bits)) => Cell::Number(bits.cast_signed().into()),
            (Self::FixedSigned, Wire::Fixed32(bits)) => Cell::Number(bits.cast_signed().into()),
            (Self::FixedUnsigned, Wire::Fixed64(bits)) => Cell::Number(bits.into()),
            (Self::FixedUnsigned, Wire::Fixed32(bits)) => Cell::Number(bits.into()),
            (Self::Text, Wire::Bytes(text)) => Cell::Text(utf8(text)?),
            (Self::Date, Wire::Bytes(text)) => Cell::Date(days(text)?),
            (Self::Flag, Wire::Varint(bits)) => Cell::Boolean(bits != 0),
            (Self::Named(names), Wire::Varint(bits)) => {
                let name = names.get(&bits).ok_or_else(|| format!("{bits} is no value of the enum"))?;
                return Ok((!name.is_empty()).then_some(Cell::Text(name)));
            }
            (form, value) => return Err(format!("{value:?} is not written as {form:?}")),
        }))
    }
}

/// A text as it is on the wire.
///
/// # Errors
/// In words, where the bytes are no UTF-8.
pub fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|problem| problem.to_string())
}

/// Days since 1970-01-01 of a date as it is on the wire, `2026-03-31`.
///
/// # Errors
/// In words, where it is no date.
pub fn days(text: &[u8]) -> Result<i32, String> {
    let text = utf8(text)?;
    read_date(text).map(days_since_epoch).ok_or_else(|| format!("{text:?} is not a date"))
}

/// An encoded `google.protobuf.Timestamp`.
fn instant(message: &[u8], zone: &Zone) -> Result<Cell<'static>, String> {
    let number = |wanted| match field(message, wanted).map_err(|malformed| malformed.to_string())? {
        Some(Wire::Varint(bits)) => Ok::<_, String>(bits.cast_signed()),
        _ => Ok(0),
    };
    let (seconds, nanos) = (number(1)?, number(2)?);
    let day = zone.day(seconds).ok_or_else(|| format!("{seconds} seconds is no date"))?;
    Ok(Cell::Instant { day, nanoseconds: i128::from(seconds) * NANOSECONDS + i128::from(nanos) })
}

/// Reads one field out of encoded records.
#[derive(Clone, Debug)]
pub struct CellReader {
    numbers: Vec<u32>,
    key: Option<String>,
    kind: FieldKind,
    form: Form,
}

// === impl CellReader ===

impl CellReader {
    /// A reader of the field that `path` names; for a map, of the entry that the path ends in. Days are those of the zone.
    ///
    /// # Panics
    /// Never: a path has a field at its end.
    #[must_use]
    pub fn new(field: &Field, path: &str, zone: &Zone) -> Self {
        let key = field.map.then(|| path[(field.path.len() + 1).min(path.len())..].to_owned());
        let last = field.descriptors.last().expect("a path has a field at its end");
        Self {
            numbers: field.descriptors.iter().map(FieldDescriptor::number).collect(),
            key,
            kind: field.kind,
            form: Form::of(field.kind, last, zone),
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
        match field(message, last).ok()? {
            Some(value) => self.form.read(value).ok()?,
            None => self.form.implied(),
        }
    }
}

/// A singular field of an encoded message; the last one where there are several.
fn field(message: &[u8], wanted: u32) -> Result<Option<Wire<'_>>, Malformed> {
    let mut found = None;
    for field in Walk::new(message) {
        let (number, value) = field?;
        if number == wanted {
            found = Some(value);
        }
    }
    Ok(found)
}

fn message_field(message: &[u8], wanted: u32) -> Option<&[u8]> {
    match field(message, wanted).ok()?? {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals() {
        let check = |text: &str, scale: u8, expected: Option<i128>| {
            let form = Form::Decimal { scale };
            let expected = expected.map(|number| Some(Cell::Number(number)));
            assert_eq!(form.read(Wire::Bytes(text.as_bytes())).ok(), expected, "{text} at {scale}");
        };
        check("0", 4, Some(0));
        check("12.5", 4, Some(125_000));
        check("-12.5", 4, Some(-125_000));
        check("12.50000", 4, Some(125_000));
        check("12.50001", 4, None);
        check("7.1", 0, None);
        check("99999999999999999999", 4, Some(999_999_999_999_999_999_990_000));
        check("9999999999999999999999999999999999999999", 0, None);
        for wrong in ["-", ".", "5.", ".5", "1e3", "1,000", "--1", "1.2.3", " 1"] {
            check(wrong, 4, None);
        }
    }

    #[test]
    fn dates() {
        let check = |text: &[u8], expected: Option<i32>| assert_eq!(days(text).ok(), expected, "{text:?}");
        check(b"1970-01-01", Some(0));
        check(b"1969-12-31", Some(-1));
        check(b"2000-02-29", Some(11_016));
        check(b"2026-03-31", Some(20_543));
        for wrong in ["2026-02-29", "2026-13-01", "2026-3-31", "2026-03-3x", "20260331", "", "2026-99-99"] {
            check(wrong.as_bytes(), None);
        }
        check(b"2026-03-3\xff", None);
    }

    #[test]
    fn instants_have_a_day_and_an_order() {
        let pacific = Zone::of_team(&crate::proto::v1::Team {
            time_zone: "America/Los_Angeles".into(),
            ..Default::default()
        });
        let check = |zone: &Zone, seconds: i64, day: i32| {
            let message = prost_types::Timestamp { seconds, nanos: 5 };
            let encoded = prost::Message::encode_to_vec(&message);
            let expected = Cell::Instant { day, nanoseconds: i128::from(seconds) * 1_000_000_000 + 5 };
            assert_eq!(
                Form::Timestamp(zone.clone()).read(Wire::Bytes(&encoded)),
                Ok(Some(expected)),
                "{seconds}"
            );
        };
        check(&Zone::UTC, 0, 0);
        check(&Zone::UTC, 86_399, 0);
        check(&Zone::UTC, 86_400, 1);
        check(&Zone::UTC, -1, -1);
        check(&pacific, 0, -1);
        check(&pacific, 8 * 3600, 0);
        check(&pacific, 86_400, 0);
    }

    #[test]
    fn numbers_and_names() {
        let check = |form: &Form, value: Wire<'_>, expected: Option<Option<Cell<'_>>>| {
            assert_eq!(form.read(value).ok(), expected, "{value:?} as {form:?}");
        };
        check(&Form::Signed, Wire::Varint(u64::MAX), Some(Some(Cell::Number(-1))));
        check(&Form::Unsigned, Wire::Varint(u64::MAX), Some(Some(Cell::Number(u64::MAX.into()))));
        check(&Form::ZigZag, Wire::Varint(3), Some(Some(Cell::Number(-2))));
        check(&Form::FixedSigned, Wire::Fixed32(u32::MAX), Some(Some(Cell::Number(-1))));
        check(&Form::Flag, Wire::Varint(1), Some(Some(Cell::Boolean(true))));
        check(&Form::Text, Wire::Bytes(b""), Some(None));
        check(&Form::Text, Wire::Bytes(b"\xff"), None);
        check(&Form::Text, Wire::Varint(1), None);
        let stages = Form::Named([(0, String::new()), (1, "WON".to_owned())].into());
        check(&stages, Wire::Varint(0), Some(None));
        check(&stages, Wire::Varint(1), Some(Some(Cell::Text("WON"))));
        check(&stages, Wire::Varint(7), None);
    }
}
