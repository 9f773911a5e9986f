//! Definitions of measures in the header: the JSON of the message that clients see, so that any reader can tell what a figure was.

use prost::{Message as _, Name as _};
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;

use crate::proto::{descriptors, v1::Measure};

/// The id of a measure, and its definition in JSON: what it is, and neither when it was written nor in which version, which
/// would make other bytes of the same evidence.
#[must_use]
pub fn kept(measure: &Measure) -> (String, Value) {
    let id = measure.name.rsplit('/').next().unwrap_or_default().to_owned();
    let measure = Measure { etag: String::new(), create_time: None, update_time: None, ..measure.clone() };
    let message = DynamicMessage::decode(descriptor(), measure.encode_to_vec().as_slice());
    let options = SerializeOptions::new().use_proto_field_name(true);
    let json = message
        .ok()
        .and_then(|message| message.serialize_with_options(serde_json::value::Serializer, &options).ok());
    (id, json.unwrap_or_default())
}

/// The measure that a definition says; nothing where it is none. What a later version has said of it besides is left out.
#[must_use]
pub fn restored(definition: &Value) -> Option<Measure> {
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    DynamicMessage::deserialize_with_options(descriptor(), definition.clone(), &options)
        .ok()?
        .transcode_to()
        .ok()
}

fn descriptor() -> MessageDescriptor {
    descriptors()
        .get_message_by_name(&Measure::full_name())
        .expect("every generated message has a descriptor")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{Aggregate, AggregateFunction, measure::Definition};

    #[test]
    fn definitions_come_back() {
        let aggregate = Aggregate {
            collection: "opportunities".into(),
            condition: "stage = \"WON\"".into(),
            function: AggregateFunction::Sum.into(),
            ..Default::default()
        };
        let measure = Measure {
            name: "teams/acme/measures/won".into(),
            scale: 2,
            definition: Some(Definition::Aggregate(aggregate)),
            ..Default::default()
        };
        let written = Measure {
            etag: "7".into(),
            update_time: Some(prost_types::Timestamp { seconds: 1, nanos: 2 }),
            ..measure.clone()
        };
        let (id, mut json) = kept(&written);
        assert_eq!(id, "won");
        assert_eq!(json["aggregate"]["function"], "AGGREGATE_FUNCTION_SUM");
        assert_eq!(restored(&json), Some(measure.clone()));
        json["something_new"] = Value::Bool(true);
        assert_eq!(restored(&json), Some(measure));
        assert_eq!(restored(&Value::Bool(true)), None);
    }
}
