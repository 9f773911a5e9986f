//! Figures of one snapshot and period: each aggregate is reckoned once, however many ratios it is a part of.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    definition::{ACCOUNT_MANAGERS, Aggregate, Formula, roll_up},
    definitions::Definitions,
    figures::Figures,
    fold::{self, Figure, TOO_LARGE},
    selection::{self, Counted, Selection},
};
use crate::{
    evaluate::hierarchy::Hierarchy,
    model::{name::Name, period::Period, rejection::Rejection},
    proto::v1,
    view::{Snapshot, View},
};

/// What is reckoned of one snapshot and period.
pub(in crate::evaluate) struct Reckoning<'a> {
    definitions: &'a Definitions,
    snapshot: &'a Snapshot,
    period: Period,
    /// The view of account managers.
    people: &'a Arc<View>,
    /// The reporting lines of the period's last day, once something rolls up.
    hierarchy: OnceCell<Hierarchy>,
    counted: BTreeMap<Name, Rc<Counted>>,
    figures: BTreeMap<(Name, RollUp), Rc<Vec<Figure>>>,
}

/// Whether reports are counted; nothing where that is left to what a measure is made of.
type RollUp = Option<bool>;

/// An aggregate that figures come from: its measure, and whether it is rolled up.
pub(in crate::evaluate) type Base = (Name, bool);

/// The records of one collection, by owner field, that figures come from: each once, as row and owner, in the order of rows.
#[derive(Default)]
struct Records {
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
        let (hierarchy, counted, figures) = (OnceCell::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { definitions, snapshot, period, people, hierarchy, counted, figures })
    }

    /// The figures of a measure. What `above` says of rolling up holds for all that the measure is made of; where it says
    /// nothing, what the measure says does; and where that says nothing, each part of a ratio goes by its own.
    ///
    /// # Errors
    /// `NOT_FOUND` where the set has no such measure, or the snapshot lacks a collection.
    pub fn figures(&mut self, measure: &Name, above: v1::RollUp) -> Result<Figures, Rejection> {
        let scale = self.definitions.get(measure)?.scale;
        let figures = self.exact(measure, roll_up(above))?;
        let records = self.records(measure, above)?;
        Ok(Figures::rounded(&figures, records, scale, measure))
    }

    /// The aggregates that the figures of a measure come from in the end, each once.
    ///
    /// # Errors
    /// As `figures`.
    pub fn bases(&self, measure: &Name, above: v1::RollUp) -> Result<BTreeSet<Base>, Rejection> {
        let (mut bases, mut waiting) = (BTreeSet::new(), vec![(measure, roll_up(above))]);
        let mut seen = BTreeSet::new();
        while let Some((measure, above)) = waiting.pop() {
            let definition = self.definitions.get(measure)?;
            let roll_up = above.or(definition.roll_up);
            if !seen.insert((measure, roll_up)) {
                continue;
            }
            match &definition.formula {
                Formula::Aggregate(_) => drop(bases.insert((measure.clone(), roll_up == Some(true)))),
                Formula::Ratio { numerator, denominator } => {
                    waiting.extend([(numerator, roll_up), (denominator, roll_up)]);
                }
            }
        }
        Ok(bases)
    }

    /// The records that an aggregate counts.
    ///
    /// # Errors
    /// As `figures`; `NOT_FOUND` for a ratio.
    pub fn counted(&mut self, measure: &Name) -> Result<Rc<Counted>, Rejection> {
        if let Some(counted) = self.counted.get(measure) {
            return Ok(Rc::clone(counted));
        }
        let Formula::Aggregate(aggregate) = &self.definitions.get(measure)?.formula else {
            return Err(Rejection::field("measure", format!("{measure} has no records of its own")));
        };
        let selection = Selection::of(aggregate, self.snapshot, self.period)?;
        Ok(self.keep(measure, selection))
    }

    /// The reporting lines as of the last day of the period.
    pub fn hierarchy(&self) -> &Hierarchy {
        self.hierarchy.get_or_init(|| Hierarchy::as_of(self.people, self.period.last_day()))
    }

    /// The figures of a measure, not yet rounded.
    fn exact(&mut self, measure: &Name, above: RollUp) -> Result<Rc<Vec<Figure>>, Rejection> {
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
                    (self.exact(numerator, roll_up)?, self.exact(denominator, roll_up)?);
                numerator.iter().zip(denominator.iter()).map(|(a, b)| divide(a, b)).collect()
            }
        };
        let figures = Rc::new(figures);
        self.figures.insert(key, Rc::clone(&figures));
        Ok(figures)
    }

    /// From how many records the figures of a measure come, by row. One that several parts of a ratio count is one.
    fn records(&mut self, measure: &Name, above: v1::RollUp) -> Result<Vec<u64>, Rejection> {
        let mut union: BTreeMap<(&str, &str), Records> = BTreeMap::new();
        for (base, rolled_up) in self.bases(measure, above)? {
            let counted = self.counted(&base)?;
            let Formula::Aggregate(aggregate) = &self.definitions.get(&base)?.formula else { continue };
            let records = union.entry((&aggregate.collection, &aggregate.owner_field)).or_default();
            let pairs = if rolled_up { &mut records.rolled_up } else { &mut records.own };
            pairs.extend(counted.rows.iter().copied().zip(counted.owners.iter().copied()));
        }
        let mut counts = vec![0; self.people.rows()];
        for mut records in union.into_values() {
            records.unite();
            let rolled_up = (!records.rolled_up.is_empty()).then(|| self.hierarchy());
            for (pairs, hierarchy) in [(&records.rolled_up, rolled_up), (&records.own, None)] {
                let more = fold::count(pairs.iter().map(|&(_, owner)| owner), counts.len(), hierarchy);
                counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
            }
        }
        Ok(counts)
    }

    fn keep(&mut self, measure: &Name, selection: Selection) -> Rc<Counted> {
        let counted = Rc::new(selection.into_counted());
        self.counted.insert(measure.clone(), Rc::clone(&counted));
        counted
    }

    fn aggregated(
        &mut self,
        measure: &Name,
        aggregate: &Aggregate,
        roll_up: bool,
    ) -> Result<Vec<Figure>, Rejection> {
        let selection = Selection::of(aggregate, self.snapshot, self.period)?;
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
        self.keep(measure, selection);
        Ok(figures)
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
