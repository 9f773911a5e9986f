//! The journal as people read it: the changes to a team's records, page by page. Filters over them are in
//! `event_filter`.

use std::fmt::Write as _;

use super::event_filter::EventFilter;
use crate::{
    model::{
        name::{Id, Name},
        rejection::Rejection,
        zone::Zone,
    },
    proto::v1::{Change, ChangeKind, Event, ListEventsRequest, ListEventsResponse, Team},
    resource::{
        Resources,
        page::{self, Binding, Position},
    },
    store::{Database, Key, Record, WriteError},
};

/// A page ends early with this many changes: an import makes a thousand in one event, and a client takes 4 MiB.
const PAGE_CHANGES: usize = 10_000;
/// Records looked at for a page; one that finds too little by then is short, or empty, and has a next one.
const LOOK: usize = 20_000;
/// Records taken from the journal at once.
const TAKE: usize = 64;

/// Lists the changes to a team's records after the page before.
///
/// # Errors
/// A rejection of the request, `NOT_FOUND` where there neither is nor was such a team, or a failure of the store.
pub fn list(
    database: &Database,
    resources: &Resources,
    request: &ListEventsRequest,
) -> Result<ListEventsResponse, WriteError> {
    let team = team(&request.parent)?;
    let size = page::size(request.page_size.into())?;
    let filter = EventFilter::compile(&request.filter)?;
    let binding = Binding::new(&["ListEvents", &request.parent, &request.filter]);
    let start = Position::read_number(&request.page_token, binding)?;

    let zone = Zone::of_record(database.get(&Key::of(&team))?.as_deref());
    let mut events: Vec<Event> = Vec::new();
    let (mut after, mut looked, mut changes) = (start, 0, 0);
    let more = 'page: loop {
        let records = database.records(after, TAKE)?;
        let found: Vec<Event> = records.iter().map(|record| event(team.id(), record)).collect();
        let wanted = filter.wanted(&found, &zone);
        let count = records.len();
        for (event, wanted) in found.into_iter().zip(wanted) {
            let wanted = wanted && !event.changes.is_empty();
            if wanted && (events.len() == size || changes >= PAGE_CHANGES) {
                break 'page true;
            }
            after = event.sequence;
            if wanted {
                changes += event.changes.len();
                events.push(event);
            }
        }
        looked += count;
        if count < TAKE {
            break false;
        }
        if looked >= LOOK {
            break true;
        }
    };
    if start == 0 && events.is_empty() && !more && request.filter.is_empty() {
        // The trail of a team that was deleted can still be read; a team that never was is a mistake.
        resources.get::<Team>(&team)?;
    }
    let next_page_token = if more { Position::of_number(after).token(binding) } else { String::new() };
    Ok(ListEventsResponse { events, next_page_token })
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn team(parent: &str) -> Result<Name, Rejection> {
    let name = Name::parse(parent).map_err(super::calls::in_field("parent"))?;
    if name.collection() == Name::TEAMS {
        return Ok(name);
    }
    Err(Rejection::field("parent", format!("{parent:?} is not a team: teams/{{team}}")))
}

/// What the record did to the team's resources. What the service keeps for itself is left out.
fn event(team: &Id, record: &Record) -> Event {
    let changes = record.effects.iter().filter_map(|effect| {
        let name = name_of(team, &effect.key)?;
        let kind = if effect.value.is_some() { ChangeKind::Written } else { ChangeKind::Deleted };
        Some(Change { name, kind: kind.into() })
    });
    Event {
        sequence: record.sequence,
        time: Some(prost_types::Timestamp {
            seconds: record.time.as_second(),
            nanos: record.time.subsec_nanosecond(),
        }),
        author: record.origin.author.clone(),
        request_id: record.origin.request_id.clone(),
        method: record.origin.method.clone(),
        changes: changes.collect(),
        hash: hex(&record.hash),
        previous_hash: hex(&record.previous),
    }
}

/// The name of the resource that is kept under the key, if it belongs to the team.
fn name_of(team: &Id, key: &Key) -> Option<String> {
    let text = std::str::from_utf8(&key.0).ok()?;
    let mut parts = text.split('/');
    let (owner, collection, id) = (parts.next()?, parts.next()?, parts.next()?);
    if owner != team.as_str() || parts.next().is_some() {
        return None;
    }
    Some(Name::new(team.clone(), collection, Id::parse(id).ok()?).to_string())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn check_name(key: &str, expected: Option<&str>) {
        let team = Id::parse("acme").unwrap();
        assert_eq!(name_of(&team, &Key(Bytes::from(key.to_owned()))).as_deref(), expected, "{key}");
    }

    #[test]
    fn names_of_keys() {
        check_name("acme/goals/g1", Some("teams/acme/goals/g1"));
        check_name("acme/teams/acme", Some("teams/acme"));
        check_name("other/goals/g1", None);
        check_name("~requests/acme/goals", None);
        check_name("acme/goals", None);
    }
}
