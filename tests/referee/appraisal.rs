//! Appraisals: weighted ratings, points and goals; and shares that add up.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Check,
    case::{Case, Told, decimal, number},
    plugin::{Cells, Scored, formula, standard},
};

/// The kinds of this file.
pub const KINDS: &[(&str, Check)] = &[
    ("weighted_rating", |case| weighted_rating(case).into()),
    ("weighted_star_rating", |case| stars(case).into()),
    ("weighted_points", |case| points(case).into()),
    ("weights_validation", |case| weights_validation(case).into()),
    ("weights_even", |case| weights_even(case).into()),
    ("final_score_formula", |case| final_score(case).into()),
    ("goal_tree", |case| goal_tree(case).into()),
    ("goal_rollup", |case| rollup(case).into()),
    ("validation", |_| Told::NotApplicable("who may review whom is a rule about roles, not about numbers")),
    ("pro_rata_split_minor", |case| split(case).into()),
    ("pro_rata_split_sum_invariant", |case| split(case).into()),
];

/// Names of items, as many as a case ever has.
const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// An item of a scorecard: its weight, its value, and the value and points at the end of its curve.
type Item = (String, String, String, String);

/// A scorecard of values with straight curves from 0.
fn scorecard(items: &[Item]) -> Result<Scored, String> {
    let item = |(name, (weight, _, most, points)): (&&str, &Item)| {
        let curve = json!([{ "at": 0, "points": 0 }, { "at": most, "points": points }]);
        json!({ "name": name, "weight": weight, "curve_of": "value", "curve": curve })
    };
    let parameters = json!({ "items": NAMES.iter().zip(items).map(item).collect::<Vec<_>>() });
    let row: Cells = NAMES.iter().copied().zip(items.iter().map(|(_, value, ..)| value.clone())).collect();
    standard("weighted_scorecard", parameters).row(row).score()
}

/// What each item has in the score.
fn parts(scored: &Scored) -> Vec<Decimal> {
    scored.steps("performance").into_iter().map(|(_, amount)| amount).collect()
}

fn text(value: &Value, key: &str) -> String {
    number(&value[key]).expect("a number")
}

fn weighted_rating(case: &Case) -> Result<(), String> {
    // A point of the rating is a point of the score.
    let item = |item: &Value| (text(item, "weight"), text(item, "score"), "100".into(), "100".into());
    let scored = scorecard(&case.list("items").iter().map(item).collect::<Vec<_>>())?;
    case.holds_all("earned", &parts(&scored))?;
    case.holds("total", &scored.number("performance", 0), None)
}

fn stars(case: &Case) -> Result<(), String> {
    let item = |item: &Value| (text(item, "weight"), text(item, "rating"), "1".into(), case.number("stars"));
    let scored = scorecard(&case.list("ratings").iter().map(item).collect::<Vec<_>>())?;
    case.holds("score", &scored.number("performance", 0), None)
}

fn points(case: &Case) -> Result<(), String> {
    let items = |most: &str| -> Vec<Item> {
        let item = |criterion: &Value| {
            let score = number(&case.input("scores")[criterion["id"].to_string()]).expect("a score");
            (text(criterion, "weight"), score, text(criterion, "max_points"), most.to_owned())
        };
        case.list("criteria").iter().map(item).collect()
    };
    let scored = scorecard(&items(&case.number("max_score")))?;
    case.holds("total", &scored.number("performance", 0), None)?;
    case.holds_all("weighted", &parts(&scored))?;
    case.holds("percent", &scorecard(&items("100"))?.number("performance", 0), None)
}

fn weights_validation(case: &Case) -> Result<(), String> {
    let weights = case.numbers("weights");
    let item = |(name, weight): (&&str, &String)| json!({ "name": name, "weight": weight });
    let items: Vec<Value> = NAMES.iter().zip(&weights).map(item).collect();
    let valid =
        standard("weighted_scorecard", json!({ "weights": "percent", "items": items })).row(vec![]).score();
    if Some(valid.is_ok()) == case.expected("valid").as_bool() {
        Ok(())
    } else {
        Err(format!("{:?}", valid.err()))
    }
}

/// Equal weights that add up to 100: a pool of 100 in equal parts.
fn weights_even(case: &Case) -> Result<(), String> {
    let count: usize = case.number("n").parse().expect("a number of weights");
    let mut scoring = standard("pool_share", json!({ "pool": 100, "by": "equal" })).currency(2);
    for _ in 0..count {
        scoring = scoring.row(vec![]);
    }
    let scored = scoring.score()?;
    case.holds_all("weights", &(0..count).filter_map(|row| scored.number("share", row)).collect::<Vec<_>>())
}

/// `A if C else B` is IF(C <> 0, A, B).
fn final_score(case: &Case) -> Result<(), String> {
    let python = case.input("formula").as_str().unwrap_or_default();
    let expression = match python.split_once(" if ").map(|(then, rest)| (then, rest.split_once(" else "))) {
        Some((then, Some((condition, otherwise)))) => format!("IF({condition} <> 0, {then}, {otherwise})"),
        _ => python.to_owned(),
    };
    let names = ["goal_score", "self_appraisal_score", "average_feedback_score"];
    let inputs: String = names.map(|name| format!("input {name}\n")).concat();
    let row = names.map(|name| (name, case.number(name))).to_vec();
    let scored = formula(&format!("{inputs}score final_score = {expression}")).row(row).score()?;
    let digits = number(case.expected("final")).map(|score| decimal(&score).scale());
    case.holds("final", &scored.number("final_score", 0), digits)
}

fn goal_tree(case: &Case) -> Result<(), String> {
    let mut scoring = formula("input weight\ninput completion\nscore earned = weight * completion / 100");
    let areas = case.list("kras");
    for area in areas {
        scoring =
            scoring.row(vec![("weight", text(area, "weight")), ("completion", text(area, "completion"))]);
    }
    let scored = scoring.score()?;
    let earned: Vec<_> = (0..areas.len()).filter_map(|row| scored.number("earned", row)).collect();
    case.holds_all("kra_scores", &earned)
}

fn rollup(case: &Case) -> Result<(), String> {
    case.holds("progress", &Some(progress(case.input("tree"))?), None)
}

/// The mean of the goals below, which may have goals below them; 0 where there are none.
fn progress(tree: &Value) -> Result<Decimal, String> {
    let Some(goals) = tree.as_array() else { return Ok(decimal(&number(tree).expect("a number"))) };
    let mut scoring =
        formula("input lines goal\nscore progress = IFMISSING(LINES_AVERAGE(goal), 0)").row(vec![]);
    for goal in goals {
        scoring = scoring.line(vec![("goal", progress(goal)?.to_string())]);
    }
    Ok(scoring.score()?.number("progress", 0).unwrap_or_default())
}

/// In whole units: shares add up, and where each is told, are those.
fn split(case: &Case) -> Result<(), String> {
    let weights = case.input("weights").as_object().expect("weights by name");
    let pool = case.number("amount_minor");
    let mut scoring = standard("pool_share", json!({ "pool": pool })).currency(0);
    for weight in weights.values() {
        scoring = scoring.row(vec![("score", number(weight).expect("a weight"))]);
    }
    let scored = scoring.score()?;
    let shares: Vec<Decimal> = (0..weights.len()).filter_map(|row| scored.number("share", row)).collect();
    case.holds("sum_minor", &Some(shares.iter().sum()), None)?;
    for (name, share) in weights.keys().zip(shares) {
        let Some(expected) = number(&case.expected("shares_minor")[name]) else { continue };
        if decimal(&expected) != share {
            return Err(format!("{name} gets {share} instead of {expected}"));
        }
    }
    Ok(())
}
