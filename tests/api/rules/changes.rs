//! Update and delete: masks, versions, what may not be written, what is missing.

use merit::model::schema::field_rule;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

use super::{
    Front, Subject, World, sample,
    world::{refused, set, text},
};

/// Proves what holds when a record is changed or deleted.
pub async fn prove<F: Front>(world: &World<F>, subject: &Subject) {
    if subject.update.is_some() {
        masks(world, subject).await;
        versions(world, subject).await;
        missing(world, subject).await;
    }
    if subject.delete.is_some() {
        deletes(world, subject).await;
    }
}

async fn masks<F: Front>(world: &World<F>, subject: &Subject) {
    let made = world.make(subject).await;
    let field = subject.text();
    let mut change = DynamicMessage::new(subject.schema.message.clone());
    set(&mut change, "name", &text(&made, "name"));
    set(&mut change, &field, "changed");
    let changed = world.update(subject, change.clone(), &[&field], &[]).await.unwrap();
    assert_eq!(text(&changed, &field), "changed");
    assert_ne!(text(&changed, "etag"), text(&made, "etag"));
    for other in subject.schema.message.fields() {
        if ![field.as_str(), "etag", "update_time"].contains(&other.name()) {
            assert_eq!(changed.get_field(&other), made.get_field(&other), "{}", other.full_name());
        }
    }
    let same = world.update(subject, change.clone(), &[&field], &[]).await.unwrap();
    assert_eq!(same, changed, "what changes nothing is no change");

    // The whole record, as it was got, with one field changed.
    for mask in [&[][..], &["*"]] {
        let mut whole = world.get(subject, &text(&made, "name")).await.unwrap();
        set(&mut whole, &field, &format!("whole{}", mask.len()));
        let changed = world.update(subject, whole.clone(), mask, &[]).await.unwrap();
        assert_eq!(text(&changed, &field), text(&whole, &field));
    }

    if let Some(other) = subject.optional() {
        only_what_is_given(world, subject, &other).await;
    }
    if let Some(map) = subject.written().into_iter().find(|field| field.is_map()) {
        let map = map.name();
        for wrong in ["", "a.b", "`a.b`", "a b", "A", "x-y"] {
            let wrong = format!("{map}.{wrong}");
            let answer = world.update(subject, change.clone(), &[&wrong], &[]).await;
            refused(answer, "INVALID_MASK", "update_mask", &wrong);
        }
    }
    for wrong in ["nothing", "name", "etag", "create_time", "", "a.b", &format!("{field}.x"), "*,name"] {
        let answer = world.update(subject, change.clone(), &[wrong], &[]).await;
        let refusal = refused(answer, "INVALID_MASK", "update_mask", wrong);
        assert!(refusal.message.contains(&field), "says what is accepted: {refusal:?}");
    }
    for fixed in subject.written() {
        let rule = field_rule(&fixed);
        if !rule.immutable && !rule.state {
            continue;
        }
        let answer = world.update(subject, change.clone(), &[fixed.name()], &[]).await;
        refused(answer, "INVALID_MASK", "update_mask", fixed.full_name());
        let mut whole = world.get(subject, &text(&made, "name")).await.unwrap();
        whole.set_field(&fixed, another(world, &whole, &fixed).await);
        let path = format!("{}.{}", subject.carrier(), fixed.name());
        refused(world.update(subject, whole, &[], &[]).await, "INVALID_FIELD", &path, "what does not change");
    }
    let required = subject.written().into_iter().find(|field| {
        let rule = field_rule(field);
        rule.required && !rule.immutable
    });
    if let Some(required) = required {
        change.clear_field(&required);
        let path = format!("{}.{}", subject.carrier(), required.name());
        let answer = world.update(subject, change, &[required.name()], &[]).await;
        refused(answer, "INVALID_FIELD", &path, "what is required cannot be emptied");
    }
}

/// Without a mask the fields change that are given, and with `*` all of them.
async fn only_what_is_given<F: Front>(world: &World<F>, subject: &Subject, other: &FieldDescriptor) {
    let mut record = world.make(subject).await;
    record.set_field(other, sample::value(world, other).await);
    let path = other.name();
    let mut record = world.update(subject, record, &[path], &[]).await.unwrap();
    let kept = record.get_field(other).into_owned();
    assert!(record.has_field(other), "{}", other.full_name());
    record.clear_field(other);
    set(&mut record, "etag", "");
    set(&mut record, &subject.text(), "given");
    let changed = world.update(subject, record.clone(), &[], &[]).await.unwrap();
    assert_eq!(text(&changed, &subject.text()), "given");
    assert_eq!(*changed.get_field(other), kept, "what is not given stays: {}", other.full_name());
    let changed = world.update(subject, record, &["*"], &[]).await.unwrap();
    assert!(!changed.has_field(other), "all of it is replaced: {}", other.full_name());
}

/// A value that the record does not have.
async fn another<F: Front>(world: &World<F>, record: &DynamicMessage, field: &FieldDescriptor) -> Value {
    if let Kind::Enum(values) = field.kind() {
        let now = record.get_field(field).as_enum_number().unwrap_or(0);
        let other = values.values().find(|value| value.number() != 0 && value.number() != now);
        return Value::EnumNumber(other.expect("a state has alternatives").number());
    }
    match field_rule(field).format() {
        merit::proto::v1::Format::Currency => Value::String("JPY".to_owned()),
        _ => sample::value(world, field).await,
    }
}

async fn versions<F: Front>(world: &World<F>, subject: &Subject) {
    let made = world.make(subject).await;
    let field = subject.text();
    let mut change = made.clone();
    set(&mut change, &field, "second");
    let second = world.update(subject, change.clone(), &[&field], &[]).await.unwrap();
    set(&mut change, &field, "third");
    let answer = world.update(subject, change.clone(), &[&field], &[]).await;
    refused(answer, "ETAG_MISMATCH", "", "someone else was first");
    set(&mut change, "etag", &text(&second, "etag"));
    world.update(subject, change.clone(), &[&field], &[]).await.unwrap();

    set(&mut change, "etag", "");
    set(&mut change, &field, "fourth");
    let rehearse = [("validate_only", Value::Bool(true))];
    let rehearsed = world.update(subject, change.clone(), &[&field], &rehearse).await.unwrap();
    assert_eq!(text(&rehearsed, &field), "fourth");
    let now = world.get(subject, &text(&made, "name")).await.unwrap();
    assert_eq!(text(&now, &field), "third", "a rehearsal keeps nothing");

    let once = [("request_id", Value::String(world.id("request")))];
    let first = world.update(subject, change.clone(), &[&field], &once).await.unwrap();
    set(&mut change, &field, "fifth");
    world.update(subject, change.clone(), &[&field], &[]).await.unwrap();
    let reused = world.update(subject, change.clone(), &[&field], &once).await;
    refused(reused, "REQUEST_ID_REUSED", "request_id", "another content");
    set(&mut change, &field, "fourth");
    let repeated = world.update(subject, change, &[&field], &once).await.unwrap();
    assert_eq!(repeated, first, "a repeat gets the first answer and does nothing");
    let now = world.get(subject, &text(&made, "name")).await.unwrap();
    assert_eq!(text(&now, &field), "fifth");
}

async fn missing<F: Front>(world: &World<F>, subject: &Subject) {
    let made = world.make(subject).await;
    let mut absent = sample::of(world, &subject.schema.message).await;
    let name = text(&made, "name");
    let prefix = name.rsplit_once('/').unwrap().0;
    let absent_name = format!("{prefix}/{}", world.id("absent"));
    set(&mut absent, "name", &absent_name);
    refused(world.update(subject, absent.clone(), &[], &[]).await, "NOT_FOUND", "", &absent_name);
    let allowed = [("allow_missing", Value::Bool(true))];
    // Who knows a version of it thinks that it is there.
    set(&mut absent, "etag", "0123456789abcdef");
    refused(world.update(subject, absent.clone(), &[], &allowed).await, "NOT_FOUND", "", &absent_name);
    set(&mut absent, "etag", "");
    let created = world.update(subject, absent.clone(), &[], &allowed).await.unwrap();
    assert_eq!(text(&created, "name"), absent_name);
    for wrong in ["", "nobody", "teams/rules/nothing/x"] {
        set(&mut absent, "name", wrong);
        let path = format!("{}.name", subject.carrier());
        let reason = if wrong.is_empty() { "INVALID_FIELD" } else { "INVALID_NAME" };
        refused(world.update(subject, absent.clone(), &[], &[]).await, reason, &path, wrong);
    }
}

async fn deletes<F: Front>(world: &World<F>, subject: &Subject) {
    let delete = subject.delete.as_ref().unwrap();
    let made = world.make(subject).await;
    let name = text(&made, "name");
    let etag = |etag: &str| [("etag", Value::String(etag.to_owned()))];
    refused(world.call_named(delete, &name, &etag("old")).await, "ETAG_MISMATCH", "", &name);
    world.call_named(delete, &name, &[("validate_only", Value::Bool(true))]).await.unwrap();
    world.get(subject, &name).await.expect("a rehearsal deletes nothing");
    let once = [
        ("etag", etag(&text(&made, "etag"))[0].1.clone()),
        ("request_id", Value::String(world.id("request"))),
    ];
    world.call_named(delete, &name, &once).await.unwrap();
    refused(world.get(subject, &name).await, "NOT_FOUND", "", &name);
    refused(world.call_named(delete, &name, &[]).await, "NOT_FOUND", "", &name);
    world.call_named(delete, &name, &[("allow_missing", Value::Bool(true))]).await.unwrap();
    world.call_named(delete, &name, &once).await.expect("a repeat gets the first answer");
    refused(world.call_named(delete, "nobody", &[]).await, "INVALID_NAME", "name", "nobody");
}
