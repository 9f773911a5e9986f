//! An item of a scorecard: its weight, and the points for a value along its curve.

use alloc::{borrow::ToOwned, format, string::String, vec, vec::Vec};

use merit_sdk::{Decimal, ParameterError, Parameters, Problems, share};

/// A measure that is scored.
pub struct Item {
    pub name: String,
    /// The output that has its points.
    pub points_output: String,
    /// The input that has the target, if one has.
    pub target_input: Option<String>,
    pub weight: Decimal,
    /// Below the first point of its curve the whole scorecard is 0, and where that cannot be told.
    pub gate: bool,
    against: Against,
    /// Ascending; where less is better, descending.
    curve: Vec<Point>,
    steps: bool,
}

/// What a curve's points are shares of.
enum Against {
    /// A target that the parameters have.
    Target(Decimal),
    /// A target that is an input.
    TargetInput,
    /// Nothing: they are values.
    Value,
}

struct Point {
    at: Decimal,
    points: Decimal,
}

/// What an item has to say about a row.
pub enum Found {
    Points {
        points: Decimal,
        below: bool,
        target: Option<Decimal>,
    },
    /// The input that is missing.
    Nothing(String),
}

const KEYS: [&str; 12] = [
    "name",
    "weight",
    "target",
    "threshold",
    "stretch",
    "threshold_points",
    "target_points",
    "stretch_points",
    "curve",
    "curve_of",
    "shape",
    "gate",
];

/// The longest name: outputs and inputs are named after it.
const LONGEST_NAME: usize = 56;

// === impl Item ===

impl Item {
    pub fn read(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        problems.read(parameters.only(&KEYS));
        let name = problems.read(parameters.name("name")).to_owned();
        problems.check(name.len() <= LONGEST_NAME, || {
            let what =
                format!("is too long: at most {LONGEST_NAME}, as outputs and inputs are named after it");
            parameters.error("name", &what)
        });
        let weight = problems.read(parameters.positive("weight"));
        let gate = problems.read(parameters.flag("gate"));
        let steps = problems.read(parameters.choice("shape", &["lines", "steps"])) == "steps";
        let of_value = problems.read(parameters.choice("curve_of", &["target", "value"])) == "value";
        let target =
            if parameters.has("target") { Some(problems.read(parameters.positive("target"))) } else { None };
        let against = match target {
            _ if of_value => Against::Value,
            Some(target) => Against::Target(target),
            None => Against::TargetInput,
        };
        if of_value {
            problems.check(!parameters.has("target"), || {
                parameters.error("target", "means nothing where the curve is of the value: leave it out")
            });
            problems.check(parameters.has("curve"), || parameters.error("curve", "is missing"));
        }
        let curve = match parameters.has("curve") {
            true => problems.read(points(parameters, of_value)),
            false => problems.read(threshold_target_stretch(parameters)),
        };
        problems.finish()?;
        let points_output = format!("{name}_points");
        let target_input = matches!(against, Against::TargetInput).then(|| format!("{name}_target"));
        Ok(Self { name, points_output, target_input, weight, gate, against, curve, steps })
    }

    /// The points for a value and, where it is an input, its target.
    pub fn look(&self, value: Option<Decimal>, target: Option<Decimal>) -> Result<Found, String> {
        let Some(value) = value else { return Ok(Found::Nothing(self.name.clone())) };
        let target = match (&self.against, target) {
            (Against::Value, _) => None,
            (Against::Target(target), _) => Some(*target),
            (Against::TargetInput, None) => return Ok(Found::Nothing(format!("{}_target", self.name))),
            (Against::TargetInput, Some(target)) if target <= Decimal::ZERO => {
                return Err(format!("{}_target is {target}; shares of a target need one above 0", self.name));
            }
            (Against::TargetInput, target) => target,
        };
        let points = self.points(value, target.unwrap_or(Decimal::ONE))?;
        Ok(Found::Points { points: points.unwrap_or(Decimal::ZERO), below: points.is_none(), target })
    }

    /// The points for a value; nothing below the first. Bounds are products with the target, so that no share is rounded.
    fn points(&self, value: Decimal, unit: Decimal) -> Result<Option<Decimal>, String> {
        // Where less is better the same curve is walked with all signs turned.
        let turned = matches!(self.curve.as_slice(), [first, .., last] if first.at > last.at);
        let signed = |number: Decimal| if turned { number.negated() } else { number };
        let value = signed(value);
        let mut bounds = Vec::with_capacity(self.curve.len());
        for point in &self.curve {
            bounds.push(signed(point.at.times(unit)?));
        }
        let Some(reached) = bounds.iter().rposition(|bound| *bound <= value) else { return Ok(None) };
        let here = self.curve[reached].points;
        let Some(next) = self.curve.get(reached + 1).filter(|_| !self.steps) else { return Ok(Some(here)) };
        let way = value.minus(bounds[reached])?.times(next.points.minus(here)?)?;
        here.plus(way.over(bounds[reached + 1].minus(bounds[reached])?)?).map(Some)
    }
}

/// A curve that is written out. Its last point is the largest, or where less is better the smallest: of a target, that is a
/// share that somebody can mean.
fn points(parameters: &Parameters<'_>, of_value: bool) -> Result<Vec<Point>, ParameterError> {
    let mut problems = Problems::new();
    for key in ["threshold", "stretch", "threshold_points", "target_points", "stretch_points"] {
        problems.check(!parameters.has(key), || {
            parameters.error(key, "there is a curve: give its points there, or leave the curve out")
        });
    }
    let mut before: Vec<Decimal> = Vec::new();
    let curve = problems.read(parameters.each("curve", |point| {
        let mut problems = Problems::new();
        problems.read(point.only(&["at", "points"]));
        let at = problems.read(point.decimal("at"));
        let points = problems.read(point.decimal("points"));
        let goes_on = match before.as_slice() {
            [] => true,
            [only] => at != *only,
            [first, second, ..] => {
                (at > before[before.len() - 1]) == (second > first) && at != before[before.len() - 1]
            }
        };
        problems.check(goes_on, || {
            point
                .error("at", "the points have to ascend, or where less is better to descend, without repeats")
        });
        before.push(at);
        problems.finish()?;
        Ok(Point { at, points })
    }));
    if let Some(last) = before.last().filter(|_| !of_value) {
        let key = format!("curve[{}].at", before.len() - 1);
        problems.read(share(*last).map_err(|what| parameters.error(&key, &what)));
    }
    problems.finish()?;
    Ok(curve)
}

/// The usual curve: threshold, target and stretch.
fn threshold_target_stretch(parameters: &Parameters<'_>) -> Result<Vec<Point>, ParameterError> {
    let mut problems = Problems::new();
    let stretch = problems.read(parameters.optional_share("stretch")).unwrap_or(Decimal::new(15, 1));
    let mut or =
        |key: &str, default: Decimal| problems.read(parameters.optional_decimal(key)).unwrap_or(default);
    let threshold = or("threshold", Decimal::ZERO);
    let at_threshold = or("threshold_points", Decimal::ZERO);
    let at_target = or("target_points", Decimal::new(100, 0));
    let at_stretch = or("stretch_points", Decimal::new(150, 0));
    let ascending = threshold < Decimal::ONE && Decimal::ONE < stretch;
    let descending = stretch < Decimal::ONE && Decimal::ONE < threshold;
    let known = problems.none();
    problems.check(ascending || descending || !known, || {
        parameters.error("threshold", "the target (1) has to be between threshold and stretch")
    });
    problems.finish()?;
    Ok(vec![
        Point { at: threshold, points: at_threshold },
        Point { at: Decimal::ONE, points: at_target },
        Point { at: stretch, points: at_stretch },
    ])
}
