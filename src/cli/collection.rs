//! What people call collections, and the standard methods of each, found in the descriptors.

use prost_reflect::{FieldDescriptor, Kind, MethodDescriptor};

use super::failure::Failure;
use crate::{
    model::{
        nearest::nearest,
        schema::{Schema, method_rule, schemas},
    },
    proto::{descriptors, v1::method_rule::Standard},
};

/// A standard method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Get,
    List,
    Update,
    Delete,
}

/// The collection that is meant: `accountManagers`, `account-managers`, `account_manager`, `AccountManager`.
pub(super) fn find(text: &str) -> Result<&'static Schema, Failure> {
    let wanted = plain(text);
    let found = schemas()
        .values()
        .find(|schema| plain(&schema.collection) == wanted || plain(schema.message.name()) == wanted);
    found.ok_or_else(|| {
        let known: Vec<&str> = schemas().keys().map(String::as_str).collect();
        let hint = match nearest(text, known.iter().copied()) {
            Some(name) => format!("did you mean {name}?"),
            None => format!("there are {}", known.join(", ")),
        };
        Failure::Usage(format!("no collection {text:?}; {hint}"))
    })
}

/// The standard method of a collection.
pub(super) fn method(schema: &Schema, verb: Verb) -> Result<MethodDescriptor, Failure> {
    let methods = || descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let serves = |method: &MethodDescriptor| {
        let (found, message) = match method_rule(method).standard {
            Some(Standard::Create(message)) => (Verb::Create, message),
            Some(Standard::Get(message)) => (Verb::Get, message),
            Some(Standard::List(message)) => (Verb::List, message),
            Some(Standard::Update(message)) => (Verb::Update, message),
            Some(Standard::Delete(message)) => (Verb::Delete, message),
            Some(Standard::Transition(_)) | None => return false,
        };
        found == verb && message == schema.message.name()
    };
    // What is computed is not served by the standard methods, but may be by methods of the same form.
    let name = match verb {
        Verb::Get => format!("Get{}", schema.message.name()),
        Verb::List => format!("List{}{}", schema.collection[..1].to_uppercase(), &schema.collection[1..]),
        _ => String::new(),
    };
    methods().find(serves).or_else(|| methods().find(|method| method.name() == name)).ok_or_else(|| {
        let verb = format!("{verb:?}").to_lowercase();
        Failure::Usage(format!(
            "{} have no {verb}: `merit --help` says what else there is",
            schema.collection
        ))
    })
}

/// The field of a message that holds the resource.
pub(super) fn resource_field(method: &MethodDescriptor, schema: &Schema) -> Option<FieldDescriptor> {
    let holds =
        |field: &FieldDescriptor| matches!(field.kind(), Kind::Message(inner) if inner == schema.message);
    method.input().fields().find(holds)
}

/// The letters, without what people put between words.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::{Verb, find, method, resource_field};
    use crate::model::schema::schemas;

    #[test]
    fn collections_go_by_many_names() {
        for text in
            ["accountManagers", "account-managers", "account_managers", "AccountManager", "account manager"]
        {
            assert_eq!(find(text).expect(text).collection, "accountManagers");
        }
        assert!(find("acountManagers").is_err());
    }

    #[test]
    fn every_collection_is_listed_and_got() {
        for schema in schemas().values() {
            for verb in [Verb::Get, Verb::List] {
                assert!(method(schema, verb).is_ok(), "{verb:?} {}", schema.collection);
            }
            if let Ok(create) = method(schema, Verb::Create) {
                assert!(resource_field(&create, schema).is_some(), "{}", schema.collection);
            }
        }
    }
}
