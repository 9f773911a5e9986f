//! What people call collections, and the standard methods of each, found in the descriptors.

use std::{ffi::OsStr, fmt};

use clap::{
    Arg, Command,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
    error::ErrorKind,
};
use prost_reflect::{FieldDescriptor, Kind, MethodDescriptor};

use super::failure::Failure;
use crate::{
    model::{
        nearest::nearest,
        schema::{Schema, is_imported, method_rule, refers_to, schemas},
    },
    proto::{
        descriptors,
        v1::{Transition, method_rule::Standard},
    },
};

/// A standard method, or what takes several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    /// Of a team's records that are both created and updated.
    Import,
    Get,
    List,
    Update,
    Delete,
    /// From one state to another, by whichever method goes that way.
    Change,
}

// === impl Verb ===

impl Verb {
    const ALL: &[Self] =
        &[Self::Create, Self::Import, Self::Get, Self::List, Self::Update, Self::Delete, Self::Change];
}

impl fmt::Display for Verb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Create => "create",
            Self::Import => "import",
            Self::Get => "get",
            Self::List => "list",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Change => "change",
        })
    }
}

/// Takes an argument that names a collection with this method, and tells completions which there are.
#[derive(Clone, Debug)]
pub(super) struct CollectionName {
    /// What is done with it.
    verb: Verb,
    /// Whether the name of a record does as well.
    or_record: bool,
}

// === impl CollectionName ===

impl CollectionName {
    /// A collection.
    pub(super) const fn of(verb: Verb) -> Self {
        Self { verb, or_record: false }
    }

    /// A collection, or the name of a record in one.
    pub(super) const fn or_record(verb: Verb) -> Self {
        Self { verb, or_record: true }
    }
}

impl TypedValueParser for CollectionName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        let text = StringValueParser::new().parse_ref(command, argument, value)?;
        if self.or_record && text.contains('/') {
            return Ok(text);
        }
        match find(&text).and_then(|schema| method(schema, self.verb)) {
            Ok(_) => Ok(text),
            Err(failure) => {
                Err(clap::Error::raw(ErrorKind::ValueValidation, format!("{}\n", failure.message()))
                    .with_cmd(command))
            }
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let serves = |schema: &&Schema| method(schema, self.verb).is_ok();
        Some(Box::new(
            schemas().values().filter(serves).map(|schema| PossibleValue::new(&*schema.collection)),
        ))
    }
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
        Failure::Usage(format!("there is no collection {text:?}; {hint}"))
    })
}

/// The standard method of a collection.
pub(super) fn method(schema: &Schema, verb: Verb) -> Result<MethodDescriptor, Failure> {
    if schema.collection == "evaluations" && verb == Verb::List {
        let message = "evaluations belong to a run: `merit results RUN` lists them".to_owned();
        return Err(Failure::Usage(message));
    }
    served(schema, verb).ok_or_else(|| {
        let verbs = Verb::ALL.iter().filter(|&&other| served(schema, other).is_some());
        let verbs: Vec<String> = verbs.map(ToString::to_string).collect();
        Failure::Usage(format!("{} have no {verb}; they have {}", schema.collection, verbs.join(", ")))
    })
}

/// The method that serves a collection so, where there is one.
fn served(schema: &Schema, verb: Verb) -> Option<MethodDescriptor> {
    if verb == Verb::Change {
        return transitions(schema).next().map(|(method, _)| method);
    }
    if verb == Verb::Import {
        return served(schema, Verb::Update).filter(|_| is_imported(schema));
    }
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
    methods().find(serves).or_else(|| methods().find(|method| method.name() == name))
}

/// The collections that are imported, in an order in which each refers to those before it, and to itself.
pub(super) fn in_order() -> Vec<&'static str> {
    let mut left: Vec<&Schema> = schemas().values().filter(|schema| is_imported(schema)).collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |schema: &&Schema| {
            let mut others = left.iter().filter(|other| other.collection != schema.collection);
            others.any(|other| refers_to(&schema.message, &other.collection))
        };
        let (waiting, next): (Vec<&Schema>, Vec<&Schema>) = left.iter().copied().partition(waits);
        // Collections that refer to each other in a circle are in no order.
        let (waiting, next) = if next.is_empty() { (Vec::new(), waiting) } else { (waiting, next) };
        ordered.extend(next.iter().map(|schema| schema.collection.as_str()));
        left = waiting;
    }
    ordered
}

/// The methods that change the state of a collection's records, and how.
pub(super) fn transitions(schema: &Schema) -> impl Iterator<Item = (MethodDescriptor, Transition)> {
    let methods = descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.filter_map(|method| match method_rule(&method).standard {
        Some(Standard::Transition(rule)) if rule.resource == schema.message.name() => Some((method, rule)),
        _ => None,
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
    use std::ffi::OsStr;

    use clap::{Command, builder::TypedValueParser as _};

    use super::{CollectionName, Verb, find, in_order, method, resource_field};
    use crate::model::schema::{is_imported, schemas};

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
    fn an_argument_is_a_collection_with_the_method() {
        let check = |parser: CollectionName, text: &str, expected: Result<(), &str>| {
            let parsed = parser.parse_ref(&Command::new("merit"), None, OsStr::new(text));
            match (parsed, expected) {
                (Ok(taken), Ok(())) => assert_eq!(taken, text),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (parsed, _) => panic!("{text}: {parsed:?}"),
            }
        };
        check(CollectionName::of(Verb::List), "account-managers", Ok(()));
        check(CollectionName::of(Verb::List), "evaluations", Err("merit results RUN"));
        check(CollectionName::of(Verb::List), "acountManagers", Err("did you mean accountManagers?"));
        check(CollectionName::of(Verb::List), "customers/acme", Err("there is no collection"));
        check(CollectionName::or_record(Verb::Get), "customers/acme", Ok(()));
        check(
            CollectionName::or_record(Verb::Delete),
            "runs",
            Err("runs have no delete; they have create, get, list, change"),
        );
        check(
            CollectionName::of(Verb::Import),
            "runs",
            Err("runs have no import; they have create, get, list, change"),
        );
        check(CollectionName::of(Verb::Import), "teams", Err("teams have no import; they have create, get,"));
        let told = |verb| {
            let parser = CollectionName::of(verb);
            parser.possible_values().unwrap().map(|value| value.get_name().to_owned()).collect::<Vec<_>>()
        };
        assert!(told(Verb::Get).contains(&"evaluations".to_owned()));
        assert!(!told(Verb::List).contains(&"evaluations".to_owned()));
        assert!(told(Verb::Update).contains(&"opportunities".to_owned()));
        assert!(told(Verb::Import).contains(&"opportunities".to_owned()));
        assert!(!told(Verb::Import).contains(&"runs".to_owned()));
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let order = in_order();
        let place = |collection: &str| order.iter().position(|known| *known == collection).unwrap();
        for (first, then) in [
            ("accountManagers", "customers"),
            ("customers", "opportunities"),
            ("products", "opportunities"),
            ("measures", "goals"),
            ("accountManagers", "goals"),
            ("measures", "measureValues"),
        ] {
            assert!(place(first) < place(then), "{order:?}");
        }
        assert_eq!(order.len(), schemas().values().filter(|schema| is_imported(schema)).count());
    }

    #[test]
    fn every_collection_is_listed_and_got() {
        for schema in schemas().values() {
            assert!(method(schema, Verb::Get).is_ok(), "{}", schema.collection);
            assert_eq!(method(schema, Verb::List).is_ok(), !schema.computed, "{}", schema.collection);
            if let Ok(create) = method(schema, Verb::Create) {
                assert!(resource_field(&create, schema).is_some(), "{}", schema.collection);
            }
        }
    }
}
