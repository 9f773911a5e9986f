//! Fields as a command line gives them: one by one, or as JSON.

use clap::Args;
use prost_reflect::{DynamicMessage, ReflectMessage as _};

use super::{
    argument::text_of,
    connection::Connection,
    failure::Failure,
    request::{set_flag, set_text},
};
use crate::{
    model::schema::field_rule,
    transfer::{parse_json_object, read_message, referred_collection, set_field},
};

/// What gives the fields of a record.
#[derive(Debug, Args)]
pub(super) struct FieldArguments {
    #[command(flatten)]
    set: SetArguments,
    /// The record, or a part of it, as a JSON object; @FILE reads a file, - reads stdin.
    #[arg(long, value_name = "JSON")]
    json: Option<String>,
    #[command(flatten)]
    common: CommonArguments,
}

/// Fields one by one.
#[derive(Debug, Args)]
pub(super) struct SetArguments {
    /// Sets a field: `--set display_name=Acme --set labels.region=North`. The id is enough for a reference.
    #[arg(short, long = "set", value_name = "FIELD=VALUE")]
    set: Vec<String>,
}

/// What every change takes.
#[derive(Debug, Args)]
pub(super) struct CommonArguments {
    /// Makes a repeat safe: the same id with the same content gives the first answer.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Checks everything and keeps nothing.
    #[arg(long)]
    validate_only: bool,
}

/// What was given.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The names of the fields.
    pub(super) fields: Vec<String>,
    /// The record that the JSON says it is.
    pub(super) name: Option<String>,
    /// Its version.
    pub(super) etag: Option<String>,
}

// === impl FieldArguments ===

impl FieldArguments {
    /// Puts what is given into a record.
    pub(super) fn apply(
        &self,
        connection: &Connection,
        record: &mut DynamicMessage,
    ) -> Result<Given, Failure> {
        let mut given = match &self.json {
            Some(json) => apply_json(record, &text_of("--json", json)?)
                .map_err(|wrong| Failure::Usage(format!("--json: {wrong}")))?,
            None => Given::default(),
        };
        given.fields.extend(self.set.apply(connection, record)?);
        Ok(given)
    }

    /// See [`CommonArguments`].
    pub(super) fn common(&self) -> &CommonArguments {
        &self.common
    }
}

fn apply_json(record: &mut DynamicMessage, text: &str) -> Result<Given, String> {
    let object = parse_json_object(text)?;
    let descriptor = record.descriptor();
    let part = read_message(&descriptor, &object)?;
    let text = |field: &str| {
        let value = part.get_field_by_name(field)?;
        value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let mut given = Given { fields: Vec::new(), name: text("name"), etag: text("etag") };
    for field in descriptor.fields() {
        let is_given = object.contains_key(field.name()) || object.contains_key(field.json_name());
        if is_given && !field_rule(&field).output_only && field.name() != "etag" {
            if part.has_field(&field) {
                record.set_field(&field, part.get_field(&field).into_owned());
            } else {
                record.clear_field(&field);
            }
            given.fields.push(field.name().to_owned());
        }
    }
    Ok(given)
}

// === impl SetArguments ===

impl SetArguments {
    /// Puts the fields into a message, and answers which of its fields they belong to.
    pub(super) fn apply(
        &self,
        connection: &Connection,
        message: &mut DynamicMessage,
    ) -> Result<Vec<String>, Failure> {
        let mut touched = Vec::new();
        for set in &self.set {
            let (path, text) = set
                .split_once('=')
                .ok_or_else(|| Failure::Usage(format!("--set {set}: write it FIELD=VALUE")))?;
            let text = match referred_collection(&message.descriptor(), path) {
                // The id is enough.
                Some(collection) if !text.is_empty() => connection.name(&collection, text)?,
                _ => text.to_owned(),
            };
            let top = set_field(message, path, &text);
            touched.push(top.map_err(|message| Failure::Usage(format!("--set {message}")))?);
        }
        Ok(touched)
    }
}

/// Sets what every change takes.
pub(super) fn set_common(request: &mut DynamicMessage, arguments: &CommonArguments) {
    set_text(request, "request_id", arguments.request_id.as_deref());
    set_flag(request, "validate_only", arguments.validate_only);
}
