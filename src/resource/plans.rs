//! Everything that the standard methods need to know, read once from the descriptors and the options on them: messages,
//! collections, methods. There is no list of resources anywhere else.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use prost_reflect::MessageDescriptor;

use super::{
    method::{self, MethodPlan},
    plan::{CollectionPlan, MessageIndex, MessagePlan, message_index},
};
use crate::{model::schema::schemas, proto::descriptors};

/// Everything that is read from the descriptors.
pub(crate) struct Plans {
    /// Every message that a standard method can meet.
    messages: Vec<MessagePlan>,
    /// By name of the collection.
    pub(crate) collections: BTreeMap<String, CollectionPlan>,
    /// The standard methods, by full name.
    pub(crate) methods: HashMap<String, MethodPlan>,
}

/// Everything that is read from the descriptors.
pub(crate) fn plans() -> &'static Plans {
    static PLANS: LazyLock<Plans> = LazyLock::new(Plans::read);
    &PLANS
}

// === impl Plans ===

impl Plans {
    fn read() -> Self {
        let all: Vec<MessageDescriptor> = descriptors()
            .all_messages()
            .filter(|message| {
                !message.is_map_entry()
                    && (message.package_name() == "merit.v1"
                        || matches!(
                            message.full_name(),
                            "google.protobuf.Timestamp"
                                | "google.protobuf.FieldMask"
                                | "google.protobuf.Any"
                                | "google.protobuf.Empty"
                        ))
            })
            .collect();
        let places: HashMap<String, usize> =
            all.iter().enumerate().map(|(index, message)| (message.full_name().to_owned(), index)).collect();
        let messages: Vec<MessagePlan> =
            all.iter().map(|message| MessagePlan::read(message, &places)).collect();
        let mut collections: BTreeMap<String, CollectionPlan> = schemas()
            .values()
            .map(|schema| (schema.collection.clone(), CollectionPlan::read(schema, &messages)))
            .collect();
        let methods = method::read(&messages, &mut collections);
        Self { messages, collections, methods }
    }

    /// The plan of a message.
    pub(crate) fn message(&self, index: MessageIndex) -> &MessagePlan {
        &self.messages[index.0]
    }

    /// The place of a message, by full name.
    pub(crate) fn find(&self, full_name: &str) -> MessageIndex {
        message_index(&self.messages, full_name)
    }
}

// === impl MessageIndex ===

impl MessageIndex {
    /// The plan.
    pub(crate) fn plan(self) -> &'static MessagePlan {
        plans().message(self)
    }
}
