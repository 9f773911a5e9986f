//! Checks a record against the rules of its fields, and brings texts into the one form that is kept. What the rules of a
//! chapter say is in `rules`; whether what is referred to exists, in `reference`.

use super::{
    path::Path,
    plan::{FieldPlan, Kind, MessagePlan},
    record::{Record, Value},
};
use crate::{
    model::{
        finding::Findings,
        format,
        name::{Id, Name, WORD, is_word},
        rejection::{Reason, ResourceReason},
    },
    proto::v1::Format,
};

/// Empties what only the service sets: what a client sends there is ignored.
pub(crate) fn ignore_output_only(record: &mut Record) {
    for field in &record.plan().fields {
        if field.rule.output_only {
            record.take(field.number);
            continue;
        }
        match record.get_mut(field.number) {
            Some(Value::Message(inner)) => ignore_output_only(inner),
            Some(Value::List(items)) => items.iter_mut().for_each(|item| {
                if let Value::Message(inner) = item {
                    ignore_output_only(inner);
                }
            }),
            _ => {}
        }
    }
}

/// Checks every field of a record that belongs to `team`, but those that `skip` names.
pub(crate) fn check(
    record: &mut Record,
    team: Option<&Id>,
    skip: &[&str],
    path: Path<'_>,
    findings: &mut Findings,
) {
    let plan: &'static MessagePlan = record.plan();
    for field in &plan.fields {
        if skip.contains(&field.name.as_str()) || field.rule.output_only {
            continue;
        }
        let path = path.field(&field.name);
        let instead = plan
            .by_name(&field.rule.unless)
            .filter(|other| record.get(other.number).is_some_and(|value| !value.is_empty()));
        if let Some(other) = instead {
            if record.get(field.number).is_some_and(|value| !value.is_empty()) {
                findings.field(
                    path.to_string(),
                    format!("is not accepted beside {}: give one of the two", other.name),
                );
            }
            continue;
        }
        match record.get_mut(field.number) {
            None if field.rule.required => findings.field(path.to_string(), required(field)),
            None => {}
            Some(value) if value.is_empty() && field.rule.required => {
                findings.field(path.to_string(), required(field));
            }
            Some(value) => check_value(field, value, team, path, findings),
        }
    }
    for oneof in &plan.required_oneofs {
        let members: Vec<&FieldPlan> =
            plan.fields.iter().filter(|field| field.oneof.as_ref() == Some(oneof)).collect();
        if members.iter().all(|field| record.get(field.number).is_none()) {
            let members: Vec<&str> = members.iter().map(|field| field.name.as_str()).collect();
            let wanted = format!("is required: one of {}", members.join(", "));
            findings.field(path.field(oneof).to_string(), wanted);
        }
    }
}

fn check_value(
    field: &'static FieldPlan,
    value: &mut Value,
    team: Option<&Id>,
    path: Path<'_>,
    findings: &mut Findings,
) {
    match value {
        Value::Text(text) => {
            if let Some(normal) = check_text(field, text, team, path, findings) {
                *text = normal;
            }
        }
        Value::Bytes(bytes) if field.rule.max_bytes > 0 && bytes.len() > field.max_bytes => findings.field(
            path.to_string(),
            format!("has {} bytes: at most {} are accepted", bytes.len(), field.max_bytes),
        ),
        Value::Number(number) => check_number(field, *number, path, findings),
        Value::Message(inner) => check(inner, team, &[], path, findings),
        Value::List(items) => {
            if check_count(field, items.len(), path, findings) && !field.rule.one_by_one {
                for (index, item) in items.iter_mut().enumerate() {
                    check_value(field, item, team, path.item(index), findings);
                }
            }
        }
        Value::Map(map) => {
            if !check_count(field, map.len(), path, findings) {
                return;
            }
            for (key, text) in map {
                if !is_word(key) {
                    let shown = format::quoted(key);
                    findings.field(path.to_string(), format!("{shown} is no key: {WORD} is"));
                }
                if let Some(normal) = check_text(field, text, team, path.field(key), findings) {
                    *text = normal;
                }
            }
        }
        Value::Bytes(_) | Value::Fixed32(_) | Value::Fixed64(_) => {}
    }
}

fn check_count(field: &FieldPlan, count: usize, path: Path<'_>, findings: &mut Findings) -> bool {
    if count > field.max_items {
        let wanted = format!("has {count} items: at most {} are accepted", field.max_items);
        findings.field(path.to_string(), wanted);
    }
    count <= field.max_items
}

/// Checks a text; gives its normal form where it is not in it.
fn check_text(
    field: &FieldPlan,
    text: &str,
    team: Option<&Id>,
    path: Path<'_>,
    findings: &mut Findings,
) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    if text.len() > field.max_bytes {
        let wanted = format!("has {} bytes: at most {} are accepted", text.len(), field.max_bytes);
        findings.field(path.to_string(), wanted);
        return None;
    }
    if !field.rule.reference.is_empty() {
        check_reference(&field.rule.reference, text, team, path, findings);
        return None;
    }
    if field.format == Format::Json
        && let Err(error) = read_json_object(text)
    {
        let shown = format::quoted(text);
        findings.field(path.to_string(), format!("{shown} is not a JSON object like {{}}: {error}"));
        return None;
    }
    match format::normal(field.format, text, field.scale) {
        Ok(normal) if *normal == *text => None,
        Ok(normal) => Some(normal.into_owned()),
        Err(description) => {
            findings.field(path.to_string(), description);
            None
        }
    }
}

fn read_json_object(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<std::collections::BTreeMap<String, serde::de::IgnoredAny>>(text).map(drop)
}

/// Checks that a text is the name of a resource of `collection` in the same team.
fn check_reference(collection: &str, text: &str, team: Option<&Id>, path: Path<'_>, findings: &mut Findings) {
    let shown_team = team.map_or("{team}", Id::as_str);
    let wanted = if collection == Name::TEAMS {
        "teams/{team}".to_owned()
    } else {
        format!("teams/{shown_team}/{collection}/{{id}}")
    };
    let fits = |name: &Name| name.collection() == collection && team.is_none_or(|team| name.team() == team);
    match Name::parse(text) {
        Ok(name) if fits(&name) => {}
        Ok(_) => {
            findings.field(path.to_string(), format!("{} is not accepted: {wanted} is", format::quoted(text)))
        }
        Err(_) => findings.add(
            Reason::Resource(ResourceReason::InvalidName),
            path.to_string(),
            format!("{} is not a name: {wanted} is accepted", format::quoted(text)),
        ),
    }
}

fn check_number(field: &FieldPlan, number: u64, path: Path<'_>, findings: &mut Findings) {
    match &field.kind {
        Kind::Enum(names) if !names.iter().any(|(known, _)| i64::from(*known) == number as i64) => {
            let wanted = format!("{} is not one of {}", number as i64, value_names(names));
            findings.field(path.to_string(), wanted);
        }
        Kind::Varint { zigzag } if field.rule.bounded => {
            let number = if *zigzag { (number >> 1) as i64 ^ -((number & 1) as i64) } else { number as i64 };
            let (minimum, maximum) = (field.rule.minimum, field.rule.maximum);
            if !(minimum..=maximum).contains(&number) {
                let wanted = format!("{number} is not accepted: {minimum} to {maximum} is");
                findings.field(path.to_string(), wanted);
            }
        }
        _ => {}
    }
}

/// The values of an enum that may be given, for people.
fn value_names(names: &[(i32, String)]) -> String {
    let names: Vec<&str> =
        names.iter().filter(|(number, _)| *number != 0).map(|(_, name)| name.as_str()).collect();
    names.join(", ")
}

/// What is wanted where nothing is given.
fn required(field: &FieldPlan) -> String {
    let example = match (&field.kind, field.format) {
        (Kind::Enum(names), _) => return format!("is required: one of {}", value_names(names)),
        _ if !field.rule.reference.is_empty() && field.rule.reference == Name::TEAMS => {
            "a name like teams/{team}".to_owned()
        }
        _ if !field.rule.reference.is_empty() => {
            format!("a name like teams/{{team}}/{}/{{id}}", field.rule.reference)
        }
        (_, Format::Decimal | Format::Money) => "a decimal number like 12.50".to_owned(),
        (_, Format::Date) => "a date like 2026-03-31".to_owned(),
        (_, Format::Currency) => "a currency of ISO 4217 like EUR".to_owned(),
        (_, Format::Email) => "a mail address".to_owned(),
        _ => return "is required".to_owned(),
    };
    format!("is required: {example}")
}
