//! Fields of a request that is known by its descriptor only: set where the request has them.

use prost_reflect::{DynamicMessage, MessageDescriptor, Value};

/// Sets a text of a request, where it is given and the request has such a field.
pub(super) fn set_text(request: &mut DynamicMessage, field: &str, text: Option<&str>) {
    if let (Some(field), Some(text)) = (descriptor(request).get_field_by_name(field), text) {
        request.set_field(&field, Value::String(text.to_owned()));
    }
}

/// Sets a flag of a request, where it is wanted and the request has such a field.
pub(super) fn set_flag(request: &mut DynamicMessage, field: &str, flag: bool) {
    if let (Some(field), true) = (descriptor(request).get_field_by_name(field), flag) {
        request.set_field(&field, Value::Bool(true));
    }
}

/// Sets the update mask of a request that has one.
pub(super) fn set_mask(request: &mut DynamicMessage, paths: Vec<String>) {
    let field = descriptor(request).get_field_by_name("update_mask");
    let mask = field.as_ref().and_then(|field| field.kind().as_message().cloned());
    if let (Some(field), Some(mask)) = (field, mask) {
        let mut message = DynamicMessage::new(mask);
        message.set_field_by_name("paths", Value::List(paths.into_iter().map(Value::String).collect()));
        request.set_field(&field, Value::Message(message));
    }
}

fn descriptor(message: &DynamicMessage) -> MessageDescriptor {
    use prost_reflect::ReflectMessage as _;
    message.descriptor()
}
