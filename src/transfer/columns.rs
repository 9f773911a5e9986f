//! Records as columns: a field each, named by its path, in the order of the proto. What is not a single value (a list, a
//! map) is JSON in its column. What is written so is read again by an import without a mapping.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions, Value};
use serde_json::Value as Json;

use crate::{
    model::{
        nearest::nearest,
        schema::{field_rule, short_value_name},
    },
    proto::v1::Format,
};

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

    /// What people look at first, and the rest: single values of the record itself, name, what it is called and its state
    /// before all. Long texts, hashes, lists, messages and what the service notes are the rest.
    #[must_use]
    pub fn for_people(self) -> (Self, Self) {
        let (mut shown, rest): (Vec<_>, Vec<_>) = self.0.into_iter().partition(Column::is_for_people);
        shown.sort_by_key(|column| match column.path.as_str() {
            "name" => 0,
            "display_name" => 1,
            "state" => 2,
            path if column
                .descriptors
                .iter()
                .any(|field| field.name() == path && field_rule(field).state) =>
            {
                2
            }
            _ => 3,
        });
        (Self(shown), Self(rest))
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
    fn is_for_people(&self) -> bool {
        let [field] = &self.descriptors[..] else { return false };
        let rule = field_rule(field);
        let long = matches!(
            rule.format(),
            Format::Multiline | Format::Json | Format::Expression | Format::PublicKey
        );
        !field.is_list()
            && !field.is_map()
            && !matches!(field.kind(), Kind::Message(_) | Kind::Bytes)
            && field.name() != "etag"
            && !rule.blob
            && !long
    }

    /// The text of a record; nothing is copied but that.
    fn text(&self, record: &DynamicMessage) -> String {
        text_below(record, &self.descriptors, &self.path)
    }
}

/// The text of a field below a message. What of the path is not a field is a key of a map.
fn text_below(message: &DynamicMessage, descriptors: &[FieldDescriptor], path: &str) -> String {
    let Some((field, below)) = descriptors.split_first() else { return String::new() };
    if !message.has_field(field) {
        // A state that is none, and a 0 where the contract does not tell it from nothing, are empty too.
        return String::new();
    }
    let value = message.get_field(field);
    let rest = path.strip_prefix(field.name()).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
    if !below.is_empty() {
        return value.as_message().map(|inner| text_below(inner, below, rest)).unwrap_or_default();
    }
    match value.as_map() {
        Some(entries) if !rest.is_empty() => {
            let entry = entries.get(&prost_reflect::MapKey::String(rest.to_owned()));
            entry.and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        _ => text_of(field, &value),
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
fn text_of(field: &FieldDescriptor, value: &Value) -> String {
    let json = match value {
        Value::String(text) => return text.clone(),
        Value::EnumNumber(number) => {
            let Kind::Enum(values) = field.kind() else { return number.to_string() };
            let value = values.get_value(*number);
            return value.map_or(number.to_string(), |value| short_value_name(&value).to_owned());
        }
        Value::Message(inner) if !field.is_list() => json_of(inner),
        value => {
            let mut alone = DynamicMessage::new(field.parent_message().clone());
            alone.set_field(field, value.clone());
            json_of(&alone).get_mut(field.name()).map(Json::take).unwrap_or_default()
        }
    };
    match json {
        Json::Null => String::new(),
        Json::String(text) => text,
        json => json.to_string(),
    }
}

/// A message as JSON with the names of the protos.
fn json_of(message: &DynamicMessage) -> Json {
    let options = SerializeOptions::new().use_proto_field_name(true);
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
    fn people_see_what_is_short_and_single() {
        let check = |collection: &str, shown: &[&str], some_of_the_rest: &[&str]| {
            let (columns, rest) = Columns::of(&schemas()[collection].message).for_people();
            assert_eq!(columns.paths().take(shown.len()).collect::<Vec<_>>(), shown, "{collection}");
            for hidden in some_of_the_rest {
                assert!(rest.paths().any(|path| path == *hidden), "{collection}: {hidden}");
            }
        };
        check(
            "runs",
            &["name", "display_name", "state", "period_start", "period_end", "mode", "sequence"],
            &["steps", "engine.version", "dataset", "population", "etag", "create_time"],
        );
        check(
            "opportunities",
            &["name", "display_name", "stage", "owner", "customer", "product", "amount"],
            &["labels", "update_time"],
        );
        check(
            "pluginRevisions",
            &["name", "state", "plugin", "number", "component_bytes"],
            &["parameters", "component", "manifest.summary", "signature.signature"],
        );
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
