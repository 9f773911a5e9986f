//! A dataset is written and read again: every kind of column, and what is damaged or missing.

use std::sync::Arc;

use bytes::Bytes;
use parquet::{
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::Field,
};
use proptest::prelude::*;

use super::*;
use crate::evaluate::column::{Column, TextsBuilder, Values, count_u32};

/// A row: its input, its lines, and whether it is faulted.
type Row = (Option<i64>, Vec<Option<i64>>, bool);

/// A dataset of one step with every kind of column; each row has an input, some lines and an output, or a fault.
fn dataset(rows: &[Row], scale: u8) -> Dataset {
    let number = |values: Vec<Option<i64>>| Column {
        missing: values.iter().map(Option::is_none).collect(),
        values: Values::Number {
            scale,
            unscaled: values.into_iter().map(Option::unwrap_or_default).collect(),
        },
    };
    let ids: Vec<Arc<str>> = (0..rows.len()).map(|row| format!("a-{row:06}").into()).collect();
    let names: Vec<String> = (0..rows.len()).map(|row| format!("Zoë \"{}\"", row % 3)).collect();
    let mut regions = TextsBuilder::default();
    for (row, (input, ..)) in rows.iter().enumerate() {
        match input {
            Some(_) => regions.push(["North", "South", ""][row % 3]),
            None => regions.push_missing(),
        }
    }
    let regions = Column {
        values: Values::Text(regions.finish()),
        missing: rows.iter().map(|row| row.0.is_none()).collect(),
    };
    let mut ends = Vec::new();
    let mut lines = Vec::new();
    for (_, row_lines, _) in rows {
        lines.extend(row_lines);
        ends.push(count_u32(lines.len()));
    }
    let records: Vec<String> = (0..lines.len()).map(|line| format!("deal-{line}")).collect();
    let faults = rows.iter().enumerate().filter(|(_, row)| row.2).map(|(row, _)| {
        (count_u32(row), RowFault { reason: "PLUGIN_FAULT".to_owned(), message: format!("row {row}") })
    });
    let step = StepData {
        inputs: vec![
            InputData {
                column: Arc::new(number(rows.iter().map(|row| row.0).collect())),
                records: Some(Arc::new((0..count_u32(rows.len())).collect())),
            },
            InputData { column: Arc::new(regions.clone()), records: None },
        ],
        lines: Some(LineData {
            ends,
            records: records.iter().map(String::as_str).collect(),
            columns: vec![number(lines)],
        }),
        groups: Some(Arc::new(regions)),
        outputs: vec![number(rows.iter().map(|row| row.0.filter(|_| !row.2)).collect())],
        faults: faults.collect(),
    };
    let display_names = names.iter().map(String::as_str).collect();
    let behind = behind(rows);
    Dataset { header: header(scale), ids, display_names, behind, steps: vec![step] }
}

/// A record of one's own for each row with an input; deals that roll up, of which the even ones are listed twice as often; a
/// row stands below the one before, but for every fourth.
fn behind(rows: &[Row]) -> Behind {
    let list = |count: &dyn Fn(usize) -> usize| {
        let mut lists = RecordLists::default();
        for row in 0..rows.len() {
            let start = lists.records.len();
            lists.records.extend((start..start + count(row)).map(count_u32));
            lists.ends.push(count_u32(lists.records.len()));
        }
        lists
    };
    let own = list(&|row| usize::from(rows[row].0.is_some()));
    let line = list(&|row| 2 - row % 2);
    let ids = |prefix: &str, count: usize| -> Arc<Vec<Arc<str>>> {
        Arc::new((0..count).map(|number| format!("{prefix}-{number:06}").into()).collect())
    };
    let above = (0..rows.len()).map(|row| (row % 4 > 0).then(|| count_u32(row - 1))).collect();
    Behind {
        ids: [
            ("goals".to_owned(), ids("g", own.records.len())),
            ("opportunities".to_owned(), ids("d", line.records.len())),
        ]
        .into(),
        lists: vec![Arc::new(own), Arc::new(line)],
        above: Some(Arc::new(above)),
    }
}

fn header(scale: u8) -> Header {
    let input = |name: &str, kind, source| InputHeader {
        name: name.to_owned(),
        kind,
        scale,
        source,
        bases: Vec::new(),
    };
    let base = |collection: &str, kind| BaseHeader {
        measure: "revenue".to_owned(),
        kind,
        collection: collection.to_owned(),
    };
    Header {
        merit: "0.1.0".to_owned(),
        run: "teams/t/runs/r".to_owned(),
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-04-01".to_owned(),
        currency: "EUR".to_owned(),
        currency_scale: 2,
        rounding: StoredRounding::HalfUp,
        sequence: 7,
        engine: "engine 1".to_owned(),
        limits: StoredLimits {
            fuel_per_call: 1,
            fuel_per_row: 2,
            memory_bytes: 3,
            output_bytes: 4,
            at_ceiling: vec!["memory_bytes".to_owned()],
        },
        time_zone: "Europe/Berlin".to_owned(),
        measures: [("revenue".to_owned(), serde_json::json!({ "scale": 2 }))].into(),
        bases: vec![base("goals", BaseKind::Goals), base("opportunities", BaseKind::ReportingLine)],
        steps: vec![StepHeader {
            shadow_of: None,
            step: "kpi".to_owned(),
            revision: "teams/t/pluginRevisions/p-1".to_owned(),
            component: "00".to_owned(),
            parameters: "{}".to_owned(),
            group_by: Some("region".to_owned()),
            inputs: vec![
                input("revenue", Kind::Number, Source::Measure("revenue".to_owned())),
                input("region", Kind::Text, Source::Attribute("region".to_owned())),
            ],
            lines: Some(LineHeader {
                collection: "opportunities".to_owned(),
                inputs: vec![input("amount", Kind::Number, Source::Field("amount".to_owned()))],
            }),
            outputs: vec![OutputHeader { name: "score".to_owned(), role: Role::Score, scale }],
        }],
    }
}

fn round_trip(dataset: &Dataset) -> Dataset {
    let bytes = write(dataset).unwrap();
    assert_eq!(bytes, write(dataset).unwrap(), "the same dataset, the same bytes");
    read(bytes.into()).unwrap()
}

#[test]
fn what_is_written_is_read() {
    let check = |rows: &[Row], scale| {
        let dataset = dataset(rows, scale);
        assert_eq!(round_trip(&dataset), dataset);
    };
    check(&[], 2);
    check(&[(Some(1), vec![], false)], 2);
    check(
        &[(None, vec![], true), (Some(-1), vec![Some(1), None, Some(3)], false), (Some(0), vec![], true)],
        2,
    );
    // More digits than a DECIMAL of 64 bits may have, and more decimals.
    check(&[(Some(i64::MAX), vec![Some(i64::MIN)], false), (Some(1), vec![None], false)], 0);
    check(&[(Some(i64::MIN), vec![Some(1)], false)], 19);
    // More than one row group.
    let many: Vec<_> = (0..70_000)
        .map(|row| ((row % 5 != 0).then_some(row), vec![Some(row); (row % 3) as usize], row % 7 == 0))
        .collect();
    check(&many, 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_dataset_comes_back(
        rows in prop::collection::vec(
            (any::<Option<i64>>(), prop::collection::vec(any::<Option<i64>>(), 0..4), any::<bool>()),
            0..40,
        ),
        scale in 0u8..=12,
    ) {
        let dataset = dataset(&rows, scale);
        prop_assert_eq!(round_trip(&dataset), dataset);
    }
}

#[test]
fn any_reader_sees_decimals_and_texts() {
    let dataset = dataset(&[(Some(1250), vec![Some(-5)], false), (None, vec![], true)], 2);
    let reader = SerializedFileReader::new(Bytes::from(write(&dataset).unwrap())).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let field = |row: usize, name: &str| {
        let found = rows[row].get_column_iter().find(|(column, _)| *column == name);
        found.unwrap_or_else(|| panic!("{name} is missing")).1.clone()
    };
    assert_eq!(field(0, "account_manager"), Field::Str("a-000000".to_owned()));
    let Field::Decimal(revenue) = field(0, "kpi.revenue") else { panic!("a decimal is expected") };
    assert_eq!((revenue.data(), revenue.scale()), (1250i64.to_be_bytes().as_slice(), 2));
    assert_eq!(field(1, "kpi.revenue"), Field::Null);
    assert_eq!(field(1, "kpi#fault"), Field::Str("PLUGIN_FAULT".to_owned()));
    assert_eq!(field(0, "kpi#fault"), Field::Null);
    assert!(matches!(field(0, "kpi#lines.amount"), Field::ListInternal(list) if list.len() == 1));
    assert!(matches!(field(1, "kpi#lines.amount"), Field::ListInternal(list) if list.len() == 0));
}

#[test]
fn records_are_told_with_those_of_everybody_below() {
    let rows: Vec<Row> = (0..6).map(|row| (Some(row), vec![], false)).collect();
    let dataset = round_trip(&dataset(&rows, 2));
    let check = |places: &[usize], row: usize, expected: &[(&str, &[&str])]| {
        let bases: Vec<&BaseHeader> = places.iter().map(|&place| &dataset.header.bases[place]).collect();
        let found = dataset.behind.of(&bases, places, row);
        let found: Vec<(&str, Vec<&str>)> = found
            .iter()
            .map(|(collection, ids)| (*collection, ids.iter().map(|id| &***id).collect()))
            .collect();
        let expected: Vec<(&str, Vec<&str>)> =
            expected.iter().map(|(collection, ids)| (*collection, ids.to_vec())).collect();
        assert_eq!(found, expected, "{places:?} {row}");
    };
    check(&[0], 2, &[("goals", &["g-000002"])]);
    check(&[1], 3, &[("opportunities", &["d-000005"])]);
    check(&[1], 2, &[("opportunities", &["d-000003", "d-000004", "d-000005"])]);
    check(&[1], 4, &[("opportunities", &["d-000006", "d-000007", "d-000008"])]);
    check(&[0, 1], 3, &[("goals", &["g-000003"]), ("opportunities", &["d-000005"])]);
    check(&[1, 1], 5, &[("opportunities", &["d-000008"])]);
    check(&[], 0, &[]);
}

#[test]
fn damage_is_named() {
    let bytes = write(&dataset(&[(Some(1), vec![], false)], 2)).unwrap();
    assert!(matches!(read(Bytes::from_static(b"PAR1")), Err(ReadError::Parquet(_))));
    assert!(read(Bytes::copy_from_slice(&bytes[..bytes.len() / 2])).is_err());
    let mut other = dataset(&[(Some(1), vec![], false)], 2);
    other.header.steps[0].outputs[0].name = "other".to_owned();
    let renamed = write(&other).unwrap();
    let header = serde_json::to_string(&header(2)).unwrap();
    assert!(read(renamed.into()).unwrap().header.steps[0].outputs[0].name == "other", "{header}");
}
