//! JSON that becomes a record: strict in what it takes, and telling by its path what it does not. Numbers keep the digits
//! that they are written with.

use std::{collections::HashSet, fmt};

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::scalar::{find_enum_value, read_whole};
use crate::{
    model::{nearest::nearest, schema::field_rule},
    proto::v1::Format,
};

/// Reads a JSON document. A key that is given twice is a mistake.
///
/// # Errors
/// What is wrong, and where.
pub fn parse_json(text: &str) -> Result<Json, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Unique("").deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Reads a JSON object. A key that is given twice is a mistake.
///
/// # Errors
/// What is wrong, and where.
pub fn parse_json_object(text: &str) -> Result<Map<String, Json>, String> {
    match parse_json(text)? {
        Json::Object(object) => Ok(object),
        other => Err(format!("an object is expected, not {}", what(&other))),
    }
}

/// A message whose fields an object gives, by their names in the contract or in JSON. What is null stays unset.
///
/// # Errors
/// The first field that is none, or whose value does not fit, by its path.
pub fn read_message(
    descriptor: &MessageDescriptor,
    object: &Map<String, Json>,
) -> Result<DynamicMessage, String> {
    message(descriptor, object, "")
}

/// The value of a field.
pub(super) fn read_field(field: &FieldDescriptor, json: &Json) -> Result<Value, String> {
    value(field, json, field.name())
}

fn message(
    descriptor: &MessageDescriptor,
    object: &Map<String, Json>,
    above: &str,
) -> Result<DynamicMessage, String> {
    let mut message = DynamicMessage::new(descriptor.clone());
    let mut given = HashSet::new();
    for (key, json) in object {
        let path = below(above, key);
        let Some(field) = field_of(descriptor, key) else {
            let fields: Vec<_> = descriptor.fields().collect();
            let hint = nearest(key, fields.iter().map(FieldDescriptor::name));
            let hint = hint.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default();
            return Err(format!("{path}: {} has no such field{hint}", descriptor.name()));
        };
        if !given.insert(field.number()) {
            return Err(format!("{path}: the field is given twice"));
        }
        if json.is_null() {
            continue;
        }
        let others =
            field.containing_oneof().into_iter().flat_map(|oneof| oneof.fields().collect::<Vec<_>>());
        if let Some(other) = others.into_iter().find(|other| message.has_field(other)) {
            return Err(format!("{path}: is given beside {}: one of the two is accepted", other.name()));
        }
        message.set_field(&field, value(&field, json, &path)?);
    }
    Ok(message)
}

/// The field that a key names, in the contract's form or in JSON's.
pub(super) fn field_of(message: &MessageDescriptor, key: &str) -> Option<FieldDescriptor> {
    message.get_field_by_name(key).or_else(|| message.get_field_by_json_name(key))
}

fn value(field: &FieldDescriptor, json: &Json, path: &str) -> Result<Value, String> {
    match json {
        Json::Object(entries) if field.is_map() => {
            let entry = |(key, json): (&String, &Json)| {
                let path = below(path, key);
                let text = json.as_str().ok_or_else(|| unfit(&path, json, "a text"))?;
                Ok((MapKey::String(key.clone()), Value::String(text.to_owned())))
            };
            entries.iter().map(entry).collect::<Result<_, String>>().map(Value::Map)
        }
        other if field.is_map() => Err(unfit(path, other, "an object of texts")),
        Json::Array(items) if field.is_list() => {
            let item = |(place, json)| single(field, json, &format!("{path}[{place}]"));
            items.iter().enumerate().map(item).collect::<Result<_, String>>().map(Value::List)
        }
        other if field.is_list() => Err(unfit(path, other, "a list")),
        other => single(field, other, path),
    }
}

fn single(field: &FieldDescriptor, json: &Json, path: &str) -> Result<Value, String> {
    let decimal = matches!(field_rule(field).format(), Format::Decimal | Format::Money);
    match (field.kind(), json) {
        (Kind::String, Json::String(text)) => Ok(Value::String(text.clone())),
        (Kind::String, Json::Number(number)) if decimal => Ok(Value::String(number.to_string())),
        (Kind::String, other) if decimal => Err(unfit(path, other, "a number")),
        (Kind::String, other) => Err(unfit(path, other, "a text")),
        (Kind::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Kind::Bool, other) => Err(unfit(path, other, "true or false")),
        (Kind::Enum(values), Json::String(text)) => {
            find_enum_value(&values, text).map(Value::EnumNumber).map_err(|wrong| format!("{path}: {wrong}"))
        }
        (Kind::Message(inner), Json::Object(object))
            if inner.package_name() == field.parent_message().package_name() =>
        {
            message(&inner, object, path).map(Value::Message)
        }
        (Kind::Message(inner), other) if inner.package_name() == field.parent_message().package_name() => {
            Err(unfit(path, other, "an object"))
        }
        (kind, Json::Number(number)) if is_whole(&kind) => {
            read_whole(&kind, &number.to_string()).ok_or_else(|| unfit(path, json, "a whole number"))
        }
        (kind, Json::String(text)) if is_whole(&kind) => {
            read_whole(&kind, text).ok_or_else(|| unfit(path, json, "a whole number"))
        }
        _ => by_protobuf(field, json, path),
    }
}

fn is_whole(kind: &Kind) -> bool {
    read_whole(kind, "0").is_some()
}

/// What Protobuf's own rules say of a value: timestamps and the like.
fn by_protobuf(field: &FieldDescriptor, json: &Json, path: &str) -> Result<Value, String> {
    let json = if field.is_list() { Json::Array(vec![json.clone()]) } else { json.clone() };
    let object = serde_json::json!({ field.name(): json });
    let message = DynamicMessage::deserialize(field.parent_message().clone(), object)
        .map_err(|error| format!("{path}: {error}"))?;
    match message.get_field(field).into_owned() {
        Value::List(items) => items.into_iter().next().ok_or_else(|| format!("{path}: a value is expected")),
        value => Ok(value),
    }
}

fn unfit(path: &str, json: &Json, wanted: &str) -> String {
    match (json, wanted) {
        (Json::Number(number), "a text") => {
            format!("{path}: {wanted} is expected, not a number: \"{number}\" is one")
        }
        _ => format!("{path}: {wanted} is expected, not {}", what(json)),
    }
}

/// What a value is, in words.
fn what(json: &Json) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}

fn below(above: &str, key: &str) -> String {
    if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") }
}

/// Reads over a document, and minds that no object has a key twice. Below this path.
struct Unique<'p>(&'p str);

// === impl Unique ===

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let path = below(self.0, &key);
            if !keys.insert(key) {
                return Err(A::Error::custom(format!("{path} is given twice")));
            }
            entries.next_value_seed(Unique(&path))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut place = 0;
        while items.next_element_seed(Unique(&format!("{}[{place}]", self.0)))?.is_some() {
            place += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_json_object, read_message};
    use crate::model::schema::schemas;

    /// What a text becomes as a record, as JSON again.
    fn check(collection: &str, text: &str, expected: Result<&str, &str>) {
        let message = &schemas()[collection].message;
        let read = parse_json_object(text).and_then(|object| read_message(message, &object));
        match (read, expected) {
            (Ok(read), Ok(expected)) => {
                let options = prost_reflect::SerializeOptions::new().use_proto_field_name(true);
                let json = read.serialize_with_options(serde_json::value::Serializer, &options).unwrap();
                assert_eq!(json.to_string(), expected);
            }
            (Err(wrong), Err(expected)) => assert_eq!(wrong, expected, "{text}"),
            (read, _) => panic!("{text}: {read:?}"),
        }
    }

    #[test]
    fn values_keep_what_was_written() {
        check(
            "products",
            r#"{"listPrice": 12345678901234567.50, "labels": {"a.b": "c"}}"#,
            Ok(r#"{"labels":{"a.b":"c"},"list_price":"12345678901234567.50"}"#),
        );
        check("opportunities", r#"{"stage": "WON"}"#, Ok(r#"{"stage":"OPPORTUNITY_STAGE_WON"}"#));
        check(
            "opportunities",
            r#"{"stage": "OPPORTUNITY_STAGE_WON"}"#,
            Ok(r#"{"stage":"OPPORTUNITY_STAGE_WON"}"#),
        );
        check(
            "customers",
            r#"{"employees": "12", "founded_year": 1999, "owner": null}"#,
            Ok(r#"{"employees":"12","founded_year":1999}"#),
        );
        check(
            "accountManagers",
            r#"{"reporting_line": [{"manager": "m"}], "create_time": "2026-11-23T10:00:00Z"}"#,
            Ok(r#"{"create_time":"2026-11-23T10:00:00Z","reporting_line":[{"manager":"m"}]}"#),
        );
    }

    #[test]
    fn what_does_not_fit_is_told_by_its_path() {
        check("products", r#"{"list_price": true}"#, Err("list_price: a number is expected, not true"));
        check(
            "products",
            r#"{"display_name": 12.50}"#,
            Err("display_name: a text is expected, not a number: \"12.50\" is one"),
        );
        check(
            "products",
            r#"{"labels": {"level": 3}}"#,
            Err("labels.level: a text is expected, not a number: \"3\" is one"),
        );
        check(
            "products",
            r#"{"list_prise": 1}"#,
            Err("list_prise: Product has no such field; did you mean \"list_price\"?"),
        );
        check(
            "accountManagers",
            r#"{"reporting_line": [{"manager": "m"}, {"manger": "m"}]}"#,
            Err("reporting_line[1].manger: ReportingLine has no such field; did you mean \"manager\"?"),
        );
        check(
            "accountManagers",
            r#"{"reporting_line": {}}"#,
            Err("reporting_line: a list is expected, not an object"),
        );
        check(
            "opportunities",
            r#"{"stage": "Wn"}"#,
            Err("stage: \"Wn\" is none of PROSPECTING, ENGAGING, WON, LOST"),
        );
        check("customers", r#"{"employees": 1.5}"#, Err("employees: a whole number is expected, not 1.5"));
        check("customers", "[]", Err("an object is expected, not a list"));
    }

    #[test]
    fn nothing_is_given_twice() {
        check(
            "products",
            r#"{"list_price": 1, "list_price": 2}"#,
            Err("list_price is given twice at line 1 column 30"),
        );
        check(
            "products",
            r#"{"labels": {"a": "b", "a": "b"}}"#,
            Err("labels.a is given twice at line 1 column 25"),
        );
        check(
            "accountManagers",
            r#"{"reporting_line": [{"manager": "a", "manager": "b"}]}"#,
            Err("reporting_line[0].manager is given twice at line 1 column 46"),
        );
        check(
            "products",
            r#"{"list_price": 1, "listPrice": 2}"#,
            Err("list_price: the field is given twice"),
        );
        check(
            "measures",
            r#"{"aggregate": {"collection": "opportunities"}, "ratio": {}}"#,
            Err("ratio: is given beside aggregate: one of the two is accepted"),
        );
    }
}
