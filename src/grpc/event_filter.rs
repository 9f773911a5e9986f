//! Filters over events, in the expression language, evaluated column by column.

use std::{collections::HashMap, sync::Arc};

use merit_expression::{Column, Expression, Kind, Scope, Unscaled, Values};

use crate::{
    model::{
        rejection::{Rejection, ResourceReason},
        schema::NO_EMPTY_TEXT,
        zone::Zone,
    },
    proto::v1::{Change, Event},
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

    fn form(&self, name: &str, text: &str) -> Option<String> {
        text.is_empty().then(|| format!("{NO_EMPTY_TEXT}: ISMISSING({name}) is true where there is none"))
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

    /// For which of its changes the condition holds, of each event. An event is wanted when it does for any. Days
    /// are those of the zone.
    #[must_use]
    pub fn wanted<'a>(&self, events: impl Iterator<Item = &'a Event>, zone: &Zone) -> Vec<Vec<bool>> {
        let events: Vec<&Event> = events.collect();
        let Some(expression) = &self.0 else {
            return events.iter().map(|event| vec![true; event.changes.len()]).collect();
        };
        // One row per change, since the name is the change's.
        let rows: Vec<Row<'_>> = events
            .iter()
            .flat_map(|event| event.changes.iter().map(move |change| Row { event, name: &change.name }))
            .collect();
        let columns: Vec<Column> = expression.names().iter().map(|name| column(name, &rows, zone)).collect();
        let evaluated = expression.evaluate(rows.len(), &columns.iter().collect::<Vec<_>>()).column;
        let mut row = 0;
        let mut holds = |_: &Change| {
            row += 1;
            let missing = evaluated.missing.as_ref().is_some_and(|missing| missing[row - 1]);
            matches!(&evaluated.values, Values::Boolean(holds) if holds[row - 1]) && !missing
        };
        events.iter().map(|event| event.changes.iter().map(&mut holds).collect()).collect()
    }
}

/// A change, for a condition.
struct Row<'a> {
    event: &'a Event,
    name: &'a str,
}

fn column(name: &str, rows: &[Row<'_>], zone: &Zone) -> Column {
    let texts = |text: fn(&Event) -> &str| texts(rows.iter().map(|row| text(row.event)));
    match name {
        "sequence" => {
            // Sequences fit: there are fewer records than nanoseconds since the first one.
            let numbers = rows.iter().map(|row| row.event.sequence.cast_signed()).collect();
            let values = Values::Number { scale: 0, unscaled: Unscaled::Narrow(Arc::new(numbers)) };
            Column { values, missing: None }
        }
        "time" => {
            let days = rows.iter().map(|row| day(row.event, zone)).collect();
            Column { values: Values::Date(Arc::new(days)), missing: None }
        }
        "author" => texts(|event| &event.author),
        "request_id" => texts(|event| &event.request_id),
        "method" => texts(|event| &event.method),
        _ => self::texts(rows.iter().map(|row| row.name)),
    }
}

/// The day, counted from 1970-01-01.
fn day(event: &Event, zone: &Zone) -> i32 {
    let seconds = event.time.as_ref().map_or(0, |time| time.seconds);
    zone.day(seconds).unwrap_or(i32::MAX)
}

/// A column of texts, in which an empty one is missing, as in records.
fn texts<'a>(values: impl Iterator<Item = &'a str>) -> Column {
    let values: Vec<&str> = values.collect();
    let missing: Vec<bool> = values.iter().map(|text| text.is_empty()).collect();
    let missing = missing.contains(&true).then(|| Arc::new(missing));
    let mut dictionary: Vec<Arc<str>> = Vec::new();
    let mut known: HashMap<&str, u32> = HashMap::new();
    let codes = values
        .into_iter()
        .map(|text| {
            *known.entry(text).or_insert_with(|| {
                dictionary.push(Arc::from(text));
                u32::try_from(dictionary.len() - 1).expect("a page has fewer changes")
            })
        })
        .collect();
    let values = Values::Text { dictionary: Arc::new(dictionary), codes: Arc::new(codes) };
    Column { values, missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Vec<Event> {
        let event = |sequence, author: &str, seconds, names: &[&str]| Event {
            sequence,
            author: author.to_owned(),
            request_id: if sequence == 3 { String::new() } else { format!("r{sequence}") },
            method: "merit.v1.GoalService/CreateGoal".to_owned(),
            time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            changes: names
                .iter()
                .map(|name| Change { name: (*name).to_owned(), ..Change::default() })
                .collect(),
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
        let wanted = EventFilter::compile(filter).unwrap().wanted(events.iter(), &zone);
        let found: Vec<u64> = events
            .iter()
            .zip(wanted)
            .filter(|(_, wanted)| wanted.contains(&true))
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
        check("ISMISSING(request_id)", &[3]);
        check("method = \"merit.v1.GoalService/DeleteGoal\"", &[]);
    }

    fn check_refused(filter: &str, part: &str) {
        let rejection = EventFilter::compile(filter).err().expect("it is refused");
        assert_eq!(rejection.reason.code(), "INVALID_FILTER");
        assert!(rejection.message.contains(part), "{}", rejection.message);
        assert_eq!(rejection.violations[0].field, "filter");
    }

    #[test]
    fn it_is_told_which_changes_are_meant() {
        let events = events();
        let wanted =
            EventFilter::compile("name = \"teams/a/goals/g3\"").unwrap().wanted(events.iter(), &Zone::UTC);
        assert_eq!(wanted, [vec![false], vec![false, true], vec![false, true]]);
        let all = EventFilter::compile("").unwrap().wanted(events.iter(), &Zone::UTC);
        assert_eq!(all, [vec![true], vec![true; 2], vec![true; 2]]);
    }

    #[test]
    fn what_is_no_condition() {
        check_refused("autor = \"anna\"", "author");
        check_refused("sequence + 1", "true or false");
        check_refused("request_id = \"\"", "ISMISSING(request_id)");
    }
}
