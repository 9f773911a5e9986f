//! Measures against figures that were reckoned by hand, and against a slow way of reckoning them.

mod reference;
mod table;

use std::{collections::BTreeMap, sync::Arc};

use prost::Message;

use super::{Figures, MeasureSet};
use crate::{
    model::{
        name::{Id, Name},
        period::Period,
    },
    proto::v1,
    view::{Snapshot, View},
};

/// Records of a team, from which a snapshot is made.
#[derive(Clone, Debug, Default)]
pub(in crate::evaluate) struct Organisation {
    records: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
}

impl Organisation {
    pub fn team() -> Id {
        Id::parse("acme").unwrap()
    }

    /// The name of a resource, as text.
    pub fn name(collection: &str, id: &str) -> String {
        format!("teams/acme/{collection}/{id}")
    }

    pub fn put(&mut self, collection: &str, id: &str, record: &impl Message) {
        self.records.entry(collection.into()).or_default().insert(id.into(), record.encode_to_vec());
    }

    /// An account manager who reports to another, or to nobody (empty), for ever.
    pub fn account_manager(&mut self, id: &str, manager: &str) {
        let mut record = v1::AccountManager { display_name: id.into(), ..Default::default() };
        if !manager.is_empty() {
            record.reporting_line.push(v1::ReportingLine {
                manager: Self::name("accountManagers", manager),
                ..Default::default()
            });
        }
        self.put("accountManagers", id, &record);
    }

    /// A deal; what is empty is missing.
    pub fn deal(
        &mut self,
        id: &str,
        owner: &str,
        stage: v1::OpportunityStage,
        amount: &str,
        close_date: &str,
    ) {
        let record = v1::Opportunity {
            owner: if owner.is_empty() { String::new() } else { Self::name("accountManagers", owner) },
            stage: stage.into(),
            amount: amount.into(),
            close_date: close_date.into(),
            ..Default::default()
        };
        self.put("opportunities", id, &record);
    }

    pub fn snapshot(&self, collections: &[&str]) -> Snapshot {
        let view = |collection: &str| {
            let records = self.records.get(collection).cloned().unwrap_or_default();
            let records: Vec<_> = records.iter().map(|(id, record)| (id.as_str(), &record[..])).collect();
            Arc::new(View::of(&Self::team(), collection, &records).unwrap())
        };
        let views =
            collections.iter().map(|collection| ((*collection).to_owned(), view(collection))).collect();
        Snapshot { sequence: 1, views }
    }
}

/// A measure over deals by close date.
fn over_deals(
    id: &str,
    function: v1::AggregateFunction,
    condition: &str,
    value: &str,
    scale: i32,
) -> v1::Measure {
    v1::Measure {
        name: Organisation::name("measures", id),
        scale,
        definition: Some(v1::measure::Definition::Aggregate(v1::Aggregate {
            collection: "opportunities".into(),
            condition: condition.into(),
            value: value.into(),
            function: function.into(),
            owner_field: "owner".into(),
            time_field: "close_date".into(),
        })),
        ..Default::default()
    }
}

fn ratio(id: &str, numerator: &str, denominator: &str, scale: i32) -> v1::Measure {
    v1::Measure {
        name: Organisation::name("measures", id),
        scale,
        definition: Some(v1::measure::Definition::Ratio(v1::Ratio {
            numerator: Organisation::name("measures", numerator),
            denominator: Organisation::name("measures", denominator),
        })),
        ..Default::default()
    }
}

pub(in crate::evaluate) fn quarter() -> Period {
    Period::parse("2026-01-01", "2026-04-01").unwrap()
}

fn measure_name(id: &str) -> Name {
    Name::parse(&Organisation::name("measures", id)).unwrap()
}

/// Figures as text by row: `-` for a missing one, `!` for a faulted one.
pub(in crate::evaluate) fn shown(figures: &Figures) -> Vec<String> {
    let shown = |row: usize| {
        if figures.faults.iter().any(|(faulted, _)| *faulted == row) {
            return "!".to_owned();
        }
        figures.get(row).map_or_else(
            || "-".to_owned(),
            |unscaled| {
                rust_decimal::Decimal::from_i128_with_scale(unscaled, figures.scale.into()).to_string()
            },
        )
    };
    (0..figures.unscaled.len()).map(shown).collect()
}

/// The figures of one of these measures in the first quarter of 2026.
fn figures(organisation: &Organisation, measures: &[v1::Measure], id: &str, roll_up: v1::RollUp) -> Figures {
    let set = MeasureSet::compile(measures).unwrap();
    let collections: Vec<&str> = set.collections().into_iter().collect();
    let snapshot = organisation.snapshot(&collections);
    set.reckoning(&snapshot, quarter()).unwrap().figures(&measure_name(id), roll_up).unwrap()
}
