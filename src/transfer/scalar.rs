//! Whole numbers and names of states, whichever file they stand in.

use prost_reflect::{EnumDescriptor, Kind, Value};

use crate::model::schema::short_value_name;

/// A whole number of a kind; nothing where the text is none, or the kind is not one of whole numbers.
pub(super) fn read_whole(kind: &Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => text.parse().map(Value::I32).ok(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text.parse().map(Value::I64).ok(),
        Kind::Uint32 | Kind::Fixed32 => text.parse().map(Value::U32).ok(),
        Kind::Uint64 | Kind::Fixed64 => text.parse().map(Value::U64).ok(),
        _ => None,
    }
}

/// The number of the value of an enum that is meant: by its whole name, or by the short one, as people write it.
pub(super) fn find_enum_value(values: &EnumDescriptor, text: &str) -> Result<i32, String> {
    let asked = enum_name(text);
    let found = values.values().find(|value| value.name() == asked || short_value_name(value) == asked);
    found.map(|value| value.number()).ok_or_else(|| {
        let values: Vec<_> = values.values().skip(1).collect();
        let known: Vec<_> = values.iter().map(short_value_name).collect();
        format!("{text:?} is none of {}", known.join(", "))
    })
}

/// `Closed won` as an enum value writes it.
fn enum_name(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect()
}
