//! Which field of a collection's message goes to which column: read once from the schema, followed for every record.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, Kind as ProtoKind};

use super::wire::{self, Wire};
use crate::model::schema::{Field, FieldKind, Schema, short_value_name};

/// What to do with each field of a message, by number.
#[derive(Debug, Default)]
pub(super) struct Plan {
    steps: Vec<Option<Step>>,
    /// The columns of numbers and flags that are 0 and false where the message does not have them.
    implied: Vec<(usize, Implied)>,
}

#[derive(Debug)]
enum Step {
    Cell { column: usize, form: Form },
    Entry { map: usize },
    Inside(Plan),
    ReportingLine(ReportingLineFields),
}

/// How a value is written.
#[derive(Debug)]
enum Form {
    Decimal { scale: u8 },
    Signed,
    Unsigned,
    ZigZag,
    FixedSigned,
    FixedUnsigned,
    Text,
    Date,
    Timestamp,
    Flag,
    Named(BTreeMap<u64, String>),
}

/// The numbers of the fields of a reporting line.
#[derive(Clone, Copy, Debug)]
struct ReportingLineFields {
    manager: u32,
    from: u32,
    until: u32,
}

/// Takes what a record has. The column or map is the place in [`Layout`].
pub(super) trait Sink {
    /// A number.
    fn number(&mut self, column: usize, value: i128);
    /// A text, not empty.
    fn text(&mut self, column: usize, value: &str);
    /// A flag.
    fn flag(&mut self, column: usize, value: bool);
    /// A date, as days since 1970-01-01.
    fn days(&mut self, column: usize, value: i32);
    /// An entry of a map.
    fn entry(&mut self, map: usize, key: &str, value: &str);
    /// A reporting line; open ends are the smallest and the largest day.
    fn reporting_line(&mut self, manager: &str, from: i32, until: i32);
}

/// The value of what a message does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Implied {
    Zero,
    False,
}

/// The columns and maps of a collection.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Path and kind.
    pub columns: Vec<(String, FieldKind)>,
    /// Paths of maps.
    pub maps: Vec<String>,
    /// Whether records have reporting lines.
    pub reporting_lines: bool,
}

/// The field that views do not keep: it differs in every record, and says nothing of any.
pub(super) const ETAG: &str = "etag";

/// The field that is made of the ids when it is asked for.
pub(super) const NAME: &str = "name";

/// The field that is kept aside, as it is neither a number nor a text.
const REPORTING_LINE: &str = "reporting_line";

/// What a collection's columns are, and how its records get into them.
pub(super) fn read(schema: &Schema) -> (Layout, Plan) {
    let (mut layout, mut plan) = (Layout::default(), Plan::default());
    for field in schema.fields.values() {
        if field.path == ETAG || field.path == NAME {
            continue;
        }
        let step = if field.map {
            layout.maps.push(field.path.clone());
            Step::Entry { map: layout.maps.len() - 1 }
        } else {
            layout.columns.push((field.path.clone(), field.kind));
            Step::Cell { column: layout.columns.len() - 1, form: form(field.kind, last(field)) }
        };
        plan.set(&field.descriptors, step);
    }
    if let Some(field) = schema.message.get_field_by_name(REPORTING_LINE)
        && let Some(fields) = reporting_line_fields(&field)
    {
        layout.reporting_lines = true;
        plan.set(&[field], Step::ReportingLine(fields));
    }
    (layout, plan)
}

fn last(field: &Field) -> &FieldDescriptor {
    field.descriptors.last().expect("a path has a field at its end")
}

fn form(kind: FieldKind, field: &FieldDescriptor) -> Form {
    match (kind, field.kind()) {
        (FieldKind::Number { scale }, ProtoKind::String) => Form::Decimal { scale },
        (_, ProtoKind::Uint32 | ProtoKind::Uint64) => Form::Unsigned,
        (_, ProtoKind::Sint32 | ProtoKind::Sint64) => Form::ZigZag,
        (_, ProtoKind::Fixed32 | ProtoKind::Fixed64) => Form::FixedUnsigned,
        (_, ProtoKind::Sfixed32 | ProtoKind::Sfixed64) => Form::FixedSigned,
        (FieldKind::Number { .. }, _) => Form::Signed,
        (FieldKind::Enum, ProtoKind::Enum(names)) => Form::Named(
            names
                .values()
                .map(|value| {
                    let name = short_value_name(&value);
                    let text = if name == "UNSPECIFIED" { "" } else { name };
                    // Enums are written as 64 bits, negative ones with all the upper bits set.
                    (i64::from(value.number()).cast_unsigned(), text.to_owned())
                })
                .collect(),
        ),
        (FieldKind::Boolean, _) => Form::Flag,
        (FieldKind::Date, _) => Form::Date,
        (FieldKind::Timestamp, _) => Form::Timestamp,
        (FieldKind::Text | FieldKind::Reference | FieldKind::Enum, _) => Form::Text,
    }
}

fn reporting_line_fields(field: &FieldDescriptor) -> Option<ReportingLineFields> {
    let ProtoKind::Message(message) = field.kind() else { return None };
    let number = |name| Some(message.get_field_by_name(name)?.number());
    Some(ReportingLineFields {
        manager: number("manager")?,
        from: number("effective_from")?,
        until: number("effective_until")?,
    })
}

// === impl Plan ===

impl Plan {
    fn set(&mut self, path: &[FieldDescriptor], step: Step) {
        let Some((first, rest)) = path.split_first() else { return };
        let number = first.number() as usize;
        if self.steps.len() <= number {
            self.steps.resize_with(number + 1, || None);
        }
        let place = &mut self.steps[number];
        if rest.is_empty() {
            if let Step::Cell { column, form } = &step
                && !first.supports_presence()
                && let Some(implied) = form.implied()
            {
                self.implied.push((*column, implied));
            }
            *place = Some(step);
            return;
        }
        if let Step::Inside(plan) = place.get_or_insert_with(|| Step::Inside(Self::default())) {
            plan.set(rest, step);
        }
    }

    /// Reads an encoded message into the sink.
    ///
    /// # Errors
    /// What does not fit the schema.
    pub(super) fn read(&self, mut message: &[u8], sink: &mut impl Sink) -> Result<(), String> {
        for (column, implied) in &self.implied {
            match implied {
                Implied::Zero => sink.number(*column, 0),
                Implied::False => sink.flag(*column, false),
            }
        }
        while let Some((number, value)) = wire::next(&mut message)? {
            let Some(Some(step)) = self.steps.get(number as usize) else { continue };
            match (step, value) {
                (Step::Cell { column, form }, value) => {
                    form.read(value, *column, sink).map_err(|what| format!("field {number}: {what}"))?;
                }
                (Step::Entry { map }, Wire::Bytes(entry)) => read_entry(entry, *map, sink)?,
                (Step::Inside(plan), Wire::Bytes(inner)) => plan.read(inner, sink)?,
                (Step::ReportingLine(fields), Wire::Bytes(line)) => fields.read(line, sink)?,
                (_, value) => return Err(format!("field {number} is not {value:?}")),
            }
        }
        Ok(())
    }
}

// === impl Form ===

impl Form {
    fn implied(&self) -> Option<Implied> {
        match self {
            Self::Signed | Self::Unsigned | Self::ZigZag | Self::FixedSigned | Self::FixedUnsigned => {
                Some(Implied::Zero)
            }
            Self::Flag => Some(Implied::False),
            Self::Decimal { .. } | Self::Text | Self::Date | Self::Timestamp | Self::Named(_) => None,
        }
    }

    fn read(&self, value: Wire<'_>, column: usize, sink: &mut impl Sink) -> Result<(), String> {
        match (self, value) {
            (_, Wire::Bytes([])) if !matches!(self, Self::Timestamp) => {}
            (Self::Decimal { scale }, Wire::Bytes(text)) => {
                sink.number(column, wire::unscaled(text, *scale)?)
            }
            (Self::Signed, Wire::Varint(bits)) => sink.number(column, bits.cast_signed().into()),
            (Self::Unsigned, Wire::Varint(bits)) => sink.number(column, bits.into()),
            (Self::ZigZag, Wire::Varint(bits)) => {
                let value = (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed();
                sink.number(column, value.into());
            }
            (Self::FixedSigned, Wire::Fixed64(bits)) => sink.number(column, bits.cast_signed().into()),
            (Self::FixedSigned, Wire::Fixed32(bits)) => sink.number(column, bits.cast_signed().into()),
            (Self::FixedUnsigned, Wire::Fixed64(bits)) => sink.number(column, bits.into()),
            (Self::FixedUnsigned, Wire::Fixed32(bits)) => sink.number(column, bits.into()),
            (Self::Text, Wire::Bytes(text)) => sink.text(column, utf8(text)?),
            (Self::Date, Wire::Bytes(text)) => sink.days(column, wire::days(text)?),
            (Self::Timestamp, Wire::Bytes(message)) => sink.days(column, wire::timestamp_days(message)?),
            (Self::Flag, Wire::Varint(bits)) => sink.flag(column, bits != 0),
            (Self::Named(names), Wire::Varint(bits)) => {
                let name = names.get(&bits).ok_or_else(|| format!("{bits} is no value of the enum"))?;
                if !name.is_empty() {
                    sink.text(column, name);
                }
            }
            (form, value) => return Err(format!("{value:?} is not written as {form:?}")),
        }
        Ok(())
    }
}

// === impl ReportingLineFields ===

impl ReportingLineFields {
    fn read(self, mut line: &[u8], sink: &mut impl Sink) -> Result<(), String> {
        let (mut manager, mut from, mut until) = ("", i32::MIN, i32::MAX);
        while let Some((number, value)) = wire::next(&mut line)? {
            match value {
                Wire::Bytes([]) => {}
                Wire::Bytes(text) if number == self.manager => manager = utf8(text)?,
                Wire::Bytes(text) if number == self.from => from = wire::days(text)?,
                Wire::Bytes(text) if number == self.until => until = wire::days(text)?,
                _ => {}
            }
        }
        sink.reporting_line(manager, from, until);
        Ok(())
    }
}

fn read_entry(mut entry: &[u8], map: usize, sink: &mut impl Sink) -> Result<(), String> {
    let (mut key, mut value) = ("", "");
    while let Some((number, field)) = wire::next(&mut entry)? {
        match (number, field) {
            (1, Wire::Bytes(text)) => key = utf8(text)?,
            (2, Wire::Bytes(text)) => value = utf8(text)?,
            _ => return Err("an entry of a map that is not from text to text".to_owned()),
        }
    }
    sink.entry(map, key, value);
    Ok(())
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|problem| problem.to_string())
}
