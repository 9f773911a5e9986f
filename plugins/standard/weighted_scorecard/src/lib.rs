//! A weighted scorecard: points for each measure by how far it is between threshold, target and stretch, their weighted mean,
//! and a grade. `MANUAL.md` beside this crate says what the parameters mean.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod item;

use alloc::{format, string::String, vec::Vec};

use merit_sdk::{
    Answer, Context, Decimal, Manifest, ParameterError, Parameters, Problems, Rounding, Row, Scorer, manifest,
};

use item::{Found, Item};

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
        let mut closed_by = None;
        for item in &self.items {
            let target = item.target_input.as_ref().and_then(|input| row.optional_number(input));
            let value = row.optional_number(&item.name);
            let (points, below) = match item.look(value, target)? {
                Found::Points { points, below, target } => {
                    let value = value.unwrap_or(Decimal::ZERO);
                    match target {
                        Some(target) => {
                            let note = format_args!("{value} against {target}");
                            answer.step(&item.points_output, &item.name, points, note);
                        }
                        None => answer.step(&item.points_output, &item.name, points, value),
                    }
                    (points, below)
                }
                Found::NoValue | Found::NoTarget if self.missing == Missing::Rescale => {
                    answer.remark(
                        &item.name,
                        Decimal::ZERO,
                        "no value or target: the other weights are rescaled",
                    );
                    continue;
                }
                Found::NoValue if self.missing == Missing::Zero => {
                    answer.step(
                        &item.points_output,
                        &item.name,
                        Decimal::ZERO,
                        "no value: counts as 0 points",
                    );
                    (Decimal::ZERO, true)
                }
                Found::NoValue => return Err(format!("{} is missing", item.name)),
                Found::NoTarget => return Err(format!("{}_target is missing", item.name)),
            };
            if below && item.gate {
                closed_by.get_or_insert(&item.name);
            }
            total_weight = total_weight.plus(item.weight)?;
            counted.push((item, points));
        }
        if counted.is_empty() {
            return Ok(());
        }
        let mut performance = Decimal::ZERO;
        for (item, points) in counted {
            let part = item.weight.times(points)?.over(total_weight)?;
            performance = performance.plus(part)?;
            let note = format_args!("{points} points × {} of {total_weight}", item.weight);
            answer.step("performance", &item.name, part, note);
        }
        let performance = self.bounded(performance, closed_by, answer)?.rounded(6, Rounding::HalfEven)?;
        if let Some((_, grade)) = self.grades.iter().find(|(from, _)| *from <= performance) {
            answer.grade("band", grade);
        }
        Ok(())
    }
}

impl WeightedScorecard {
    /// What gates, floor and cap leave, with a step for what they change.
    fn bounded(
        &self,
        performance: Decimal,
        closed_by: Option<&String>,
        answer: &mut Answer<'_>,
    ) -> Result<Decimal, String> {
        if let Some(name) = closed_by {
            let note = format_args!("{name} is below its first point");
            answer.step("performance", "gate", performance.negated(), note);
            return Ok(Decimal::ZERO);
        }
        if let Some(floor) = self.floor.filter(|floor| performance < *floor) {
            answer.step("performance", "floor", floor.minus(performance)?, format_args!("at least {floor}"));
            return Ok(floor);
        }
        if let Some(cap) = self.cap.filter(|cap| performance > *cap) {
            answer.step("performance", "cap", cap.minus(performance)?, format_args!("at most {cap}"));
            return Ok(cap);
        }
        Ok(performance)
    }
}

fn items(parameters: &Parameters<'_>) -> Result<Vec<Item>, ParameterError> {
    let mut problems = Problems::new();
    let percent = problems.read(parameters.choice("weights", &["relative", "percent"])) == "percent";
    let mut names: Vec<String> = Vec::new();
    let items = problems.read(parameters.each("items", |parameters| {
        let item = Item::read(parameters)?;
        if names.contains(&item.name) {
            return Err(parameters.error("name", "is used by an item before"));
        }
        names.push(item.name.clone());
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
