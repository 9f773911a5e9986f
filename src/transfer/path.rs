//! Where in a record a value goes: `amount`, `labels.region`, `reporting_line[0].manager`.

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value,
};

use super::{mistakes::Mistakes, value::read_value};
use crate::model::schema::field_rule;

/// The most items that a path may count to.
const INDEX_MAX: usize = 99;

/// A path to a field of a record.
#[derive(Clone, Debug)]
pub(super) struct FieldPath {
    /// The steps from the record down to the message that has the field.
    steps: Vec<Step>,
    /// The field.
    field: FieldDescriptor,
    /// The entry of it, where it is a map and the path names one.
    key: Option<String>,
}

#[derive(Clone, Debug)]
struct Step {
    field: FieldDescriptor,
    index: Option<usize>,
}

/// Puts the value that a text gives into the field of a path, and answers the field of the record that the path begins
/// with. An empty text empties the field.
///
/// # Errors
/// That there is no such field, or that the text is no value of it.
pub fn set_field(message: &mut DynamicMessage, path: &str, text: &str) -> Result<String, String> {
    let mut mistakes = Mistakes::default();
    let found = FieldPath::parse(&message.descriptor(), path, path, &mut mistakes);
    let Some(found) = found else { return Err(mistakes.0.join("; ")) };
    if text.is_empty() && !found.is_entry() {
        found.clear(message);
    } else {
        let value =
            read_value(&found.field, found.is_entry(), text).map_err(|reason| format!("{path}: {reason}"))?;
        found.set(message, value);
    }
    Ok(found.top().name().to_owned())
}

/// Empties the field of a path, or the entry of a map, and answers the field of the record that the path begins with.
///
/// # Errors
/// That there is no such field.
pub fn clear_field(message: &mut DynamicMessage, path: &str) -> Result<String, String> {
    let mut mistakes = Mistakes::default();
    let found = FieldPath::parse(&message.descriptor(), path, path, &mut mistakes);
    let Some(found) = found else { return Err(mistakes.0.join("; ")) };
    found.clear(message);
    Ok(found.top().name().to_owned())
}

/// The collection that the field of a path refers to, wherever in the record it is.
#[must_use]
pub fn referred_collection(message: &MessageDescriptor, path: &str) -> Option<String> {
    let found = FieldPath::parse(message, path, path, &mut Mistakes::default())?;
    Some(field_rule(&found.field).reference).filter(|collection| !collection.is_empty())
}

// === impl FieldPath ===

impl FieldPath {
    /// Finds the field of a path; names as in the protos. Nothing, and a mistake, where there is none that a client
    /// may write.
    pub(super) fn parse(
        message: &MessageDescriptor,
        path: &str,
        place: &str,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let (mut message, mut steps, mut rest) = (message.clone(), Vec::new(), path);
        loop {
            let (part, below) =
                rest.split_once('.').map_or((rest, None), |(part, below)| (part, Some(below)));
            let (name, index) = parse_index(part);
            let Some(field) = message.get_field_by_name(name) else {
                let known: Vec<_> = message.fields().filter(|field| !field_rule(field).output_only).collect();
                let known: Vec<&str> = known.iter().map(FieldDescriptor::name).collect();
                mistakes.unknown(place, &format!("no field in {}", message.name()), name, &known);
                return None;
            };
            if field_rule(&field).output_only {
                mistakes.add(place, format!("{name} is set by the service and cannot be given"));
                return None;
            }
            let Some(below) = below else {
                if index.is_some() {
                    mistakes.add(
                        place,
                        format!("{part} is an item of a list: say which of its fields, `{part}.…`"),
                    );
                    return None;
                }
                return Some(Self { steps, field, key: None });
            };
            if field.is_map() {
                return Some(Self { steps, field, key: Some(below.to_owned()) });
            }
            match (field.kind(), field.is_list(), index) {
                (Kind::Message(inner), true, Some(index)) if index <= INDEX_MAX => {
                    steps.push(Step { field, index: Some(index) });
                    message = inner;
                }
                (Kind::Message(inner), false, None) => {
                    steps.push(Step { field, index: None });
                    message = inner;
                }
                (Kind::Message(_), true, _) => {
                    mistakes.add(
                        place,
                        format!(
                            "{name} is a list: say which item, `{name}[0].{below}`, at most [{INDEX_MAX}]"
                        ),
                    );
                    return None;
                }
                _ => {
                    mistakes.add(place, format!("{name} has no fields below it"));
                    return None;
                }
            }
            rest = below;
        }
    }

    /// The field that the path ends in.
    pub(super) fn field(&self) -> &FieldDescriptor {
        &self.field
    }

    /// The field of the record that the path begins with.
    pub(super) fn top(&self) -> &FieldDescriptor {
        self.steps.first().map_or(&self.field, |step| &step.field)
    }

    /// What an update mask says of it: a list is replaced as a whole.
    pub(super) fn mask(&self) -> String {
        let mut parts = Vec::new();
        for step in &self.steps {
            parts.push(step.field.name());
            if step.index.is_some() {
                return parts.join(".");
            }
        }
        parts.push(self.field.name());
        parts.extend(self.key.as_deref());
        parts.join(".")
    }

    /// Whether the path names an entry of a map.
    pub(super) fn is_entry(&self) -> bool {
        self.key.is_some()
    }

    /// Empties what the path leads to, where it leads anywhere.
    fn clear(&self, message: &mut DynamicMessage) {
        let mut at = message;
        for Step { field, index } in &self.steps {
            if !at.has_field(field) {
                return;
            }
            let slot = at.get_field_mut(field);
            let slot = match (index, slot) {
                (Some(index), Value::List(items)) => items.get_mut(*index),
                (_, slot) => Some(slot),
            };
            let Some(Value::Message(inner)) = slot else { return };
            at = inner;
        }
        match &self.key {
            Some(key) => {
                if let Some(entries) = at.get_field_mut(&self.field).as_map_mut() {
                    entries.remove(&MapKey::String(key.clone()));
                }
            }
            None => at.clear_field(&self.field),
        }
    }

    /// Puts a value where the path leads.
    pub(super) fn set(&self, message: &mut DynamicMessage, value: Value) {
        let mut at = message;
        for Step { field, index } in &self.steps {
            let Kind::Message(inner) = field.kind() else { return };
            let mut slot = at.get_field_mut(field);
            if let Some(index) = index {
                let Some(items) = slot.as_list_mut() else { return };
                while items.len() <= *index {
                    items.push(Value::Message(DynamicMessage::new(inner.clone())));
                }
                slot = &mut items[*index];
            }
            let Some(inner) = slot.as_message_mut() else { return };
            at = inner;
        }
        match &self.key {
            Some(key) => {
                if let Some(entries) = at.get_field_mut(&self.field).as_map_mut() {
                    entries.insert(MapKey::String(key.clone()), value);
                }
            }
            None => at.set_field(&self.field, value),
        }
    }
}

/// `name[3]` in its halves.
fn parse_index(part: &str) -> (&str, Option<usize>) {
    let parse = || {
        let (name, rest) = part.split_once('[')?;
        Some((name, rest.strip_suffix(']')?.parse().ok()?))
    };
    parse().map_or((part, None), |(name, index)| (name, Some(index)))
}

#[cfg(test)]
mod tests {
    use prost_reflect::{DynamicMessage, Value};

    use super::{FieldPath, Mistakes, clear_field, referred_collection};
    use crate::model::schema::schemas;

    #[test]
    fn what_a_path_leads_to_is_emptied() {
        let check = |path: &str, expected: Result<&str, &str>| {
            let message = &schemas()["accountManagers"].message;
            let json = serde_json::json!({
                "region": "r", "labels": {"a": "b", "c.d": "e"}, "reportingLine": [{"manager": "m"}, {"manager": "n"}],
            });
            let mut record = DynamicMessage::deserialize(message.clone(), json).unwrap();
            let result =
                clear_field(&mut record, path).map(|_| serde_json::to_value(&record).unwrap().to_string());
            assert_eq!(result, expected.map(str::to_owned).map_err(str::to_owned), "{path}");
        };
        check(
            "region",
            Ok(r#"{"labels":{"a":"b","c.d":"e"},"reportingLine":[{"manager":"m"},{"manager":"n"}]}"#),
        );
        check(
            "labels.c.d",
            Ok(r#"{"labels":{"a":"b"},"region":"r","reportingLine":[{"manager":"m"},{"manager":"n"}]}"#),
        );
        check(
            "reporting_line[1].manager",
            Ok(r#"{"labels":{"a":"b","c.d":"e"},"region":"r","reportingLine":[{"manager":"m"},{}]}"#),
        );
        check("reporting_line", Ok(r#"{"labels":{"a":"b","c.d":"e"},"region":"r"}"#));
        check("regio", Err("regio: no field in AccountManager \"regio\"; did you mean \"region\"?"));
    }

    #[test]
    fn paths_lead_somewhere() {
        let check = |path: &str, expected: Result<&str, &str>| {
            let message = &schemas()["accountManagers"].message;
            let mut mistakes = Mistakes::default();
            let path = FieldPath::parse(message, path, "p", &mut mistakes);
            let result = match path {
                Some(path) => {
                    let mut record = DynamicMessage::new(message.clone());
                    path.set(&mut record, Value::String("x".to_owned()));
                    Ok(serde_json::to_string(&record).expect("a record is JSON"))
                }
                None => Err(mistakes.0.join(";")),
            };
            assert_eq!(result, expected.map(str::to_owned).map_err(str::to_owned));
        };
        let mask = |path: &str| {
            let message = &schemas()["accountManagers"].message;
            FieldPath::parse(message, path, "p", &mut Mistakes::default()).map(|path| path.mask())
        };
        assert_eq!(mask("reporting_line[1].manager").as_deref(), Some("reporting_line"));
        assert_eq!(mask("labels.level.of").as_deref(), Some("labels.level.of"));
        let referred = |path: &str| referred_collection(&schemas()["accountManagers"].message, path);
        assert_eq!(referred("reporting_line[0].manager").as_deref(), Some("accountManagers"));
        assert_eq!(referred("reporting_line[0].effective_from"), None);
        check("region", Ok(r#"{"region":"x"}"#));
        check("labels.level.of", Ok(r#"{"labels":{"level.of":"x"}}"#));
        check("reporting_line[1].manager", Ok(r#"{"reportingLine":[{},{"manager":"x"}]}"#));
        check("regio", Err("p: no field in AccountManager \"regio\"; did you mean \"region\"?"));
        check("create_time", Err("p: create_time is set by the service and cannot be given"));
        check(
            "reporting_line.manager",
            Err("p: reporting_line is a list: say which item, `reporting_line[0].manager`, at most [99]"),
        );
        check("region.x", Err("p: region has no fields below it"));
    }
}
