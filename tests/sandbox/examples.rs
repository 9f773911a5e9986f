//! The examples of `plugins/examples`: the same commission in every language has to come to the same digits in every row,
//! and every explanation has to add up. The ones with an interpreter in them are there after `plugins/examples/build.sh`.

use std::{collections::BTreeMap, fs, path::Path};

use merit::{
    evaluate::author::{AuthoredPlugin, Draft},
    proto::v1,
    sandbox::{Context, Rounding, Sandbox, SandboxConfig, Values, verify_steps},
};
use sha2::{Digest, Sha256};

const OUTPUT: &str = "commission";

/// Revenues and quotas, in cents, up to which every language pays. Beyond, one may refuse a row, and never pays anything else.
const AGREED: i64 = 70_000_000_000_000;

/// What a plugin answered: decimals, and the digits of every row that it did not refuse.
type Answer = (u8, Vec<Option<i64>>);

/// Every example that is built here; the formula and the small ones always are.
fn examples() -> Vec<(&'static str, AuthoredPlugin)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sandbox = Sandbox::new(SandboxConfig::default()).unwrap();
    let load = |draft: Draft| AuthoredPlugin::load(&sandbox, &draft, None).unwrap();
    let sheet = fs::read_to_string(root.join("plugins/examples/formula/plugin.formula")).unwrap();
    let mut found = vec![("formula", load(Draft::Formula(sheet)))];
    for language in ["rust", "c", "assemblyscript"] {
        let component = fs::read(root.join(format!("plugins/examples/built/{language}.wasm"))).unwrap();
        found.push((language, load(Draft::Wasm(component))));
    }
    for language in ["javascript", "python"] {
        match fs::read(root.join(format!("target/examples/{language}.wasm"))) {
            Ok(component) => found.push((language, load(Draft::Wasm(component)))),
            Err(_) => println!("skipped: {language} is not built here (plugins/examples/build.sh --all)"),
        }
    }
    found
}

/// Revenues around every bound of every quota, and some that follow no pattern; in cents.
fn rows() -> Vec<(i64, i64)> {
    let mut rows = Vec::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let small = [0, -500, 1, 3, 5, 100, 9_999, 100_000, 12_345_678, 10_000_000_000, 1_000_000_000_000];
    let large =
        [AGREED / 3, AGREED, 500_000_000_000_003, 1 << 53, 900_000_000_000_000_101, i64::MAX, i64::MIN];
    for quota in small.into_iter().chain(large) {
        let wide = i128::from(quota);
        for bound in [0, wide / 2, wide, wide * 6 / 5, wide * 3, -wide] {
            let near = |cents: i128| (bound + cents).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
            rows.extend((-2..=2).map(|cents| (near(cents), quota)));
        }
        for _ in 0..5 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            rows.push(((random >> 33) as i64 % quota.max(1).saturating_mul(2), quota));
        }
    }
    rows
}

/// Whether every language has to pay for it.
fn agreed((revenue, quota): (i64, i64)) -> bool {
    revenue.unsigned_abs() <= AGREED.unsigned_abs() && quota.unsigned_abs() <= AGREED.unsigned_abs()
}

fn written((revenue, quota): (i64, i64)) -> v1::PluginRow {
    let text = |cents: i64| {
        let sign = if cents < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
    };
    let inputs = [("revenue", text(revenue)), ("quota", text(quota))];
    let inputs = inputs.into_iter().map(|(name, text)| (name.to_owned(), text)).collect::<BTreeMap<_, _>>();
    v1::PluginRow { inputs, lines: Vec::new() }
}

fn context(currency: &str, currency_scale: u8, rounding: Rounding) -> Context {
    Context {
        period_start: "2026-01-01".into(),
        period_end: "2026-04-01".into(),
        currency: currency.into(),
        currency_scale,
        rounding,
    }
}

/// What a plugin answers; every explanation of a few rows adds up to it.
fn answer(language: &str, plugin: &AuthoredPlugin, context: &Context, rows: &[v1::PluginRow]) -> Answer {
    // What an input's decimals do not hold does not come to the plugin.
    let taken: Vec<usize> = (0..rows.len()).filter(|&row| plugin.batch(&[&rows[row]]).is_ok()).collect();
    let batch = plugin.batch(&taken.iter().map(|&row| &rows[row]).collect::<Vec<_>>()).unwrap();
    let outcome = plugin.evaluate(context, &batch).unwrap();
    let place = plugin.manifest.outputs.iter().position(|output| output.name == OUTPUT).unwrap();
    let column = &outcome.columns[place];
    let faulted = |row: u32| outcome.faults.iter().any(|fault| fault.row == row);
    for row in (0..batch.rows).step_by(17).filter(|&row| !faulted(row)) {
        let steps = plugin.explain(context, &batch, row).unwrap();
        assert!(
            steps.iter().any(|step| step.output.as_deref() == Some(OUTPUT)) || row_is_zero(column, row),
            "{language}"
        );
        verify_steps(column, row, &steps).unwrap_or_else(|verdict| panic!("{language}: {}", verdict.message));
    }
    let Values::Decimals(decimals) = &column.values else { panic!("{language}: no numbers") };
    assert!(column.missing.iter().all(|&row| faulted(row)), "{language}");
    let mut found = vec![None; rows.len()];
    for (row, place) in (0..).zip(taken) {
        found[place] = (!faulted(row)).then(|| decimals.unscaled[row as usize]);
    }
    (decimals.scale, found)
}

fn row_is_zero(column: &merit::sandbox::Column, row: u32) -> bool {
    matches!(&column.values, Values::Decimals(decimals) if decimals.unscaled[row as usize] == 0)
}

/// The rule once more, in integers without a bound that matters: slices of the revenue at 5, 8 and 12 percent. Nothing where
/// 64 bits do not hold what it comes to.
fn expected((revenue, quota): (i64, i64), scale: u8, rounding: Rounding) -> Option<i64> {
    let (revenue, quota) = (i128::from(revenue), i128::from(quota));
    if quota <= 0 || 2 * revenue < quota {
        return Some(0);
    }
    // Tenths of cents, times percent: five decimals.
    let (earned, first, second) = (10 * revenue, 10 * quota, 12 * quota);
    let total =
        5 * earned.min(first) + 8 * (earned.min(second) - first).max(0) + 12 * (earned - second).max(0);
    let power = 10_i128.pow(u32::from(5 - scale));
    let (whole, rest) = (total / power, total % power);
    let up = 2 * rest > power || (2 * rest == power && (rounding == Rounding::HalfUp || whole % 2 == 1));
    i64::try_from(whole + i128::from(up)).ok()
}

#[test]
fn every_language_pays_the_same() {
    let amounts = rows();
    let rows: Vec<v1::PluginRow> = amounts.iter().copied().map(written).collect();
    assert!(rows.len() > 500);
    let contexts = [
        ("EUR", 2, Rounding::HalfUp),
        ("EUR", 2, Rounding::HalfEven),
        ("JPY", 0, Rounding::HalfUp),
        ("KWD", 3, Rounding::HalfEven),
        ("CLF", 4, Rounding::HalfUp),
    ];
    let examples = examples();
    for (currency, scale, rounding) in contexts {
        let context = context(currency, scale, rounding);
        for (language, plugin) in &examples {
            let (found_scale, found) = answer(language, plugin, &context, &rows);
            assert_eq!(found_scale, scale, "{language} in {currency}");
            for (&amount, found) in amounts.iter().zip(found) {
                let wanted = expected(amount, scale, rounding);
                let right = found == wanted || (found.is_none() && !agreed(amount));
                assert!(
                    right,
                    "{language} in {currency}, {rounding:?}: {amount:?} is {found:?}, not {wanted:?}"
                );
            }
        }
    }
    let languages: Vec<&str> = examples.iter().map(|(language, _)| *language).collect();
    println!("{} rows, the same in {}", rows.len(), languages.join(", "));
}

#[test]
fn what_is_built_is_what_is_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut records = 0;
    for (record, folder) in [("SOURCES.sha256", ""), ("COMPONENTS.sha256", "plugins/examples/built")] {
        let text = fs::read_to_string(root.join("plugins/examples/built").join(record)).unwrap();
        for line in text.lines() {
            let (recorded, path) = line.split_once("  ").unwrap();
            let bytes = fs::read(root.join(folder).join(path)).unwrap();
            let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(found, recorded, "{path} has changed: run plugins/examples/build.sh");
            records += 1;
        }
    }
    assert!(records >= 8, "{records}");
}
