//! Builds a valid record of any message from the rules of its fields: what is required, in the form that is said.

use merit::{
    model::schema::{field_rule, oneof_rule},
    proto::v1::Format,
};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::{Front, World};

/// A valid record: every required field, and of a oneof that is required the member that asks for least. What it refers
/// to is created.
pub async fn of<F: Front>(world: &World<F>, message: &MessageDescriptor) -> DynamicMessage {
    let mut sample = DynamicMessage::new(message.clone());
    for field in message.fields() {
        let rule = field_rule(&field);
        if rule.required && !rule.output_only {
            let value = Box::pin(value(world, &field)).await;
            sample.set_field(&field, value);
        }
    }
    for oneof in message.oneofs().filter(|oneof| oneof_rule(oneof).required) {
        let field = oneof.fields().min_by_key(demands).expect("a oneof has members");
        let value = Box::pin(value(world, &field)).await;
        sample.set_field(&field, value);
    }
    sample
}

/// A valid value of a field.
pub async fn value<F: Front>(world: &World<F>, field: &FieldDescriptor) -> Value {
    let rule = field_rule(field);
    let one = match field.kind() {
        Kind::Message(inner) => Value::Message(of(world, &inner).await),
        Kind::Enum(_) => Value::EnumNumber(1),
        Kind::String if !rule.reference.is_empty() => Value::String(world.make_name(&rule.reference).await),
        Kind::String => Value::String(good(rule.format(), field.number())),
        Kind::Int32 => Value::I32(i32::try_from(rule.minimum.max(1)).unwrap()),
        Kind::Int64 => Value::I64(rule.minimum.max(1)),
        Kind::Bool => Value::Bool(true),
        other => panic!("{}: no sample of {other:?}", field.full_name()),
    };
    if field.is_list() { Value::List(vec![one]) } else { one }
}

/// How much a member of a oneof asks for: references cost most.
fn demands(field: &FieldDescriptor) -> usize {
    let Kind::Message(inner) = field.kind() else { return 1 };
    let required = inner.fields().filter(|field| field_rule(field).required);
    required.map(|field| if field_rule(&field).reference.is_empty() { 1 } else { 10 }).sum()
}

/// A text in the form that is said. Dates come in the order of their fields, so that what ends does so after it began.
pub fn good(format: Format, number: u32) -> String {
    match format {
        Format::Decimal | Format::Money => "12.50".to_owned(),
        Format::Date => format!("2024-01-{:02}", number.clamp(1, 31)),
        Format::Currency => "EUR".to_owned(),
        Format::TimeZone => "Europe/Berlin".to_owned(),
        Format::Email => "anna@example.com".to_owned(),
        Format::Expression => "TRUE".to_owned(),
        Format::Json => "{}".to_owned(),
        Format::Locale => "de-AT".to_owned(),
        Format::PublicKey => merit::model::signature::public_key(&"07".repeat(32)).unwrap(),
        Format::Unspecified | Format::Multiline => "sample".to_owned(),
    }
}

/// A text that is not in the form that is said.
pub fn bad(format: Format) -> &'static str {
    match format {
        Format::Decimal | Format::Money => "1e3",
        Format::Date => "2024-02-30",
        Format::Currency => "EURO",
        Format::TimeZone => "Mars/Olympus",
        Format::Email => "anna",
        Format::Json => "[]",
        Format::Locale => "?",
        Format::PublicKey => "07",
        Format::Unspecified | Format::Multiline | Format::Expression => "a\u{7}b",
    }
}
