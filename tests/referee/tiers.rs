//! Tiers: graduated and volume, of pieces and of amounts, prorated, and by basis points.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Check,
    case::{Case, Told, decimal, number, same},
    plugin::{Scored, formula, standard},
};

/// The kinds of this file.
pub const KINDS: &[(&str, Check)] = &[
    ("graduated", |case| ranges(case, "units", "graduated", "per_unit_amount", "")),
    ("graduated_percentage", |case| ranges(case, "base_amount", "graduated", "rate_percent", "%")),
    ("graduated_single_tier_detail", |case| single_tier(case, "per_unit_amount", "")),
    ("graduated_percentage_single_tier_detail", |case| single_tier(case, "rate_percent", "%")),
    ("graduated_upto", |case| up_to(case, "graduated")),
    ("graduated_bps", basis_points),
    ("prorated_graduated", prorated),
    ("volume", |case| ranges(case, "units", "volume", "per_unit_amount", "")),
    ("volume_upto", |case| up_to(case, "volume")),
    ("volume_tier_lookup", |case| up_to(case, "volume")),
];

/// Tiers of ranges that name their first and last piece: the next begins where one ends.
fn from_ranges(ranges: &[Value], rate: &str, percent: &str) -> Value {
    let mut from = "0".to_owned();
    let tier = |range: &Value| {
        let rate = number(&range[rate]).expect("a rate") + percent;
        let flat = number(&range["flat_amount"]).unwrap_or_else(|| "0".into());
        let tier = json!({ "from": from, "rate": rate, "flat": flat });
        from = number(&range["to_value"]).unwrap_or_default();
        tier
    };
    ranges.iter().map(tier).collect()
}

/// What the steps of each tier add up to.
fn by_tier(scored: &Scored) -> Vec<Decimal> {
    let mut tiers: Vec<(String, Decimal)> = Vec::new();
    for (label, amount) in scored.steps("commission") {
        let tier = label.split(',').next().unwrap_or_default().to_owned();
        match tiers.iter_mut().find(|(known, _)| *known == tier) {
            Some((_, sum)) => *sum += amount,
            None => tiers.push((tier, amount)),
        }
    }
    tiers.into_iter().map(|(_, sum)| sum).collect()
}

/// What a piece costs on the average: others say 0 where there is none, Merit nothing.
fn unit_amount(scored: &Scored) -> Option<Decimal> {
    Some(scored.number("effective_rate", 0).unwrap_or_default())
}

fn ranges(case: &Case, amount: &str, mode: &str, rate: &str, percent: &str) -> Told {
    let tiers = from_ranges(case.list("ranges"), rate, percent);
    let parameters = json!({ "mode": mode, "bound": "below", "tiers": tiers });
    let scored =
        match standard("tiered_commission", parameters).row(vec![("amount", case.number(amount))]).score() {
            Ok(scored) => scored,
            Err(message) => return Told::Different(message),
        };
    let paid = scored.number("commission", 0);
    Told::all([
        case.holds("amount", &paid, None),
        case.holds("unit_amount", &unit_amount(&scored), case.rounded_to("unit_amount_rounded_to_dp")),
        case.holds_all("per_tier_totals", &by_tier(&scored)),
        with_tax(case, paid),
    ])
}

fn with_tax(case: &Case, paid: Option<Decimal>) -> Result<(), String> {
    let Some(rate) = number(case.also_expected("tax_rate_percent")) else { return Ok(()) };
    let expected = number(case.also_expected("total_with_tax")).expect("a total");
    let scored = formula(&format!("input paid\npayout total = paid * (1 + {rate}%)"))
        .row(vec![("paid", paid.unwrap_or_default().to_string())])
        .score()?;
    same("total_with_tax", &expected, &scored.number("total", 0), None)
}

/// One tier alone: what lies in it, and what that earns.
fn single_tier(case: &Case, rate: &str, percent: &str) -> Told {
    let range = case.input("range");
    let text = |key: &str| number(&range[key]);
    // Where ranges are of whole pieces, the one that begins with the eleventh begins after the tenth.
    let adjacent = case.input("adjacent_model").as_bool().unwrap_or(false);
    let first = decimal(&text("from_value").expect("a first piece"));
    let from = if adjacent || first.is_zero() { first } else { first - Decimal::ONE };
    let units = case.number("total_units");
    let paid = |rate: String, flat: String| {
        let mut tiers = vec![json!({ "from": from.to_string(), "rate": rate, "flat": flat })];
        if !from.is_zero() {
            tiers.insert(0, json!({ "from": 0, "rate": 0 }));
        }
        tiers.extend(text("to_value").map(|to| json!({ "from": to, "rate": 0 })));
        let scored = standard("tiered_commission", json!({ "bound": "below", "tiers": tiers }))
            .row(vec![("amount", units.clone())])
            .score()?;
        Ok::<_, String>(scored.number("commission", 0))
    };
    let rate = text(rate).expect("a rate") + percent;
    let flat = text("flat_amount").expect("an amount");
    let check = || {
        case.holds("units_in_tier", &paid("1".into(), "0".into())?, None)?;
        case.holds("per_unit_total_amount", &paid(rate.clone(), "0".into())?, None)?;
        case.holds("total_with_flat_amount", &paid(rate, flat)?, None)
    };
    check().into()
}

/// Tiers that name their upper ends.
fn up_to(case: &Case, mode: &str) -> Told {
    let mut from = "0".to_owned();
    let tier = |tier: &Value| {
        let or_zero = |key: &str| number(&tier[key]).unwrap_or_else(|| "0".into());
        let read = json!({ "from": from, "rate": or_zero("unit"), "flat": or_zero("flat") });
        from = number(&tier["up_to"]).unwrap_or_default();
        read
    };
    let tiers: Vec<Value> = case.list("tiers").iter().map(tier).collect();
    let mut parameters = json!({ "mode": mode, "bound": "below", "tiers": tiers });
    for (key, bound) in [("floor", "minimum"), ("cap", "maximum")] {
        if let Some(amount) = case.optional(bound) {
            parameters[key] = amount.into();
        }
    }
    let scoring = standard("tiered_commission", parameters).row(vec![("amount", case.number("quantity"))]);
    let scored = match scoring.score() {
        Ok(scored) => scored,
        Err(message) => return Told::Different(message),
    };
    let tier = scored.number("tier", 0).map(|tier| tier - Decimal::ONE);
    let mut differences = vec![
        case.holds("amount", &scored.number("commission", 0), None),
        case.holds("tier_index", &tier, None),
    ];
    // Lines of price and quantity: each that is not 0 is a step.
    for line in case.expected("lines").as_array().into_iter().flatten() {
        let factor = |index: usize| decimal(&number(&line[index]).expect("a number"));
        let amount = factor(0) * factor(1);
        let found = amount.is_zero() || scored.steps("commission").iter().any(|(_, step)| *step == amount);
        differences.push(if found { Ok(()) } else { Err(format!("there is no step of {amount}")) });
    }
    Told::all(differences)
}

/// In whole cents.
fn basis_points(case: &Case) -> Told {
    let mut from = "0".to_owned();
    let tier = |tier: &Value| {
        let rate = decimal(&number(&tier["bps"]).expect("basis points")) / Decimal::from(10_000);
        let read = json!({ "from": from, "rate": rate.to_string() });
        from = number(&tier["up_to"]).unwrap_or_default();
        read
    };
    let tiers: Vec<Value> = case.list("tiers").iter().map(tier).collect();
    let scored = standard("tiered_commission", json!({ "tiers": tiers }))
        .row(vec![("amount", case.number("base_minor"))])
        .currency(0)
        .score();
    scored.and_then(|scored| case.holds("commission_minor", &scored.number("commission", 0), None)).into()
}

/// Each event counts whole for the tiers, and is paid for in part: deals with shares.
fn prorated(case: &Case) -> Told {
    let tiers = from_ranges(case.list("ranges"), "per_unit_amount", "");
    let parameters = json!({ "per": "running", "shares": true, "bound": "below", "tiers": tiers });
    let scale = if case.expected("amount_rounding") == "round(2)" { 2 } else { 6 };
    let mut scoring = standard("tiered_commission", parameters).row(vec![]).currency(scale);
    for (full, part) in case.numbers("event_full_units").iter().zip(case.numbers("event_prorated_units")) {
        let share = (decimal(&part) / decimal(full)).round_dp(12);
        scoring = scoring.line(vec![("amount", full.clone()), ("share", share.to_string())]);
    }
    let check = |scored: Scored| {
        case.holds("amount", &scored.number("commission", 0), None)?;
        case.holds("unit_amount_rounded_2dp", &unit_amount(&scored), Some(2))
    };
    scoring.score().and_then(check).into()
}
