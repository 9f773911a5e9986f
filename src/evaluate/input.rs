//! Makes the values of inputs: figures of measures, targets, attributes and constants, in the decimals in which the
//! plugin takes them. Nothing is rounded; what does not fit faults its row.

use std::{collections::HashMap, sync::Arc};

use merit_expression::{Kind as ExpressionKind, Unscaled, Values as ExpressionValues};

use super::{
    binding::invalid_binding,
    column::{Column, TextsBuilder, Values, count_u32},
    dataset::{Kind, Source},
    fields::FieldExpression,
    measure::{Figures, MeasureSet},
    population::{ACCOUNT_MANAGERS, is_missing},
    target,
};
use crate::{
    model::{
        name::{Id, Name},
        period::Period,
        rejection::Rejection,
    },
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

/// The values of an input.
#[derive(Clone)]
pub struct Made {
    /// One per row of the run.
    pub column: Arc<Column>,
    /// How many records each comes from.
    pub records: Option<Arc<Vec<u32>>>,
    /// The rows whose value could not be made, and why.
    pub unfit: Arc<Vec<(u32, String)>>,
}

/// Why a number is not given to a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It has more decimals than the plugin takes.
    Decimals,
    /// Its digits do not fit 64 bits.
    Range,
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
                let figures = seen.measures.figures(&seen.measure(id)?, seen.snapshot, seen.period, None)?;
                seen.figures(&figures, scale)
            }
            Source::Target(id) => {
                seen.figures(&target::targets(&seen.measure(id)?, seen.snapshot, seen.period)?, scale)
            }
            Source::Attribute(text) => seen.attribute(step, input, text, kind, scale)?,
            Source::Constant(number) => Made::of(constant(step, input, number, scale, rows)?),
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

/// Checks that an expression gives what an input wants.
///
/// # Errors
/// `INVALID_BINDING`.
pub fn check_kind(
    step: &str,
    input: &str,
    text: &str,
    given: ExpressionKind,
    wanted: Kind,
) -> Result<(), Rejection> {
    let (fits, word) = match wanted {
        Kind::Number => (given == ExpressionKind::Number, "number"),
        Kind::Text => (given == ExpressionKind::Text, "text"),
    };
    if fits {
        return Ok(());
    }
    Err(invalid_binding(step, input, &format!("the plugin wants a {word}; {text:?} gives a {given:?}")))
}

/// The values of these rows of an expression's answer, as a plugin takes them.
#[must_use]
pub fn convert(evaluated: &merit_expression::Evaluated, rows: &[u32], scale: u8) -> Made {
    let column = &evaluated.column;
    let faults: HashMap<u32, &String> = evaluated.faults.iter().map(|f| (f.row, &f.message)).collect();
    match &column.values {
        ExpressionValues::Number { scale: given, unscaled } => {
            let mut builder = Numbers::new(scale, rows.len());
            for &row in rows {
                match faults.get(&row) {
                    Some(why) => builder.push_unfit((*why).clone()),
                    None if is_missing(column, row as usize) => builder.push_missing(),
                    None => builder.push(digits(unscaled, row as usize), *given),
                }
            }
            builder.finish()
        }
        ExpressionValues::Text { dictionary, codes } => {
            let (mut builder, mut missing, mut unfit) = (TextsBuilder::default(), Vec::new(), Vec::new());
            for (place, &row) in rows.iter().enumerate() {
                let fault = faults.get(&row);
                unfit.extend(fault.map(|why| (count_u32(place), (*why).clone())));
                let absent = fault.is_some() || is_missing(column, row as usize);
                missing.push(absent);
                match absent {
                    true => builder.push_missing(),
                    false => builder.push(&dictionary[codes[row as usize] as usize]),
                }
            }
            let column = Column { values: Values::Text(builder.finish()), missing };
            Made { column: Arc::new(column), records: None, unfit: Arc::new(unfit) }
        }
        ExpressionValues::Boolean(_) | ExpressionValues::Date(_) => {
            unreachable!("the kind was checked when the expression was compiled")
        }
    }
}

fn digits(unscaled: &Unscaled, row: usize) -> i128 {
    match unscaled {
        Unscaled::Narrow(digits) => i128::from(digits[row]),
        Unscaled::Wide(digits) => digits[row],
    }
}

/// The same number for every row.
///
/// # Errors
/// `INVALID_BINDING` where it is no number, or not one that the plugin takes.
pub fn constant(step: &str, input: &str, number: &str, scale: u8, rows: usize) -> Result<Column, Rejection> {
    let parsed = parse_decimal(number)
        .ok_or_else(|| invalid_binding(step, input, &format!("{number:?} is no decimal like 12.50")))?;
    let unscaled = rescale(parsed.0, parsed.1, scale).map_err(|unfit| {
        invalid_binding(step, input, &format!("the constant {number} {}", unfit.words(scale)))
    })?;
    Ok(Column {
        values: Values::Number { scale, unscaled: vec![unscaled; rows] },
        missing: vec![false; rows],
    })
}

fn missing_texts(rows: usize) -> Column {
    let mut builder = TextsBuilder::default();
    (0..rows).for_each(|_| builder.push_missing());
    Column { values: Values::Text(builder.finish()), missing: vec![true; rows] }
}

/// Numbers under way.
struct Numbers {
    scale: u8,
    unscaled: Vec<i64>,
    missing: Vec<bool>,
    unfit: Vec<(u32, String)>,
}

// === impl Numbers ===

impl Numbers {
    fn new(scale: u8, rows: usize) -> Self {
        Self {
            scale,
            unscaled: Vec::with_capacity(rows),
            missing: Vec::with_capacity(rows),
            unfit: Vec::new(),
        }
    }

    fn push(&mut self, unscaled: i128, scale: u8) {
        match rescale(unscaled, scale, self.scale) {
            Ok(unscaled) => {
                self.unscaled.push(unscaled);
                self.missing.push(false);
            }
            Err(unfit) => {
                let number = super::dataset::decimal_text(unscaled, scale, true);
                self.push_unfit(format!("{number} {}", unfit.words(self.scale)));
            }
        }
    }

    fn push_missing(&mut self) {
        self.unscaled.push(0);
        self.missing.push(true);
    }

    fn push_unfit(&mut self, why: String) {
        self.unfit.push((count_u32(self.missing.len()), why));
        self.push_missing();
    }

    fn finish(self) -> Made {
        let values = Values::Number { scale: self.scale, unscaled: self.unscaled };
        let column = Column { values, missing: self.missing };
        Made { column: Arc::new(column), records: None, unfit: Arc::new(self.unfit) }
    }
}

// === impl Made ===

impl Made {
    /// A column without values.
    #[must_use]
    pub fn nothing(kind: Kind, scale: u8, rows: usize) -> Self {
        Self::of(match kind {
            Kind::Number => Column::missing_numbers(scale, rows),
            Kind::Text => missing_texts(rows),
        })
    }

    fn of(column: Column) -> Self {
        Self { column: Arc::new(column), records: None, unfit: Arc::default() }
    }
}

// === impl Unfit ===

impl Unfit {
    /// What is wrong with the number, for people.
    #[must_use]
    pub fn words(self, scale: u8) -> String {
        match self {
            Self::Decimals => format!("has more decimals than the {scale} that the plugin takes"),
            Self::Range => format!("does not fit 64 bits with the {scale} decimals that the plugin takes"),
        }
    }
}

/// The digits of a number with other decimals, exactly.
///
/// # Errors
/// When the number cannot be held so.
pub fn rescale(unscaled: i128, from: u8, to: u8) -> Result<i64, Unfit> {
    let digits = if to >= from {
        let factor = 10i128.checked_pow(u32::from(to - from));
        match unscaled {
            0 => 0,
            _ => factor.and_then(|factor| unscaled.checked_mul(factor)).ok_or(Unfit::Range)?,
        }
    } else {
        match 10i128.checked_pow(u32::from(from - to)) {
            Some(factor) if unscaled % factor == 0 => unscaled / factor,
            None if unscaled == 0 => 0,
            _ => return Err(Unfit::Decimals),
        }
    };
    i64::try_from(digits).map_err(|_| Unfit::Range)
}

/// The digits and decimals of a number written out, `-12.50`.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<(i128, u8)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let dangling = digits.ends_with('.') || whole.is_empty();
    if dangling || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = u8::try_from(fraction.len()).ok()?;
    Some((if negative { -unscaled } else { unscaled }, scale))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_parsed() {
        let check = |text, parsed| assert_eq!(parse_decimal(text), parsed, "{text}");
        check("0", Some((0, 0)));
        check("-12.50", Some((-1250, 2)));
        check("0.005", Some((5, 3)));
        check("12.", None);
        check(".5", None);
        check("1e3", None);
        check("+1", None);
        check("--1", None);
        check("", None);
        check("-", None);
        check("1.2.3", None);
    }

    #[test]
    fn nothing_is_rounded() {
        let check = |unscaled, from, to, given| assert_eq!(rescale(unscaled, from, to), given);
        check(1250, 2, 4, Ok(125_000));
        check(1250, 2, 1, Ok(125));
        check(1255, 2, 1, Err(Unfit::Decimals));
        check(0, 38, 0, Ok(0));
        check(0, 0, 200, Ok(0));
        check(1, 0, 19, Err(Unfit::Range));
        check(i128::from(i64::MAX) + 1, 2, 2, Err(Unfit::Range));
        check(i128::from(i64::MIN), 2, 2, Ok(i64::MIN));
        check(i128::MAX, 0, 38, Err(Unfit::Range));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(unscaled: i64, scale in 0u8..30) {
            let text = super::super::dataset::decimal_text(i128::from(unscaled), scale, false);
            prop_assert_eq!(parse_decimal(&text), Some((i128::from(unscaled), scale)));
        }

        #[test]
        fn rescaling_there_and_back_changes_nothing(unscaled in -1_000_000_000i128..1_000_000_000, more in 0u8..9) {
            let there = rescale(unscaled, 3, 3 + more).unwrap();
            prop_assert_eq!(rescale(i128::from(there), 3 + more, 3), Ok(i64::try_from(unscaled).unwrap()));
        }
    }
}
