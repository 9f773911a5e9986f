//! Makes detail lines: the records of the period that belong to each account manager, by time, ties by name.

use std::collections::BTreeMap;

use merit_expression::{Column as ViewColumn, Kind as ExpressionKind, Values as ViewValues};

use super::{
    binding_rules::{check_kind, invalid_binding},
    column::{Texts, count_u32},
    dataset::{LineData, LineHeader, Source},
    fields::{FieldExpression, date, field_kind, holds, is_missing},
    input::Seen,
    made::{Made, convert},
    population::ACCOUNT_MANAGERS,
};
use crate::{
    model::{rejection::Rejection, schema::FieldKind},
    proto::v1,
    view::{View, day_number},
};

/// Detail lines, and the rows of the run whose lines could not be made, with the reason.
pub struct MadeLines {
    /// The lines.
    pub lines: LineData,
    /// What went wrong, by row.
    pub unfit: BTreeMap<u32, String>,
}

/// Makes the lines of a step.
///
/// # Errors
/// `INVALID_BINDING`, `INVALID_EXPRESSION`: what is wrong with the binding.
pub fn make(
    step: &str,
    binding: &v1::LineBinding,
    header: &LineHeader,
    seen: &Seen<'_>,
) -> Result<MadeLines, Rejection> {
    check_fields(step, binding)?;
    let wrong = |what: &str| invalid_binding(step, "lines", what);
    let view = seen.snapshot.views.get(&binding.collection);
    let view = view.ok_or_else(|| wrong("the collection is not in the snapshot"))?;
    let column = |path: &str| view.column(path).ok_or_else(|| wrong(&format!("there is no field {path}")));
    let (owners, times) = (column(&binding.owner_field)?, column(&binding.time_field)?);
    let mut unfit = BTreeMap::new();
    let chosen = {
        let condition = condition(step, binding, view)?;
        let owner_rows = owner_rows(&owners, seen);
        let place = |record: usize| {
            let row = owner_row(&owners, &owner_rows, record)?;
            let day = date(&times, record)?;
            let within = day_number(seen.period.start()) <= day && day < day_number(seen.period.end());
            within.then_some(row)
        };
        if let Some(condition) = &condition {
            for fault in &condition.faults {
                if let Some(row) = place(fault.row as usize) {
                    let said = format!("{}: {}", view.ids[fault.row as usize], fault.message);
                    unfit.entry(row).or_insert(said);
                }
            }
        }
        let counts = |record: &usize| condition.as_ref().is_none_or(|c| holds(&c.column, *record));
        let records = (0..view.ids.len()).filter(counts);
        let times = view.times(&binding.time_field);
        let mut chosen: Vec<(u32, i128, u32)> = records
            .filter_map(|record| Some((place(record)?, times.at(record), count_u32(record))))
            .collect();
        // Records are in the order of names, so that the record itself breaks ties by name.
        chosen.sort_unstable();
        chosen
    };
    let mut ends = vec![0; seen.population.len()];
    for (place, &(row, _, _)) in chosen.iter().enumerate() {
        ends[row as usize] = count_u32(place + 1);
    }
    for row in 1..ends.len() {
        ends[row] = ends[row].max(ends[row - 1]);
    }
    let records: Vec<u32> = chosen.iter().map(|&(_, _, record)| record).collect();
    let mut columns = Vec::new();
    for input in &header.inputs {
        let made = line_input(step, binding, input, view, &records)?;
        for (place, why) in made.unfit.iter() {
            let (row, _, record) = chosen[*place as usize];
            let said = format!("{} of {}: {why}", input.name, view.ids[record as usize]);
            unfit.entry(row).or_insert(said);
        }
        columns.push((*made.column).clone());
    }
    let names = Texts {
        dictionary: records.iter().map(|&record| view.ids[record as usize].clone()).collect(),
        codes: (0..count_u32(records.len())).collect(),
    };
    Ok(MadeLines { lines: LineData { ends, records: names, columns }, unfit })
}

fn check_fields(step: &str, binding: &v1::LineBinding) -> Result<(), Rejection> {
    let collection = &binding.collection;
    let owner = &binding.owner_field;
    match field_kind(collection, owner) {
        Some((FieldKind::Reference, Some(to))) if to == ACCOUNT_MANAGERS => {}
        _ => {
            let what = format!("owner_field: {owner:?} of {collection} does not refer to account managers");
            return Err(invalid_binding(step, "lines", &what));
        }
    }
    let time = &binding.time_field;
    match field_kind(collection, time) {
        Some((FieldKind::Date | FieldKind::Timestamp, _)) => Ok(()),
        _ => {
            let what = format!("time_field: {time:?} of {collection} is no date");
            Err(invalid_binding(step, "lines", &what))
        }
    }
}

fn condition(
    step: &str,
    binding: &v1::LineBinding,
    view: &View,
) -> Result<Option<merit_expression::Evaluated>, Rejection> {
    if binding.condition.is_empty() {
        return Ok(None);
    }
    let role = format!("step {step}, lines.condition");
    let expression = FieldExpression::compile(&binding.collection, &binding.condition, &role)?;
    if expression.kind() != ExpressionKind::Boolean {
        return Err(invalid_binding(
            step,
            "lines.condition",
            "a condition is expected, like `stage = \"WON\"`",
        ));
    }
    expression.evaluate(view).map(Some)
}

fn line_input(
    step: &str,
    binding: &v1::LineBinding,
    input: &super::dataset::InputHeader,
    view: &View,
    records: &[u32],
) -> Result<Made, Rejection> {
    let Source::Field(text) = &input.source else {
        return Ok(Made::nothing(input.kind, input.scale, records.len()));
    };
    let role = format!("step {step}, {}", input.name);
    let expression = FieldExpression::compile(&binding.collection, text, &role)?;
    check_kind(step, &input.name, text, expression.kind(), input.kind)?;
    Ok(convert(&expression.evaluate(view)?, records, input.scale))
}

/// The row of the run, if any, that each text of an owner column is.
fn owner_rows(owners: &ViewColumn, seen: &Seen<'_>) -> Vec<Option<u32>> {
    let ViewValues::Text { dictionary, .. } = &owners.values else { return Vec::new() };
    let mut rows = vec![None; seen.people.ids.len()];
    for (row, &person) in seen.population.iter().enumerate() {
        rows[person as usize] = Some(count_u32(row));
    }
    let id = |name: &str| name.rsplit_once('/').map(|(_, id)| id.to_owned());
    let person = |name: &str| seen.people.row(&id(name)?);
    dictionary.iter().map(|name| person(name).and_then(|person| rows[person])).collect()
}

fn owner_row(owners: &ViewColumn, rows: &[Option<u32>], record: usize) -> Option<u32> {
    match &owners.values {
        ViewValues::Text { codes, .. } if !is_missing(owners, record) => rows[codes[record] as usize],
        _ => None,
    }
}
