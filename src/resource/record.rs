//! A record taken apart by its plan: what the standard methods check, merge and compare. Decoded once, without copying
//! what is nested; encoded in one way only, so that equal records are equal bytes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    path::Path,
    plan::{FieldPlan, Kind, MessageIndex, MessagePlan},
    plans::plans,
    unreadable::{NO_MESSAGE, OTHER_KIND, Unreadable, map_entry, text},
};
use crate::model::{
    finding::Findings,
    wire::{Malformed, Walk, Wire, put_bytes, put_varint},
};

/// Messages nested deeper than this are refused.
const DEPTH_MAX: usize = 32;

/// A message taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    message: MessageIndex,
    /// By number; what is not there is empty.
    values: Vec<(u32, Value)>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Bytes(Vec<u8>),
    /// A whole number, a flag or an enum, as on the wire.
    Number(u64),
    Fixed32(u32),
    Fixed64(u64),
    Message(Record),
    List(Vec<Value>),
    Map(BTreeMap<String, String>),
}

// === impl Record ===

impl Record {
    /// An empty record.
    pub(crate) fn new(message: MessageIndex) -> Self {
        Self { message, values: Vec::new() }
    }

    /// Takes a message apart. Fields that the contract does not know are findings: dropping them in silence would lose
    /// what a newer client says.
    pub(crate) fn decode(
        message: MessageIndex,
        encoded: &[u8],
        path: Path<'_>,
        findings: &mut Findings,
    ) -> Result<Self, Unreadable> {
        let mut record = Self::new(message);
        record.merge(encoded, path, findings, 0)?;
        Ok(record)
    }

    /// Takes a message apart that was checked before it was kept.
    pub(crate) fn kept(message: MessageIndex, encoded: &[u8]) -> Result<Self, Unreadable> {
        Self::decode(message, encoded, Path::new(""), &mut Findings::default())
    }

    /// The plan of its message.
    pub(crate) fn plan(&self) -> &'static MessagePlan {
        self.message.plan()
    }

    fn merge(
        &mut self,
        encoded: &[u8],
        path: Path<'_>,
        findings: &mut Findings,
        depth: usize,
    ) -> Result<(), Unreadable> {
        if depth > DEPTH_MAX {
            return Err(Unreadable::at(path, "is nested too deeply"));
        }
        let plan = self.plan();
        let mut unknown = Vec::new();
        for field in Walk::new(encoded) {
            let (number, wire) = field.map_err(|_| Unreadable::at(path, NO_MESSAGE))?;
            match plan.by_number(number) {
                Some(field) => self.merge_field(field, wire, path.field(&field.name), findings, depth)?,
                // Many of them cost no more than a few: a message can have millions.
                None if findings.is_full() || unknown.contains(&number) => {}
                None => {
                    unknown.push(number);
                    findings.field(path.to_string(), plan.unknown(number));
                }
            }
        }
        Ok(())
    }

    fn merge_field(
        &mut self,
        field: &'static FieldPlan,
        wire: Wire<'_>,
        path: Path<'_>,
        findings: &mut Findings,
        depth: usize,
    ) -> Result<(), Unreadable> {
        if field.map {
            let Wire::Bytes(entry) = wire else { return Err(Unreadable::at(path, OTHER_KIND)) };
            let (key, value) = map_entry(entry).map_err(|what| Unreadable::at(path, what))?;
            if let Value::Map(map) = self.entry(field, || Value::Map(BTreeMap::new())) {
                map.insert(key, value);
            }
            return Ok(());
        }
        if field.list {
            let length = match self.get(field.number) {
                Some(Value::List(items)) => items.len(),
                _ => 0,
            };
            let path = path.item(length);
            let added = match (&field.kind, wire) {
                (Kind::Text | Kind::Bytes | Kind::Message(_), _) => {
                    vec![scalar(field, wire, None, path, findings, depth)?]
                }
                (_, Wire::Bytes(packed)) => {
                    unpack(field, packed).map_err(|_| Unreadable::at(path, OTHER_KIND))?
                }
                _ => vec![scalar(field, wire, None, path, findings, depth)?],
            };
            if let Value::List(items) = self.entry(field, || Value::List(Vec::new())) {
                items.extend(added);
            }
            return Ok(());
        }
        // A message that comes in several pieces is their union.
        let before = match self.take(field.number) {
            Some(Value::Message(before)) => Some(before),
            _ => None,
        };
        let value = scalar(field, wire, before, path, findings, depth)?;
        self.set(field.number, value);
        Ok(())
    }

    fn entry(&mut self, field: &FieldPlan, empty: impl FnOnce() -> Value) -> &mut Value {
        let index = match self.values.binary_search_by_key(&field.number, |(number, _)| *number) {
            Ok(index) => index,
            Err(index) => {
                self.values.insert(index, (field.number, empty()));
                index
            }
        };
        &mut self.values[index].1
    }

    /// The value of a field; nothing where it is empty.
    pub(crate) fn get(&self, number: u32) -> Option<&Value> {
        let index = self.values.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(&self.values[index].1)
    }

    /// The same, to be changed in place.
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Value> {
        let index = self.values.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(&mut self.values[index].1)
    }

    /// Empties a field and gives what was there.
    pub(crate) fn take(&mut self, number: u32) -> Option<Value> {
        let index = self.values.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(self.values.remove(index).1)
    }

    /// Sets a field; others of its oneof are emptied.
    pub(crate) fn set(&mut self, number: u32, value: Value) {
        let plan = self.plan();
        let Some(field) = plan.by_number(number) else { return };
        if let Some(oneof) = &field.oneof {
            let others = plan.fields.iter().filter(|other| other.oneof.as_ref() == Some(oneof));
            for other in others {
                self.take(other.number);
            }
        }
        if !field.presence && value.is_empty() {
            self.take(number);
            return;
        }
        match self.values.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(index) => self.values[index].1 = value,
            Err(index) => self.values.insert(index, (number, value)),
        }
    }

    /// The fields that are not empty, by number.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&'static FieldPlan, &Value)> {
        let plan = self.plan();
        self.values.iter().filter_map(move |(number, value)| Some((plan.by_number(*number)?, value)))
    }

    /// The value of a field by name.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Value> {
        self.get(self.plan().by_name(name)?.number)
    }

    /// The text of a field by name; empty where it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.by_name(name).map_or("", Value::text)
    }

    /// The flag of a field by name.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.by_name(name), Some(Value::Number(1..)))
    }

    /// The whole number, or the number of the enum's value, of a field by name; 0 where it is not there.
    pub(crate) fn number(&self, name: &str) -> i64 {
        self.by_name(name).map_or(0, Value::number)
    }

    /// An instant, as `google.protobuf.Timestamp`.
    pub(crate) fn timestamp(time: Timestamp) -> Value {
        let mut record = Self::new(plans().find("google.protobuf.Timestamp"));
        let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
        record.set(1, Value::Number(seconds as u64));
        record.set(2, Value::Number(i64::from(nanos) as u64));
        Value::Message(record)
    }

    /// The message in its one encoding: fields by number, entries of maps by key.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut encoded = Vec::with_capacity(256);
        self.encode_to(&mut encoded);
        encoded
    }

    fn encode_to(&self, encoded: &mut Vec<u8>) {
        for (field, value) in self.values() {
            match value {
                Value::List(items) => match field.kind {
                    Kind::Text | Kind::Bytes | Kind::Message(_) => {
                        items.iter().for_each(|item| put_field(field.number, item, encoded));
                    }
                    _ => {
                        let mut packed = Vec::new();
                        items.iter().for_each(|item| put_number(item, &mut packed));
                        put_bytes(field.number, &packed, encoded);
                    }
                },
                Value::Map(map) => {
                    for (key, value) in map {
                        let mut entry = Vec::with_capacity(key.len() + value.len() + 8);
                        put_bytes(1, key.as_bytes(), &mut entry);
                        put_bytes(2, value.as_bytes(), &mut entry);
                        put_bytes(field.number, &entry, encoded);
                    }
                }
                value => put_field(field.number, value, encoded),
            }
        }
    }
}

fn scalar(
    field: &FieldPlan,
    wire: Wire<'_>,
    before: Option<Record>,
    path: Path<'_>,
    findings: &mut Findings,
    depth: usize,
) -> Result<Value, Unreadable> {
    match (&field.kind, wire) {
        (Kind::Text, Wire::Bytes(bytes)) => {
            text(bytes).map(Value::Text).map_err(|what| Unreadable::at(path, what))
        }
        (Kind::Bytes, Wire::Bytes(bytes)) => Ok(Value::Bytes(bytes.to_vec())),
        (Kind::Message(message), Wire::Bytes(bytes)) => {
            let mut record = before.unwrap_or_else(|| Record::new(*message));
            record.merge(bytes, path, findings, depth + 1)?;
            Ok(Value::Message(record))
        }
        (Kind::Varint { .. } | Kind::Enum(_), Wire::Varint(number)) => Ok(Value::Number(number)),
        (Kind::Fixed32, Wire::Fixed32(number)) => Ok(Value::Fixed32(number)),
        (Kind::Fixed64, Wire::Fixed64(number)) => Ok(Value::Fixed64(number)),
        _ => Err(Unreadable::at(path, OTHER_KIND)),
    }
}

fn unpack(field: &FieldPlan, packed: &[u8]) -> Result<Vec<Value>, Malformed> {
    let mut walk = Walk::new(packed);
    let mut items = Vec::new();
    while !walk.is_done() {
        items.push(match field.kind {
            Kind::Fixed32 => Value::Fixed32(walk.fixed32()?),
            Kind::Fixed64 => Value::Fixed64(walk.fixed64()?),
            _ => Value::Number(walk.varint()?),
        });
    }
    Ok(items)
}

// === impl Value ===

impl Value {
    /// Whether it is what a field without presence has when nothing is given.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Number(number) | Self::Fixed64(number) => *number == 0,
            Self::Fixed32(number) => *number == 0,
            Self::Message(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Map(map) => map.is_empty(),
        }
    }

    /// The text; empty for what is none.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// The whole number; 0 for what is none.
    pub(crate) fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number as i64,
            _ => 0,
        }
    }

    /// The instant that a `google.protobuf.Timestamp` says.
    pub(crate) fn instant(&self) -> Option<Timestamp> {
        let record = self.message()?;
        let part = |number| record.get(number).map_or(0, Self::number);
        Timestamp::new(part(1), i32::try_from(part(2)).ok()?).ok()
    }

    /// The message, if it is one.
    pub(crate) fn message(&self) -> Option<&Record> {
        match self {
            Self::Message(record) => Some(record),
            _ => None,
        }
    }
}

fn put_number(value: &Value, encoded: &mut Vec<u8>) {
    match value {
        Value::Number(number) => put_varint(*number, encoded),
        Value::Fixed32(number) => encoded.extend_from_slice(&number.to_le_bytes()),
        Value::Fixed64(number) => encoded.extend_from_slice(&number.to_le_bytes()),
        _ => {}
    }
}

fn put_field(field: u32, value: &Value, encoded: &mut Vec<u8>) {
    let tag = u64::from(field) << 3;
    match value {
        Value::Text(text) => put_bytes(field, text.as_bytes(), encoded),
        Value::Bytes(bytes) => put_bytes(field, bytes, encoded),
        Value::Message(record) => put_bytes(field, &record.encode(), encoded),
        Value::Number(_) => {
            put_varint(tag, encoded);
            put_number(value, encoded);
        }
        Value::Fixed32(_) => {
            put_varint(tag | 5, encoded);
            put_number(value, encoded);
        }
        Value::Fixed64(_) => {
            put_varint(tag | 1, encoded);
            put_number(value, encoded);
        }
        Value::List(_) | Value::Map(_) => {}
    }
}
