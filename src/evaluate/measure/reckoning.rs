//! Figures of one snapshot and period: each aggregate is reckoned once, however many ratios it is a part of.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    definition::{ACCOUNT_MANAGERS, Aggregate, Formula},
    definitions::Definitions,
    fold::{self, Figure, TOO_LARGE},
    selection::{self, Selection},
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
    /// The view of account managers.
    people: &'a Arc<View>,
    /// The reporting lines of the period's last day, once something rolls up.
    hierarchy: OnceCell<Hierarchy>,
    selections: BTreeMap<Name, Rc<Selection>>,
    figures: BTreeMap<(Name, RollUp), Rc<Vec<Figure>>>,
}

/// Whether reports are counted; nothing where that is left to what a measure is made of.
pub(super) type RollUp = Option<bool>;

/// The records of one collection, by owner field, that figures come from: each once, as row and owner, in the order of rows.
struct Records {
    view: Arc<View>,
    /// Those that count for their owner and for everybody above.
    rolled_up: Vec<(u32, u32)>,
    /// Those that count for their owner alone.
    own: Vec<(u32, u32)>,
}

// === impl Reckoning ===

impl<'a> Reckoning<'a> {
    pub(super) fn new(
        definitions: &'a Definitions,
        snapshot: &'a Snapshot,
        period: Period,
    ) -> Result<Self, Rejection> {
        let people = selection::view(snapshot, ACCOUNT_MANAGERS)?;
        let (hierarchy, selections, figures) = (OnceCell::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { definitions, snapshot, period, people, hierarchy, selections, figures })
    }

    /// The figures of a measure, not yet rounded. What `above` says of rolling up holds for all that the measure is made of;
    /// where it says nothing, what the measure says does; and where that says nothing, each part of a ratio goes by its own.
    pub(super) fn figures(&mut self, measure: &Name, above: RollUp) -> Result<Rc<Vec<Figure>>, Rejection> {
        let definitions = self.definitions;
        let definition = definitions.get(measure)?;
        let roll_up = above.or(definition.roll_up);
        let key = (measure.clone(), roll_up);
        if let Some(figures) = self.figures.get(&key) {
            return Ok(Rc::clone(figures));
        }
        let figures = match &definition.formula {
            Formula::Aggregate(aggregate) => self.aggregated(measure, aggregate, roll_up == Some(true))?,
            Formula::Ratio { numerator, denominator } => {
                let (numerator, denominator) =
                    (self.figures(numerator, roll_up)?, self.figures(denominator, roll_up)?);
                numerator.iter().zip(denominator.iter()).map(|(a, b)| divide(a, b)).collect()
            }
        };
        let figures = Rc::new(figures);
        self.figures.insert(key, Rc::clone(&figures));
        Ok(figures)
    }

    /// From how many records the figures of a measure come, by row. One that several parts of a ratio count is one.
    pub(super) fn records(&mut self, measure: &Name, above: RollUp) -> Result<Vec<u64>, Rejection> {
        let mut counts = vec![0; self.people.rows()];
        for records in self.behind(measure, above)? {
            for (pairs, hierarchy) in [
                (&records.rolled_up, (!records.rolled_up.is_empty()).then(|| self.hierarchy())),
                (&records.own, None),
            ] {
                let more = fold::count(pairs.iter().map(|&(_, owner)| owner), counts.len(), hierarchy);
                counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
            }
        }
        Ok(counts)
    }

    /// How many records the figure of a row comes from, and the names of the first `limit`.
    pub(super) fn sources(
        &mut self,
        measure: &Name,
        above: RollUp,
        row: usize,
        limit: usize,
    ) -> Result<(u64, Vec<Name>), Rejection> {
        let all = self.behind(measure, above)?;
        let team = self.hierarchy().team_of(row);
        let (mut count, mut names) = (0, Vec::new());
        for records in all {
            let rolled_up = records.rolled_up.iter().filter(|(_, owner)| team.binary_search(owner).is_ok());
            let own = records.own.iter().filter(|(_, owner)| *owner as usize == row);
            let mut found: Vec<u32> = rolled_up.chain(own).map(|(record, _)| *record).collect();
            found.sort_unstable();
            count += found.len() as u64;
            let left = limit - names.len();
            names.extend(found.into_iter().take(left).map(|record| records.view.name(record as usize)));
        }
        Ok((count, names))
    }

    fn hierarchy(&self) -> &Hierarchy {
        self.hierarchy.get_or_init(|| Hierarchy::as_of(self.people, self.period.last_day()))
    }

    fn aggregated(
        &mut self,
        measure: &Name,
        aggregate: &Aggregate,
        roll_up: bool,
    ) -> Result<Vec<Figure>, Rejection> {
        let selection = self.selection(measure, aggregate)?;
        let (time_field, rows) = (aggregate.time_field.as_deref(), self.people.rows());
        let hierarchy = roll_up.then(|| self.hierarchy());
        let mut figures = fold::fold(aggregate.function, &selection, time_field, rows, hierarchy);
        if !selection.faults.is_empty() {
            let mut faults = vec![None; rows];
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

    /// The records that a measure comes from in the end, by collection and owner field.
    fn behind(&mut self, measure: &Name, above: RollUp) -> Result<Vec<Records>, Rejection> {
        let definitions = self.definitions;
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![(measure, above)]);
        let mut union: BTreeMap<(&str, &str), Records> = BTreeMap::new();
        while let Some((measure, above)) = waiting.pop() {
            let definition = definitions.get(measure)?;
            let roll_up = above.or(definition.roll_up);
            if !seen.insert((measure, roll_up)) {
                continue;
            }
            let aggregate = match &definition.formula {
                Formula::Aggregate(aggregate) => aggregate,
                Formula::Ratio { numerator, denominator } => {
                    waiting.extend([(numerator, roll_up), (denominator, roll_up)]);
                    continue;
                }
            };
            let selection = self.selection(measure, aggregate)?;
            let records = union.entry((&aggregate.collection, &aggregate.owner_field)).or_insert_with(|| {
                Records { view: Arc::clone(&selection.view), rolled_up: Vec::new(), own: Vec::new() }
            });
            let pairs = if roll_up == Some(true) { &mut records.rolled_up } else { &mut records.own };
            pairs.extend(selection.rows.iter().copied().zip(selection.owners.iter().copied()));
        }
        let mut union: Vec<Records> = union.into_values().collect();
        union.iter_mut().for_each(Records::unite);
        Ok(union)
    }
}

// === impl Records ===

impl Records {
    /// Has each record once: one that counts for those above counts for its owner too.
    fn unite(&mut self) {
        for pairs in [&mut self.rolled_up, &mut self.own] {
            // Runs that are in order already: the stable sort only merges them.
            pairs.sort();
            pairs.dedup();
        }
        let rolled_up = &self.rolled_up;
        self.own.retain(|pair| rolled_up.binary_search(pair).is_err());
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
