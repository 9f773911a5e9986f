//! Files of cases as JSON values, with every digit as it was written: TOML, JSON and CSV. What the values mean is `cases.rs`.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize,
    de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value as Json};
use toml::de::{DeTable, DeValue};

/// A TOML document. Its parser refuses keys that are given twice.
pub(super) fn of_toml(text: &str) -> Result<Json, String> {
    let table = DeTable::parse(text).map_err(|error| error.to_string())?;
    object(table.into_inner())
}

fn object(table: DeTable<'_>) -> Result<Json, String> {
    let member = |(key, value): (toml::Spanned<std::borrow::Cow<'_, str>>, toml::Spanned<DeValue<'_>>)| {
        Ok((key.into_inner().into_owned(), value_of(value.into_inner())?))
    };
    table.into_iter().map(member).collect::<Result<Map<_, _>, _>>().map(Json::Object)
}

fn value_of(value: DeValue<'_>) -> Result<Json, String> {
    match value {
        DeValue::String(text) => Ok(Json::String(text.into_owned())),
        DeValue::Boolean(flag) => Ok(Json::Bool(flag)),
        DeValue::Datetime(time) => Ok(Json::String(time.to_string())),
        DeValue::Table(table) => object(table),
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| value_of(item.into_inner()));
            items.collect::<Result<_, _>>().map(Json::Array)
        }
        DeValue::Integer(digits) if digits.radix() == 10 => number(digits.as_str()),
        DeValue::Integer(digits) => Err(format!("{}: write it in decimal digits", digits.as_str())),
        DeValue::Float(digits) => number(digits.as_str()),
    }
}

/// A number as it was written, which no binary one has been in between.
fn number(digits: &str) -> Result<Json, String> {
    let number: Option<Number> = digits.trim_start_matches('+').parse().ok();
    number.map(Json::Number).ok_or_else(|| format!("{digits} is no number"))
}

/// A JSON document; keys that are given twice are refused.
pub(super) fn of_json(text: &str) -> Result<Json, String> {
    let Unambiguous = serde_json::from_str(text).map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Any value, none of whose objects has a key twice: of two values for one key a map keeps the last, and says nothing.
struct Unambiguous;

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    /// Of numbers as well that 64 bits do not hold, which come as a map of their text.
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some((key, Self)) = members.next_entry::<String, Self>()? {
            if let Some(key) = keys.replace(key) {
                return Err(A::Error::custom(format!("{key:?} is given twice; leave one of them out")));
            }
        }
        Ok(self)
    }
}

/// The rows of a CSV file as objects of its columns.
pub(super) fn of_csv(text: &str) -> Result<Vec<Json>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().map_err(|error| error.to_string())?;
    let columns: Vec<String> = columns.iter().map(|name| name.trim().to_owned()).collect();
    if let Some((at, name)) = columns.iter().enumerate().find(|(at, name)| columns[..*at].contains(name)) {
        return Err(format!("column {} is called {name:?}, as one before; leave one of them out", at + 1));
    }
    reader
        .records()
        .map(|record| {
            let record = record.map_err(|error| error.to_string())?;
            let cells = columns.iter().zip(&record);
            Ok(Json::Object(cells.map(|(name, cell)| (name.clone(), cell.trim().into())).collect()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_that_were_written() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let told = of_toml(&format!("a = {text}")).map(|json| json["a"].to_string());
            match (told, expected) {
                (Err(told), Err(expected)) => assert!(told.contains(expected), "{text}: {told}"),
                (told, expected) => {
                    assert_eq!(told, expected.map(str::to_owned).map_err(str::to_owned), "{text}")
                }
            }
        };
        check("5.0000000000000001", Ok("5.0000000000000001"));
        check("9999999.99999999999", Ok("9999999.99999999999"));
        check("1_000.50", Ok("1000.50"));
        check("+5", Ok("5"));
        check("99999999999999999999", Ok("99999999999999999999"));
        check("'x'", Ok("\"x\""));
        check("[1.10, {b = true}]", Ok(r#"[1.10,{"b":true}]"#));
        check("2026-01-01", Ok("\"2026-01-01\""));
        check("0xff", Err("write it in decimal digits"));
        check("nan", Err("nan is no number"));
        check("1\na = 2", Err("duplicate key"));
    }

    #[test]
    fn what_is_given_twice_is_refused() {
        let json = |text: &str| of_json(text).map_or_else(|what| what, |json| json.to_string());
        assert_eq!(
            json(r#"{"a": [1.50, {"a": null}], "b": 5.0000000000000001}"#),
            r#"{"a":[1.50,{"a":null}],"b":5.0000000000000001}"#
        );
        let twice = json(r#"{"case": [{"inputs": {"revenue": 1, "revenue": 2}}]}"#);
        assert!(twice.starts_with(r#""revenue" is given twice; leave one of them out at line 1"#), "{twice}");
        assert_eq!(of_csv("a,b\n1,2\n").map(|rows| rows.len()), Ok(1));
        assert_eq!(
            of_csv("a,b, a\n1,2,3\n"),
            Err("column 3 is called \"a\", as one before; leave one of them out".to_owned())
        );
    }
}
