//! Under which keys records are kept, and what the standard methods keep beside them. Every key that this room uses is
//! made here.

use bytes::Bytes;

use crate::{
    model::name::{Id, Name},
    store::{Key, KeyRange},
};

/// How many records refer to a record.
const REFERRERS: &str = "~referrers/";

/// First answers, by request id.
const REQUESTS: &str = "~requests/";

/// `team/collection/id`: where a record is kept.
pub(crate) fn record(name: &Name) -> Key {
    let (team, collection, id) = (name.team().as_str(), name.collection(), name.id().as_str());
    let mut key = Vec::with_capacity(team.len() + collection.len() + id.len() + 2);
    for (index, part) in [team, collection, id].into_iter().enumerate() {
        if index > 0 {
            key.push(b'/');
        }
        key.extend_from_slice(part.as_bytes());
    }
    Key(Bytes::from(key))
}

/// The records of a collection whose ids come after `after`; all, where that is empty.
pub(crate) fn collection_after(team: &Id, collection: &str, after: &str) -> KeyRange {
    let prefix = format!("{team}/{collection}/");
    let mut start = prefix.clone();
    if !after.is_empty() {
        start.push_str(after);
        // The first text after the id itself.
        start.push('\0');
    }
    KeyRange { start: text(start), end: Some(beyond(prefix)) }
}

/// Everything that a team has.
pub(crate) fn team(team: &Id) -> KeyRange {
    let prefix = format!("{team}/");
    KeyRange { start: text(prefix.clone()), end: Some(beyond(prefix)) }
}

/// What teams have, beyond the team of this key; everything, where there is none.
pub(crate) fn teams_beyond(key: Option<&Key>) -> KeyRange {
    let start = match key.and_then(team_of) {
        Some(team) => beyond(format!("{team}/")),
        None => text(String::new()),
    };
    KeyRange { start, end: Some(text("~".to_owned())) }
}

/// The team of a record's key.
pub(crate) fn team_of(key: &Key) -> Option<&str> {
    std::str::from_utf8(&key.0).ok()?.split('/').next()
}

/// The id at the end of a record's key.
pub(crate) fn id_of(key: &Key) -> &str {
    let text = std::str::from_utf8(&key.0).unwrap_or_default();
    text.rsplit('/').next().unwrap_or_default()
}

/// How many records refer to this one.
pub(crate) fn referrers(name: &Name) -> Key {
    text(format!("{REFERRERS}{}/{}/{}", name.team(), name.collection(), name.id()))
}

/// The first answer to a request id, among those of a week.
pub(crate) fn request(week: u32, hash: &str) -> Key {
    text(format!("{REQUESTS}{week:06}/{hash}"))
}

/// The first answers of all weeks before this one.
pub(crate) fn requests_before(week: u32) -> KeyRange {
    KeyRange { start: text(REQUESTS.to_owned()), end: Some(text(format!("{REQUESTS}{week:06}/"))) }
}

fn text(text: String) -> Key {
    Key(Bytes::from(text.into_bytes()))
}

/// The first key beyond all that begin with `prefix`, which ends with a slash.
fn beyond(mut prefix: String) -> Key {
    prefix.pop();
    // What comes after the slash.
    prefix.push('0');
    text(prefix)
}
