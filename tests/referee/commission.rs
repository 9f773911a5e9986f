//! Commission rules: refunds, splits, overrides, the most specific rule, and the sheets of jobs.

use serde_json::{Value, json};

use super::{
    Check,
    case::{Case, Told, number, same},
    plugin::{Scored, formula, standard},
};

/// The kinds of this file.
pub const KINDS: &[(&str, Check)] = &[
    ("fixed_percent_with_refund", with_refund),
    ("settlement_periods", |case| settlements(case).into()),
    ("formula", |case| python(case).into()),
    ("most_specific_rule", |case| most_specific(case).into()),
    ("discount_band", |case| discount(case).into()),
    ("rule_group", |_| Told::NotApplicable("the rule is in a file that the case only names")),
    ("split_agents", |case| split(case).into()),
    ("ordered_rules", |case| ordered(case).into()),
    ("eligible_base", |case| eligible(case).into()),
    ("rate_validation", rate_validation),
    ("rate_of_gross", |case| share(case, "gross * rate", "gross").into()),
    ("net_of_rate", |case| share(case, "gross - gross * rate", "gross").into()),
    ("profit_share", |case| share(case, "net_profit * rate", "net_profit").into()),
    ("net_profit", |case| net_profit(case).into()),
    ("job_sheet", |case| job_sheet(case).into()),
    ("commission_less_draws", |case| less_draws(case).into()),
    ("override_first_n", |case| first_n(case).into()),
    ("pay_date", |case| pay_date(case).into()),
];

fn total(case: &Case, scored: &Scored) -> Result<(), String> {
    case.holds("commission_total", &scored.number("commission", 0), None)
}

/// Every invoice and credit note is a deal, and a refund reverses at the same rate.
fn with_refund(case: &Case) -> Told {
    if case.input("base") != "net" {
        return Told::NotApplicable("the base is not among the inputs");
    }
    let tiers = json!([{ "from": 0, "rate": case.number("rate_percent") + "%" }]);
    let mut scoring = standard("tiered_commission", json!({ "per": "deal", "tiers": tiers })).row(vec![]);
    for amount in case.numbers("invoice_amounts") {
        scoring = scoring.line(vec![("amount", amount)]);
    }
    let check = |scored: Scored| {
        total(case, &scored)?;
        let lines = scored.steps("commission").len();
        let expected = case.expected("settlement_lines").as_u64();
        if expected.is_none_or(|expected| expected == lines as u64) {
            Ok(())
        } else {
            Err(format!("{lines} lines"))
        }
    };
    scoring.score().and_then(check).into()
}

/// `p = base*5/100; p + p*10/100`: what is assigned is a line of the sheet, the last is the payout.
fn python(case: &Case) -> Result<(), String> {
    let text = case.input("formula").as_str().unwrap_or_default();
    let (lines, last) = text.rsplit_once(';').unwrap_or(("", text));
    let sheet = format!("input base\n{}\npayout commission = {last}", lines.replace(';', "\n"));
    let scored = formula(&sheet).row(vec![("base", case.number("base"))]).score()?;
    total(case, &scored)
}

/// What a rule of a type and value pays for an amount.
fn pays(rule: &Value) -> String {
    let value = number(&rule["value"]).expect("a value");
    if rule["type"] == "percent" { format!("amount * {value}%") } else { value }
}

fn most_specific(case: &Case) -> Result<(), String> {
    let applies = |rule: &Value| rule["applies_to"].as_str().unwrap_or_default().to_owned();
    let (all, special): (Vec<_>, Vec<_>) = case.list("rules").iter().partition(|rule| applies(rule) == "all");
    // The more specific a rule, the earlier it is asked.
    let rank = |rule: &Value| {
        ["variant", "product", "category"].iter().position(|kind| applies(rule).starts_with(kind))
    };
    let mut special = special;
    special.sort_by_key(|rule| rank(rule));
    let cases: String = special.iter().map(|rule| format!("{:?}, {}, ", applies(rule), pays(rule))).collect();
    let otherwise = all.first().map_or("0".to_owned(), |rule| pays(rule));
    let sheet =
        format!("input amount\ninput match text\npayout commission = SWITCH(match, {cases}{otherwise})");
    let matches = case.input("line_matches").as_str().unwrap_or_default().to_owned();
    let row = vec![("amount", case.number("line_amount")), ("match", matches)];
    total(case, &formula(&sheet).row(row).score()?)
}

fn discount(case: &Case) -> Result<(), String> {
    let band = |band: &Value| {
        let text = |key: &str| number(&band[key]).expect("a number");
        format!("IF(discount >= {} AND discount <= {}, {}, 0)", text("from"), text("to"), text("fixed"))
    };
    let bands: Vec<String> = case.list("bands").iter().map(band).collect();
    let sheet = format!("input discount\npayout commission = {}", bands.join(" + "));
    total(case, &formula(&sheet).row(vec![("discount", case.number("discount_percent"))]).score()?)
}

fn split(case: &Case) -> Result<(), String> {
    let sheet = "input lines amount\ninput agents\ninput rate\npayout commission = LINES_SUM(amount) * rate / 100 * agents";
    let row = vec![("agents", case.number("agents_per_line")), ("rate", case.number("rate_percent"))];
    let mut scoring = formula(sheet).row(row);
    for amount in case.numbers("lines") {
        scoring = scoring.line(vec![("amount", amount)]);
    }
    total(case, &scoring.score()?)
}

/// Of the rules that match a line the first counts, and none of them a fallback.
fn ordered(case: &Case) -> Result<(), String> {
    let percent = |rule: &str| number(&case.input("percent")[rule]).expect("a rate");
    let tests = case.list("rule_order").iter().filter_map(Value::as_str);
    let tests: String = tests.map(|rule| format!("by_{rule} = 1, {}%, ", percent(rule))).collect();
    let sheet = format!(
        "input lines amount\ninput lines by_product\ninput lines by_category\n\
        payout commission = LINES_SUM(amount * IFS({tests}TRUE, {}%))",
        percent("fallback")
    );
    let mut scoring = formula(&sheet).row(vec![]);
    for (amount, matches) in case.numbers("lines").into_iter().zip(case.list("matches")) {
        let flag = |rule: &str| {
            let there = matches.as_array().is_some_and(|rules| rules.iter().any(|known| known == rule));
            u8::from(there).to_string()
        };
        let by = [("by_product", flag("product")), ("by_category", flag("category"))];
        scoring = scoring.line([("amount", amount)].into_iter().chain(by).collect());
    }
    total(case, &scoring.score()?)
}

fn eligible(case: &Case) -> Result<(), String> {
    let tiers = json!([{ "from": 0, "rate": case.number("rate_percent") + "%" }]);
    let scoring = standard("tiered_commission", json!({ "tiers": tiers }));
    total(case, &scoring.row(vec![("amount", case.number("eligible_amount"))]).score()?)
}

fn rate_validation(case: &Case) -> Told {
    let rate = case.number("rate_percent");
    if !rate.starts_with('-') {
        return Told::NotApplicable(
            "a rate above 100% can be meant: a price per piece, a share of target pay",
        );
    }
    let tiers = json!([{ "from": 0, "rate": rate + "%" }]);
    match standard("tiered_commission", json!({ "tiers": tiers })).row(vec![("amount", "1".into())]).score() {
        Err(message) if message.contains("tiers[0].rate: has to be 0 or above") => {
            if case.expected("error").is_string() { Told::Same } else { Told::Different(message) }
        }
        Err(message) => Told::Different(message),
        Ok(_) => Told::Different("the rate is taken".into()),
    }
}

fn share(case: &Case, expression: &str, input: &'static str) -> Result<(), String> {
    let sheet = format!("input {input}\ninput rate\npayout amount = {expression}");
    let scored =
        formula(&sheet).row(vec![(input, case.number(input)), ("rate", case.number("rate"))]).score()?;
    case.holds("amount", &scored.number("amount", 0), None)
}

fn net_profit(case: &Case) -> Result<(), String> {
    let sheet = "input net\ninput lines cost\ninput lines credit\n\
        payout amount = net - LINES_SUM(cost) + LINES_SUM(credit)";
    let mut scoring = formula(sheet).row(vec![("net", case.number("net"))]);
    for (name, other, key) in [("cost", "credit", "costs"), ("credit", "cost", "credits")] {
        for amount in case.numbers(key) {
            scoring = scoring.line(vec![(name, amount), (other, "0".into())]);
        }
    }
    case.holds("amount", &scoring.score()?.number("amount", 0), None)
}

fn job_sheet(case: &Case) -> Result<(), String> {
    let sheet = "input gross\ninput overhead_rate\ninput rep_rate\ninput lines cost\ninput lines credit\n\
        payout overhead = gross * overhead_rate\npayout net = gross - overhead\n\
        payout net_profit = net - LINES_SUM(cost) + LINES_SUM(credit)\n\
        payout rep = net_profit * rep_rate\npayout company = overhead + net_profit - rep";
    let names = ["gross", "overhead_rate", "rep_rate"];
    let mut scoring = formula(sheet).row(names.map(|name| (name, case.number(name))).to_vec());
    for (name, other, key) in [("cost", "credit", "costs"), ("credit", "cost", "credits")] {
        for amount in case.numbers(key) {
            scoring = scoring.line(vec![(name, amount), (other, "0".into())]);
        }
    }
    let scored = scoring.score()?;
    ["overhead", "net", "net_profit", "rep", "company"]
        .iter()
        .try_for_each(|name| case.holds(name, &scored.number(name, 0), None))
}

fn less_draws(case: &Case) -> Result<(), String> {
    let sheet = "input contract\ninput supplements\ninput rate\ninput advances\ninput flat_fee optional\n\
        payout revenue = contract + supplements\n\
        payout gross_commission = IFMISSING(flat_fee, revenue * rate / 100)\n\
        payout net_owed = gross_commission - advances";
    let mut row = vec![
        ("contract", case.number("contract")),
        ("supplements", case.number("supplements")),
        ("rate", case.number("rate_percent")),
        ("advances", case.number("advances")),
    ];
    row.extend(case.optional("flat_fee").map(|fee| ("flat_fee", fee)));
    let scored = formula(sheet).row(row).score()?;
    ["revenue", "gross_commission", "net_owed"]
        .iter()
        .try_for_each(|name| case.holds(name, &scored.number(name, 0), None))
}

fn first_n(case: &Case) -> Result<(), String> {
    let sheet = "input commission\ninput counted\ninput complete\ninput rate\ninput n\n\
        counts = IF(complete = 0 AND counted < n, 1, 0)\n\
        payout override = counts * commission * rate\nscore count_after = counted + counts";
    let complete = case.input("phase_complete").as_bool().unwrap_or(false);
    let row = vec![
        ("commission", case.number("commission")),
        ("counted", case.number("already_counted")),
        ("complete", u8::from(complete).to_string()),
        ("rate", case.number("rate")),
        ("n", case.number("n")),
    ];
    let scored = formula(sheet).row(row).score()?;
    case.holds("override", &scored.number("override", 0), None)?;
    case.holds("count_after", &scored.number("count_after", 0), None)
}

/// Year, month and day of a date as it was written, whatever follows it.
fn date(text: &str) -> Vec<(&'static str, String)> {
    let parts = text.get(..10).unwrap_or_default().split('-').map(str::to_owned);
    ["year", "month", "day"].into_iter().zip(parts).collect()
}

/// Half months with an invoice in them, of those that have ended when it is settled.
fn settlements(case: &Case) -> Result<(), String> {
    if case.input("period") != "biweekly" {
        return Err(format!("the period {} is not known", case.input("period")));
    }
    let sheet = "input year\ninput month\ninput day\n\
        input lines line_year\ninput lines line_month\ninput lines line_day\n\
        before = DATE(year, month, day)\n\
        first = LINES_COUNT(line_day <= 15 AND DATE(line_year, line_month, 15) < before)\n\
        second = LINES_COUNT(line_day > 15 AND EDATE(DATE(line_year, line_month, 1), 1) - 1 < before)\n\
        score settlements = MIN(first, 1) + MIN(second, 1)";
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut scoring = formula(sheet).row(date(&text(case.input("settle_to"))));
    for invoice in case.list("invoice_dates") {
        let parts = date(&text(invoice)).into_iter().map(|(_, part)| part);
        scoring = scoring.line(["line_year", "line_month", "line_day"].into_iter().zip(parts).collect());
    }
    case.holds("settlements", &scoring.score()?.number("settlements", 0), None)
}

/// The Friday after the Friday that closes the week.
fn pay_date(case: &Case) -> Result<(), String> {
    let sheet = "input year\ninput month\ninput day\n\
        submitted = DATE(year, month, day)\n\
        # A Friday, and how many days it is to the next.\n\
        wait = MOD(DAYS(DATE(2026, 1, 2), submitted), 7)\n\
        paid = submitted + wait + 7\n\
        score pay_date = 10000 * YEAR(paid) + 100 * MONTH(paid) + DAY(paid)";
    let submitted = case.input("submitted_at").as_str().unwrap_or_default();
    let scored = formula(sheet).row(date(submitted)).score()?;
    let expected = case.expected("pay_date").as_str().unwrap_or_default().replace('-', "");
    same("pay_date", &expected, &scored.number("pay_date", 0), None)
}
