//! What the texts of a file mean to the fields of a record: numbers and dates as people write them, names of states,
//! and JSON for what is not a single value.

use jiff::civil::Date;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

use crate::model::schema::short_value_name;

/// How people write numbers, where it is not `-1234.50`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NumberForm {
    /// Between the whole and the fraction.
    pub(super) decimal: Option<char>,
    /// Between groups of digits.
    pub(super) thousands: Option<char>,
    /// Texts that mean nothing: signs and names of currencies.
    pub(super) strip: Vec<String>,
}

// === impl NumberForm ===

impl NumberForm {
    /// The number as Merit writes it. What is left over is for the server to refuse.
    pub(super) fn read(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for strip in &self.strip {
            text = text.replace(strip.as_str(), "");
        }
        text.chars()
            .filter(|character| Some(*character) != self.thousands && !character.is_whitespace())
            .map(|character| if Some(character) == self.decimal { '.' } else { character })
            .collect()
    }
}

/// The date that a text is in one of the formats, as Merit writes it.
pub(super) fn read_date(text: &str, formats: &[String]) -> Result<String, String> {
    formats
        .iter()
        .find_map(|format| Date::strptime(format, text).ok())
        .map(|date| date.to_string())
        .ok_or_else(|| format!("{text:?} is not a date of the form {}", formats.join(" or ")))
}

/// Whether a date survives being written and read in a format.
pub(super) fn check_date_format(format: &str) -> Result<(), String> {
    let sample = jiff::civil::date(2026, 11, 23);
    let written = jiff::fmt::strtime::format(format, sample).map_err(|error| error.to_string())?;
    match Date::strptime(format, &written) {
        Ok(date) if date == sample => Ok(()),
        _ => Err(format!("{format:?} does not tell year, month and day: `%d.%m.%Y`")),
    }
}

/// The value of a field that a text gives; an entry of a map is a text.
pub(super) fn read_value(field: &FieldDescriptor, entry: bool, text: &str) -> Result<Value, String> {
    if entry {
        return Ok(Value::String(text.to_owned()));
    }
    if field.is_list() || field.is_map() {
        return read_json(field, text);
    }
    let wanted = |what: &str| format!("{text:?} is not {what}");
    match field.kind() {
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Bool => match text.to_lowercase().as_str() {
            "true" | "yes" | "y" | "1" => Ok(Value::Bool(true)),
            "false" | "no" | "n" | "0" => Ok(Value::Bool(false)),
            _ => Err(wanted("true or false")),
        },
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            text.parse().map(Value::I32).map_err(|_| wanted("a whole number"))
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            text.parse().map(Value::I64).map_err(|_| wanted("a whole number"))
        }
        Kind::Uint32 | Kind::Fixed32 => text.parse().map(Value::U32).map_err(|_| wanted("a whole number")),
        Kind::Uint64 | Kind::Fixed64 => text.parse().map(Value::U64).map_err(|_| wanted("a whole number")),
        Kind::Enum(kind) => {
            let asked = enum_name(text);
            let found = kind.values().find(|value| value.name() == asked || short_value_name(value) == asked);
            found.map(|value| Value::EnumNumber(value.number())).ok_or_else(|| {
                let values: Vec<_> = kind.values().skip(1).collect();
                let known: Vec<_> = values.iter().map(short_value_name).collect();
                format!("{text:?} is none of {}", known.join(", "))
            })
        }
        _ => read_json(field, text),
    }
}

/// `Closed won` as an enum value writes it.
fn enum_name(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect()
}

/// The value that JSON gives, by reading a message that has only this field.
fn read_json(field: &FieldDescriptor, text: &str) -> Result<Value, String> {
    let value = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => value,
        // A timestamp or a duration is a JSON string, which a file has without quotes.
        Err(_) if !field.is_list() && !field.is_map() => serde_json::Value::String(text.to_owned()),
        Err(error) => return Err(format!("{text:?} is not JSON: {error}")),
    };
    let object = serde_json::json!({ field.name(): value });
    let message = DynamicMessage::deserialize(field.parent_message().clone(), object)
        .map_err(|error| format!("{text:?} does not fit: {error}"))?;
    Ok(message.get_field(field).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{NumberForm, check_date_format, read_date, read_value};
    use crate::model::schema::schemas;

    #[test]
    fn texts_become_values() {
        let check = |collection: &str, field: &str, text: &str, expected: Result<&str, &str>| {
            let field = schemas()[collection].message.get_field_by_name(field).expect("a field");
            let value = read_value(&field, false, text).map(|value| format!("{value:?}"));
            assert_eq!(value, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        };
        check("customers", "employees", "12", Ok("I64(12)"));
        check("customers", "employees", "12.5", Err("\"12.5\" is not a whole number"));
        check("opportunities", "stage", "Won", Ok("EnumNumber(3)"));
        check("opportunities", "stage", "OPPORTUNITY_STAGE_LOST", Ok("EnumNumber(4)"));
        check("opportunities", "stage", "Wn", Err("\"Wn\" is none of PROSPECTING, ENGAGING, WON, LOST"));
        check("measures", "money", "yes", Ok("Bool(true)"));
        check("measures", "money", "perhaps", Err("\"perhaps\" is not true or false"));
        check("customers", "labels", r#"{"a":"b"}"#, Ok(r#"Map({String("a"): String("b")})"#));
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let check = |decimal, thousands, strip: &[&str], text: &str, expected: &str| {
            let strip = strip.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(NumberForm { decimal, thousands, strip }.read(text), expected);
        };
        check(Some(','), Some('.'), &["€"], "1.234,50 €", "1234.50");
        check(None, Some(','), &["$"], "$1,234.50", "1234.50");
        check(None, None, &[], "-12", "-12");
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        let check = |formats: &[&str], text: &str, expected: Result<&str, &str>| {
            let formats: Vec<_> = formats.iter().map(|format| (*format).to_owned()).collect();
            assert_eq!(read_date(text, &formats), expected.map(str::to_owned).map_err(str::to_owned));
        };
        check(&["%d.%m.%Y"], "23.11.2026", Ok("2026-11-23"));
        check(&["%m/%d/%Y", "%Y-%m-%d"], "2026-11-23", Ok("2026-11-23"));
        check(&["%d.%m.%Y"], "31.02.2026", Err("\"31.02.2026\" is not a date of the form %d.%m.%Y"));
        assert!(check_date_format("%d.%m.%Y").is_ok());
        assert!(check_date_format("%d.%m").is_err());
        assert!(check_date_format("dd.mm.yyyy").is_err());
    }
}
