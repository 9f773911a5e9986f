//! Makes the values of inputs: figures of measures, targets, attributes and constants. In which form a plugin takes them
//! is in `made`.

use std::{collections::HashMap, sync::Arc};

use super::{
    binding_rules::{check_kind, constant},
    column::{Column, Values},
    dataset::{Kind, Source},
    fields::FieldExpression,
    made::{Made, Numbers, convert},
    measure::{Figures, MeasureSet},
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
    seen: &'a Seen<'a>,
    made: HashMap<(Source, u8, bool), Made>,
}

// === impl InputMaker ===

impl<'a> InputMaker<'a> {
    /// A maker that has made nothing.
    #[must_use]
    pub fn new(seen: &'a Seen<'a>) -> Self {
        Self { seen, made: HashMap::new() }
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
                let unspecified = v1::RollUp::Unspecified;
                let figures =
                    seen.measures.figures(&seen.measure(id)?, seen.snapshot, seen.period, unspecified)?;
                seen.figures(&figures, scale)
            }
            Source::Target(id) => {
                let targets = target::targets(&seen.measure(id)?, seen.snapshot, seen.period)?;
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
