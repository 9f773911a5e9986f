//! Explanations: what their steps are, and that they add up.

use crate::{
    sheets::{CENTS, COMMISSION, texts},
    table::{decimal, numbers, show},
};
use merit_expression::{Column, Sheet, SheetContext, SheetLines, SheetRole, SheetStep};

/// The steps as `label [output] amount note`.
fn told(steps: &[SheetStep]) -> Vec<String> {
    let told = steps.iter().map(|step| {
        let output = step.output.as_deref().unwrap_or("-");
        format!("{} [{output}] {} {}", step.label, decimal(step.unscaled, step.scale), step.note)
    });
    told.collect()
}

#[test]
fn an_explanation() {
    let sheet = Sheet::compile(COMMISSION).unwrap();
    let inputs = [numbers(&["150000.00"]), numbers(&["100000.00"]), numbers(&[""]), texts(&["North"])];
    let steps = sheet.explain(&CENTS, 1, &inputs, None, 0);
    assert_eq!(
        told(&steps),
        [
            "revenue [-] 150000 input",
            "quota [-] 100000 input",
            "satisfaction [-] 0 input, by default",
            "region [-] 0 \"North\": input",
            "attainment [-] 1.5 revenue / quota",
            "base [-] 10200 TIERED(revenue, 0, 5%, quota, 8%, 1.2 * quota, 12%)",
            "kicker [-] 250 IF(region = \"North\", 250, 0)",
            "performance [-] 70 100 * (0.7 * MIN(attainment, 1.5) / 1.5 + 0.3 * satisfaction / 5)",
            "commission [-] 10450 IF(attainment < 50%, 0, base + kicker)",
            "band [-] 0 \"C\": IFS(performance >= 90, \"A\", performance >= 75, \"B\", TRUE, \"C\")",
            "attainment [attainment] 1.5 revenue / quota",
            "base: from 0 to 100000 [base] 5000 100000 × 0.05",
            "base: from 100000 to 120000 [base] 1600 20000 × 0.08",
            "base: from 120000 [base] 3600 30000 × 0.12",
            "kicker [kicker] 250 250",
            "performance [performance] 70 100 * (0.7 * MIN(attainment, 1.5) / 1.5 + 0.3 * satisfaction / 5)",
            "base: from 0 to 100000 [commission] 5000 100000 × 0.05",
            "base: from 100000 to 120000 [commission] 1600 20000 × 0.08",
            "base: from 120000 [commission] 3600 30000 × 0.12",
            "kicker [commission] 250 250",
        ]
    );
}

/// The sum of all steps that name each output, against the output.
pub fn adds_up(
    sheet: &Sheet,
    context: &SheetContext,
    rows: usize,
    inputs: &[Column],
    lines: Option<SheetLines<'_>>,
) {
    let outcome = sheet.evaluate(context, rows, inputs, lines);
    for row in 0..rows {
        let steps = sheet.explain(context, rows, inputs, lines, row);
        for (output, column) in sheet.outputs().iter().zip(&outcome.columns) {
            let own: Vec<&SheetStep> =
                steps.iter().filter(|step| step.output.as_ref() == Some(&output.name)).collect();
            let expected = show(column, row);
            if expected == "missing" || output.role == SheetRole::Grade {
                assert!(own.is_empty(), "{own:?}");
                continue;
            }
            let sum: i128 =
                own.iter().map(|step| step.unscaled * 10i128.pow(20 - u32::from(step.scale))).sum();
            assert_eq!(decimal(sum, 20), expected, "{} of row {row}: {own:?}", output.name);
            assert!(own.iter().all(|step| i64::try_from(step.unscaled).is_ok()));
        }
    }
}

#[test]
fn steps_add_up() {
    let third = "input x\ninput y\na = x / 3\nb = y * 1.23456789 - a\npayout p = IF(x > 0, a + b + TIERED(x, 0, 1/3, 7, 2/3), -a)\nscore s = SUM(a, b, 1/7) - x\n";
    let sheet = Sheet::compile(third).unwrap();
    let inputs =
        [numbers(&["10.5", "-1", "0", "7.777777", "1"]), numbers(&["1", "2", "3.333333", "99999", ""])];
    for context in [
        CENTS,
        SheetContext { currency_scale: 0, half_even: true },
        SheetContext { currency_scale: 8, ..CENTS },
    ] {
        adds_up(&sheet, &context, 5, &inputs, None);
    }
}

/// The steps that name an output of the first row of a sheet.
fn steps_of(text: &str, output: &str, inputs: &[Column], lines: Option<SheetLines<'_>>) -> Vec<String> {
    let sheet = Sheet::compile(text).expect("it compiles");
    adds_up(&sheet, &CENTS, 1, inputs, lines);
    let mut steps = sheet.explain(&CENTS, 1, inputs, lines, 0);
    steps.retain(|step| step.output.as_deref() == Some(output));
    told(&steps)
}

#[test]
fn pay_is_explained_line_by_line() {
    let text = "input rate\ninput lines amount\ninput lines stage text\n\
        deals = LINES_SUM(amount * rate, stage = \"WON\")\n\
        sliced = LINES_SUM(TIERED(amount, 0, 1%, 100, 2%))\n\
        payout p = deals - sliced + LINES_SUM(amount, stage = \"OPEN\")";
    let columns = [numbers(&["1000", "200.5", "", "0", "50"]), texts(&["WON", "LOST", "WON", "WON", "WON"])];
    let lines = SheetLines { row_ends: &[5], columns: &columns };
    assert_eq!(
        steps_of(text, "p", &[numbers(&["0.05"])], Some(lines)),
        [
            "deals: line 1 [p] 50 1000 × 0.05",
            "deals: line 5 [p] 2.5 50 × 0.05",
            "sliced: line 1 [p] -19 TIERED(amount, 0, 1%, 100, 2%)",
            "sliced: line 2 [p] -3.01 TIERED(amount, 0, 1%, 100, 2%)",
            "sliced: line 5 [p] -0.5 TIERED(amount, 0, 1%, 100, 2%)",
            "p [p] 0 LINES_SUM(amount, stage = \"OPEN\")",
        ]
    );
}

#[test]
fn more_parts_than_are_told_are_told_in_one() {
    let sum = |count: usize| format!("input a\nscore s = SUM({}) - a", vec!["a"; count].join(","));
    let inputs = [numbers(&["1.5"])];
    let steps = steps_of(&sum(30_000), "s", &inputs, None);
    assert_eq!(steps.len(), 101);
    assert_eq!(steps[99..], ["a [s] 1.5 a", "29901 more [s] 44848.5 together"]);
    let amounts: Vec<String> = (1..=150).map(|amount| amount.to_string()).collect();
    let columns = [numbers(&amounts.iter().map(String::as_str).collect::<Vec<_>>())];
    let lines = SheetLines { row_ends: &[150], columns: &columns };
    let steps = steps_of("input lines x\npayout p = LINES_SUM(x)", "p", &[], Some(lines));
    assert_eq!(steps[99..], ["p: line 100 [p] 100 x", "50 more [p] 6275 together"]);
}

#[test]
fn an_explanation_of_many_outputs_stays_within_the_contract() {
    let outputs: Vec<String> =
        (0..498).map(|at| format!("d{at} = SUM({})", vec!["a"; 40].join(", "))).collect();
    let sheet = format!("input a\n{}\npayout p = SUM(d0, d1, d2)", outputs.join("\n"));
    let sheet = Sheet::compile(&sheet).expect("it compiles");
    let inputs = [numbers(&["0.333333"])];
    adds_up(&sheet, &CENTS, 1, &inputs, None);
    assert!(sheet.explain(&CENTS, 1, &inputs, None, 0).len() <= 10_000);
}
