//! The values of an input as a plugin takes them: in its decimals, a row without a value marked. Nothing is rounded; what
//! does not fit faults its row.

use std::{collections::HashMap, sync::Arc};

use merit_expression::{Unscaled as Digits, Values as ExpressionValues};

use super::{
    column::{Column, TextsBuilder, Values, count_u32},
    dataset::Kind,
    fields::is_missing,
};
use crate::model::decimal::{Unfit, Unscaled, decimal_text};

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

/// Numbers of an input under way.
pub struct Numbers {
    scale: u8,
    unscaled: Vec<i64>,
    missing: Vec<bool>,
    unfit: Vec<(u32, String)>,
}

// === impl Numbers ===

impl Numbers {
    /// Room for so many, at the scale that the plugin takes.
    #[must_use]
    pub fn new(scale: u8, rows: usize) -> Self {
        Self {
            scale,
            unscaled: Vec::with_capacity(rows),
            missing: Vec::with_capacity(rows),
            unfit: Vec::new(),
        }
    }

    /// Adds a number of another scale; where it does not fit, that is told of its row.
    pub fn push(&mut self, unscaled: i128, scale: u8) {
        match (Unscaled { digits: unscaled, scale }).narrow(self.scale) {
            Ok(unscaled) => {
                self.unscaled.push(unscaled);
                self.missing.push(false);
            }
            Err(unfit) => {
                let number = decimal_text(unscaled, scale, true);
                self.push_unfit(format!("{number} {}", words(unfit, self.scale)));
            }
        }
    }

    /// Adds that there is none.
    pub fn push_missing(&mut self) {
        self.unscaled.push(0);
        self.missing.push(true);
    }

    /// Adds that there is none, and why.
    pub fn push_unfit(&mut self, why: String) {
        self.unfit.push((count_u32(self.missing.len()), why));
        self.push_missing();
    }

    /// What has come together.
    #[must_use]
    pub fn finish(self) -> Made {
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

    /// A column in which everything fits.
    #[must_use]
    pub fn of(column: Column) -> Self {
        Self { column: Arc::new(column), records: None, unfit: Arc::default() }
    }
}

fn missing_texts(rows: usize) -> Column {
    let mut builder = TextsBuilder::default();
    (0..rows).for_each(|_| builder.push_missing());
    Column { values: Values::Text(builder.finish()), missing: vec![true; rows] }
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

fn digits(unscaled: &Digits, row: usize) -> i128 {
    match unscaled {
        Digits::Narrow(digits) => i128::from(digits[row]),
        Digits::Wide(digits) => digits[row],
    }
}

/// A column in the decimals that an input takes; a row whose value does not fit is missing, and told.
#[must_use]
pub fn rescaled(column: &Column, to: u8) -> Made {
    let mut unfit = Vec::new();
    let mut column = column.clone();
    if let Values::Number { scale, unscaled } = &mut column.values {
        for (row, (digits, missing)) in unscaled.iter_mut().zip(&mut column.missing).enumerate() {
            match (Unscaled { digits: i128::from(*digits), scale: *scale }).narrow(to) {
                Ok(rescaled) => *digits = rescaled,
                Err(why) => {
                    unfit.push((count_u32(row), words(why, to)));
                    (*digits, *missing) = (0, true);
                }
            }
        }
        *scale = to;
    }
    Made { column: Arc::new(column), records: None, unfit: Arc::new(unfit) }
}

/// Why a number is not given to a plugin, for people.
#[must_use]
pub fn words(unfit: Unfit, scale: u8) -> String {
    match unfit {
        Unfit::Decimals => format!("has more decimals than the {scale} that the plugin takes"),
        Unfit::Range => format!("does not fit 64 bits with the {scale} decimals that the plugin takes"),
    }
}

/// The digits of a number written out, as a plugin takes them.
///
/// # Errors
/// In words, where the text is no number, or not one that the plugin takes.
pub fn digits_of(text: &str, scale: u8) -> Result<i64, String> {
    let number = Unscaled::parse(text).ok_or_else(|| format!("{text:?} is no decimal like 12.50"))?;
    number.narrow(scale).map_err(|unfit| format!("{text} {}", words(unfit, scale)))
}
