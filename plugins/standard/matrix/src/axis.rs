//! One side of the table: the points of a number, or texts.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use core::fmt;

use merit_sdk::{Decimal, ManifestBuilder, ParameterError, Parameters, Problems, Row};

/// One side of the table.
pub struct Axis {
    /// The input that is looked up.
    pub input: String,
    points: Points,
    steps: bool,
    outside_faults: bool,
}

enum Points {
    Numbers(Vec<Decimal>),
    Texts(Vec<String>),
}

/// Where on a side a value is: at a point, or on the way to the next.
pub struct Place {
    /// The point at or before it.
    pub index: usize,
    /// How far it is from there.
    way: Decimal,
    /// How far it is from there to the next point; 1 where it is exactly on a point.
    pub whole: Decimal,
    /// The same in words, where an explanation is wanted.
    pub words: String,
}

// === impl Axis ===

impl Axis {
    pub fn read(
        parameters: &Parameters<'_>,
        steps: bool,
        outside_faults: bool,
    ) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        problems.read(parameters.only(&["input", "at", "texts"]));
        let input = problems.read(parameters.name("input")).to_owned();
        problems.check(!(parameters.has("at") && parameters.has("texts")), || {
            parameters.error("texts", "give either at or texts")
        });
        let points = if parameters.has("texts") {
            let texts = problems.read(parameters.texts("texts"));
            for (index, text) in texts.iter().enumerate() {
                problems.check(!texts[..index].contains(text), || {
                    parameters.error(&format!("texts[{index}]"), "is there already")
                });
            }
            Points::Texts(texts.into_iter().map(|text| text.to_string()).collect())
        } else {
            let at = problems.read(parameters.decimals("at"));
            for (index, pair) in at.windows(2).enumerate() {
                problems.check(pair[0] < pair[1], || {
                    let what = format!("has to be above {}, the point before", pair[0]);
                    parameters.error(&format!("at[{}]", index + 1), &what)
                });
            }
            Points::Numbers(at)
        };
        problems.finish()?;
        Ok(Self { input, points, steps, outside_faults })
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        match &self.points {
            Points::Numbers(at) => at.len(),
            Points::Texts(texts) => texts.len(),
        }
    }

    /// Adds the input.
    pub fn add_to(&self, manifest: ManifestBuilder) -> ManifestBuilder {
        match self.points {
            Points::Numbers(_) => manifest.number(&self.input),
            Points::Texts(_) => manifest.text(&self.input),
        }
    }

    /// Where a row is.
    pub fn place(&self, row: &Row<'_>, explaining: bool) -> Result<Place, String> {
        match &self.points {
            Points::Texts(texts) => {
                let text = row.text(&self.input)?;
                let index = texts.iter().position(|known| known == text).ok_or_else(|| {
                    format!("{} is {text:?}; it has to be one of {}", self.input, texts.join(", "))
                })?;
                Ok(Place { index, way: Decimal::ZERO, whole: Decimal::ONE, words: text.to_owned() })
            }
            Points::Numbers(at) => self.number(row.number(&self.input)?, at, explaining),
        }
    }

    fn number(&self, value: Decimal, at: &[Decimal], explaining: bool) -> Result<Place, String> {
        let input = &self.input;
        let say = |words: fmt::Arguments<'_>| if explaining { words.to_string() } else { String::new() };
        let on =
            |index: usize, words: String| Place { index, way: Decimal::ZERO, whole: Decimal::ONE, words };
        let last = at.len() - 1;
        if self.outside_faults && (value < at[0] || (value > at[last] && !self.steps)) {
            return Err(format!(
                "{input} is {value}, outside the table, which goes from {} to {}",
                at[0], at[last]
            ));
        }
        let Some(index) = at.iter().rposition(|point| *point <= value) else {
            return Ok(on(0, say(format_args!("{input} {value}, below {}", at[0]))));
        };
        if self.steps || index == last || at[index] == value {
            return Ok(on(index, say(format_args!("{input} {value}, from {}", at[index]))));
        }
        let (from, to) = (at[index], at[index + 1]);
        let words = say(format_args!("{input} {value}, between {from} and {to}"));
        Ok(Place { index, way: value.minus(from)?, whole: to.minus(from)?, words })
    }
}

// === impl Place ===

impl Place {
    /// Whether it is at a point, and the next does not matter.
    pub fn is_on_point(&self) -> bool {
        self.way == Decimal::ZERO
    }

    /// A value here, times the whole way: of the one at the point and the one at the next, each weighted by how near it is.
    pub fn between(&self, here: Decimal, next: impl FnOnce() -> Decimal) -> Result<Decimal, String> {
        if self.is_on_point() {
            return here.times(self.whole);
        }
        here.times(self.whole.minus(self.way)?)?.plus(next().times(self.way)?)
    }
}
