//! Other models of charging: packages, percentages with free shares, prices per piece, minimum and maximum.

use rust_decimal::Decimal;

use super::{
    Check,
    case::{Case, decimal, number, same},
    plugin::{Scored, Scoring, formula},
};

/// The kinds of this file.
pub const KINDS: &[(&str, Check)] = &[
    ("standard", |case| per_unit(case).into()),
    ("package", |case| package(case).into()),
    ("package_count", |case| package_count(case).into()),
    ("package_incremental", |case| package_incremental(case).into()),
    ("percentage", |case| percentage(case).into()),
    ("percentage_sequence", |case| sequence(case).into()),
    ("minimum_commitment_true_up_cents", |case| true_up(case).into()),
    ("deduction_limit_cents", |case| deduction(case).into()),
    ("stacked_percentages_cents", |case| stacked(case).into()),
];

/// The line of a sheet that says what a piece costs on the average, where the case wants it.
const UNIT_AMOUNT: &str = "score unit_amount = IF(units = 0, 0, amount / units)";

fn per_unit(case: &Case) -> Result<(), String> {
    let sheet = format!("input units\ninput price\npayout amount = units * price\n{UNIT_AMOUNT}");
    let row = vec![("units", case.number("units")), ("price", case.number("unit_price"))];
    let scored = formula(&sheet).row(row).score()?;
    case.holds("amount", &scored.number("amount", 0), None)?;
    case.holds("unit_amount", &scored.number("unit_amount", 0), None)
}

fn package(case: &Case) -> Result<(), String> {
    let sheet = format!(
        "input units\ninput price\ninput size\ninput free\n\
        packages = CEILING(MAX(0, units - free) / size)\npayout amount = packages * price\n{UNIT_AMOUNT}"
    );
    let row = vec![
        ("units", case.number("units")),
        ("price", case.number("amount_per_package")),
        ("size", case.number("package_size")),
        ("free", case.optional("free_units").unwrap_or_else(|| "0".into())),
    ];
    let scored = formula(&sheet).row(row).score()?;
    case.holds("amount", &scored.number("amount", 0), None)?;
    case.holds("unit_amount", &scored.number("unit_amount", 0), case.rounded_to("unit_amount_rounded_to_dp"))
}

fn package_count(case: &Case) -> Result<(), String> {
    let sheet = "input units\ninput size\nscore packages = CEILING(units / size)";
    let row = vec![("units", case.number("units")), ("size", case.number("package_size"))];
    case.holds("packages", &formula(sheet).row(row).score()?.number("packages", 0), None)
}

/// What further units cost, on top of those that were paid for.
fn package_incremental(case: &Case) -> Result<(), String> {
    let most = |amount: &str| match case.optional("maximum") {
        Some(maximum) => format!("MIN({maximum}, {amount})"),
        None => amount.to_owned(),
    };
    let sheet = format!(
        "input before\ninput units\ninput size\ninput price\npayout amount = {} - {}",
        most("CEILING((before + units) / size) * price"),
        most("CEILING(before / size) * price")
    );
    let row = vec![
        ("before", case.number("previous_units")),
        ("units", case.number("units")),
        ("size", case.number("package_size")),
        ("price", case.number("amount_per_package")),
    ];
    case.holds("amount", &formula(&sheet).row(row).score()?.number("amount", 0), None)
}

/// A rate of the transactions and a fixed fee for each, after what is free by number or amount. The lines are the
/// transactions with their position and running total.
fn by_transaction(case: &Case, transactions: &[String]) -> Scoring {
    let text = |key: &str| case.optional(key).unwrap_or_else(|| "0".into());
    let (rate, fixed) = (text("rate_percent"), text("fixed_amount_per_transaction"));
    let free_count = text("free_transactions");
    let free_amount = case.optional("free_amount_total").filter(|amount| !decimal(amount).is_zero());
    // Within the free ones by number, only what is beyond the free amount is paid for.
    let paid = match free_amount {
        Some(amount) if free_count == "0" => format!("CLAMP(running - {amount}, 0, amount)"),
        Some(free) => format!("IF(position > {free_count}, amount, CLAMP(running - {free}, 0, amount))"),
        None => format!("IF(position > {free_count}, amount, 0)"),
    };
    let mut charge = format!("{paid} * {rate}% + {fixed}");
    for (key, function) in [("per_transaction_min", "MAX"), ("per_transaction_max", "MIN")] {
        if let Some(bound) = case.optional(key) {
            charge = format!("{function}({charge}, {bound})");
        }
    }
    let sheet = format!(
        "input lines amount\ninput lines position\ninput lines running\npayout amount = LINES_SUM({charge}, {paid} > 0)"
    );
    // The name of the payout is not that of an input of lines.
    let mut scoring = formula(&sheet.replace("payout amount", "payout charge")).row(vec![]);
    let mut running = Decimal::ZERO;
    for (index, amount) in transactions.iter().enumerate() {
        running += decimal(amount);
        let position = (index + 1).to_string();
        let line = vec![("amount", amount.clone()), ("position", position), ("running", running.to_string())];
        scoring = scoring.line(line);
    }
    scoring
}

fn percentage(case: &Case) -> Result<(), String> {
    let transactions = case.numbers("transactions");
    if !transactions.is_empty() {
        return case.holds("amount", &by_transaction(case, &transactions).score()?.number("charge", 0), None);
    }
    // Only totals are known. Free is what ran up to the free amount, and as many transactions as began below it, at
    // most the free ones; a limit of 0 is none.
    let sheet = "input units\ninput count\ninput rate\ninput fixed\ninput free_number\ninput free_amount\ninput lines running\n\
        last = IFMISSING(LINES_MAX(running), 0)\n\
        free_units = IF(free_amount > 0, MIN(last, free_amount), last)\n\
        below = LINES_COUNT(running < free_amount)\n\
        free_count = IFS(free_number = 0, below, below = 0, free_number, TRUE, MIN(free_number, below))\n\
        percentage_part = IF(free_units > units, 0, (units - free_units) * rate / 100)\n\
        fixed_part = IF(units = 0, 0, (count - free_count) * fixed)\n\
        payout amount = percentage_part + fixed_part\n\
        score unit_amount = IF(units = 0, 0, amount / units)";
    let text = |key: &str| case.optional(key).unwrap_or_else(|| "0".into());
    let mut scoring = formula(sheet).row(vec![
        ("units", text("base_amount")),
        ("count", text("transaction_count")),
        ("rate", text("rate_percent")),
        ("fixed", text("fixed_amount_per_transaction")),
        ("free_number", text("free_transactions")),
        ("free_amount", text("free_amount_total")),
    ]);
    for running in case.numbers("running_totals") {
        scoring = scoring.line(vec![("running", running)]);
    }
    let scored = scoring.score()?;
    let holds = |key: &str| case.holds(key, &scored.number(key, 0), None);
    holds("amount")?;
    holds("unit_amount")?;
    holds("percentage_part")?;
    holds("fixed_part")
}

/// What is due after each transaction, in cents, and with tax.
fn sequence(case: &Case) -> Result<(), String> {
    let transactions = case.numbers("transactions");
    let tax = case.number("tax_rate_percent");
    let after = case.expected("after_each_transaction_cents").as_array().expect("a list");
    for (index, expected) in after.iter().enumerate() {
        let charge =
            by_transaction(case, &transactions[..=index]).score()?.number("charge", 0).unwrap_or_default();
        let sheet = format!("input charge\npayout net = charge * 100\npayout with_tax = net * (1 + {tax}%)");
        let scored: Scored = formula(&sheet).row(vec![("charge", charge.to_string())]).currency(0).score()?;
        for key in ["net", "with_tax"] {
            if let Some(expected) = number(&expected[key]) {
                same(key, &expected, &scored.number(key, 0), None)?;
            }
        }
    }
    Ok(())
}

fn true_up(case: &Case) -> Result<(), String> {
    let sheet = "input commitment\ninput lines fee\npayout true_up = MAX(0, commitment - LINES_SUM(fee))";
    let mut scoring = formula(sheet).row(vec![("commitment", case.number("commitment_cents"))]).currency(0);
    for fee in case.numbers("fees_cents") {
        scoring = scoring.line(vec![("fee", fee)]);
    }
    case.holds("true_up_cents", &scoring.score()?.number("true_up", 0), None)
}

fn deduction(case: &Case) -> Result<(), String> {
    let sheet = "input base\ninput fixed\npayout amount = MIN(base, fixed)";
    let row = vec![("base", case.number("base_cents")), ("fixed", case.number("fixed_cents"))];
    case.holds("amount_cents", &formula(sheet).row(row).currency(0).score()?.number("amount", 0), None)
}

fn stacked(case: &Case) -> Result<(), String> {
    let sheet = "input base\ninput lines rate\nscore sum = LINES_SUM(rate)\npayout amount = base * sum / 100";
    let mut scoring = formula(sheet).row(vec![("base", case.number("base_cents"))]).currency(0);
    for rate in case.numbers("rates_percent") {
        scoring = scoring.line(vec![("rate", rate)]);
    }
    let scored = scoring.score()?;
    case.holds("amount_cents", &scored.number("amount", 0), None)?;
    case.holds("rate_percent", &scored.number("sum", 0), None)
}
