//! `merit change`: takes a record from one state to another, by the method that goes that way. Which there are is in the
//! descriptors.

use clap::Args;
use prost_reflect::{DynamicMessage, Kind, MethodDescriptor, Value};

use super::{
    collection::{CollectionName, Verb, transitions},
    connection::Connection,
    failure::Failure,
    fields::{CommonArguments, SetArguments, set_common},
    output::{OutputArguments, print_record},
    record::{read, target},
    request::set_text,
};
use crate::{
    model::{
        nearest::nearest,
        schema::{Schema, schemas, short_value_name},
    },
    proto::v1::Transition,
};

/// What `merit change` takes.
#[derive(Debug, Args)]
#[command(after_long_help = ways())]
pub(super) struct Arguments {
    /// The collection, or a name: `opportunities d1`, `opportunities/d1`, `teams/acme/opportunities/d1`.
    #[arg(value_parser = CollectionName::or_record(Verb::Change))]
    target: String,
    /// The record's id, after a collection.
    id: Option<String>,
    /// The state to take it to; --help lists them.
    #[arg(long, value_name = "STATE")]
    to: String,
    #[command(flatten)]
    set: SetArguments,
    /// The version that may be changed.
    #[arg(long, value_name = "ETAG")]
    etag: Option<String>,
    #[command(flatten)]
    common: CommonArguments,
    #[command(flatten)]
    output: OutputArguments,
}

/// A way from states to others.
struct Way {
    method: MethodDescriptor,
    /// Short names.
    from: Vec<String>,
    to: Vec<String>,
    /// Whether the request says to which.
    asked: bool,
}

/// Changes the state of a record, and prints it.
pub(super) async fn run(connection: &Connection, arguments: &Arguments) -> Result<(), Failure> {
    let (schema, name) = target(connection, &arguments.target, arguments.id.as_deref())?;
    let to = arguments.to.to_uppercase();
    let all = ways_of(schema);
    let ways: Vec<&Way> = all.iter().filter(|way| way.to.contains(&to)).collect();
    let Some(first) = ways.first() else {
        let known: Vec<&str> = all.iter().flat_map(|way| way.to.iter().map(String::as_str)).collect();
        let hint = match nearest(&to, known.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are {}", known.join(", ")),
        };
        return Err(Failure::Usage(format!("--to {to}: nothing takes {} there; {hint}", schema.collection)));
    };
    let way = if ways.len() == 1 {
        first
    } else {
        // From where it is; where none goes from there, the server says from where.
        let now = state(&read(connection, schema, &name).await?, schema);
        ways.iter().find(|way| way.from.contains(&now)).unwrap_or(first)
    };
    let mut request = DynamicMessage::new(way.method.input());
    arguments.set.apply(connection, &mut request)?;
    set_text(&mut request, "name", Some(&name));
    set_text(&mut request, "etag", arguments.etag.as_deref());
    set_common(&mut request, &arguments.common);
    if let Some(field) = schema.state.as_ref().filter(|_| way.asked)
        && let Some(field) = way.method.input().get_field_by_name(field.name())
        && let Kind::Enum(values) = field.kind()
        && let Some(value) = values.values().find(|value| short_value_name(value) == to)
    {
        request.set_field(&field, Value::EnumNumber(value.number()));
    }
    print_record(arguments.output.output, &connection.call(&way.method, &request).await?)
}

/// The short name of the state that a record is in.
fn state(record: &DynamicMessage, schema: &Schema) -> String {
    let Some(field) = &schema.state else { return String::new() };
    let (Kind::Enum(values), Value::EnumNumber(number)) =
        (field.kind(), record.get_field(field).into_owned())
    else {
        return String::new();
    };
    values.get_value(number).map(|value| short_value_name(&value).to_owned()).unwrap_or_default()
}

fn ways_of(schema: &Schema) -> Vec<Way> {
    let read = |(method, rule): (MethodDescriptor, Transition)| {
        let short = |names: &[String]| names.iter().map(|name| short_name(schema, name)).collect();
        let to = if rule.to.is_empty() { rule.to_any.clone() } else { vec![rule.to.clone()] };
        Way { method, from: short(&rule.from), to: short(&to), asked: rule.to.is_empty() }
    };
    transitions(schema).map(read).collect()
}

/// `OPPORTUNITY_STAGE_WON` as `WON`.
fn short_name(schema: &Schema, name: &str) -> String {
    let value = schema.message.fields().find_map(|field| match field.kind() {
        Kind::Enum(values) => values.get_value_by_name(name),
        _ => None,
    });
    value.as_ref().map_or(name, short_value_name).to_owned()
}

/// Every way there is, for --help.
fn ways() -> String {
    let mut text = "States, and from which each is reached:\n".to_owned();
    for schema in schemas().values() {
        for way in ways_of(schema) {
            let (from, to) = (way.from.join(", "), way.to.join(" or "));
            text.push_str(&format!("  {}: {to}, from {from}\n", schema.collection));
        }
    }
    text.trim_end().to_owned()
}
