//! Puts together which records the figures of a run were made of, as the dataset keeps them: each record once, with its owner
//! or the nearest above who is scored. What a figure counts is in `measure` and `target`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    column::count_u32,
    dataset::{BaseHeader, BaseKind, Behind, Header, RecordLists},
    input::{BaseRecords, InputMaker},
};
use crate::model::rejection::Rejection;

/// Nobody: the row of who is not scored, and has nobody above who is.
const NOBODY: u32 = u32::MAX;

/// Says in the header which records each input comes from, and answers them.
///
/// # Errors
/// What measures say.
pub fn behind(maker: &mut InputMaker<'_>, header: &mut Header) -> Result<Behind, Rejection> {
    let mut wanted = BTreeSet::new();
    for input in header.steps.iter().flat_map(|step| &step.inputs) {
        wanted.extend(maker.bases(&input.source)?);
    }
    let wanted: Vec<(String, BaseKind)> = wanted.into_iter().collect();
    for input in header.steps.iter_mut().flat_map(|step| &mut step.inputs) {
        let bases = maker.bases(&input.source)?;
        input.bases = (0..wanted.len()).filter(|&place| bases.contains(&wanted[place])).collect();
    }
    let homes = Homes::of(maker, wanted.iter().any(|(_, kind)| *kind == BaseKind::ReportingLine));
    let mut listed: Vec<BaseRecords> = Vec::new();
    for (measure, kind) in &wanted {
        let mut base = maker.base_records(measure, *kind)?;
        homes.take(&mut base.records, *kind);
        header.bases.push(BaseHeader {
            measure: measure.clone(),
            kind: *kind,
            collection: base.view.schema().collection.clone(),
        });
        listed.push(base);
    }
    let places = places(&listed);
    let ids = places.iter().map(|(collection, places)| (collection.clone(), Arc::clone(&places.ids)));
    let ids = ids.collect();
    let rows = maker.seen.population.len();
    let list = |base: BaseRecords| {
        let places = &places[&base.view.schema().collection];
        Arc::new(lists(base.records, rows, &places.of_row))
    };
    let lists = listed.into_iter().map(list).collect();
    Ok(Behind { ids, lists, above: homes.above.map(Arc::new) })
}

/// With which row of the run a record is listed, by the row of its owner.
struct Homes {
    own: Vec<u32>,
    /// Where something rolls up.
    line: Vec<u32>,
    above: Option<Vec<Option<u32>>>,
}

// === impl Homes ===

impl Homes {
    fn of(maker: &InputMaker<'_>, rolls_up: bool) -> Self {
        let mut own = vec![NOBODY; maker.seen.people.rows()];
        for (row, &person) in maker.seen.population.iter().enumerate() {
            own[person as usize] = count_u32(row);
        }
        if !rolls_up {
            return Self { own, line: Vec::new(), above: None };
        }
        let hierarchy = maker.hierarchy();
        let (mut line, mut above) = (own.clone(), vec![None; maker.seen.population.len()]);
        // Everybody comes after the one reported to.
        for &person in hierarchy.order() {
            let manager = hierarchy.manager[person as usize].map_or(NOBODY, |manager| line[manager as usize]);
            match line[person as usize] {
                NOBODY => line[person as usize] = manager,
                row => above[row as usize] = (manager != NOBODY).then_some(manager),
            }
        }
        Self { own, line, above: Some(above) }
    }

    /// Puts the row of the run in the place of the owner; records that are listed with nobody go.
    fn take(&self, records: &mut Vec<(u32, u32)>, kind: BaseKind) {
        let homes = if kind == BaseKind::ReportingLine { &self.line } else { &self.own };
        records.iter_mut().for_each(|(_, owner)| *owner = homes[*owner as usize]);
        records.retain(|(_, home)| *home != NOBODY);
    }
}

/// The records of a collection that are listed.
struct Places {
    ids: Arc<Vec<Arc<str>>>,
    /// By row of the view.
    of_row: Vec<u32>,
}

/// By collection, each record that is listed once, in the order of ids.
fn places(listed: &[BaseRecords]) -> BTreeMap<String, Places> {
    let mut used: BTreeMap<&str, (&BaseRecords, Vec<bool>)> = BTreeMap::new();
    for base in listed {
        let new = || (base, vec![false; base.view.rows()]);
        let (_, used) = used.entry(&base.view.schema().collection).or_insert_with(new);
        base.records.iter().for_each(|(record, _)| used[*record as usize] = true);
    }
    let place = |(collection, (base, used)): (&str, (&BaseRecords, Vec<bool>))| {
        let (mut ids, mut of_row) = (Vec::new(), vec![0; used.len()]);
        for (row, _) in used.iter().enumerate().filter(|(_, used)| **used) {
            of_row[row] = count_u32(ids.len());
            ids.push(Arc::clone(&base.view.ids[row]));
        }
        (collection.to_owned(), Places { ids: Arc::new(ids), of_row })
    };
    used.into_iter().map(place).collect()
}

/// The list of each row.
fn lists(records: Vec<(u32, u32)>, rows: usize, places: &[u32]) -> RecordLists {
    let mut ends = vec![0_u32; rows];
    records.iter().for_each(|(_, home)| ends[*home as usize] += 1);
    let mut next = Vec::with_capacity(rows);
    let mut end = 0;
    for count in &mut ends {
        next.push(end as usize);
        end += *count;
        *count = end;
    }
    let mut listed = vec![0; records.len()];
    // In the order of names: so is each list.
    for (record, home) in records {
        let next = &mut next[home as usize];
        listed[*next] = places[record as usize];
        *next += 1;
    }
    RecordLists { ends, records: listed }
}
