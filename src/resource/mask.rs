//! Which fields an update changes, and how: none for those that the request gives, `*` for every field that a client may
//! write, or paths of fields, into messages and to entries of maps.

use super::{
    path::Path,
    plan::{CollectionPlan, FieldPlan, Kind, MessagePlan},
    record::{Record, Value},
};
use crate::model::{
    finding::Findings,
    format::quoted,
    name::{WORD, is_word},
    rejection::{Reason, ResourceReason},
};

/// The fields that an update changes.
pub(crate) enum Mask {
    /// The fields that the request gives.
    Given,
    /// Every field that a client may write.
    All,
    /// Paths, taken apart at the dots.
    Paths(Vec<Vec<String>>),
}

// === impl Mask ===

impl Mask {
    /// Reads the mask of a request; what it may not name is a finding.
    pub(crate) fn read(request: &Record, collection: &CollectionPlan, findings: &mut Findings) -> Self {
        let paths: Vec<&str> = match request.by_name("update_mask").and_then(Value::message) {
            Some(mask) => match mask.get(1) {
                Some(Value::List(paths)) => paths.iter().map(Value::text).collect(),
                _ => Vec::new(),
            },
            None => Vec::new(),
        };
        match paths[..] {
            [] => return Self::Given,
            ["*"] => return Self::All,
            _ => {}
        }
        Self::of_paths(&paths, collection, findings)
    }

    /// The paths of a mask; what it may not name is a finding.
    fn of_paths(paths: &[&str], collection: &CollectionPlan, findings: &mut Findings) -> Self {
        let mut read = Vec::with_capacity(paths.len());
        for path in paths {
            let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
            match check_path(collection.message.plan(), &steps, collection) {
                Ok(()) => read.push(steps),
                Err(wrong) => findings.add(
                    Reason::Resource(ResourceReason::InvalidMask),
                    "update_mask",
                    format!("{} {wrong}; accepted are * or {}", quoted(path), writable(collection)),
                ),
            }
        }
        Self::Paths(read)
    }

    /// The mask of an item of an import: `*` for every field, none for those that are set. Which state a record is in, and what
    /// is given at creation, an import says as well, and is not changed by its mask.
    pub(crate) fn of_item(
        paths: &[String],
        resource: &Record,
        collection: &CollectionPlan,
        findings: &mut Findings,
    ) -> Self {
        let plan = collection.message.plan();
        let said =
            |name: &str| plan.by_name(name).is_some_and(|field| field.rule.state || field.rule.immutable);
        let named: Vec<&str> = match paths {
            [] => plan
                .fields
                .iter()
                .filter(|field| resource.get(field.number).is_some())
                .map(|field| field.name.as_str())
                .collect(),
            [all] if all == "*" => plan.fields.iter().map(|field| field.name.as_str()).collect(),
            paths => {
                let written: Vec<&str> =
                    paths.iter().map(String::as_str).filter(|path| !said(path)).collect();
                return Self::of_paths(&written, collection, findings);
            }
        };
        let writable = named
            .into_iter()
            .filter(|name| plan.by_name(name).is_some_and(|field| refusal(field, collection).is_none()));
        Self::Paths(writable.map(|name| vec![name.to_owned()]).collect())
    }

    /// Changes `current` to what `incoming` says of the fields of the mask.
    pub(crate) fn apply(
        &self,
        current: &mut Record,
        incoming: &Record,
        collection: &CollectionPlan,
        path: Path<'_>,
        findings: &mut Findings,
    ) {
        match self {
            Self::Given => replace(current, incoming, collection, false, path, findings),
            Self::All => replace(current, incoming, collection, true, path, findings),
            // Emptied first and set then, so that the members of a oneof do not depend on the order of paths.
            Self::Paths(paths) => {
                for steps in paths {
                    clear_path(current, steps);
                }
                for steps in paths {
                    set_path(current, incoming, steps);
                }
            }
        }
    }
}

/// The fields that an update may name.
fn writable(collection: &CollectionPlan) -> String {
    let fields = collection.message.plan().fields.iter();
    let names: Vec<&str> = fields
        .filter(|field| refusal(field, collection).is_none())
        .map(|field| field.name.as_str())
        .collect();
    names.join(", ")
}

/// Why a field of the resource cannot be updated.
fn refusal(field: &FieldPlan, collection: &CollectionPlan) -> Option<String> {
    if field.number == collection.name || field.number == collection.etag {
        return Some("says which resource and version is meant, and is not changed".to_owned());
    }
    if field.rule.state {
        return Some(format!("is a state, and is changed by {}", changed_by(collection)));
    }
    if field.rule.output_only {
        return Some("is set by the service".to_owned());
    }
    field.rule.immutable.then(|| "is given at creation and does not change".to_owned())
}

/// The methods that change the state.
fn changed_by(collection: &CollectionPlan) -> String {
    let mut methods: Vec<&str> =
        collection.transitions.iter().map(|(_, _, method)| method.as_str()).collect();
    methods.sort_unstable();
    methods.dedup();
    if methods.is_empty() { "the service".to_owned() } else { methods.join(", ") }
}

fn check_path(message: &MessagePlan, steps: &[String], collection: &CollectionPlan) -> Result<(), String> {
    let Some((first, below)) = steps.split_first() else { return Ok(()) };
    let field =
        message.by_name(first).ok_or_else(|| format!("is no field: {} has no {first}", message.full_name))?;
    let top = message.full_name == collection.message.plan().full_name;
    if top && let Some(refusal) = refusal(field, collection) {
        return Err(refusal);
    }
    if field.rule.output_only {
        return Err("is set by the service".to_owned());
    }
    match (&field.kind, below.is_empty()) {
        (_, true) => Ok(()),
        (_, false) if field.map => match below {
            [key] if is_word(key) => Ok(()),
            _ => Err(format!("is no entry of {first}: a key is of the form {WORD}")),
        },
        (Kind::Message(inner), false) if !field.list => check_path(inner.plan(), below, collection),
        _ => Err(format!("goes on below {first}, which is no message")),
    }
}

/// Replaces the fields that a client may write: all of them, or those that are given.
fn replace(
    current: &mut Record,
    incoming: &Record,
    collection: &CollectionPlan,
    all: bool,
    path: Path<'_>,
    findings: &mut Findings,
) {
    let fields = || collection.message.plan().fields.iter();
    for field in fields() {
        let changed =
            incoming.get(field.number).is_some_and(|value| current.get(field.number) != Some(value));
        match refusal(field, collection) {
            None if all => {
                current.take(field.number);
            }
            None => {}
            // Saying again what is the case is no change; saying something else would be lost in silence.
            Some(refusal) if changed && (field.rule.state || field.rule.immutable) => {
                findings.field(path.field(&field.name).to_string(), refusal);
            }
            Some(_) => {}
        }
    }
    for field in fields().filter(|field| refusal(field, collection).is_none()) {
        if let Some(value) = incoming.get(field.number) {
            current.set(field.number, value.clone());
        }
    }
}

fn clear_path(current: &mut Record, steps: &[String]) {
    let Some((first, below)) = steps.split_first() else { return };
    let Some(field) = current.plan().by_name(first) else { return };
    if below.is_empty() {
        current.take(field.number);
        return;
    }
    let emptied = match current.get_mut(field.number) {
        Some(Value::Map(map)) => {
            map.remove(&below[0]);
            map.is_empty()
        }
        Some(Value::Message(inner)) => {
            clear_path(inner, below);
            false
        }
        _ => false,
    };
    if emptied {
        current.take(field.number);
    }
}

fn set_path(current: &mut Record, incoming: &Record, steps: &[String]) {
    let Some((first, below)) = steps.split_first() else { return };
    let Some(field) = current.plan().by_name(first) else { return };
    let Some(value) = incoming.get(field.number) else { return };
    if below.is_empty() {
        current.set(field.number, value.clone());
        return;
    }
    match value {
        Value::Map(map) => {
            let key = &below[0];
            let Some(text) = map.get(key) else { return };
            let mut kept = match current.take(field.number) {
                Some(Value::Map(kept)) => kept,
                _ => std::collections::BTreeMap::new(),
            };
            kept.insert(key.clone(), text.clone());
            current.set(field.number, Value::Map(kept));
        }
        Value::Message(incoming) => {
            let mut inner = match current.take(field.number) {
                Some(Value::Message(inner)) => inner,
                _ => match field.kind {
                    Kind::Message(message) => Record::new(message),
                    _ => return,
                },
            };
            set_path(&mut inner, incoming, below);
            current.set(field.number, Value::Message(inner));
        }
        _ => {}
    }
}
