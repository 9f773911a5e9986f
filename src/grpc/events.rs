//! The journal as people read it: the changes to a team's records, page by page. Filters over them are in
//! `event_filter`.

use std::{fmt::Write as _, sync::Arc};

use bytes::Bytes;

use super::event_filter::EventFilter;
use crate::{
    model::{
        name::{Id, Name},
        rejection::{Rejection, ResourceReason},
        zone::Zone,
    },
    proto::v1::{Change, ChangeKind, Event, EventView, ListEventsRequest, ListEventsResponse, Team},
    resource::{
        Resources, came_to_be, pack_encoded,
        page::{self, Binding, PAGE_BYTES, Position},
    },
    store::{Database, Key, Record, Sequence, StoreError, WriteError},
};

/// A page ends early with this many changes: an import makes a thousand in one event, and a client takes 4 MiB.
const PAGE_CHANGES: usize = 10_000;
/// Records looked at for a page; one that finds too little by then is short, or empty, and has a next one.
const LOOK: usize = 20_000;
/// Records taken from the journal at once.
const TAKE: usize = 64;

/// The journal, in one direction.
struct Trail<'a> {
    database: &'a Database,
    newest_first: bool,
    /// The record looked at last; 0 where it is not begun.
    at: Sequence,
}

/// What a record did to the resources of a team.
struct Found {
    event: Event,
    /// The resource as it was from then on, of each change.
    values: Vec<Option<Bytes>>,
}

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
    let newest_first = newest_first(&request.order_by)?;
    let order = if newest_first { "newest first" } else { "" };
    let binding = Binding::new(&["ListEvents", &request.parent, &request.filter, order]);
    let start = Position::read_number(&request.page_token, binding)?;
    let full = request.view() == EventView::Full;

    let zone = Zone::of_record(database.get(&Key::of(&team))?.as_deref());
    let mut events: Vec<Event> = Vec::new();
    let mut trail = Trail { database, newest_first, at: start };
    let (mut last, mut looked, mut changes, mut bytes) = (start, 0, 0, 0);
    let more = 'page: loop {
        let records = trail.take()?;
        if records.is_empty() {
            break false;
        }
        looked += records.len();
        let found: Vec<Found> = records.iter().map(|record| Found::of(team.id(), record)).collect();
        let wanted = filter.wanted(found.iter().map(|found| &found.event), &zone);
        for (found, wanted) in found.into_iter().zip(wanted) {
            let sequence = found.event.sequence;
            if wanted.contains(&true) {
                let event = if full { found.with_records(&wanted) } else { found.event };
                let event_bytes = record_bytes(&event);
                let large = changes >= PAGE_CHANGES || bytes + event_bytes > PAGE_BYTES;
                if events.len() == size || (!events.is_empty() && large) {
                    break 'page true;
                }
                changes += event.changes.len();
                bytes += event_bytes;
                events.push(event);
            }
            last = sequence;
        }
        if looked >= LOOK {
            break true;
        }
    };
    if start == 0 && events.is_empty() && !more && request.filter.is_empty() {
        // The trail of a team that was deleted can still be read; a team that never was is a mistake.
        resources.get::<Team>(&team)?;
    }
    let next_page_token = if more { Position::of_number(last).token(binding) } else { String::new() };
    Ok(ListEventsResponse { events, next_page_token })
}

/// Reads the order.
fn newest_first(order_by: &str) -> Result<bool, Rejection> {
    match order_by.split_whitespace().collect::<Vec<_>>()[..] {
        [] | ["sequence"] | ["sequence", "asc"] => Ok(false),
        ["sequence", "desc"] => Ok(true),
        _ => {
            let accepted = "accepted are sequence and sequence desc: events have the order of the journal";
            let message = format!("order_by: {order_by:?} is no order of events: {accepted}");
            Err(Rejection::resource(ResourceReason::InvalidFilter, message).violation("order_by", accepted))
        }
    }
}

/// Bytes of the records that an event tells.
fn record_bytes(event: &Event) -> usize {
    event.changes.iter().filter_map(|change| Some(change.record.as_ref()?.value.len())).sum()
}

// === impl Trail ===

impl Trail<'_> {
    /// The next records; none at the end.
    fn take(&mut self) -> Result<Vec<Arc<Record>>, StoreError> {
        if !self.newest_first {
            let records = self.database.records(self.at, TAKE)?;
            self.at = records.last().map_or(self.at, |last| last.sequence);
            return Ok(records);
        }
        let before = match self.at {
            0 => self.database.sequence(),
            at => at - 1,
        };
        let after = before.saturating_sub(TAKE as u64);
        let mut records = self.database.records(after, (before - after) as usize)?;
        records.reverse();
        // The first record has the sequence 1: at that there is nothing before.
        self.at = after + 1;
        Ok(records)
    }
}

// === impl Found ===

impl Found {
    /// What the record did to the team's resources. What the service keeps for itself is left out.
    fn of(team: &Id, record: &Record) -> Self {
        let (mut changes, mut values) = (Vec::new(), Vec::new());
        for effect in &record.effects {
            let Some(name) = name_of(team, &effect.key) else { continue };
            let kind = match &effect.value {
                None => ChangeKind::Deleted,
                Some(value) if came_to_be(name.collection(), value) => ChangeKind::Created,
                Some(_) => ChangeKind::Updated,
            };
            changes.push(Change { name: name.to_string(), kind: kind.into(), record: None });
            values.push(effect.value.clone());
        }
        let event = Event {
            sequence: record.sequence,
            time: Some(prost_types::Timestamp {
                seconds: record.time.as_second(),
                nanos: record.time.subsec_nanosecond(),
            }),
            author: record.origin.author.clone(),
            request_id: record.origin.request_id.clone(),
            method: record.origin.method.clone(),
            changes,
            hash: hex(&record.hash),
            previous_hash: hex(&record.previous),
        };
        Self { event, values }
    }

    /// The event with the records of the changes that are wanted. Of one that has more of them than a page, the rest are left
    /// out.
    fn with_records(mut self, wanted: &[bool]) -> Event {
        let mut room = PAGE_BYTES;
        for ((change, value), wanted) in self.event.changes.iter_mut().zip(self.values).zip(wanted) {
            let Some(value) = value.filter(|value| *wanted && value.len() <= room) else { continue };
            room -= value.len();
            change.record =
                Name::parse(&change.name).ok().and_then(|name| pack_encoded(name.collection(), value));
        }
        self.event
    }
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

/// The name of the resource that is kept under the key, if it belongs to the team.
fn name_of(team: &Id, key: &Key) -> Option<Name> {
    let text = std::str::from_utf8(&key.0).ok()?;
    let mut parts = text.split('/');
    let (owner, collection, id) = (parts.next()?, parts.next()?, parts.next()?);
    if owner != team.as_str() || parts.next().is_some() {
        return None;
    }
    Some(Name::new(team.clone(), collection, Id::parse(id).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_name(key: &str, expected: Option<&str>) {
        let team = Id::parse("acme").unwrap();
        let name = name_of(&team, &Key(Bytes::from(key.to_owned()))).map(|name| name.to_string());
        assert_eq!(name.as_deref(), expected, "{key}");
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
