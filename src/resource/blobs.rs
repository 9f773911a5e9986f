//! Which blobs a record rests on, by the option on its fields. What blobs are, and whether they are sound, is the
//! business of `store`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use crate::{
    model::{
        name::Id,
        schema::{field_rule, schemas},
        wire::{Walk, Wire},
    },
    store::{BlobHash, Database, Key, KeyRange, StoreError, Swept},
};

/// The numbers of the fields that name blobs, by collection.
static FIELDS: LazyLock<BTreeMap<&str, Vec<u32>>> = LazyLock::new(|| {
    let fields = schemas().values().map(|schema| {
        let named = schema.message.fields().filter(|field| field_rule(field).blob);
        (schema.collection.as_str(), named.map(|field| field.number()).collect::<Vec<_>>())
    });
    fields.filter(|(_, numbers)| !numbers.is_empty()).collect()
});

/// The blobs that the value under a key names. A field that holds no hash names none.
#[must_use]
pub fn blobs_named(key: &Key, value: &[u8]) -> Vec<BlobHash> {
    let mut parts = key.parts();
    let collection = parts.nth(1).and_then(|collection| std::str::from_utf8(collection).ok());
    let Some(numbers) = collection.and_then(|collection| FIELDS.get(collection)) else { return Vec::new() };
    if key.0.first() == Some(&b'~') {
        return Vec::new();
    }
    let hash = |(number, wire): (u32, Wire<'_>)| match wire {
        Wire::Bytes(text) if numbers.contains(&number) => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    };
    Walk::new(value).map_while(Result::ok).filter_map(hash).collect()
}

/// Records read at once.
const PAGE: usize = 1_000;

/// Removes the blobs that no record rests on, as [`Database::sweep_blobs`] does, and to be called when that may be.
///
/// # Errors
/// The records cannot be read, or a blob cannot be removed.
pub fn sweep_blobs(database: &Database) -> Result<Swept, StoreError> {
    let mut wanted = BTreeSet::new();
    let mut rest = KeyRange::all();
    // From team to team; what the service keeps for itself comes behind all of them.
    while let Some(team) = database.scan(&rest, 1)?.first().and_then(|entry| team_of(&entry.key)) {
        for collection in FIELDS.keys() {
            let mut range = KeyRange::collection(&team, collection);
            loop {
                let page = database.scan(&range, PAGE)?;
                wanted.extend(page.iter().flat_map(|entry| blobs_named(&entry.key, &entry.value)));
                let Some(last) = page.last() else { break };
                range = range.after(&last.key);
            }
        }
        let Some(next) = KeyRange::team(&team).end else { break };
        rest.start = next;
    }
    database.sweep_blobs(&wanted)
}

fn team_of(key: &Key) -> Option<Id> {
    Id::parse(std::str::from_utf8(key.parts().next()?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::v1;

    fn check(key: &str, record: &impl Message, expected: usize) {
        let named = blobs_named(&Key(key.to_owned().into()), &record.encode_to_vec());
        assert_eq!(named, vec![BlobHash([0xab; 32]); expected], "{key}");
    }

    #[test]
    fn records_name_their_blobs() {
        let hash = "ab".repeat(32);
        let run = v1::Run { dataset: hash.clone(), ..v1::Run::default() };
        check("acme/runs/r1", &run, 1);
        check("acme/runs/r1", &v1::Run::default(), 0);
        check("acme/goals/r1", &run, 0);
        check("~reference/runs/r1", &run, 0);
        let mut revision = v1::PluginRevision { component: hash, ..v1::PluginRevision::default() };
        check("acme/pluginRevisions/p-1", &revision, 1);
        revision.component = "no hash".to_owned();
        check("acme/pluginRevisions/p-1", &revision, 0);
    }
}
