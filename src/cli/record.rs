//! `merit get`, `list`, `create`, `update`, `delete`: the standard methods of every collection that the descriptors
//! have. A collection added to the protos is served here without a line.

use clap::Args;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use serde_json::json;

use super::{
    collection::{self, CollectionName, Verb, method, resource_field},
    connection::Connection,
    failure::Failure,
    fields::{FieldArguments, set_common},
    output::{Format, OutputArguments, RecordPrinter, Sheet, print_json, print_record},
    pages::Pages,
    request::{set_flag, set_mask, set_text},
};
use crate::{model::schema::Schema, transfer::clear_field};

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
    /// Shows every field that has a value, however wide the table gets.
    #[arg(short, long)]
    wide: bool,
    /// The most records, at least 1 [default: all].
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    output: OutputArguments,
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
    /// The version that may be changed [default: that of --json, or the one that is read first].
    #[arg(long, value_name = "ETAG")]
    etag: Option<String>,
    /// Empties a field, or an entry of a map: `--clear labels.region`.
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
    #[command(flatten)]
    output: OutputArguments,
}

/// Prints a record.
pub(super) async fn get(connection: &Connection, arguments: &GetArguments) -> Result<(), Failure> {
    let (schema, name) = target(connection, &arguments.target, arguments.id.as_deref())?;
    print_record(arguments.output.output, &read(connection, schema, &name).await?)
}

/// Prints the records of a collection, page by page.
pub(super) async fn list(connection: &Connection, arguments: &ListArguments) -> Result<(), Failure> {
    let schema = collection::find(&arguments.collection)?;
    let printer = RecordPrinter::new(arguments.output.output, &schema.message, &arguments.fields)?;
    let mut printer = printer.wide(arguments.wide);
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
    arguments.fields.apply(connection, &mut record)?;
    let field = resource_field(&method, schema).ok_or_else(|| unlike(&method))?;
    let mut request = DynamicMessage::new(method.input());
    request.set_field(&field, Value::Message(record));
    if method.input().get_field_by_name("parent").is_some() {
        set_text(&mut request, "parent", Some(connection.team()?));
    }
    set_text(&mut request, &format!("{}_id", field.name()), arguments.id.as_deref());
    set_common(&mut request, arguments.fields.common());
    let created = connection.call(&method, &request).await?;
    print_record(arguments.output.output, &created)
}

/// Changes the fields of a record that are given, and prints it.
pub(super) async fn update(connection: &Connection, arguments: &UpdateArguments) -> Result<(), Failure> {
    let (schema, name) = target(connection, &arguments.target, arguments.id.as_deref())?;
    let method = method(schema, Verb::Update)?;
    // What is set below a field changes a part of it: the rest is what it was, and the etag holds the two together.
    let mut record = read(connection, schema, &name).await?;
    let given = arguments.fields.apply(connection, &mut record)?;
    if let Some(other) = given.name.filter(|other| *other != name) {
        return Err(Failure::Usage(format!("--json is of {other}, and {name} is to be changed")));
    }
    let mut mask = given.fields;
    for path in &arguments.clear {
        let cleared = clear_field(&mut record, path);
        mask.push(cleared.map_err(|message| Failure::Usage(format!("--clear {message}")))?);
    }
    if mask.is_empty() {
        return Err(Failure::Usage("nothing to change: give --set, --json or --clear".to_owned()));
    }
    if let Some(etag) = arguments.etag.as_ref().or(given.etag.as_ref()) {
        set_text(&mut record, "etag", Some(etag));
    }
    mask.sort();
    mask.dedup();
    let field = resource_field(&method, schema).ok_or_else(|| unlike(&method))?;
    let mut request = DynamicMessage::new(method.input());
    request.set_field(&field, Value::Message(record));
    set_mask(&mut request, mask);
    set_common(&mut request, arguments.fields.common());
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
    connection.call(&method, &request).await?;
    match arguments.output.output {
        Format::Table => Ok(()),
        Format::Csv => {
            let mut sheet = Sheet::new(&["name"]);
            sheet.row([name]);
            sheet.print(Format::Csv)
        }
        format => print_json(format, &json!({ "name": name })),
    }
}

/// The schema and name that a target means.
pub(super) fn target(
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

/// Gets a record.
pub(super) async fn read(
    connection: &Connection,
    schema: &Schema,
    name: &str,
) -> Result<DynamicMessage, Failure> {
    let method = method(schema, Verb::Get)?;
    let mut request = DynamicMessage::new(method.input());
    set_text(&mut request, "name", Some(name));
    connection.call(&method, &request).await
}

fn unlike(method: &MethodDescriptor) -> Failure {
    Failure::Service(format!("{} does not carry its resource", method.full_name()))
}
