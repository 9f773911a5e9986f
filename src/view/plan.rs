//! Which field of a collection's message goes to which column: read once from the schema, followed for every record.

use prost_reflect::{FieldDescriptor, Kind as ProtoKind};

use crate::model::{
    cell::{Cell, Form, days, utf8},
    schema::{Field, FieldKind, Schema},
    wire::{Malformed, Walk, Wire},
    zone::Zone,
};

/// What to do with each field of a message, by number.
#[derive(Debug, Default)]
pub(super) struct Plan {
    steps: Vec<Option<Step>>,
    /// The columns of numbers and flags that are 0 and false where the message does not have them.
    implied: Vec<(usize, Cell<'static>)>,
}

#[derive(Debug)]
enum Step {
    Cell {
        column: usize,
        form: Form,
    },
    /// Two columns: the day, and what comes first.
    Instant {
        day: usize,
        order: usize,
        form: Form,
    },
    Entry {
        map: usize,
    },
    Inside(Plan),
    ReportingLine(ReportingLineFields),
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
    /// A value; a text is not empty.
    fn cell(&mut self, column: usize, value: Cell<'_>);
    /// An entry of a map.
    fn entry(&mut self, map: usize, key: &str, value: &str);
    /// A reporting line; open ends are the smallest and the largest day.
    fn reporting_line(&mut self, manager: &str, from: i32, until: i32);
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

/// The field that is made of the ids when it is asked for.
pub(super) const NAME: &str = "name";

/// The field that is kept aside, as it is neither a number nor a text.
const REPORTING_LINE: &str = "reporting_line";

/// Decimals of the seconds since 1970-01-01 by which instants are ordered.
const ORDER: FieldKind = FieldKind::Number { scale: 9 };

/// The column that says what comes first of the instants in a field: no expression can name it.
pub(super) fn order_of(path: &str) -> String {
    format!("{path}#order")
}

/// What a collection's columns are, and how its records get into them. Days are those of the zone.
pub(super) fn read(schema: &Schema, zone: &Zone) -> (Layout, Plan) {
    let (mut layout, mut plan) = (Layout::default(), Plan::default());
    for field in schema.fields.values() {
        if field.path == NAME {
            continue;
        }
        let step = if field.map {
            layout.maps.push(field.path.clone());
            Step::Entry { map: layout.maps.len() - 1 }
        } else {
            let form = Form::of(field.kind, last(field), zone);
            let column = layout.add(field.path.clone(), field.kind);
            match field.kind {
                FieldKind::Timestamp => {
                    Step::Instant { day: column, order: layout.add(order_of(&field.path), ORDER), form }
                }
                _ => Step::Cell { column, form },
            }
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

fn reporting_line_fields(field: &FieldDescriptor) -> Option<ReportingLineFields> {
    let ProtoKind::Message(message) = field.kind() else { return None };
    let number = |name| Some(message.get_field_by_name(name)?.number());
    Some(ReportingLineFields {
        manager: number("manager")?,
        from: number("effective_from")?,
        until: number("effective_until")?,
    })
}

// === impl Layout ===

impl Layout {
    /// Adds a column, and answers its place.
    fn add(&mut self, path: String, kind: FieldKind) -> usize {
        self.columns.push((path, kind));
        self.columns.len() - 1
    }
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
    pub(super) fn read(&self, message: &[u8], sink: &mut impl Sink) -> Result<(), String> {
        for &(column, implied) in &self.implied {
            sink.cell(column, implied);
        }
        for field in Walk::new(message) {
            let (number, value) = field.map_err(malformed)?;
            let Some(Some(step)) = self.steps.get(number as usize) else { continue };
            match (step, value) {
                (Step::Cell { column, form }, value) => {
                    let cell = form.read(value).map_err(|what| format!("field {number}: {what}"))?;
                    if let Some(cell) = cell {
                        sink.cell(*column, cell);
                    }
                }
                (Step::Instant { day, order, form }, value) => {
                    let cell = form.read(value).map_err(|what| format!("field {number}: {what}"))?;
                    if let Some(Cell::Instant { day: days, nanoseconds }) = cell {
                        sink.cell(*day, Cell::Date(days));
                        sink.cell(*order, Cell::Number(nanoseconds));
                    }
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

// === impl ReportingLineFields ===

impl ReportingLineFields {
    fn read(self, line: &[u8], sink: &mut impl Sink) -> Result<(), String> {
        let (mut manager, mut from, mut until) = ("", i32::MIN, i32::MAX);
        for field in Walk::new(line) {
            let (number, value) = field.map_err(malformed)?;
            match value {
                Wire::Bytes([]) => {}
                Wire::Bytes(text) if number == self.manager => manager = utf8(text)?,
                Wire::Bytes(text) if number == self.from => from = days(text)?,
                Wire::Bytes(text) if number == self.until => until = days(text)?,
                _ => {}
            }
        }
        sink.reporting_line(manager, from, until);
        Ok(())
    }
}

fn malformed(malformed: Malformed) -> String {
    malformed.to_string()
}

fn read_entry(entry: &[u8], map: usize, sink: &mut impl Sink) -> Result<(), String> {
    let (mut key, mut value) = ("", "");
    for field in Walk::new(entry) {
        let (number, field) = field.map_err(malformed)?;
        match (number, field) {
            (1, Wire::Bytes(text)) => key = utf8(text)?,
            (2, Wire::Bytes(text)) => value = utf8(text)?,
            _ => return Err("an entry of a map that is not from text to text".to_owned()),
        }
    }
    sink.entry(map, key, value);
    Ok(())
}
