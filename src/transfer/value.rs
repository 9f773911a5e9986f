//! What the texts of a file mean to the fields of a record: numbers and dates as people write them, names of states,
//! and JSON for what is not a single value.

use jiff::{
    civil::{Date, date},
    fmt::strtime,
    tz::TimeZone,
};
use prost_reflect::{FieldDescriptor, Kind, Value};
use serde_json::Value as Json;

use super::{
    json::{parse_json, read_field},
    scalar::{find_enum_value, read_whole},
};

/// The date that a text is in one of the formats, as Merit writes it. A time is read over: the day is the one written.
pub(super) fn read_date(text: &str, formats: &[String]) -> Result<String, String> {
    formats
        .iter()
        .find_map(|format| Date::strptime(format, text).ok())
        .map(|date| date.to_string())
        .ok_or_else(|| format!("{text:?} is not a date of the form {}", formats.join(" or ")))
}

/// Whether a date survives being written and read in a format, which may have a time beside it.
pub(super) fn check_date_format(format: &str) -> Result<(), String> {
    let day = date(2026, 11, 23);
    let noon = day.at(12, 0, 0, 0);
    let sample = TimeZone::UTC.to_zoned_datetime(noon).map_err(|error| error.to_string())?;
    let written = strtime::format(format, &sample).map_err(|error| error.to_string())?;
    match Date::strptime(format, &written) {
        Ok(date) if date == day => Ok(()),
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
        Kind::Enum(values) => find_enum_value(&values, text).map(Value::EnumNumber),
        kind if read_whole(&kind, "0").is_some() => {
            read_whole(&kind, text).ok_or_else(|| wanted("a whole number"))
        }
        _ => read_json(field, text),
    }
}

/// The value that JSON gives.
fn read_json(field: &FieldDescriptor, text: &str) -> Result<Value, String> {
    match parse_json(text) {
        Ok(json) => read_field(field, &json),
        // A timestamp or a duration is a JSON string, which a file has without quotes.
        Err(_) if !field.is_list() && !field.is_map() => read_field(field, &Json::String(text.to_owned())),
        Err(error) => Err(format!("{text:?} is not JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_date_format, read_date, read_value};
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
        check(
            "customers",
            "labels",
            r#"{"a":3}"#,
            Err("labels.a: a text is expected, not a number: \"3\" is one"),
        );
        check("customers", "labels", r#"{"a":"b"}"#, Ok(r#"Map({String("a"): String("b")})"#));
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
        check(&["%Y-%m-%d %H:%M:%S"], "2017-03-01 23:30:00", Ok("2017-03-01"));
        check(&["%Y-%m-%dT%H:%M:%S%z"], "2017-03-01T23:30:00-0500", Ok("2017-03-01"));
        assert!(check_date_format("%d.%m.%Y").is_ok());
        assert!(check_date_format("%Y-%m-%d %H:%M:%S").is_ok());
        assert!(check_date_format("%Y-%m-%dT%H:%M:%S%z").is_ok());
        assert!(check_date_format("%H:%M:%S").is_err());
        assert!(check_date_format("%d.%m").is_err());
        assert!(check_date_format("dd.mm.yyyy").is_err());
    }
}
