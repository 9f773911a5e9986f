//! References: what a record refers to has to exist, and what is referred to cannot be deleted.
//!
//! Kept is not who refers to a record but how many do, by collection, with a few of them as witnesses. An index of all
//! referrers would treble the keys of ten million deals; the counts are as many as there are records referred to.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    kept::internal,
    keys,
    path::Path,
    plans::plans,
    record::{Record, Value},
};
use crate::{
    model::{
        finding::Findings,
        name::{Id, Name},
        nearest::nearest,
        rejection::{Reason, Rejection, ResourceReason},
    },
    store::{Database, Key, StoreError, Transaction},
};

/// How many referrers of a collection are remembered by name.
const WITNESSES: usize = 3;

/// How many names are compared with one that does not exist.
const COMPARED: usize = 200;

/// How many records are looked through at a time for a referrer when no witness is left.
const SEARCHED: usize = 256;

/// Who refers to a record, by collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Referrers {
    by_collection: BTreeMap<String, Referring>,
}

/// Who of one collection refers to a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Referring {
    count: u64,
    /// The ids of some of them.
    witnesses: Vec<String>,
}

/// The names that a record refers to, each with the path of the first place that does.
pub(crate) fn names(record: &Record) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    each(record, Path::new(""), &mut |name, path| {
        names.entry(name.to_owned()).or_insert_with(|| path.to_string());
    });
    names
}

fn each(record: &Record, path: Path<'_>, found: &mut impl FnMut(&str, Path<'_>)) {
    for (field, value) in record.values() {
        let path = path.field(&field.name);
        if !field.rule.reference.is_empty() {
            match value {
                Value::Text(name) if !name.is_empty() => found(name, path),
                Value::List(items) => {
                    for (index, item) in items.iter().enumerate() {
                        found(item.text(), path.item(index));
                    }
                }
                _ => {}
            }
            continue;
        }
        match value {
            Value::Message(inner) => each(inner, path, found),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if let Value::Message(inner) = item {
                        each(inner, path.item(index), found);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Finds references of a record to what does not exist, among those that were not there before. What another team has is
/// nobody's business: a reference to that is refused whether it exists or not.
pub(crate) fn check(
    transaction: &Transaction<'_>,
    referrer: &Name,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Result<(), Rejection> {
    for (text, path) in after {
        // A name that cannot be parsed was found already.
        let Ok(name) = Name::parse(text) else { continue };
        if name.team() != referrer.team() || before.contains_key(text) {
            continue;
        }
        if transaction.get(&Key::of(&name)).map_err(internal)?.is_none() {
            let next = match meant(transaction, &name)? {
                Some(meant) => format!("did you mean {meant}?"),
                None => "create it first, or refer to another".to_owned(),
            };
            findings.add(
                Reason::Resource(ResourceReason::ReferenceNotFound),
                path.clone(),
                format!("{name} does not exist: {next}"),
            );
        }
    }
    Ok(())
}

/// The name of the collection that is most like one that does not exist. Nothing is said where there are many: looking
/// through them takes the time of others.
fn meant(transaction: &Transaction<'_>, name: &Name) -> Result<Option<Name>, Rejection> {
    if name.collection() == Name::TEAMS {
        return Ok(None);
    }
    let range = keys::collection_after(name.team(), name.collection(), "");
    let entries = transaction.scan(&range, COMPARED + 1).map_err(internal)?;
    if entries.len() > COMPARED {
        return Ok(None);
    }
    let id = nearest(name.id().as_str(), entries.iter().map(|entry| keys::id_of(&entry.key)));
    let id = id.map(Id::parse).transpose()?;
    Ok(id.map(|id| Name::new(name.team().clone(), name.collection(), id)))
}

/// Counts what a record referred to before, and refers to now.
pub(crate) fn count(
    transaction: &mut Transaction<'_>,
    referrer: &Name,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Result<(), Rejection> {
    let changed: BTreeSet<&String> = before
        .keys()
        .chain(after.keys())
        .filter(|name| before.contains_key(*name) != after.contains_key(*name))
        .collect();
    for text in changed {
        let Ok(name) = Name::parse(text) else { continue };
        if name == *referrer {
            continue;
        }
        let mut referrers = Referrers::read(transaction, &name)?;
        if after.contains_key(text) {
            referrers.add(referrer);
        } else {
            referrers.remove(referrer);
        }
        let key = keys::referrers(&name);
        if referrers.by_collection.is_empty() {
            transaction.delete(key);
        } else {
            transaction.put(key, referrers.encode());
        }
    }
    Ok(())
}

// === impl Referrers ===

impl Referrers {
    /// Who refers to a record.
    pub(crate) fn read(transaction: &Transaction<'_>, name: &Name) -> Result<Self, Rejection> {
        let kept = transaction.get(&keys::referrers(name)).map_err(internal)?;
        Ok(kept.map(|kept| Self::decode(&kept)).unwrap_or_default())
    }

    /// How many of a collection do.
    pub(crate) fn of(&self, collection: &str) -> u64 {
        self.by_collection.get(collection).map_or(0, |referring| referring.count)
    }

    fn add(&mut self, referrer: &Name) {
        let referring = self.by_collection.entry(referrer.collection().to_owned()).or_default();
        referring.count += 1;
        if referring.witnesses.len() < WITNESSES {
            referring.witnesses.push(referrer.id().to_string());
        }
    }

    fn remove(&mut self, referrer: &Name) {
        let Some(referring) = self.by_collection.get_mut(referrer.collection()) else { return };
        referring.count = referring.count.saturating_sub(1);
        referring.witnesses.retain(|witness| witness != referrer.id().as_str());
        if referring.count == 0 {
            self.by_collection.remove(referrer.collection());
        }
    }

    /// A line for each collection: its name, the count, the witnesses.
    fn encode(&self) -> Bytes {
        let mut text = String::new();
        for (collection, referring) in &self.by_collection {
            text.push_str(&format!("{collection} {}", referring.count));
            for witness in &referring.witnesses {
                text.push(' ');
                text.push_str(witness);
            }
            text.push('\n');
        }
        Bytes::from(text.into_bytes())
    }

    fn decode(kept: &[u8]) -> Self {
        let mut referrers = Self::default();
        for line in std::str::from_utf8(kept).unwrap_or_default().lines() {
            let mut words = line.split(' ');
            let (Some(collection), Some(count)) = (words.next(), words.next()) else { continue };
            let referring = Referring {
                count: count.parse().unwrap_or_default(),
                witnesses: words.map(str::to_owned).collect(),
            };
            referrers.by_collection.insert(collection.to_owned(), referring);
        }
        referrers
    }

    /// Refuses to delete what is referred to, and names who refers, as far as that is remembered.
    pub(crate) fn refuse(&self, name: &Name) -> Result<(), Rejection> {
        if self.by_collection.is_empty() { Ok(()) } else { Err(self.refusal(name)) }
    }

    /// Finds a witness for every collection that has none, by looking through all of its records.
    fn find_witnesses(
        &mut self,
        database: &Database,
        name: &Name,
        wanted: &dyn Fn() -> bool,
    ) -> Result<(), StoreError> {
        for (collection, referring) in &mut self.by_collection {
            if referring.witnesses.is_empty() {
                referring.witnesses.extend(search(database, name, collection, wanted)?);
            }
        }
        Ok(())
    }

    fn refusal(&self, name: &Name) -> Rejection {
        let (mut told, mut known, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (collection, referring) in &self.by_collection {
            let witnesses: Vec<String> = referring
                .witnesses
                .iter()
                .map(|id| format!("teams/{}/{collection}/{id}", name.team()))
                .collect();
            let more = if referring.count > witnesses.len() as u64 { ", …" } else { "" };
            told.push(format!("{} of {collection} ({}{more})", referring.count, witnesses.join(", ")));
            known.extend(witnesses);
            if is_evidence(collection) {
                kept.push(collection.as_str());
            }
        }
        let count: u64 = self.by_collection.values().map(|referring| referring.count).sum();
        let next = match kept[..] {
            [] => "change or delete those first".to_owned(),
            _ => {
                format!("{} are evidence and are never deleted, so that it stays as well", kept.join(" and "))
            }
        };
        Rejection::resource(
            ResourceReason::StillReferred,
            format!("{name} is still referred to, by {}: {next}", told.join(" and ")),
        )
        .with("resource", name.to_string())
        .with("referrers_count", count.to_string())
        .with("referrers", known.join(","))
    }
}

/// Whether records of a collection stay for good: clients can neither delete them nor make them refer to something else.
pub(crate) fn is_evidence(collection: &str) -> bool {
    plans()
        .collections
        .get(collection)
        .is_some_and(|plan| !plan.deleted_by_clients && !plan.updated_by_clients)
}

/// Who refers to a record that could not be deleted for that: at least one of each collection is named, however many
/// records have to be looked through for it. Nothing where nobody refers to it any more. Not for the writer's thread.
pub(crate) fn refusal(
    database: &Database,
    name: &Name,
    wanted: &dyn Fn() -> bool,
) -> Result<Option<Rejection>, StoreError> {
    let Some(kept) = database.get(&keys::referrers(name))? else { return Ok(None) };
    let mut referrers = Referrers::decode(&kept);
    referrers.find_witnesses(database, name, wanted)?;
    Ok(Some(referrers.refusal(name)))
}

/// Looks for a record of `collection` that refers to `name`.
fn search(
    database: &Database,
    name: &Name,
    collection: &str,
    wanted: &dyn Fn() -> bool,
) -> Result<Option<String>, StoreError> {
    let Some(plan) = plans().collections.get(collection) else { return Ok(None) };
    let text = name.to_string();
    let mut after = String::new();
    while wanted() {
        let entries = database.scan(&keys::collection_after(name.team(), collection, &after), SEARCHED)?;
        for entry in &entries {
            let refers = Record::kept(plan.message, &entry.value)
                .is_ok_and(|record| names(&record).contains_key(&text));
            if refers {
                return Ok(Some(keys::id_of(&entry.key).to_owned()));
            }
        }
        match entries.last() {
            Some(last) if entries.len() == SEARCHED => keys::id_of(&last.key).clone_into(&mut after),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_survive_their_encoding_and_witnesses_are_few() {
        let name = |id: usize| Name::parse(&format!("teams/a/goals/g{id}")).unwrap();
        let mut referrers = Referrers::default();
        (0..5).for_each(|id| referrers.add(&name(id)));
        assert_eq!(referrers.encode(), "goals 5 g0 g1 g2\n");
        assert_eq!(Referrers::decode(&referrers.encode()), referrers);
        (0..4).for_each(|id| referrers.remove(&name(id)));
        assert_eq!((referrers.of("goals"), referrers.of("customers")), (1, 0));
        assert_eq!(referrers.encode(), "goals 1\n");
        referrers.remove(&name(4));
        assert_eq!(referrers, Referrers::default());
    }
}
