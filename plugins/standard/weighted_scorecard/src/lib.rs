//! A weighted scorecard: points for each measure by how far it is between threshold, target and stretch, their weighted mean,
//! and a grade. `MANUAL.md` beside this crate says what the parameters mean.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod item;

use alloc::{format, string::String, vec::Vec};

use merit_sdk::{
    Answer, Context, Decimal, Fraction, Manifest, ParameterError, Parameters, Problems, Rounding, Row,
    Scorer, manifest,
};

use item::{Found, Item};

/// Decimals of the performance; grades look at it as it is shown.
const PERFORMANCE_SCALE: u8 = 6;

/// A weighted scorecard.
pub struct WeightedScorecard {
    items: Vec<Item>,
    missing: Missing,
    floor: Option<Decimal>,
    cap: Option<Decimal>,
    grades: Vec<(Decimal, String)>,
}

/// What becomes of an item without a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Rescale,
    Zero,
    Fault,
}

// === impl WeightedScorecard ===

impl Scorer for WeightedScorecard {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        let mut problems = Problems::new();
        problems.read(parameters.only(&["items", "weights", "missing", "floor", "cap", "grades"]));
        let items = problems.read(items(parameters));
        let missing = match problems.read(parameters.choice("missing", &["rescale", "zero", "fault"])) {
            "zero" => Missing::Zero,
            "fault" => Missing::Fault,
            _ => Missing::Rescale,
        };
        let floor = problems.read(parameters.optional_decimal("floor"));
        let cap = problems.read(parameters.optional_decimal("cap"));
        if let (Some(least), Some(most)) = (floor, cap) {
            problems.check(least <= most, || parameters.error("cap", "is below the floor"));
        }
        let grades = problems.read(grades(parameters));
        problems.finish()?;
        Ok(Self { items, missing, floor, cap, grades })
    }

    fn manifest(&self) -> Manifest {
        let mut manifest = manifest("Scores measures against their targets, weighted, with grades.");
        for item in &self.items {
            manifest = manifest.optional_number(&item.name);
            if let Some(target) = &item.target_input {
                manifest = manifest.optional_number(target);
            }
        }
        manifest = manifest.score("performance");
        for item in &self.items {
            manifest = manifest.detail(&item.points_output);
        }
        if !self.grades.is_empty() {
            manifest = manifest.grade("band");
        }
        manifest.build()
    }

    fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer<'_>) -> Result<(), String> {
        let mut counted = Vec::new();
        let mut total_weight = Decimal::ZERO;
        let mut closed = None;
        for item in &self.items {
            let target = item.target_input.as_ref().and_then(|input| row.optional_number(input));
            let value = row.optional_number(&item.name);
            let points = match (item.look(value, target)?, self.missing) {
                (Found::Points { points, below, target }, _) => {
                    let value = value.unwrap_or(Decimal::ZERO);
                    match target {
                        Some(target) => {
                            let note = format_args!("{value} against {target}");
                            answer.step(&item.points_output, &item.name, points, note);
                        }
                        None => answer.step(&item.points_output, &item.name, points, value),
                    }
                    if below && item.gate {
                        closed.get_or_insert_with(|| format!("{} is below its first point", item.name));
                    }
                    points
                }
                (Found::Nothing(input), Missing::Fault) => return Err(format!("{input} is missing")),
                (Found::Nothing(input), missing) => {
                    if item.gate {
                        closed.get_or_insert_with(|| format!("{input} is missing: it cannot be told"));
                    }
                    if missing == Missing::Rescale {
                        let note = format_args!("{input} is missing: the other weights are rescaled");
                        answer.remark(&item.name, Decimal::ZERO, note);
                        continue;
                    }
                    let note = format_args!("{input} is missing: counts as 0 points");
                    answer.step(&item.points_output, &item.name, Decimal::ZERO, note);
                    Decimal::ZERO
                }
            };
            total_weight = total_weight.plus(item.weight)?;
            counted.push((item, points));
        }
        if counted.is_empty() {
            return Ok(());
        }
        for (item, points) in counted {
            let part = Fraction::from(item.weight).times(points)?.over(total_weight)?;
            let note = format_args!("{points} points × {} of {total_weight}", item.weight);
            answer.step("performance", &item.name, part, note);
        }
        self.bound(closed, answer);
        let performance = answer.so_far("performance").unwrap_or(Fraction::ZERO);
        let performance = performance.rounded(PERFORMANCE_SCALE, Rounding::HalfEven)?;
        if let Some((_, grade)) = self.grades.iter().find(|(from, _)| *from <= performance) {
            answer.grade("band", grade);
        }
        Ok(())
    }
}

impl WeightedScorecard {
    /// Applies gates, floor and cap, with a step for what they change.
    fn bound(&self, closed: Option<String>, answer: &mut Answer<'_>) {
        if let Some(why) = closed {
            let performance = answer.so_far("performance").unwrap_or(Fraction::ZERO);
            return answer.step("performance", "gate", performance.negated(), why);
        }
        if let Some(floor) = self.floor {
            answer.at_least("performance", "floor", floor, format_args!("at least {floor}"));
        }
        if let Some(cap) = self.cap {
            answer.at_most("performance", "cap", cap, format_args!("at most {cap}"));
        }
    }
}

fn items(parameters: &Parameters<'_>) -> Result<Vec<Item>, ParameterError> {
    let mut problems = Problems::new();
    let percent = problems.read(parameters.choice("weights", &["relative", "percent"])) == "percent";
    // Inputs by name, and whose target they are.
    let mut inputs: Vec<(String, Option<String>)> = Vec::new();
    let items = problems.read(parameters.each("items", |parameters| {
        let item = Item::read(parameters)?;
        let target = item.target_input.iter().map(|target| (target.clone(), Some(item.name.clone())));
        for (input, target_of) in core::iter::once((item.name.clone(), None)).chain(target) {
            if let Some((_, taken_by)) = inputs.iter().find(|(known, _)| *known == input) {
                let what = match (taken_by, target_of) {
                    (Some(other), _) => {
                        format!("is the input that has the target of {other}; give another name")
                    }
                    (None, Some(_)) => {
                        format!("its target would come from {input}, an item before; give another name")
                    }
                    (None, None) => "is used by an item before".into(),
                };
                return Err(parameters.error("name", &what));
            }
            inputs.push((input, target_of));
        }
        Ok(item)
    }));
    if percent && problems.none() {
        let sum = items.iter().try_fold(Decimal::ZERO, |sum, item| sum.plus(item.weight));
        let sum = sum.unwrap_or(Decimal::ZERO);
        problems.check(sum == Decimal::new(100, 0), || {
            parameters.error(
                "items",
                &format!("the weights add up to {sum}; in percent they have to add up to 100"),
            )
        });
    }
    problems.finish()?;
    Ok(items)
}

fn grades(parameters: &Parameters<'_>) -> Result<Vec<(Decimal, String)>, ParameterError> {
    let mut before: Option<Decimal> = None;
    if !parameters.has("grades") {
        return Ok(Vec::new());
    }
    parameters.each("grades", |item| {
        let mut problems = Problems::new();
        problems.read(item.only(&["from", "grade"]));
        let from = problems.read(item.decimal("from"));
        if let Some(before) = before {
            problems.check(from < before, || {
                item.error("from", &format!("has to be below {before}, where the grade before begins"))
            });
        }
        before = Some(from);
        let grade = String::from(problems.read(item.text("grade")));
        problems.finish()?;
        Ok((from, grade))
    })
}

merit_sdk::export!(WeightedScorecard);

#[cfg(test)]
mod tests;
