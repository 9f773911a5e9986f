//! The plugins that ship, on large batches and groups: within half of the limits that they have by default.

use std::{fs, path::Path};

use merit::{
    evaluate::author::{AuthoredPlugin, Draft, Scored},
    proto::v1,
    sandbox::{Batch, Column, Decimals, Limits, Lines, Values, verify_steps},
};

use crate::guest::{LIMITS, SANDBOX, context};

/// Half of the usual limits.
fn half() -> Limits {
    let usual = Limits::default();
    Limits {
        fuel_per_call: usual.fuel_per_call / 2,
        fuel_per_row: usual.fuel_per_row / 2,
        memory_bytes: usual.memory_bytes / 2,
        output_bytes: usual.output_bytes / 2,
        // How quick the machine is says nothing of the plugin.
        wall_time: LIMITS.wall_time,
        fuel_ns: LIMITS.fuel_ns,
        at_ceiling: usual.at_ceiling,
    }
}

/// A column of numbers that differ from row to row, with so many decimals; none is much larger than `most`.
fn column(name: &str, scale: u8, rows: u32, most: i64) -> Column {
    let unit = 10_i64.pow(u32::from(scale));
    let unscaled =
        (0..i64::from(rows)).map(|row| (row * 7_919 % most + 1) * unit + row % 7 * unit / 10).collect();
    Column { name: name.into(), values: Values::Decimals(Decimals { scale, unscaled }), missing: vec![] }
}

fn check(id: &str, parameters: &str, rows: u32, lines_each: u32) {
    check_up_to(1_000, id, parameters, rows, lines_each);
}

fn check_up_to(most: i64, id: &str, parameters: &str, rows: u32, lines_each: u32) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("plugins/standard/built/{id}.wasm"));
    let plugin = SANDBOX.load(&fs::read(path).expect("a component")).expect("it loads");
    let limits = half();
    let manifest = plugin.describe(parameters, &limits).unwrap_or_else(|verdict| panic!("{id}: {verdict}"));
    let lines = || Lines {
        row_ends: (1..=rows).map(|row| row * lines_each).collect(),
        columns: manifest
            .line_inputs
            .iter()
            .map(|input| column(&input.name, input.scale, rows * lines_each, most))
            .collect(),
    };
    let batch = Batch {
        rows,
        columns: manifest.inputs.iter().map(|input| column(&input.name, input.scale, rows, most)).collect(),
        lines: (!manifest.line_inputs.is_empty()).then(lines),
    };
    let outcome = plugin
        .evaluate(parameters, &context(), &manifest, &batch, &limits)
        .unwrap_or_else(|verdict| panic!("{id}: {verdict}"));
    assert!(outcome.faults.is_empty(), "{id}: {:?}", outcome.faults.first());
}

#[test]
fn what_a_parameter_is_shows_in_the_shipped_components_too() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/standard/built/tiered_commission.wasm");
    let plugin = SANDBOX.load(&fs::read(path).expect("a component")).expect("it loads");
    let refusal = plugin.describe(r#"{"tiers": [{"from": 0, "rate": "five"}]}"#, &half()).unwrap_err();
    // Built without the texts of `{:?}`, it said: is ; give a number.
    assert!(refusal.message.contains(r#"tiers[0].rate: is "five"; give"#), "{}", refusal.message);
}

/// A row of texts.
fn row(cells: &[(&str, &str)]) -> v1::PluginRow {
    let inputs = cells.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    v1::PluginRow { inputs, lines: Vec::new() }
}

#[test]
fn who_lacks_an_input_brings_nothing_into_a_pool_that_is_a_share_of_it() {
    let parameters = r#"{"pool": {"rate": "10%", "of": "revenue"}, "minimum_score": 1}"#;
    let plugin =
        AuthoredPlugin::load(&SANDBOX, &Draft::Standard("pool_share".into()), Some(parameters)).unwrap();
    let check = |rows: &[&[(&str, &str)]], expected: &[&str]| {
        let rows: Vec<_> = rows.iter().map(|cells| row(cells)).collect();
        let scored = plugin.score(&context(), &rows.iter().collect::<Vec<_>>()).unwrap();
        let share = |scored: &Scored| match scored {
            Scored::Outputs(outputs) => outputs[0].1.clone().unwrap_or_default(),
            Scored::Fault(why) => why.clone(),
        };
        assert_eq!(scored.iter().map(share).collect::<Vec<_>>(), expected);
    };
    check(
        &[&[("revenue", "1000"), ("score", "2")], &[("revenue", "500"), ("score", "2")]],
        &["75.00", "75.00"],
    );
    check(
        &[&[("revenue", "1000"), ("score", "2")], &[("revenue", "500")]],
        &["100.00", "MISSING_INPUT: the required input score is missing"],
    );
    check(
        &[&[("revenue", "1000"), ("score", "2")], &[("revenue", "500"), ("score", "0")]],
        &["150.00", "0.00"],
    );
}

#[test]
fn large_batches_take_less_than_half_of_the_limits() {
    let tiers = r#"[{"from": 0, "rate": "5%"}, {"from": 100, "rate": "8%"}, {"from": 500, "rate": "12%", "flat": 10}]"#;
    check("tiered_commission", &format!(r#"{{"tiers": {tiers}, "cap": 500, "gate_amount": 5}}"#), 4_096, 0);
    check(
        "tiered_commission",
        &format!(r#"{{"tiers": {tiers}, "per": "running", "before": true}}"#),
        200,
        50,
    );
    check(
        "weighted_scorecard",
        r#"{"items": [{"name": "a", "weight": 1}, {"name": "b", "weight": 2}, {"name": "c", "weight": 3, "target": 7}],
            "grades": [{"from": 90, "grade": "A"}, {"from": 0, "grade": "B"}]}"#,
        4_096,
        0,
    );
    check("threshold_bonus", r#"{"levels": [{"at": "50%", "bonus": 5}, {"at": 1, "rate": "2%"}]}"#, 4_096, 0);
    // Degrees are shares, and nobody means one above 10.
    check_up_to(
        9,
        "milestone_bonus",
        r#"{"milestones": [{"name": "a", "weight": 1, "graded": true}, {"name": "b", "weight": 2, "graded": true}]}"#,
        4_096,
        0,
    );
    check(
        "matrix",
        r#"{"rows": {"input": "a", "at": [0, 500, 900]}, "columns": {"input": "b", "at": [0, 300]}, "values": [[1, 2], [3, 4], [5, 6]]}"#,
        4_096,
        0,
    );
}

#[test]
fn large_groups_take_less_than_half_of_the_limits() {
    check("pool_share", r#"{"pool": 1000000, "by": "score_and_weight"}"#, 10_000, 0);
    check(
        "ranking",
        r#"{"tie_breaks": [{"input": "revenue"}], "prizes": [{"place": 1, "up_to": 100, "prize": 50}], "tied_prizes": "shared",
            "bands": [{"up_to": "10%", "grade": "A"}, {"up_to": 1, "grade": "B"}]}"#,
        10_000,
        0,
    );
}

/// Describes a sheet of many names, scores a row and explains it.
fn check_names(sheet: &str, outputs: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/standard/built/formula.wasm");
    let plugin = SANDBOX.load(&fs::read(path).expect("a component")).expect("it loads");
    let parameters = serde_json::json!({ "sheet": sheet }).to_string();
    let limits = half();
    let manifest = plugin.describe(&parameters, &limits).expect("a manifest");
    assert_eq!(manifest.outputs.len(), outputs);
    let columns = manifest.inputs.iter().map(|input| column(&input.name, input.scale, 1, 1_000)).collect();
    let lines = Lines {
        row_ends: vec![2],
        columns: manifest
            .line_inputs
            .iter()
            .map(|input| column(&input.name, input.scale, 2, 1_000))
            .collect(),
    };
    let batch = Batch { rows: 1, columns, lines: (!manifest.line_inputs.is_empty()).then_some(lines) };
    let outcome = plugin.evaluate(&parameters, &context(), &manifest, &batch, &limits).expect("an outcome");
    let steps = plugin.explain(&parameters, &context(), &manifest, &batch, 0, &limits).expect("steps");
    for column in &outcome.columns {
        verify_steps(column, 0, &steps).expect("they add up");
    }
}

#[test]
fn a_sheet_has_as_many_names_as_its_manual_says() {
    let lines = |count: usize, line: fn(usize) -> String| {
        (0..count).map(line).chain(["payout p = 1.5".to_owned()]).collect::<Vec<_>>().join("\n")
    };
    check_names(&lines(499, |at| format!("d{at} = {at} + 0.5")), 500);
    check_names(&lines(499, |at| format!("input i{at}")), 1);
    check_names(&lines(499, |at| format!("input lines i{at}")), 1);
    check_names(&format!("input a\nscore s = SUM({})", vec!["a"; 30_000].join(",")), 1);
}

#[test]
fn powers_of_hundreds_of_factors_take_less_than_half_of_the_limits() {
    let sheet = "input a\nrate = 1 + a / 100000\npayout p = 1000 * rate^60\nscore s = POWER(rate, -365)";
    check("formula", &serde_json::json!({ "sheet": sheet }).to_string(), 4_096, 0);
}
