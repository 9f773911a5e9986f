//! Makes the values of inputs: figures of measures, targets, attributes and constants. In which form a plugin takes them
//! is in `made`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    binding_rules::{check_kind, constant},
    column::{Column, Values},
    dataset::{BaseKind, Kind, Source},
    fields::FieldExpression,
    hierarchy::Hierarchy,
    made::{Made, Numbers, convert},
    measure::{Figures, MeasureSet, Reckoning},
    population::ACCOUNT_MANAGERS,
    target,
};
use crate::{
    model::{
        name::{Id, Name},
        period::Period,
        rejection::Rejection,
    },
    proto::v1,
    view::{Snapshot, View},
};

/// Runs do not say how measures roll up: they do.
const AS_THEY_SAY: v1::RollUp = v1::RollUp::Unspecified;

/// What inputs are made from: one state of the store, seen whole.
pub struct Seen<'a> {
    /// The state.
    pub snapshot: &'a Snapshot,
    /// The account managers in it.
    pub people: &'a View,
    /// Who is scored: their rows in `people`.
    pub population: &'a [u32],
    /// The measures.
    pub measures: &'a MeasureSet,
    /// Whose they are.
    pub team: &'a Id,
    /// The period.
    pub period: Period,
}

/// Makes inputs, each once however many steps take it.
pub struct InputMaker<'a> {
    /// What they are made from.
    pub seen: &'a Seen<'a>,
    made: HashMap<(Source, u8, bool), Made>,
    reckoning: Reckoning<'a>,
    /// By measure: the goals that targets are sums of, and whose they are.
    goals: BTreeMap<String, Vec<(u32, u32)>>,
}

/// Records that figures come from: rows of their view, and whose they are.
pub struct BaseRecords {
    /// The view.
    pub view: Arc<View>,
    /// Row of the record and row of the owner, in the order of names.
    pub records: Vec<(u32, u32)>,
}

// === impl InputMaker ===

impl<'a> InputMaker<'a> {
    /// A maker that has made nothing.
    ///
    /// # Errors
    /// `NOT_FOUND` where there are no account managers to be seen.
    pub fn new(seen: &'a Seen<'a>) -> Result<Self, Rejection> {
        let reckoning = seen.measures.reckoning(seen.snapshot, seen.period)?;
        Ok(Self { seen, made: HashMap::new(), reckoning, goals: BTreeMap::new() })
    }

    /// What the figures of a source come from: the measure and whether the goals on it, or its records, own or rolled up.
    ///
    /// # Errors
    /// What measures say.
    pub fn bases(&self, source: &Source) -> Result<BTreeSet<(String, BaseKind)>, Rejection> {
        let kind = |rolled_up| if rolled_up { BaseKind::ReportingLine } else { BaseKind::Own };
        match source {
            Source::Measure(id) => {
                let bases = self.reckoning.bases(&self.seen.measure(id)?, AS_THEY_SAY)?;
                Ok(bases
                    .into_iter()
                    .map(|(name, rolled_up)| (name.id().to_string(), kind(rolled_up)))
                    .collect())
            }
            Source::Target(id) => Ok(BTreeSet::from([(id.clone(), BaseKind::Goals)])),
            _ => Ok(BTreeSet::new()),
        }
    }

    /// The records of a base.
    ///
    /// # Errors
    /// What measures say.
    pub fn base_records(&mut self, measure: &str, kind: BaseKind) -> Result<BaseRecords, Rejection> {
        if kind == BaseKind::Goals {
            let view = Arc::clone(super::measure::view(self.seen.snapshot, target::GOALS)?);
            let goals = self.goals.get(measure).into_iter().flatten();
            let mut records: Vec<(u32, u32)> = goals.map(|&(owner, goal)| (goal, owner)).collect();
            records.sort_unstable();
            return Ok(BaseRecords { view, records });
        }
        let counted = self.reckoning.counted(&self.seen.measure(measure)?)?;
        let records = counted.rows.iter().copied().zip(counted.owners.iter().copied()).collect();
        Ok(BaseRecords { view: Arc::clone(&counted.view), records })
    }

    /// The reporting lines of the last day of the period.
    pub fn hierarchy(&self) -> &Hierarchy {
        self.reckoning.hierarchy()
    }

    /// Makes an input that does not come from a step before.
    ///
    /// # Errors
    /// `INVALID_BINDING` and what measures say; `step` and `input` are named.
    pub fn make(
        &mut self,
        step: &str,
        input: &str,
        source: &Source,
        kind: Kind,
        scale: u8,
    ) -> Result<Made, Rejection> {
        let key = (source.clone(), scale, kind == Kind::Text);
        if let Some(made) = self.made.get(&key) {
            return Ok(made.clone());
        }
        let seen = self.seen;
        let rows = seen.population.len();
        let made = match source {
            Source::Measure(id) => {
                let figures = self.reckoning.figures(&seen.measure(id)?, AS_THEY_SAY)?;
                seen.figures(&figures, scale)
            }
            Source::Target(id) => {
                let targets = target::targets(&seen.measure(id)?, seen.snapshot, seen.period)?;
                self.goals.insert(id.clone(), targets.goals);
                seen.figures(&targets.figures, scale)
            }
            Source::Attribute(text) => seen.attribute(step, input, text, kind, scale)?,
            Source::Constant(number) => Made::of(Column {
                values: Values::Number { scale, unscaled: vec![constant(step, input, number, scale)?; rows] },
                missing: vec![false; rows],
            }),
            Source::Nothing | Source::Output { .. } | Source::Field(_) => Made::nothing(kind, scale, rows),
        };
        self.made.insert(key, made.clone());
        Ok(made)
    }
}

// === impl Seen ===

impl Seen<'_> {
    fn measure(&self, id: &str) -> Result<Name, Rejection> {
        Ok(Name::new(self.team.clone(), "measures", Id::parse(id)?))
    }

    fn figures(&self, figures: &Figures, scale: u8) -> Made {
        let faults: HashMap<usize, &String> = figures.faults.iter().map(|(row, why)| (*row, why)).collect();
        let mut builder = Numbers::new(scale, self.population.len());
        let mut records = Vec::with_capacity(self.population.len());
        for &row in self.population {
            let row = row as usize;
            records.push(u32::try_from(figures.records[row]).unwrap_or(u32::MAX));
            match faults.get(&row) {
                Some(why) => builder.push_unfit((*why).clone()),
                None if figures.missing[row] => builder.push_missing(),
                None => builder.push(figures.unscaled[row], figures.scale),
            }
        }
        Made { records: Some(Arc::new(records)), ..builder.finish() }
    }

    fn attribute(
        &self,
        step: &str,
        input: &str,
        text: &str,
        kind: Kind,
        scale: u8,
    ) -> Result<Made, Rejection> {
        let role = format!("step {step}, {input}");
        let expression = FieldExpression::compile(ACCOUNT_MANAGERS, text, &role)?;
        check_kind(step, input, text, expression.kind(), kind)?;
        let evaluated = expression.evaluate(self.people)?;
        Ok(convert(&evaluated, self.population, scale))
    }
}
