//! `merit get`, `list`, `create`, `update`, `delete`: the standard methods of every collection that the descriptors
//! have. A collection added to the protos is served here without a line.

use clap::Args;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use serde_json::{Map, Value as Json};

use super::{
    argument::text_of,
    collection::{self, CollectionName, Verb, method, resource_field},
    connection::Connection,
    failure::Failure,
    output::{OutputArguments, RecordPrinter, print_record},
    pages::Pages,
    request::{set_flag, set_mask, set_text},
};
use crate::{
    model::schema::{Schema, field_rule},
    transfer::{referred_collection, set_field},
};

/// What `merit get` takes.
#[derive(Debug, Args)]
pub(super) struct GetArguments {
    /// The collection, or a name: `customers acme`, `customers/acme`, `teams/acme/customers/acme`.
    #[arg(value_parser = CollectionName::or_record(Verb::Get))]
    target: String,
    /// The record's id, after a collection.
    id: Option<String>,
    #[command(flatten)]
    output: OutputArguments,
}

/// What `merit list` takes.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// The collection: `opportunities`, `account-managers`.
    #[arg(value_parser = CollectionName::of(Verb::List))]
    collection: String,
    /// Which records: `stage = "WON" AND amount > 1000`.
    #[arg(short, long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Fields, each with an optional ` desc`, separated by commas.
    #[arg(long, value_name = "FIELDS")]
    order_by: Option<String>,
    /// The fields to show, separated by commas: `display_name,labels.region`.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    fields: Vec<String>,
    /// The most records, at least 1 [default: all].
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    output: OutputArguments,
}

/// What gives the fields of a record.
#[derive(Debug, Args)]
struct FieldArguments {
    /// Sets a field: `--set display_name=Acme --set labels.region=North`. The id is enough for a reference.
    #[arg(short, long = "set", value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// The record, or a part of it, as a JSON object; @FILE reads a file, - reads stdin.
    #[arg(long, value_name = "JSON")]
    json: Option<String>,
    /// Makes a repeat safe: the same id with the same content gives the first answer.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Checks everything and keeps nothing.
    #[arg(long)]
    validate_only: bool,
}

/// What `merit create` takes.
#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// The collection: `customers`.
    #[arg(value_parser = CollectionName::of(Verb::Create))]
    collection: String,
    /// The last part of the name [default: the service makes one].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    fields: FieldArguments,
    #[command(flatten)]
    output: OutputArguments,
}

/// What `merit update` takes.
#[derive(Debug, Args)]
pub(super) struct UpdateArguments {
    /// The collection, or a name: `customers acme`, `customers/acme`, `teams/acme/customers/acme`.
    #[arg(value_parser = CollectionName::or_record(Verb::Update))]
    target: String,
    /// The record's id, after a collection.
    id: Option<String>,
    #[command(flatten)]
    fields: FieldArguments,
    /// The version that may be changed [default: the one that is read first].
    #[arg(long, value_name = "ETAG")]
    etag: Option<String>,
    /// Empties a field.
    #[arg(long, value_name = "FIELD")]
    clear: Vec<String>,
    #[command(flatten)]
    output: OutputArguments,
}

/// What `merit delete` takes.
#[derive(Debug, Args)]
pub(super) struct DeleteArguments {
    /// The collection, or a name: `customers acme`, `customers/acme`, `teams/acme/customers/acme`.
    #[arg(value_parser = CollectionName::or_record(Verb::Delete))]
    target: String,
    /// The record's id, after a collection.
    id: Option<String>,
    /// The version that may be deleted.
    #[arg(long, value_name = "ETAG")]
    etag: Option<String>,
    /// Makes a repeat safe.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Succeeds where there is nothing to delete.
    #[arg(long)]
    allow_missing: bool,
    /// Checks everything and deletes nothing.
    #[arg(long)]
    validate_only: bool,
}

/// Prints a record.
pub(super) async fn get(connection: &Connection, arguments: &GetArguments) -> Result<(), Failure> {
    let (schema, name) = target(connection, &arguments.target, arguments.id.as_deref())?;
    print_record(arguments.output.output, &read(connection, schema, &name).await?)
}

/// Prints the records of a collection, page by page.
pub(super) async fn list(connection: &Connection, arguments: &ListArguments) -> Result<(), Failure> {
    let schema = collection::find(&arguments.collection)?;
    let mut printer = RecordPrinter::new(arguments.output.output, &schema.message, &arguments.fields)?;
    let (filter, order) = (arguments.filter.as_deref(), arguments.order_by.as_deref());
    let mut pages = Pages::new(connection, schema, filter, order, arguments.limit)?;
    while let Some(page) = pages.next().await? {
        printer.page(&page)?;
    }
    printer.finish()
}

/// Creates a record and prints it.
pub(super) async fn create(connection: &Connection, arguments: &CreateArguments) -> Result<(), Failure> {
    let schema = collection::find(&arguments.collection)?;
    let method = method(schema, Verb::Create)?;
    let mut record = DynamicMessage::new(schema.message.clone());
    apply(connection, schema, &mut record, &arguments.fields)?;
    let field = resource_field(&method, schema).ok_or_else(|| unlike(&method))?;
    let mut request = DynamicMessage::new(method.input());
    request.set_field(&field, Value::Message(record));
    if method.input().get_field_by_name("parent").is_some() {
        set_text(&mut request, "parent", Some(connection.team()?));
    }
    set_text(&mut request, &format!("{}_id", field.name()), arguments.id.as_deref());
    set_common(&mut request, &arguments.fields);
    let created = connection.call(&method, &request).await?;
    print_record(arguments.output.output, &created)
}

/// Changes the fields of a record that are given, and prints it.
pub(super) async fn update(connection: &Connection, arguments: &UpdateArguments) -> Result<(), Failure> {
    let (schema, name) = target(connection, &arguments.target, arguments.id.as_deref())?;
    let method = method(schema, Verb::Update)?;
    // What is set below a field changes a part of it: the rest is what it was, and the etag holds the two together.
    let mut record = read(connection, schema, &name).await?;
    let mut mask = apply(connection, schema, &mut record, &arguments.fields)?;
    for path in &arguments.clear {
        let field = schema.message.get_field_by_name(path);
        let field = field.ok_or_else(|| {
            Failure::Usage(format!("--clear {path}: {} has no such field", schema.message.name()))
        })?;
        record.clear_field(&field);
        mask.push(path.clone());
    }
    if mask.is_empty() {
        return Err(Failure::Usage("nothing to change: give --set, --json or --clear".to_owned()));
    }
    if let Some(etag) = &arguments.etag {
        set_text(&mut record, "etag", Some(etag));
    }
    mask.sort();
    mask.dedup();
    let field = resource_field(&method, schema).ok_or_else(|| unlike(&method))?;
    let mut request = DynamicMessage::new(method.input());
    request.set_field(&field, Value::Message(record));
    set_mask(&mut request, mask);
    set_common(&mut request, &arguments.fields);
    let updated = connection.call(&method, &request).await?;
    print_record(arguments.output.output, &updated)
}

/// Deletes a record.
pub(super) async fn delete(connection: &Connection, arguments: &DeleteArguments) -> Result<(), Failure> {
    let (schema, name) = target(connection, &arguments.target, arguments.id.as_deref())?;
    let method = method(schema, Verb::Delete)?;
    let mut request = DynamicMessage::new(method.input());
    set_text(&mut request, "name", Some(&name));
    set_text(&mut request, "etag", arguments.etag.as_deref());
    set_text(&mut request, "request_id", arguments.request_id.as_deref());
    set_flag(&mut request, "allow_missing", arguments.allow_missing);
    set_flag(&mut request, "validate_only", arguments.validate_only);
    connection.call(&method, &request).await.map(drop)
}

/// The schema and name that a target means.
fn target(
    connection: &Connection,
    target: &str,
    id: Option<&str>,
) -> Result<(&'static Schema, String), Failure> {
    let parts: Vec<&str> = target.split('/').collect();
    let collection = match (id, &parts[..]) {
        (Some(_), _) => target,
        (None, ["teams", _]) => "teams",
        (None, ["runs", _, "evaluations", _] | ["teams", _, "runs", _, "evaluations", _]) => "evaluations",
        (None, ["teams", _, collection, _] | [collection, _]) => collection,
        _ => {
            let accepted = "COLLECTION ID, COLLECTION/ID or teams/TEAM/COLLECTION/ID";
            return Err(Failure::Usage(format!("{target:?} names no record: {accepted}")));
        }
    };
    let schema = collection::find(collection)?;
    Ok((schema, connection.name(&schema.collection, id.unwrap_or(target))?))
}

async fn read(connection: &Connection, schema: &Schema, name: &str) -> Result<DynamicMessage, Failure> {
    let method = method(schema, Verb::Get)?;
    let mut request = DynamicMessage::new(method.input());
    set_text(&mut request, "name", Some(name));
    connection.call(&method, &request).await
}

/// Puts the fields that are given into a record, and answers which they are.
fn apply(
    connection: &Connection,
    schema: &Schema,
    record: &mut DynamicMessage,
    arguments: &FieldArguments,
) -> Result<Vec<String>, Failure> {
    let mut touched = Vec::new();
    if let Some(json) = &arguments.json {
        let text = text_of("--json", json)?;
        let object: Map<String, Json> = serde_json::from_str(&text)
            .map_err(|error| Failure::Usage(format!("--json: not a JSON object: {error}")))?;
        let part = DynamicMessage::deserialize(schema.message.clone(), Json::Object(object.clone()))
            .map_err(|error| Failure::Usage(format!("--json: {error}")))?;
        for field in schema.message.fields() {
            let given = object.contains_key(field.name()) || object.contains_key(field.json_name());
            if given && !field_rule(&field).output_only && field.name() != "etag" {
                record.set_field(&field, part.get_field(&field).into_owned());
                touched.push(field.name().to_owned());
            }
        }
    }
    for set in &arguments.set {
        let (path, text) = set
            .split_once('=')
            .ok_or_else(|| Failure::Usage(format!("--set {set}: write it FIELD=VALUE")))?;
        let text = reference(connection, schema, path, text)?;
        let top =
            set_field(record, path, &text).map_err(|message| Failure::Usage(format!("--set {message}")))?;
        touched.push(top);
    }
    Ok(touched)
}

/// The whole name, where an id is given for a reference.
fn reference(connection: &Connection, schema: &Schema, path: &str, text: &str) -> Result<String, Failure> {
    match referred_collection(&schema.message, path) {
        Some(collection) if !text.is_empty() => connection.name(&collection, text),
        _ => Ok(text.to_owned()),
    }
}

fn set_common(request: &mut DynamicMessage, arguments: &FieldArguments) {
    set_text(request, "request_id", arguments.request_id.as_deref());
    set_flag(request, "validate_only", arguments.validate_only);
}

fn unlike(method: &MethodDescriptor) -> Failure {
    Failure::Service(format!("{} does not carry its resource", method.full_name()))
}
