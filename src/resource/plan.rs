//! What the standard methods need to know of a message and of a collection, read from its descriptor and the options on
//! it. All of them together, with the methods, are in `plans.rs`.

use std::collections::HashMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind as ProtoKind, MessageDescriptor};

use crate::{
    model::{
        name::Id,
        schema::{Schema, field_rule, oneof_rule, short_value_name, state_rule},
        text::with_article,
    },
    proto::v1::{self, Format},
};

/// The most bytes of a text whose field does not say.
const TEXT_MAX_BYTES: usize = 1024;

/// The most items of a repeated field or map that does not say.
const ITEMS_MAX: usize = 100;

/// Where a message is among the plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageIndex(pub(super) usize);

/// What a message is made of.
pub(crate) struct MessagePlan {
    /// `merit.v1.Goal`.
    pub(crate) full_name: String,
    /// By number.
    pub(crate) fields: Vec<FieldPlan>,
    /// Oneofs of which a field has to be set.
    pub(crate) required_oneofs: Vec<String>,
}

/// A field and its rule.
pub(crate) struct FieldPlan {
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) list: bool,
    pub(crate) map: bool,
    /// Which oneof of the message it belongs to.
    pub(crate) oneof: Option<String>,
    /// Whether an empty value is told from none.
    pub(crate) presence: bool,
    pub(crate) rule: v1::FieldRule,
    pub(crate) format: Format,
    pub(crate) max_bytes: usize,
    pub(crate) max_items: usize,
    pub(crate) scale: usize,
}

/// What a value of a field is on the wire.
pub(crate) enum Kind {
    Text,
    Bytes,
    Varint { zigzag: bool },
    Enum(Vec<(i32, String)>),
    Fixed32,
    Fixed64,
    Message(MessageIndex),
}

/// What a collection is made of.
pub(crate) struct CollectionPlan {
    pub(crate) schema: &'static Schema,
    pub(crate) message: MessageIndex,
    /// What people call one of it: `account manager`.
    pub(crate) noun: String,
    /// The numbers of the fields that every resource has; 0 where it has none of that name.
    pub(crate) name: u32,
    pub(crate) etag: u32,
    pub(crate) create_time: u32,
    pub(crate) update_time: u32,
    /// Who created it: a text named `author` that only the service sets.
    pub(crate) author: u32,
    /// The state, if it has one.
    pub(crate) state: Option<StatePlan>,
    /// Whether clients create records of it.
    pub(crate) created_by_clients: bool,
    /// Whether clients update records of it.
    pub(crate) updated_by_clients: bool,
    /// Whether clients delete records of it.
    pub(crate) deleted_by_clients: bool,
    /// Changes of state that some method makes: from, to, the method.
    pub(crate) transitions: Vec<(i32, i32, String)>,
    /// The longest id of a record, in bytes.
    id_max_bytes: usize,
}

/// The field that says where a resource stands.
pub(crate) struct StatePlan {
    /// The field's number.
    pub(crate) number: u32,
    /// The field's name.
    pub(crate) field: String,
    /// Every state, with its short name: `WON`.
    pub(crate) names: Vec<(i32, String)>,
    /// The states in which a record may be created; the first is that of a record created without.
    pub(crate) initial: Vec<i32>,
    /// Whether clients may give one at creation.
    pub(crate) given: bool,
}

/// The plan of a message by its full name.
pub(crate) fn message_index(messages: &[MessagePlan], full_name: &str) -> MessageIndex {
    let index = messages.iter().position(|message| message.full_name == full_name);
    MessageIndex(index.expect("every message of the contract has a plan"))
}

// === impl MessagePlan ===

impl MessagePlan {
    pub(super) fn read(message: &MessageDescriptor, places: &HashMap<String, usize>) -> Self {
        let mut fields: Vec<FieldPlan> =
            message.fields().map(|field| FieldPlan::read(&field, places)).collect();
        fields.sort_by_key(|field| field.number);
        let required_oneofs = message
            .oneofs()
            .filter(|oneof| oneof_rule(oneof).required)
            .map(|oneof| oneof.name().to_owned())
            .collect();
        Self { full_name: message.full_name().to_owned(), fields, required_oneofs }
    }

    /// The field of a number.
    pub(crate) fn by_number(&self, number: u32) -> Option<&FieldPlan> {
        self.fields.binary_search_by_key(&number, |field| field.number).ok().map(|index| &self.fields[index])
    }

    /// What is said of a field that the message does not have.
    pub(crate) fn unknown(&self, number: u32) -> String {
        let known: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
        format!("field number {number} is not one of {}: known are {}", self.full_name, known.join(", "))
    }

    /// The field of a name.
    pub(crate) fn by_name(&self, name: &str) -> Option<&FieldPlan> {
        self.fields.iter().find(|field| field.name == name)
    }
}

// === impl FieldPlan ===

impl FieldPlan {
    fn read(field: &FieldDescriptor, places: &HashMap<String, usize>) -> Self {
        let rule = field_rule(field);
        let kind = match field.kind() {
            ProtoKind::String => Kind::Text,
            ProtoKind::Bytes => Kind::Bytes,
            ProtoKind::Enum(values) => Kind::Enum(value_names(&values)),
            ProtoKind::Double | ProtoKind::Fixed64 | ProtoKind::Sfixed64 => Kind::Fixed64,
            ProtoKind::Float | ProtoKind::Fixed32 | ProtoKind::Sfixed32 => Kind::Fixed32,
            ProtoKind::Sint32 | ProtoKind::Sint64 => Kind::Varint { zigzag: true },
            ProtoKind::Int32 | ProtoKind::Int64 | ProtoKind::Uint32 | ProtoKind::Uint64 | ProtoKind::Bool => {
                Kind::Varint { zigzag: false }
            }
            ProtoKind::Message(entry) if field.is_map() => {
                let text = |field: FieldDescriptor| matches!(field.kind(), ProtoKind::String);
                assert!(
                    text(entry.map_entry_key_field()) && text(entry.map_entry_value_field()),
                    "{}: maps of the contract are from text to text",
                    field.full_name()
                );
                Kind::Text
            }
            ProtoKind::Message(message) => {
                let place = places.get(message.full_name());
                Kind::Message(MessageIndex(*place.unwrap_or_else(|| panic!("no plan for {message:?}"))))
            }
        };
        let or = |given: u32, default: usize| match given {
            0 => default,
            given => given as usize,
        };
        Self {
            name: field.name().to_owned(),
            number: field.number(),
            kind,
            list: field.is_list(),
            map: field.is_map(),
            oneof: field.containing_oneof().map(|oneof| oneof.name().to_owned()),
            presence: field.supports_presence(),
            format: rule.format(),
            max_bytes: or(rule.max_bytes, TEXT_MAX_BYTES),
            max_items: or(rule.max_items, ITEMS_MAX),
            scale: or(rule.scale, usize::from(crate::model::schema::DEFAULT_SCALE)),
            rule,
        }
    }
}

fn value_names(values: &EnumDescriptor) -> Vec<(i32, String)> {
    values.values().map(|value| (value.number(), short_value_name(&value).to_owned())).collect()
}

// === impl CollectionPlan ===

impl CollectionPlan {
    pub(super) fn read(schema: &'static Schema, messages: &[MessagePlan]) -> Self {
        let message = message_index(messages, schema.message.full_name());
        let plan = &messages[message.0];
        let number = |name: &str| plan.by_name(name).map_or(0, |field| field.number);
        Self {
            schema,
            message,
            noun: words(schema.message.name()),
            name: number("name"),
            etag: number("etag"),
            create_time: number("create_time"),
            update_time: number("update_time"),
            author: plan
                .by_name("author")
                .filter(|field| field.rule.output_only && matches!(field.kind, Kind::Text) && !field.list)
                .map_or(0, |field| field.number),
            state: StatePlan::read(schema),
            created_by_clients: false,
            updated_by_clients: false,
            deleted_by_clients: false,
            transitions: Vec::new(),
            id_max_bytes: schema.id_max_bytes,
        }
    }

    /// The name of the field for the state; empty where there is none.
    pub(crate) fn state_field(&self) -> &str {
        self.state.as_ref().map_or("", |state| &state.field)
    }

    /// Checks that the id of a new record leaves the room that the collection needs.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn check_id(&self, id: &Id) -> Result<(), String> {
        let (bytes, most) = (id.as_str().len(), self.id_max_bytes);
        if bytes <= most {
            return Ok(());
        }
        let noun = with_article(&self.noun);
        Err(format!("has {bytes} characters: at most {most} are accepted of {noun}, whose id begins others'"))
    }
}

// === impl StatePlan ===

impl StatePlan {
    /// The field that is marked as the state, or else the output-only enum that has initial values.
    fn read(schema: &Schema) -> Option<Self> {
        let field = schema.message.fields().find(|field| {
            let ProtoKind::Enum(values) = field.kind() else { return false };
            field_rule(field).state || values.values().any(|value| state_rule(&value).initial)
        })?;
        let ProtoKind::Enum(values) = field.kind() else { return None };
        Some(Self {
            number: field.number(),
            field: field.name().to_owned(),
            names: value_names(&values),
            initial: values
                .values()
                .filter(|value| state_rule(value).initial)
                .map(|value| value.number())
                .collect(),
            given: field_rule(&field).state,
        })
    }

    /// A state for people, also one that there is not.
    pub(crate) fn told(&self, state: i32) -> String {
        match self.names.iter().find(|(number, _)| *number == state) {
            Some((_, name)) => name.clone(),
            None => state.to_string(),
        }
    }

    /// The short name of a state.
    pub(crate) fn short(&self, state: i32) -> &str {
        self.names.iter().find(|(number, _)| *number == state).map_or("UNSPECIFIED", |(_, name)| name)
    }
}

/// `AccountManager` as `account manager`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}
