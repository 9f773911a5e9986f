//! Records as columns: a field each, named by its path, in the order of the proto. What is not a single value (a list, a
//! map) is JSON in its column. What is written so is read again by an import without a mapping.

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, SerializeOptions, Value,
};
use serde_json::Value as Json;

use crate::model::{nearest::nearest, schema::short_value_name};

/// How deep messages are taken apart; what is deeper is JSON.
const DEPTH_MAX: usize = 3;

/// The columns of a kind of record.
#[derive(Clone, Debug)]
pub struct Columns(Vec<Column>);

#[derive(Clone, Debug)]
struct Column {
    path: String,
    descriptors: Vec<FieldDescriptor>,
}

// === impl Columns ===

impl Columns {
    /// Every field of a message.
    #[must_use]
    pub fn of(message: &MessageDescriptor) -> Self {
        let mut columns = Vec::new();
        collect(message, &[], &mut columns);
        Self(columns)
    }

    /// The fields of these paths, in this order. A path may end in an entry of a map, `labels.region`.
    ///
    /// # Errors
    /// The first path that is none.
    pub fn select(message: &MessageDescriptor, paths: &[String]) -> Result<Self, String> {
        let all = Self::of(message);
        let mut selected = Vec::new();
        for path in paths {
            let known = all.0.iter().find(|column| &column.path == path).cloned();
            let entry = || {
                let map = all.0.iter().find(|column| {
                    let below =
                        path.strip_prefix(column.path.as_str()).is_some_and(|rest| rest.starts_with('.'));
                    below && column.descriptors.last().is_some_and(FieldDescriptor::is_map)
                })?;
                Some(Column { path: path.clone(), descriptors: map.descriptors.clone() })
            };
            match known.or_else(entry) {
                Some(column) => selected.push(column),
                None => {
                    let names: Vec<&str> = all.paths().collect();
                    let hint = match nearest(path, names.iter().copied()) {
                        Some(name) => format!("did you mean {name:?}?"),
                        None => format!("known: {}", names.join(", ")),
                    };
                    return Err(format!("no field {path:?}; {hint}"));
                }
            }
        }
        Ok(Self(selected))
    }

    /// The paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|column| column.path.as_str())
    }

    /// The texts of a record, in order; empty where a field is not set.
    #[must_use]
    pub fn texts(&self, record: &DynamicMessage) -> Vec<String> {
        self.0.iter().map(|column| column.text(record)).collect()
    }

    /// The columns for which any of the records has a text.
    #[must_use]
    pub fn used(self, records: &[DynamicMessage]) -> Self {
        let used = |column: &Column| records.iter().any(|record| !column.text(record).is_empty());
        Self(self.0.into_iter().filter(used).collect())
    }
}

// === impl Column ===

impl Column {
    fn text(&self, record: &DynamicMessage) -> String {
        let Some((last, above)) = self.descriptors.split_last() else { return String::new() };
        let mut message = record.clone();
        for field in above {
            if !message.has_field(field) {
                return String::new();
            }
            let Some(inner) = message.get_field(field).as_message().cloned() else { return String::new() };
            message = inner;
        }
        if !message.has_field(last) {
            // A state that is none, and a 0 where the contract does not tell it from nothing, are empty too.
            return String::new();
        }
        let value = message.get_field(last);
        let path_of_field = self.descriptors.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".");
        if let (Some(entries), Some(key)) =
            (value.as_map(), self.path.strip_prefix(&format!("{path_of_field}.")))
        {
            let entry = entries.get(&prost_reflect::MapKey::String(key.to_owned()));
            return entry.and_then(Value::as_str).unwrap_or_default().to_owned();
        }
        text_of(&message, last, &value)
    }
}

fn collect(message: &MessageDescriptor, above: &[FieldDescriptor], columns: &mut Vec<Column>) {
    for field in message.fields() {
        let mut descriptors = above.to_vec();
        descriptors.push(field.clone());
        if let Kind::Message(inner) = field.kind()
            && !field.is_list()
            && !field.is_map()
            && inner.package_name() == message.package_name()
            && above.len() < DEPTH_MAX
        {
            collect(&inner, &descriptors, columns);
            continue;
        }
        let path = descriptors.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".");
        columns.push(Column { path, descriptors });
    }
}

/// The text of a set field.
fn text_of(message: &DynamicMessage, field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::EnumNumber(number) => match field.kind() {
            Kind::Enum(kind) => kind
                .get_value(*number)
                .map_or(number.to_string(), |value| short_value_name(&value).to_owned()),
            _ => number.to_string(),
        },
        _ => match json_of(message).get_mut(field.name()).map(Json::take) {
            Some(Json::String(text)) => text,
            Some(json) => json.to_string(),
            None => String::new(),
        },
    }
}

/// A message as JSON with the names of the protos.
fn json_of(message: &DynamicMessage) -> Json {
    let options = SerializeOptions::new().use_proto_field_name(true);
    debug_assert!(message.descriptor().fields().len() > 0, "a message with a field that is set has fields");
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use prost_reflect::DynamicMessage;

    use super::Columns;
    use crate::model::schema::schemas;

    #[test]
    fn records_become_columns() {
        let message = &schemas()["measures"].message;
        let json = serde_json::json!({
            "name": "teams/t/measures/m",
            "create_time": "2026-11-23T16:00:00Z",
            "direction": "DIRECTION_UP",
            "scale": 2,
            "money": true,
            "aggregate": { "collection": "opportunities", "function": "AGGREGATE_FUNCTION_SUM" },
        });
        let record = DynamicMessage::deserialize(message.clone(), json).expect("a measure");
        let columns = Columns::of(message).used(std::slice::from_ref(&record));
        let pairs: Vec<_> = columns
            .paths()
            .zip(columns.texts(&record))
            .map(|(path, text)| format!("{path}={text}"))
            .collect();
        let expected = [
            "name=teams/t/measures/m",
            "create_time=2026-11-23T16:00:00Z",
            "direction=UP",
            "scale=2",
            "aggregate.collection=opportunities",
            "aggregate.function=SUM",
            "money=true",
        ];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn columns_are_chosen_by_path() {
        let message = &schemas()["customers"].message;
        let json =
            serde_json::json!({ "display_name": "Acme", "employees": 0, "labels": { "tier": "gold" } });
        let record = DynamicMessage::deserialize(message.clone(), json).expect("a customer");
        let check = |paths: &[&str], expected: Result<&[&str], &str>| {
            let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
            let texts = Columns::select(message, &paths).map(|columns| columns.texts(&record));
            assert_eq!(
                texts,
                expected
                    .map(|texts| texts.iter().map(|text| (*text).to_owned()).collect())
                    .map_err(str::to_owned)
            );
        };
        check(&["labels.tier", "display_name"], Ok(&["gold", "Acme"]));
        check(&["employees", "founded_year"], Ok(&["0", ""]));
        check(&["labels"], Ok(&[r#"{"tier":"gold"}"#]));
        check(&["display_nam"], Err("no field \"display_nam\"; did you mean \"display_name\"?"));
    }
}
