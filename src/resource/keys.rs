//! Under which keys the standard methods keep things, and read them. How keys are written is in `store::keys`.

use crate::{
    model::name::{Id, Name},
    store::{Database, Entry, Key, KeyRange, StoreError, System},
};

/// The records of a collection whose ids come after `after`; all, where that is empty.
pub(crate) fn collection_after(team: &Id, collection: &str, after: &str) -> KeyRange {
    let range = KeyRange::collection(team, collection);
    if after.is_empty() {
        return range;
    }
    let mut last = range.start.0.to_vec();
    last.extend_from_slice(after.as_bytes());
    range.after(&Key(last.into()))
}

/// The first teams whose ids come after `after`, and the id of the last one looked at.
pub(crate) fn teams_after(
    database: &Database,
    after: &str,
    limit: usize,
) -> Result<(Vec<Entry>, Option<String>), StoreError> {
    let mut range = KeyRange::system(System::Team, &[]);
    if !after.is_empty() {
        range = range.after(&Key::system(System::Team, &[after]));
    }
    let mut entries = Vec::new();
    let listed = database.scan(&range, limit)?;
    for entry in &listed {
        let Ok(team) = Id::parse(id_of(&entry.key)) else { continue };
        let key = Key::of(&Name::of_team(team));
        // Deleted in between, perhaps.
        if let Some(value) = database.get(&key)? {
            entries.push(Entry { key, value });
        }
    }
    let last = (listed.len() == limit).then(|| listed.last().map(|entry| id_of(&entry.key).to_owned()));
    Ok((entries, last.flatten()))
}

/// Says that there is a team of this name.
pub(crate) fn team(name: &Name) -> Key {
    Key::system(System::Team, &[name.team().as_str()])
}

/// The id at the end of a key.
pub(crate) fn id_of(key: &Key) -> &str {
    let last = key.parts().last().unwrap_or_default();
    std::str::from_utf8(last).unwrap_or_default()
}

/// How many records refer to this one.
pub(crate) fn referrers(name: &Name) -> Key {
    Key::system(System::Reference, &[name.team().as_str(), name.collection(), name.id().as_str()])
}

/// Says that a record of this name was deleted, and that none is to have it again.
pub(crate) fn tombstone(name: &Name) -> Key {
    Key::system(System::Gone, &[name.team().as_str(), name.collection(), name.id().as_str()])
}

/// The first answer to a request id, among those of a week.
pub(crate) fn request(week: u32, hash: &str) -> Key {
    Key::system(System::Request, &[&format!("{week:06}"), hash])
}

/// The first answers of all weeks before this one.
pub(crate) fn requests_before(week: u32) -> KeyRange {
    KeyRange {
        start: KeyRange::system(System::Request, &[]).start,
        end: Some(Key::system(System::Request, &[&format!("{week:06}")])),
    }
}
