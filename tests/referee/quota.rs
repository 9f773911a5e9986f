//! Quotas: attainment tiers, accelerators, thresholds, gates and caps.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Check,
    case::{Case, decimal, number},
    plugin::{formula, standard},
};

/// The kinds of this file.
pub const KINDS: &[(&str, Check)] = &[
    ("marginal_attainment_tiers", |case| marginal(case).into()),
    ("linear_attainment", |case| linear(case).into()),
    ("whole_overage_at_reached_tier", |case| overage(case).into()),
    ("threshold_bonus", |case| threshold_bonus(case).into()),
    ("cumulative_threshold_rate", |case| cumulative(case).into()),
    ("renewal_uplift", |case| renewal(case).into()),
    ("rate_override", |case| rate_override(case).into()),
    ("basis_points_half_up", |case| basis_points(case).into()),
    ("target_progress_percent", |case| progress(case).into()),
    ("target_status", |case| status(case).into()),
    ("fixed_percent", |case| fixed_percent(case).into()),
    ("commission_cap", |case| cap(case).into()),
    ("minimum_then_rate_by_item", |case| by_item(case).into()),
];

fn marginal(case: &Case) -> Result<(), String> {
    let tier = |tier: &Value| {
        let text = |key: &str| number(&tier[key]).expect("a number");
        json!({ "from": text("from_pct") + "%", "rate": text("multiplier") })
    };
    let tiers: Vec<Value> = case.list("tiers").iter().map(tier).collect();
    let mut parameters = json!({ "basis": "attainment", "rate_of": "target_pay", "tiers": tiers });
    if let Some(gate) = case.optional("gate_percent") {
        parameters["gate_attainment"] = (gate + "%").into();
    }
    let row = vec![
        ("amount", case.number("attainment_percent")),
        ("quota", "100".into()),
        ("target_pay", case.number("target_bonus")),
    ];
    let scored = standard("tiered_commission", parameters).row(row).score()?;
    case.holds("payout", &scored.number("commission", 0), None)
}

fn linear(case: &Case) -> Result<(), String> {
    let parameters = json!({ "rate_of": "target_pay", "tiers": [{ "from": 0, "rate": 1 }] });
    let row = vec![
        ("amount", case.number("actual")),
        ("quota", case.number("target")),
        ("target_pay", case.number("bonus_allocation")),
    ];
    let scored = standard("tiered_commission", parameters).row(row).score()?;
    case.holds("payout", &scored.number("commission", 0), None)
}

fn overage(case: &Case) -> Result<(), String> {
    let tier = |tier: &Value| {
        let text = |key: &str| number(&tier[key]).expect("a number");
        json!({ "from": text("min") + "%", "multiplier": text("mult") })
    };
    let mut tiers: Vec<Value> = case.list("tiers").iter().map(tier).collect();
    if tiers.is_empty() {
        tiers = ["0%", "100%"].map(|from| json!({ "from": from, "multiplier": "1" })).to_vec();
    }
    let base_rate = case.number("base_rate");
    let parameters =
        json!({ "mode": "overage", "basis": "attainment", "base_rate": base_rate, "tiers": tiers.clone() });
    let row = vec![("amount", case.number("revenue")), ("quota", case.number("quota"))];
    let scored = standard("tiered_commission", parameters).row(row).score()?;
    let reached = scored.number("tier", 0).and_then(|tier| usize::try_from(tier).ok()).ok_or("no tier")?;
    let multiplier = decimal(tiers[reached - 1]["multiplier"].as_str().unwrap_or_default());
    let above = scored.steps("commission").into_iter().filter(|(label, _)| *label != "tier 1");
    let above: Decimal = above.map(|(_, amount)| amount).sum();
    case.holds("commission", &scored.number("commission", 0), None)?;
    case.holds("multiplier", &Some(multiplier), None)?;
    case.holds("overage_commission", &Some(above), None)?;
    case.holds("overage_revenue", &Some(above / decimal(&base_rate) / multiplier), None)
}

fn threshold_bonus(case: &Case) -> Result<(), String> {
    let parameters =
        json!({ "levels": [{ "at": 1, "rate": case.number("rate") }], "without_target": "nothing" });
    let row = vec![("actual", case.number("actual")), ("target", case.number("target"))];
    let scored = standard("threshold_bonus", parameters).row(row).score()?;
    case.holds("bonus", &scored.number("bonus", 0), None)?;
    let eligible = scored.number("level", 0) == Some(Decimal::ONE);
    if case.expected("eligible").as_bool() == Some(eligible) {
        Ok(())
    } else {
        Err(format!("eligible: {eligible}"))
    }
}

fn cumulative(case: &Case) -> Result<(), String> {
    let tiers = json!([
        { "from": 0, "rate": case.number("rate_below") },
        { "from": case.number("threshold"), "rate": case.number("rate_above") }
    ]);
    let row = vec![("amount", case.number("deal_value")), ("before", case.number("revenue_before"))];
    let scored = standard("tiered_commission", json!({ "before": true, "tiers": tiers })).row(row).score()?;
    case.holds("commission", &scored.number("commission", 0), None)
}

fn renewal(case: &Case) -> Result<(), String> {
    let sheet =
        "input renewal\ninput original\ninput rate\npayout commission = MAX(0, renewal - original) * rate";
    let row = vec![
        ("renewal", case.number("renewal_value")),
        ("original", case.number("original_value")),
        ("rate", case.number("rate")),
    ];
    case.holds("commission", &formula(sheet).row(row).score()?.number("commission", 0), None)
}

fn rate_override(case: &Case) -> Result<(), String> {
    let base_rate = json!({ "input": "override_rate", "otherwise": case.number("base_rate") });
    let parameters = json!({ "base_rate": base_rate, "tiers": [{ "from": 0, "multiplier": 1 }] });
    let mut row = vec![("amount", case.number("deal_value"))];
    row.extend(case.optional("override_rate").map(|rate| ("override_rate", rate)));
    let scored = standard("tiered_commission", parameters).row(row).score()?;
    case.holds("commission", &scored.number("commission", 0), None)
}

fn basis_points(case: &Case) -> Result<(), String> {
    let sheet = "input base\ninput bps\npayout commission = base * bps / 10000";
    let row = vec![("base", case.number("base_minor")), ("bps", case.number("rate_bps"))];
    case.holds(
        "commission_minor",
        &formula(sheet).row(row).currency(0).score()?.number("commission", 0),
        None,
    )
}

fn progress(case: &Case) -> Result<(), String> {
    let sheet = "input achieved\ninput target\nscore progress = IF(target = 0, 0, 100 * achieved / target)";
    let row = vec![("achieved", case.number("achieved")), ("target", case.number("target"))];
    let scored = formula(sheet).row(row).score()?;
    let digits = number(case.expected("percent")).map(|percent| decimal(&percent).scale());
    case.holds("percent", &scored.number("progress", 0), digits)
}

/// What Merit has no clock for comes in as an input: whether the period is over.
fn status(case: &Case) -> Result<(), String> {
    let sheet = "input achieved\ninput target\ninput over\n\
        grade status = IFS(achieved >= target, \"achieved\", over = 1, \"missed\", TRUE, \"active\")";
    let text = |key: &str| case.input(key).as_str().unwrap_or_default();
    // Both in UTC and of one form, so that they compare as texts.
    let over = if text("now") > text("period_end") { "1" } else { "0" };
    let row =
        vec![("achieved", case.number("achieved")), ("target", case.number("target")), ("over", over.into())];
    let scored = formula(sheet).row(row).score()?;
    let expected = case.expected("status").as_str().unwrap_or_default();
    if scored.text("status") == expected {
        Ok(())
    } else {
        Err(format!("{} instead of {expected}", scored.text("status")))
    }
}

fn fixed_percent(case: &Case) -> Result<(), String> {
    let mut parameters = json!({ "tiers": [{ "from": 0, "rate": case.number("rate_percent") + "%" }] });
    if let Some(gate) = case.optional("min_threshold") {
        parameters["gate_amount"] = gate.into();
    }
    let scored =
        standard("tiered_commission", parameters).row(vec![("amount", case.number("base"))]).score()?;
    case.holds("commission", &scored.number("commission", 0), None)
}

fn cap(case: &Case) -> Result<(), String> {
    let mut parameters = json!({ "tiers": [{ "from": 0, "rate": 1 }] });
    if let Some(cap) = case.optional("cap") {
        parameters["cap"] = cap.into();
    }
    let scored =
        standard("tiered_commission", parameters).row(vec![("amount", case.number("commission"))]).score()?;
    case.holds("commission", &scored.number("commission", 0), None)
}

/// The first so much is not paid; what comes on top at a rate by item; and a bonus on what is beyond a threshold.
fn by_item(case: &Case) -> Result<(), String> {
    let minimum = case.number("minimum_sales");
    let parameters = json!({
        "per": "running",
        "base_rate": { "input": "item", "rates": case.input("rates") },
        "tiers": [{ "from": 0, "to": minimum, "multiplier": 0 }, { "from": minimum, "multiplier": 1 }]
    });
    let mut commission = standard("tiered_commission", parameters).row(vec![]);
    let mut total = Decimal::ZERO;
    for sale in case.list("sales_in_order") {
        let item = sale[0].as_str().unwrap_or_default().to_owned();
        let amount = number(&sale[1]).expect("an amount");
        total += decimal(&amount);
        commission = commission.line(vec![("item", item), ("amount", amount)]);
    }
    case.holds("commission", &commission.score()?.number("commission", 0), None)?;
    let level = json!({ "at": case.number("bonus_threshold"), "rate": case.number("bonus_rate") });
    let parameters = json!({ "basis": "amount", "rate_of": "excess", "levels": [level] });
    let bonus = standard("threshold_bonus", parameters).row(vec![("actual", total.to_string())]).score()?;
    case.holds("bonus", &bonus.number("bonus", 0), None)
}
