//! Create and get: names, required fields, forms, what is ignored and what is refused.

use merit::model::schema::field_rule;
use prost::Message;
use prost_reflect::{DynamicMessage, Kind, Value};

use super::{
    Front, Subject, World, sample,
    world::{TEAM, refused, set, text},
};

/// Proves what holds when a record is created.
pub async fn prove<F: Front>(world: &World<F>, subject: &Subject) {
    get_refuses(world, subject).await;
    if subject.create.is_none() {
        return;
    }
    names(world, subject).await;
    required(world, subject).await;
    forms(world, subject).await;
    ignored_and_unknown(world, subject).await;
    repeats(world, subject).await;
}

async fn names<F: Front>(world: &World<F>, subject: &Subject) {
    let collection = &subject.schema.collection;
    let message = sample::of(world, &subject.schema.message).await;
    let id = world.id("named");
    let made = world.create_as(subject, message.clone(), &id).await.unwrap();
    let name = if subject.is_team() { format!("teams/{id}") } else { format!("{TEAM}/{collection}/{id}") };
    assert_eq!(text(&made, "name"), name);
    assert!(!text(&made, "etag").is_empty(), "{name} has a version");
    assert!(made.has_field_by_name("create_time") && made.has_field_by_name("update_time"), "{name}");
    for (field, value) in message.fields() {
        assert_eq!(*made.get_field(&field), *value, "{name}: {}", field.name());
    }
    let got = world.get(subject, &name).await.unwrap();
    for field in subject.settled() {
        assert_eq!(got.get_field(&field), made.get_field(&field), "what is got is what was made: {name}");
    }

    refused(world.create_as(subject, message.clone(), &id).await, "ALREADY_EXISTS", "", &name);
    let field = format!("{}_id", subject.carrier());
    for wrong in ["Upper", "-a", "a-", "a_b", "a/b", "ä", &"a".repeat(64)] {
        let answer = world.create_as(subject, message.clone(), wrong).await;
        let refusal = answer.expect_err(wrong);
        assert!(["INVALID_NAME", "INVALID_FIELD"].contains(&refusal.reason.as_str()), "{refusal:?}");
        assert!(refusal.fields.contains(&field), "{refusal:?}");
    }

    let first = text(&world.create_as(subject, message.clone(), "").await.unwrap(), "name");
    let second = text(&world.create_as(subject, message.clone(), "").await.unwrap(), "name");
    assert_ne!(first, second, "ids that are made are different");
    // Of the same millisecond, chance decides.
    let time = |name: &str| name.rsplit('/').next().unwrap()[..13].to_owned();
    assert!(time(&first) <= time(&second), "ids that are made sort by time: {first} {second}");

    if !subject.is_team() {
        // A record that refers to others of its team does not fit another team, whether that exists or not.
        let refers = format!("{message:?}").contains(TEAM);
        let nobody = if refers { "INVALID_FIELD" } else { "NOT_FOUND" };
        let mut request = world.create_request(subject, message, "");
        for (parent, reason) in [
            ("teams/nobody", nobody),
            ("teams/UPPER", "INVALID_NAME"),
            ("nobody", "INVALID_NAME"),
            ("", "INVALID_FIELD"),
            ("teams/rules/goals/x", "INVALID_FIELD"),
        ] {
            set(&mut request, "parent", parent);
            let answer = world.call(subject.create.as_ref().unwrap(), &request).await;
            let field = if reason == nobody && refers { "" } else { "parent" };
            refused(answer, reason, field, parent);
        }
    }
}

async fn required<F: Front>(world: &World<F>, subject: &Subject) {
    let carrier = subject.carrier();
    let empty = DynamicMessage::new(subject.schema.message.clone());
    let wanted: Vec<_> = subject.written().into_iter().filter(|field| field_rule(field).required).collect();
    if !wanted.is_empty() {
        let refusal = refused(world.create_as(subject, empty, "").await, "INVALID_FIELD", "", &carrier);
        for field in &wanted {
            let path = format!("{carrier}.{}", field.name());
            assert!(refusal.fields.contains(&path), "all at once: {path} in {refusal:?}");
        }
    }
    for field in wanted {
        let mut message = sample::of(world, &subject.schema.message).await;
        message.clear_field(&field);
        let path = format!("{carrier}.{}", field.name());
        refused(world.create_as(subject, message, "").await, "INVALID_FIELD", &path, "a required field");
    }
    let mut request = world.create_request(subject, sample::of(world, &subject.schema.message).await, "");
    request.clear_field_by_name(&carrier);
    let answer = world.call(subject.create.as_ref().unwrap(), &request).await;
    refused(answer, "INVALID_FIELD", &carrier, "nothing to create");
}

async fn forms<F: Front>(world: &World<F>, subject: &Subject) {
    let carrier = subject.carrier();
    for field in subject.written() {
        if field.is_list() || field.is_map() || !matches!(field.kind(), Kind::String) {
            continue;
        }
        let rule = field_rule(&field);
        let path = format!("{carrier}.{}", field.name());
        let mut message = sample::of(world, &subject.schema.message).await;
        let (wrong, reason) = match rule.reference.as_str() {
            "" => (sample::bad(rule.format()), "INVALID_FIELD"),
            _ => ("nobody", "INVALID_NAME"),
        };
        message.set_field(&field, Value::String(wrong.to_owned()));
        refused(world.create_as(subject, message.clone(), "").await, reason, &path, wrong);
        let max = if rule.max_bytes == 0 { 1024 } else { rule.max_bytes as usize };
        message.set_field(&field, Value::String("x".repeat(max + 1)));
        refused(
            world.create_as(subject, message, "").await,
            "INVALID_FIELD",
            &path,
            "a text that is too long",
        );
    }
    for field in subject.written().into_iter().filter(|field| field_rule(field).bounded) {
        let rule = field_rule(&field);
        let path = format!("{carrier}.{}", field.name());
        for wrong in [rule.minimum - 1, rule.maximum + 1] {
            let mut message = sample::of(world, &subject.schema.message).await;
            let value = match field.kind() {
                Kind::Int32 => Value::I32(i32::try_from(wrong).unwrap()),
                _ => Value::I64(wrong),
            };
            message.set_field(&field, value);
            refused(world.create_as(subject, message, "").await, "INVALID_FIELD", &path, "out of bounds");
        }
    }
    for field in subject.written() {
        if matches!(field.kind(), Kind::Enum(_)) && !field.is_list() {
            let mut message = sample::of(world, &subject.schema.message).await;
            message.set_field(&field, Value::EnumNumber(9999));
            let path = format!("{carrier}.{}", field.name());
            refused(world.create_as(subject, message, "").await, "INVALID_FIELD", &path, "no such value");
        }
    }
}

async fn ignored_and_unknown<F: Front>(world: &World<F>, subject: &Subject) {
    let mut message = sample::of(world, &subject.schema.message).await;
    set(&mut message, "name", "teams/other");
    set(&mut message, "etag", "mine");
    let made = world.create_as(subject, message.clone(), &world.id("ignored")).await.unwrap();
    assert_ne!(text(&made, "name"), "teams/other");
    assert_ne!(text(&made, "etag"), "mine");

    // Field number 9999, a text: known to nobody.
    let mut inner = message.encode_to_vec();
    inner.extend_from_slice(&[0xfa, 0xf0, 0x04, 0x01, b'x']);
    let message = DynamicMessage::decode(subject.schema.message.clone(), inner.as_slice()).unwrap();
    let answer = world.create_as(subject, message, "").await;
    refused(answer, "INVALID_FIELD", &subject.carrier(), "a field that nobody knows");
}

async fn repeats<F: Front>(world: &World<F>, subject: &Subject) {
    let create = subject.create.as_ref().unwrap();
    let id = world.id("once");
    let message = sample::of(world, &subject.schema.message).await;

    let mut request = world.create_request(subject, message.clone(), &id);
    request.set_field_by_name("validate_only", Value::Bool(true));
    let rehearsed = world.call(create, &request).await.unwrap();
    let name = text(&rehearsed, "name");
    refused(world.get(subject, &name).await, "NOT_FOUND", "", "a rehearsal keeps nothing");
    request.clear_field_by_name("validate_only");

    set(&mut request, "request_id", &world.id("request"));
    let first = world.call(create, &request).await.unwrap();
    let again = world.call(create, &request).await.unwrap();
    assert_eq!(first, again, "a repeat gets the first answer");
    let field = format!("{}_id", subject.carrier());
    set(&mut request, &field, &world.id("other"));
    refused(world.call(create, &request).await, "REQUEST_ID_REUSED", "request_id", &name);
}

async fn get_refuses<F: Front>(world: &World<F>, subject: &Subject) {
    let collection = &subject.schema.collection;
    let nobody =
        if subject.is_team() { "teams/nobody".to_owned() } else { format!("{TEAM}/{collection}/nobody") };
    refused(world.get(subject, &nobody).await, "NOT_FOUND", "", &nobody);
    for wrong in ["teams/rules/nothing/x", "nobody", "teams/rules/goals/UPPER"] {
        refused(world.get(subject, wrong).await, "INVALID_NAME", "name", wrong);
    }
    refused(world.get(subject, "").await, "INVALID_FIELD", "name", "no name");
}
