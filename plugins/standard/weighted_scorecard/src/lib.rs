//! A weighted scorecard: points for each measure by how far it is between threshold, target and stretch, and their
//! weighted mean.
//!
//! Parameters:
//!
//! | parameter | meaning |
//! | --- | --- |
//! | `items` | `[{"name": "revenue", "weight": 60, "threshold": "50%", "stretch": "150%", …}, …]` |
//! | `items[].name` | the input that has the measure's value |
//! | `items[].weight` | above 0; weights need not add up to 100 |
//! | `items[].target` | the target; absent: it comes from the input `{name}_target` |
//! | `items[].threshold`, `items[].stretch` | shares of the target, default 0 and 1.5; where less is better the threshold is the larger one |
//! | `items[].threshold_points`, `items[].target_points`, `items[].stretch_points` | default 0, 100, 150 |
//! | `grades` | `[{"from": 90, "grade": "A"}, …]`, descending; below the last there is no grade |
//!
//! Below the threshold an item has 0 points; at the threshold its `threshold_points`; from there in straight lines to the
//! target and to the stretch, flat beyond. An item whose value or target is missing does not count: the weights of the
//! others are rescaled, and the explanation says so. Outputs: the score `performance`, a detail `{name}_points` for each
//! item, and with `grades` the grade `band`.
#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use merit_sdk::{
    Answer, Context, Decimal, Manifest, ParameterError, Parameters, Rounding, Row, Scorer, manifest,
};

/// A weighted scorecard.
pub struct WeightedScorecard {
    items: Vec<Item>,
    grades: Vec<(Decimal, String)>,
}

struct Item {
    name: String,
    weight: Decimal,
    target: Option<Decimal>,
    /// Shares of the target and the points there: threshold, target, stretch.
    curve: [(Decimal, Decimal); 3],
}

// === impl WeightedScorecard ===

impl Scorer for WeightedScorecard {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        parameters.only(&["items", "grades"])?;
        let mut items: Vec<Item> = Vec::new();
        for parameters in parameters.list("items")? {
            let item = Item::new(&parameters)?;
            if items.iter().any(|other| other.name == item.name) {
                return Err(parameters.error("name", "is used by an item before"));
            }
            items.push(item);
        }
        Ok(Self { items, grades: grades(parameters)? })
    }

    fn manifest(&self) -> Manifest {
        let mut manifest = manifest("Scores measures against their targets, weighted.");
        for item in &self.items {
            manifest = manifest.optional_number(&item.name);
            if item.target.is_none() {
                manifest = manifest.optional_number(&item.target_input());
            }
        }
        manifest = manifest.score("performance");
        for item in &self.items {
            manifest = manifest.detail(&item.points_output());
        }
        if !self.grades.is_empty() {
            manifest = manifest.grade("band");
        }
        manifest.build()
    }

    fn score(&self, _: &Context, row: &Row<'_>, answer: &mut Answer) -> Result<(), String> {
        let mut counted = Vec::new();
        let mut total_weight = Decimal::ZERO;
        for item in &self.items {
            let target = item.target.or_else(|| row.optional_number(&item.target_input()));
            match (row.optional_number(&item.name), target) {
                (Some(value), Some(target)) => {
                    let points = item.points(value, target)?;
                    answer.step(
                        &item.points_output(),
                        &item.name,
                        points,
                        &format!("{value} against {target}"),
                    );
                    total_weight = total_weight.plus(item.weight)?;
                    counted.push((item, points));
                }
                (None, _) => {
                    answer.remark(&item.name, Decimal::ZERO, "no value: the other weights are rescaled")
                }
                (_, None) => {
                    answer.remark(&item.name, Decimal::ZERO, "no target: the other weights are rescaled")
                }
            }
        }
        let mut performance = Decimal::ZERO;
        for (item, points) in counted {
            let part = item.weight.times(points)?.over(total_weight)?;
            performance = performance.plus(part)?;
            let note = format!("{points} points × {} of {total_weight}", item.weight);
            answer.step("performance", &item.name, part, &note);
        }
        if total_weight > Decimal::ZERO {
            self.grade(performance.rounded(6, Rounding::HalfEven)?, answer);
        }
        Ok(())
    }
}

impl WeightedScorecard {
    fn grade(&self, performance: Decimal, answer: &mut Answer) {
        if let Some((_, grade)) = self.grades.iter().find(|(from, _)| *from <= performance) {
            answer.grade("band", grade);
        }
    }
}

// === impl Item ===

impl Item {
    fn new(parameters: &Parameters<'_>) -> Result<Self, ParameterError> {
        const KEYS: [&str; 8] = [
            "name",
            "weight",
            "target",
            "threshold",
            "stretch",
            "threshold_points",
            "target_points",
            "stretch_points",
        ];
        parameters.only(&KEYS)?;
        let or = |key: &str, default: Decimal| Ok(parameters.optional_decimal(key)?.unwrap_or(default));
        let weight = parameters.decimal("weight")?;
        if weight <= Decimal::ZERO {
            return Err(parameters.error("weight", "has to be above 0"));
        }
        let (threshold, stretch) = (or("threshold", Decimal::ZERO)?, or("stretch", Decimal::new(15, 1))?);
        let ascending = threshold < Decimal::ONE && Decimal::ONE < stretch;
        let descending = stretch < Decimal::ONE && Decimal::ONE < threshold;
        if !ascending && !descending {
            return Err(
                parameters.error("threshold", "the target (1) has to be between threshold and stretch")
            );
        }
        let name = parameters.name("name")?;
        if name.len() > 56 {
            return Err(
                parameters.error("name", "is too long: at most 56, as outputs and inputs are named after it")
            );
        }
        Ok(Self {
            name: name.to_owned(),
            weight,
            target: parameters.optional_decimal("target")?,
            curve: [
                (threshold, or("threshold_points", Decimal::ZERO)?),
                (Decimal::ONE, or("target_points", Decimal::new(100, 0))?),
                (stretch, or("stretch_points", Decimal::new(150, 0))?),
            ],
        })
    }

    fn target_input(&self) -> String {
        format!("{}_target", self.name)
    }

    fn points_output(&self) -> String {
        format!("{}_points", self.name)
    }

    /// The points for a value. Bounds are products with the target, so that no share is ever rounded.
    fn points(&self, value: Decimal, target: Decimal) -> Result<Decimal, String> {
        if target <= Decimal::ZERO {
            return Err(format!("{} is {target}; shares of a target need one above 0", self.target_input()));
        }
        // Where less is better the same curve is walked with all signs turned.
        let turned = self.curve[0].0 > self.curve[2].0;
        let signed = |number: Decimal| if turned { Decimal::ZERO.minus(number) } else { Ok(number) };
        let value = signed(value)?;
        let mut bounds = [Decimal::ZERO; 3];
        for (bound, (share, _)) in bounds.iter_mut().zip(&self.curve) {
            *bound = signed(share.times(target)?)?;
        }
        let points = self.curve.map(|(_, points)| points);
        if value < bounds[0] {
            return Ok(Decimal::ZERO);
        }
        if value >= bounds[2] {
            return Ok(points[2]);
        }
        let below = if value < bounds[1] { 0 } else { 1 };
        let way = value.minus(bounds[below])?.times(points[below + 1].minus(points[below])?)?;
        points[below].plus(way.over(bounds[below + 1].minus(bounds[below])?)?)
    }
}

fn grades(parameters: &Parameters<'_>) -> Result<Vec<(Decimal, String)>, ParameterError> {
    let mut grades: Vec<(Decimal, String)> = Vec::new();
    if !parameters.has("grades") {
        return Ok(grades);
    }
    for item in parameters.list("grades")? {
        item.only(&["from", "grade"])?;
        let from = item.decimal("from")?;
        if let Some((before, _)) = grades.last()
            && from >= *before
        {
            return Err(
                item.error("from", &format!("has to be below {before}, where the grade before begins"))
            );
        }
        grades.push((from, item.text("grade")?.to_string()));
    }
    Ok(grades)
}

merit_sdk::export!(WeightedScorecard);

#[cfg(test)]
mod tests;
