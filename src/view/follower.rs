//! One collection of one team as columns that follow: pages of records in, views out. Where records come from, and
//! when, is in `views`.

use std::sync::Arc;

use super::{
    View, ViewError,
    cells::Cells,
    change::Change,
    plan::{self, Plan},
    stored_schema,
};
use crate::model::{name::Id, schema::Schema, zone::Zone};

/// A record that is put, or a deleted one, by id.
pub(super) type Effect<'a> = (&'a str, Option<&'a [u8]>);

/// A collection as columns that follow.
#[derive(Debug)]
pub(super) struct Follower {
    team: Id,
    schema: &'static Schema,
    plan: Plan,
    ids: Arc<Vec<Arc<str>>>,
    id_bytes: u64,
    cells: Cells,
}

/// What an id takes besides its text: the pointer, and the counts.
const BYTES_PER_ID: u64 = 32;

// === impl Follower ===

impl Follower {
    /// A collection without records. Days are those of the zone.
    pub(super) fn new(team: Id, schema: &'static Schema, zone: &Zone) -> Self {
        let (layout, plan) = plan::read(schema, zone);
        Self { team, schema, plan, ids: Arc::default(), id_bytes: 0, cells: Cells::new(layout) }
    }

    /// Makes effects a part of the columns: each id once, ascending.
    ///
    /// # Errors
    /// A record that does not fit the schema. The columns are of no use then.
    pub(super) fn apply(&mut self, effects: &[Effect<'_>]) -> Result<(), ViewError> {
        let (mut ids, mut places, mut deletes) = (Vec::new(), Vec::new(), Vec::new());
        let mut puts = Vec::new();
        for &(id, record) in effects {
            let place = self.place(id);
            match (record, place) {
                (Some(record), place) => {
                    ids.push(place.map_or_else(|_| Arc::from(id), |row| Arc::clone(&self.ids[row])));
                    places.push(place);
                    puts.push(record);
                }
                (None, Ok(row)) => deletes.push(row),
                (None, Err(_)) => {}
            }
        }
        if puts.is_empty() && deletes.is_empty() {
            return Ok(());
        }
        self.cells.begin(puts.len());
        for (row, record) in puts.iter().enumerate() {
            self.plan.read(record, self.cells.row(row)).map_err(|what| ViewError::Undecodable {
                key: format!("{}/{}/{}", self.team, self.schema.collection, ids[row]),
                what,
            })?;
        }
        for (id, _) in ids.iter().zip(&places).filter(|(_, place)| place.is_err()) {
            self.id_bytes += id.len() as u64 + BYTES_PER_ID;
        }
        for &row in &deletes {
            self.id_bytes -= self.ids[row].len() as u64 + BYTES_PER_ID;
        }
        let change = Change::plan(self.ids.len(), &places, &deletes);
        change.apply(&mut self.ids, &ids);
        self.cells.commit(&change, self.ids.len());
        Ok(())
    }

    /// Rows.
    pub(super) fn rows(&self) -> usize {
        self.ids.len()
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        self.id_bytes + self.cells.bytes()
    }

    /// The collection as it is now, for readers.
    pub(super) fn publish(&self) -> View {
        View {
            ids: Arc::clone(&self.ids),
            columns: self.cells.columns(),
            team: self.team.clone(),
            schema: self.schema,
            reporting_lines: self.cells.reporting_lines(),
            names: std::sync::OnceLock::new(),
            resolved: std::sync::Mutex::default(),
        }
    }

    /// The row of an id, or where it would be. Ids mostly come in order: the end is looked at first.
    fn place(&self, id: &str) -> Result<usize, usize> {
        match self.ids.last() {
            None => Err(0),
            Some(last) if **last < *id => Err(self.ids.len()),
            Some(_) => self.ids.binary_search_by(|other| (**other).cmp(id)),
        }
    }
}

// === impl View ===

impl View {
    /// A view of these records, by id, ascending, with days in UTC: for what is at hand without a store.
    ///
    /// # Errors
    /// `UnknownCollection`; `Undecodable` for a record that does not fit the schema.
    pub fn of(team: &Id, collection: &str, records: &[(&str, &[u8])]) -> Result<Self, ViewError> {
        let mut follower = Follower::new(team.clone(), stored_schema(collection)?, &Zone::UTC);
        let effects: Vec<_> = records.iter().map(|&(id, record)| (id, Some(record))).collect();
        follower.apply(&effects)?;
        Ok(follower.publish())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use merit_expression::{Column, Unscaled, Values};
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::{model::schema::schemas, proto::v1};

    fn team() -> Id {
        Id::parse("acme").unwrap()
    }

    /// What a column says of a row, whatever way it is kept.
    fn cell(column: &Column, row: usize) -> Option<String> {
        if column.missing.as_ref().is_some_and(|missing| missing[row]) {
            return None;
        }
        Some(match &column.values {
            Values::Number { scale, unscaled: Unscaled::Narrow(cells) } => format!("{}e-{scale}", cells[row]),
            Values::Number { scale, unscaled: Unscaled::Wide(cells) } => format!("{}e-{scale}", cells[row]),
            Values::Text { dictionary, codes } => dictionary[codes[row] as usize].to_string(),
            Values::Boolean(flags) => flags[row].to_string(),
            Values::Date(days) => format!("day {}", days[row]),
        })
    }

    /// All that a view says, by id and path.
    fn content(view: &View) -> BTreeMap<(String, String), String> {
        let mut content = BTreeMap::new();
        for (row, id) in view.ids.iter().enumerate() {
            content.insert((id.to_string(), "name".to_owned()), view.name(row).to_string());
            for (path, column) in &view.columns {
                if let Some(cell) = cell(column, row) {
                    content.insert((id.to_string(), path.clone()), cell);
                }
            }
            for day in (10..40).step_by(5) {
                let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(day);
                let lines = view.reporting_lines.as_ref();
                if let Some(manager) = lines.and_then(|lines| lines.manager(row, date)) {
                    let manager = lines.unwrap().managers()[manager].to_string();
                    content.insert((id.to_string(), format!("manager on {day}")), manager);
                }
            }
        }
        content
    }

    fn follower(collection: &str) -> Follower {
        Follower::new(team(), &schemas()[collection], &Zone::UTC)
    }

    #[test]
    fn every_kind_of_field_becomes_a_cell() {
        let record = v1::Opportunity {
            name: "teams/acme/opportunities/d-1".into(),
            etag: "7".into(),
            create_time: Some(prost_types::Timestamp { seconds: 86_400 * 3 + 5, nanos: 0 }),
            owner: "teams/acme/accountManagers/anna".into(),
            stage: v1::OpportunityStage::Won.into(),
            amount: "1200.50".into(),
            close_date: "1970-01-11".into(),
            labels: [("region".to_owned(), "North".to_owned())].into(),
            ..Default::default()
        };
        let view =
            View::of(&team(), "opportunities", &[("d-1", &record.encode_to_vec()), ("d-2", &[])]).unwrap();
        let check = |path: &str, expected: Option<&str>| {
            let column = view.column(path).unwrap_or_else(|| panic!("no column {path}"));
            assert_eq!(cell(&column, 0).as_deref(), expected, "{path}");
        };
        check("name", Some("teams/acme/opportunities/d-1"));
        check("create_time", Some("day 3"));
        assert_eq!(view.times("create_time").at(0), (86_400 * 3 + 5) * 1_000_000_000);
        assert_eq!(view.times("close_date").at(0), 10);
        check("update_time", None);
        check("owner", Some("teams/acme/accountManagers/anna"));
        check("customer", None);
        check("stage", Some("WON"));
        check("amount", Some("12005000e-4"));
        check("close_date", Some("day 10"));
        check("labels.region", Some("North"));
        check("labels.level", None);
        assert!(view.column("etag").is_none());
        assert!(view.column("nothing").is_none());
        let missing: Vec<_> = view.columns.values().filter_map(|column| cell(column, 1)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn numbers_and_flags_are_0_and_false_where_they_are_not_written() {
        let measures =
            [("a", &v1::Measure { money: true, ..Default::default() }.encode_to_vec()[..]), ("b", &[])];
        let view = View::of(&team(), "measures", &measures).unwrap();
        let money = view.column("money").unwrap();
        assert_eq!((cell(&money, 0).as_deref(), cell(&money, 1).as_deref()), (Some("true"), Some("false")));
        let scale = view.column("scale").unwrap();
        assert_eq!((cell(&scale, 0).as_deref(), cell(&scale, 1).as_deref()), (Some("0e-0"), Some("0e-0")));
    }

    #[test]
    fn what_does_not_fit_the_schema_is_named() {
        let check = |record: &[u8], expected: &str| {
            let error = View::of(&team(), "opportunities", &[("d-1", record)]).unwrap_err().to_string();
            assert!(error.starts_with("acme/opportunities/d-1: ") && error.contains(expected), "{error}");
        };
        let record = |change: fn(&mut v1::Opportunity)| {
            let mut record = v1::Opportunity::default();
            change(&mut record);
            record.encode_to_vec()
        };
        check(&record(|record| record.amount = "1.00001".into()), "not a number of at most 4 decimals");
        check(&record(|record| record.close_date = "2026-02-30".into()), "not a date");
        check(&record(|record| record.stage = 99), "99 is no value of the enum");
        check(&[0x62, 9, b'x'], "no protobuf message");
        let unknown = View::of(&team(), "evaluations", &[]);
        assert!(matches!(unknown, Err(ViewError::UnknownCollection(_))));
    }

    #[test]
    fn references_are_rows_of_the_other_view() {
        let managers = View::of(&team(), "accountManagers", &[("anna", &[]), ("ben", &[])]).unwrap();
        let managers = Arc::new(managers);
        let deal = |owner: &str| {
            v1::Opportunity { owner: format!("teams/acme/accountManagers/{owner}"), ..Default::default() }
                .encode_to_vec()
        };
        let records = [deal("ben"), deal("zoe"), deal("anna")];
        let records = [("d-1", &records[0][..]), ("d-2", &records[1]), ("d-3", &records[2])];
        let deals = View::of(&team(), "opportunities", &records).unwrap();
        let rows = deals.rows_in("owner", &managers).unwrap();
        let owner = deals.column("owner").unwrap();
        let Values::Text { codes, .. } = &owner.values else { panic!("a text column") };
        let resolved: Vec<_> = codes.iter().map(|&code| rows[code as usize]).collect();
        assert_eq!(resolved, [Some(1), None, Some(0)]);
        assert!(Arc::ptr_eq(&rows, &deals.rows_in("owner", &managers).unwrap()));
        assert!(deals.rows_in("customer", &managers).is_none());
        assert!(deals.rows_in("amount", &managers).is_none());
    }

    #[test]
    fn what_readers_hold_does_not_change() {
        let mut follower = follower("products");
        let product =
            |name: &str| v1::Product { display_name: name.into(), ..Default::default() }.encode_to_vec();
        follower.apply(&[("a", Some(&product("A"))), ("c", Some(&product("C")))]).unwrap();
        let before = follower.publish();
        follower.apply(&[("a", Some(&product("B"))), ("b", Some(&product("D"))), ("c", None)]).unwrap();
        let after = follower.publish();
        let names = |view: &View| {
            let column = view.column("display_name").unwrap();
            (0..view.rows()).map(|row| cell(&column, row).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(
            (names(&before), names(&after)),
            (vec!["A".into(), "C".into()], vec!["B".into(), "D".into()])
        );
    }

    fn account_manager() -> impl Strategy<Value = v1::AccountManager> {
        let line = (0_u8..4, 10_u8..25, prop::option::of(25_u8..32)).prop_map(|(manager, from, until)| {
            v1::ReportingLine {
                manager: format!("teams/acme/accountManagers/m-{manager}"),
                effective_from: format!("1970-01-{from}"),
                effective_until: until.map(|day| format!("1970-01-{day}")).unwrap_or_default(),
            }
        });
        let labels = prop::collection::btree_map("[ab]", "[a-c]?", 0..3);
        ("[a-z]{0,2}", "(19[0-9]{2}-0[1-9]-1[0-9])?", labels, prop::collection::vec(line, 0..3)).prop_map(
            |(region, hire_date, labels, reporting_line)| v1::AccountManager {
                region,
                hire_date,
                labels,
                reporting_line,
                ..Default::default()
            },
        )
    }

    proptest! {
        #[test]
        fn following_gives_what_building_anew_gives(
            batches in prop::collection::vec(
                prop::collection::btree_map("[a-f][0-9]", prop::option::weighted(0.7, account_manager()), 0..20),
                1..6,
            ),
            hold in any::<bool>(),
        ) {
            let mut follower = follower("accountManagers");
            let mut records = BTreeMap::new();
            let mut held = Vec::new();
            for batch in batches {
                let batch: BTreeMap<_, _> =
                    batch.into_iter().map(|(id, record)| (id, record.map(|record| record.encode_to_vec()))).collect();
                let effects: Vec<_> = batch.iter().map(|(id, record)| (id.as_str(), record.as_deref())).collect();
                follower.apply(&effects).unwrap();
                records.extend(batch.clone());
                let present: Vec<_> =
                    records.iter().filter_map(|(id, record)| Some((id.as_str(), record.as_deref()?))).collect();
                let rebuilt = content(&View::of(&team(), "accountManagers", &present).unwrap());
                prop_assert_eq!(&content(&follower.publish()), &rebuilt);
                if hold {
                    held.push((follower.publish(), rebuilt));
                }
            }
            for (view, then) in &held {
                prop_assert_eq!(&content(view), then);
            }
        }
    }
}
