//! Records of another team: an export of one team, imported into another, becomes that team's, with what it refers to.

use prost_reflect::{DynamicMessage, FieldDescriptor, Value};

use crate::model::{
    name::{Id, Name},
    schema::field_rule,
};

/// What the name of a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The last part.
    pub(super) id: String,
    /// The team, `teams/{team}`, where it is another than the one that is imported into.
    pub(super) foreign: Option<String>,
}

// === impl Named ===

impl Named {
    /// Reads an id, `collection/id`, or a whole name.
    ///
    /// # Errors
    /// In words: no id, or the name of something else.
    pub(super) fn read(text: &str, collection: &str, team: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let (of, id) = match parts[..] {
            [id] => (None, id),
            [found, id] if found == collection => (None, id),
            [Name::TEAMS, of, found, id] if found == collection => (Some(of), id),
            _ => {
                return Err(format!(
                    "{text:?} is no record of {collection}: an id or teams/{{team}}/{collection}/{{id}} is"
                ));
            }
        };
        let checked = |id: &str| Id::parse(id).map_err(|rejection| rejection.message);
        let foreign = match of {
            Some(of) => Some(format!("{}/{}", Name::TEAMS, checked(of)?)).filter(|of| of != team),
            None => None,
        };
        Ok(Self { id: checked(id)?.to_string(), foreign })
    }
}

/// Makes what a record refers to of one team what has the same name in another.
pub(super) fn move_references(message: &mut DynamicMessage, from: &str, to: &str) {
    let fields: Vec<FieldDescriptor> = message.fields().map(|(field, _)| field).collect();
    for field in fields {
        let reference = !field_rule(&field).reference.is_empty();
        move_value(message.get_field_mut(&field), reference, from, to);
    }
}

fn move_value(value: &mut Value, reference: bool, from: &str, to: &str) {
    match value {
        Value::String(name) if reference => {
            if let Some(rest) = name.strip_prefix(from).filter(|rest| rest.starts_with('/')) {
                *name = format!("{to}{rest}");
            }
        }
        Value::Message(inner) => move_references(inner, from, to),
        Value::List(items) => items.iter_mut().for_each(|item| move_value(item, reference, from, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, move_references};
    use crate::{model::schema::schemas, transfer::read_message};

    #[test]
    fn names() {
        let check = |text: &str, expected: Result<(&str, Option<&str>), &str>| {
            let found = Named::read(text, "customers", "teams/t");
            match (found, expected) {
                (Ok(found), Ok((id, foreign))) => {
                    assert_eq!((found.id.as_str(), found.foreign.as_deref()), (id, foreign));
                }
                (Err(found), Err(part)) => assert!(found.contains(part), "{found}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        };
        check("acme", Ok(("acme", None)));
        check("customers/acme", Ok(("acme", None)));
        check("teams/t/customers/acme", Ok(("acme", None)));
        check("teams/u/customers/acme", Ok(("acme", Some("teams/u"))));
        check("teams/u/products/acme", Err("is no record of customers"));
        check("products/acme", Err("is no record of customers"));
        check("Acme", Err("is not an id"));
        check("", Err("is not an id"));
    }

    #[test]
    fn what_is_referred_to_moves_along() {
        let check = |collection: &str, json: &str, expected: &str| {
            let object = serde_json::from_str(json).unwrap();
            let mut message = read_message(&schemas()[collection].message, &object).unwrap();
            move_references(&mut message, "teams/a", "teams/b");
            let options = prost_reflect::SerializeOptions::new().use_proto_field_name(true);
            let moved = message.serialize_with_options(serde_json::value::Serializer, &options).unwrap();
            assert_eq!(moved.to_string(), expected);
        };
        check(
            "opportunities",
            r#"{"customer":"teams/ab/customers/c","display_name":"teams/a/x","owner":"teams/a/accountManagers/o"}"#,
            r#"{"customer":"teams/ab/customers/c","display_name":"teams/a/x","owner":"teams/b/accountManagers/o"}"#,
        );
        check(
            "accountManagers",
            r#"{"reporting_line":[{"manager":"teams/a/accountManagers/o"}]}"#,
            r#"{"reporting_line":[{"manager":"teams/b/accountManagers/o"}]}"#,
        );
        check(
            "measures",
            r#"{"ratio":{"denominator":"teams/a/measures/n","numerator":"teams/c/measures/n"}}"#,
            r#"{"ratio":{"denominator":"teams/b/measures/n","numerator":"teams/c/measures/n"}}"#,
        );
    }
}
