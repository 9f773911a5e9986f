//! Filters over events, in the expression language, evaluated column by column.

use std::{collections::HashMap, sync::Arc};

use merit_expression::{Column, Expression, Kind, Scope, Unscaled, Values};

use crate::{
    model::{
        rejection::{Rejection, ResourceReason},
        zone::Zone,
    },
    proto::v1::Event,
    resource::scope::kind_name,
};

/// A condition over events.
pub struct EventFilter(Option<Expression>);

/// What a condition may name, in the order of the proto's comment.
const NAMES: &[(&str, Kind)] = &[
    ("sequence", Kind::Number),
    ("author", Kind::Text),
    ("request_id", Kind::Text),
    ("method", Kind::Text),
    ("time", Kind::Date),
    ("name", Kind::Text),
];

struct EventScope;

// === impl EventScope ===

impl Scope for EventScope {
    fn kind(&self, name: &str) -> Option<Kind> {
        NAMES.iter().find(|(known, _)| *known == name).map(|&(_, kind)| kind)
    }

    fn names(&self) -> Vec<String> {
        NAMES.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

// === impl EventFilter ===

impl EventFilter {
    /// Compiles a condition; an empty one wants every event.
    ///
    /// # Errors
    /// `INVALID_FILTER` with every problem and its place.
    pub fn compile(text: &str) -> Result<Self, Rejection> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let invalid = |problems: Vec<String>| {
            let message = format!("filter: {}", problems.join("; "));
            problems
                .into_iter()
                .fold(Rejection::resource(ResourceReason::InvalidFilter, message), |rejection, problem| {
                    rejection.violation("filter", problem)
                })
        };
        let expression = Expression::compile(text, &EventScope).map_err(|problems| {
            invalid(problems.iter().map(|at| format!("column {}: {}", at.column, at.message)).collect())
        })?;
        match expression.kind() {
            Kind::Boolean => Ok(Self(Some(expression))),
            kind => Err(invalid(vec![format!(
                "gives a {}; a condition is true or false: author = \"anna\"",
                kind_name(kind)
            )])),
        }
    }

    /// Which of the events are wanted: an event is when the condition holds for any of its changes. Days are those of the
    /// zone.
    #[must_use]
    pub fn wanted(&self, events: &[Event], zone: &Zone) -> Vec<bool> {
        let Some(expression) = &self.0 else { return vec![true; events.len()] };
        // One row per change, since the name is the change's.
        let rows: Vec<(usize, &str)> = events
            .iter()
            .enumerate()
            .flat_map(|(index, event)| event.changes.iter().map(move |change| (index, change.name.as_str())))
            .collect();
        let columns: Vec<Column> =
            expression.names().iter().map(|name| column(name, &rows, events, zone)).collect();
        let evaluated = expression.evaluate(rows.len(), &columns.iter().collect::<Vec<_>>());
        let mut wanted = vec![false; events.len()];
        if let Values::Boolean(holds) = &evaluated.column.values {
            for (row, (&holds, &(event, _))) in holds.iter().zip(&rows).enumerate() {
                let missing = evaluated.column.missing.as_ref().is_some_and(|missing| missing[row]);
                wanted[event] |= holds && !missing;
            }
        }
        wanted
    }
}

fn column(name: &str, rows: &[(usize, &str)], events: &[Event], zone: &Zone) -> Column {
    let values = match name {
        "sequence" => {
            // Sequences fit: there are fewer records than nanoseconds since the first one.
            let numbers = rows.iter().map(|&(event, _)| events[event].sequence.cast_signed()).collect();
            Values::Number { scale: 0, unscaled: Unscaled::Narrow(Arc::new(numbers)) }
        }
        "time" => Values::Date(Arc::new(rows.iter().map(|&(event, _)| day(&events[event], zone)).collect())),
        "author" => texts(rows.iter().map(|&(event, _)| events[event].author.as_str())),
        "request_id" => texts(rows.iter().map(|&(event, _)| events[event].request_id.as_str())),
        "method" => texts(rows.iter().map(|&(event, _)| events[event].method.as_str())),
        _ => texts(rows.iter().map(|&(_, name)| name)),
    };
    Column { values, missing: None }
}

/// The day, counted from 1970-01-01.
fn day(event: &Event, zone: &Zone) -> i32 {
    let seconds = event.time.as_ref().map_or(0, |time| time.seconds);
    zone.day(seconds).unwrap_or(i32::MAX)
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> Values {
    let mut dictionary: Vec<Arc<str>> = Vec::new();
    let mut known: HashMap<&str, u32> = HashMap::new();
    let codes = values
        .map(|text| {
            *known.entry(text).or_insert_with(|| {
                dictionary.push(Arc::from(text));
                u32::try_from(dictionary.len() - 1).expect("a page has fewer changes")
            })
        })
        .collect();
    Values::Text { dictionary: Arc::new(dictionary), codes: Arc::new(codes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::Change;

    fn events() -> Vec<Event> {
        let event = |sequence, author: &str, seconds, names: &[&str]| Event {
            sequence,
            author: author.to_owned(),
            request_id: format!("r{sequence}"),
            method: "merit.v1.GoalService/CreateGoal".to_owned(),
            time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            changes: names.iter().map(|name| Change { name: (*name).to_owned(), kind: 1 }).collect(),
            ..Event::default()
        };
        vec![
            event(1, "anna", 0, &["teams/a/goals/g1"]),
            event(2, "boris", 86_399, &["teams/a/goals/g2", "teams/a/goals/g3"]),
            event(3, "anna", 86_400, &["teams/a/goals/g1", "teams/a/goals/g3"]),
        ]
    }

    fn check(filter: &str, expected: &[u64]) {
        check_in("", filter, expected);
    }

    fn check_in(zone: &str, filter: &str, expected: &[u64]) {
        let zone = Zone::of_team(&crate::proto::v1::Team { time_zone: zone.into(), ..Default::default() });
        let events = events();
        let wanted = EventFilter::compile(filter).unwrap().wanted(&events, &zone);
        let found: Vec<u64> = events
            .iter()
            .zip(wanted)
            .filter(|(_, wanted)| *wanted)
            .map(|(event, _)| event.sequence)
            .collect();
        assert_eq!(found, expected, "{filter}");
    }

    #[test]
    fn conditions() {
        check("", &[1, 2, 3]);
        check("author = \"anna\"", &[1, 3]);
        check("sequence > 1 AND author = \"anna\"", &[3]);
        check("name = \"teams/a/goals/g3\"", &[2, 3]);
        check("time = \"1970-01-01\"", &[1, 2]);
        check_in("America/Los_Angeles", "time = \"1970-01-01\"", &[2, 3]);
        check("request_id = \"r2\"", &[2]);
        check("method = \"merit.v1.GoalService/DeleteGoal\"", &[]);
    }

    fn check_refused(filter: &str, part: &str) {
        let rejection = EventFilter::compile(filter).err().expect("it is refused");
        assert_eq!(rejection.reason.code(), "INVALID_FILTER");
        assert!(rejection.message.contains(part), "{}", rejection.message);
        assert_eq!(rejection.violations[0].field, "filter");
    }

    #[test]
    fn what_is_no_condition() {
        check_refused("autor = \"anna\"", "author");
        check_refused("sequence + 1", "true or false");
    }
}
