//! Figures of one snapshot and period: each aggregate is reckoned once, however many ratios it is a part of.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    definition::{Aggregate, Formula},
    definitions::Definitions,
    fold::{self, Figure, TOO_LARGE},
    selection::Selection,
};
use crate::{
    evaluate::hierarchy::Hierarchy,
    model::{name::Name, period::Period, rejection::Rejection},
    view::{Snapshot, View},
};

/// What is reckoned of one snapshot and period.
pub(super) struct Reckoning<'a> {
    definitions: &'a Definitions,
    snapshot: &'a Snapshot,
    period: Period,
    rows: usize,
    hierarchy: Option<Hierarchy>,
    selections: BTreeMap<Name, Rc<Selection>>,
    figures: BTreeMap<Name, Rc<Vec<Figure>>>,
}

/// The records of one collection that figures come from, by row: each once, and whose they are.
struct Records {
    view: Arc<View>,
    owners: Vec<(u32, u32)>,
}

// === impl Reckoning ===

impl<'a> Reckoning<'a> {
    pub(super) fn new(
        definitions: &'a Definitions,
        snapshot: &'a Snapshot,
        period: Period,
        rows: usize,
        hierarchy: Option<Hierarchy>,
    ) -> Self {
        let (selections, figures) = (BTreeMap::new(), BTreeMap::new());
        Self { definitions, snapshot, period, rows, hierarchy, selections, figures }
    }

    /// The figures of a measure, not yet rounded.
    pub(super) fn figures(&mut self, measure: &Name) -> Result<Rc<Vec<Figure>>, Rejection> {
        if let Some(figures) = self.figures.get(measure) {
            return Ok(Rc::clone(figures));
        }
        let definitions = self.definitions;
        let figures = match &definitions.get(measure)?.formula {
            Formula::Aggregate(aggregate) => self.aggregated(measure, aggregate)?,
            Formula::Ratio { numerator, denominator } => {
                let (numerator, denominator) = (self.figures(numerator)?, self.figures(denominator)?);
                numerator.iter().zip(denominator.iter()).map(|(a, b)| divide(a, b)).collect()
            }
        };
        let figures = Rc::new(figures);
        self.figures.insert(measure.clone(), Rc::clone(&figures));
        Ok(figures)
    }

    /// From how many records the figures of a measure come, by row.
    pub(super) fn records(&mut self, measure: &Name) -> Result<Vec<u64>, Rejection> {
        let selections = self.behind(measure)?;
        let mut counts = vec![0; self.rows];
        let mut add = |owners: &mut dyn Iterator<Item = u32>| {
            let more = fold::count(owners, self.rows, self.hierarchy.as_ref());
            counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        };
        if let [(_, selection)] = &selections[..] {
            add(&mut selection.owners.iter().copied());
        } else {
            union(&selections)
                .iter()
                .for_each(|records| add(&mut records.owners.iter().map(|&(_, owner)| owner)));
        }
        Ok(counts)
    }

    /// How many records the figure of a row comes from, and the names of the first `limit`.
    pub(super) fn sources(
        &mut self,
        measure: &Name,
        row: usize,
        limit: usize,
    ) -> Result<(u64, Vec<Name>), Rejection> {
        let selections = self.behind(measure)?;
        let mut counted = vec![false; self.rows];
        match &self.hierarchy {
            Some(hierarchy) => hierarchy.team_of(row).iter().for_each(|&row| counted[row as usize] = true),
            None => counted[row] = true,
        }
        let (mut count, mut names) = (0, Vec::new());
        for records in union(&selections) {
            for (record, _) in records.owners.iter().filter(|(_, owner)| counted[*owner as usize]) {
                count += 1;
                if names.len() < limit {
                    names.push(records.view.name(*record as usize));
                }
            }
        }
        Ok((count, names))
    }

    fn aggregated(&mut self, measure: &Name, aggregate: &Aggregate) -> Result<Vec<Figure>, Rejection> {
        let selection = self.selection(measure, aggregate)?;
        let (time_field, hierarchy) = (aggregate.time_field.as_deref(), self.hierarchy.as_ref());
        let mut figures = fold::fold(aggregate.function, &selection, time_field, self.rows, hierarchy);
        if !selection.faults.is_empty() {
            let mut faults = vec![None; self.rows];
            for (owner, message) in &selection.faults {
                faults[*owner as usize] = Some(message.clone());
            }
            if let Some(hierarchy) = hierarchy {
                hierarchy.roll_up(&mut faults, |above, below| {
                    if above.is_none() {
                        above.clone_from(below);
                    }
                });
            }
            for (figure, fault) in figures.iter_mut().zip(faults) {
                if let Some(message) = fault {
                    *figure = Err(message);
                }
            }
        }
        Ok(figures)
    }

    fn selection(&mut self, measure: &Name, aggregate: &Aggregate) -> Result<Rc<Selection>, Rejection> {
        if let Some(selection) = self.selections.get(measure) {
            return Ok(Rc::clone(selection));
        }
        let selection = Rc::new(Selection::of(aggregate, self.snapshot, self.period)?);
        self.selections.insert(measure.clone(), Rc::clone(&selection));
        Ok(selection)
    }

    /// The selections that a measure comes from in the end, each once, with the owner field that they go by.
    fn behind(&mut self, measure: &Name) -> Result<Vec<(&'a str, Rc<Selection>)>, Rejection> {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![measure]);
        let (definitions, mut selections) = (self.definitions, Vec::new());
        while let Some(measure) = waiting.pop() {
            if !seen.insert(measure) {
                continue;
            }
            match &definitions.get(measure)?.formula {
                Formula::Aggregate(aggregate) => {
                    selections.push((aggregate.owner_field.as_str(), self.selection(measure, aggregate)?));
                }
                Formula::Ratio { numerator, denominator } => waiting.extend([numerator, denominator]),
            }
        }
        Ok(selections)
    }
}

fn divide(numerator: &Figure, denominator: &Figure) -> Figure {
    match (numerator.clone()?, denominator.clone()?) {
        (Some(_), Some(denominator)) if denominator.is_zero() => Ok(None),
        (Some(numerator), Some(denominator)) => {
            numerator.divided_by(denominator).map(Some).ok_or_else(|| TOO_LARGE.to_owned())
        }
        _ => Ok(None),
    }
}

/// The records of several selections, by collection and owner field. Within one of them, a record that several
/// selections have is one.
fn union(selections: &[(&str, Rc<Selection>)]) -> Vec<Records> {
    let mut union: BTreeMap<(&str, &str), Records> = BTreeMap::new();
    for (owner_field, selection) in selections {
        let collection = selection.view.schema().collection.as_str();
        let records = union
            .entry((collection, owner_field))
            .or_insert_with(|| Records { view: Arc::clone(&selection.view), owners: Vec::new() });
        records.owners.extend(selection.rows.iter().copied().zip(selection.owners.iter().copied()));
    }
    let mut union: Vec<Records> = union.into_values().collect();
    for records in &mut union {
        // Runs that are in order already: the stable sort only merges them.
        records.owners.sort();
        records.owners.dedup();
    }
    union
}
