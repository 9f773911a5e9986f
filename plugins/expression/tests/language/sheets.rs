//! Sheets: what they ask for and give, their rounding, faults and explanations.

use crate::{
    steps::adds_up,
    table::{numbers, show},
};
use merit_expression::{Column, Kind, Sheet, SheetContext, SheetLines, SheetRole, Unscaled, Values};
use std::sync::Arc;

pub const COMMISSION: &str = r#"
# Quarterly commission, key accounts
input  revenue
input  quota
input  satisfaction default 0
input  region text

attainment = revenue / quota
base       = TIERED(revenue, 0, 5%, quota, 8%, 1.2 * quota, 12%)
kicker     = IF(region = "North", 250, 0)   # the "North" bonus

score  performance = 100 * (0.7 * MIN(attainment, 1.5) / 1.5 + 0.3 * satisfaction / 5)
payout commission  = IF(attainment < 50%, 0, base + kicker)
grade  band        = IFS(performance >= 90, "A", performance >= 75, "B", TRUE, "C")
"#;

pub const CENTS: SheetContext = SheetContext { currency_scale: 2, half_even: false };

pub fn texts(values: &[&str]) -> Column {
    let dictionary: Vec<Arc<str>> = values.iter().map(|text| Arc::from(*text)).collect();
    let missing = values.iter().map(|text| text.is_empty()).collect();
    let codes = Arc::new((0..values.len() as u32).collect());
    Column {
        values: Values::Text { dictionary: Arc::new(dictionary), codes },
        missing: Some(Arc::new(missing)),
    }
}

/// The outputs of every row, or its fault.
fn results(
    sheet: &Sheet,
    context: &SheetContext,
    rows: usize,
    inputs: &[Column],
    lines: Option<SheetLines<'_>>,
) -> Vec<String> {
    let outcome = sheet.evaluate(context, rows, inputs, lines);
    assert_eq!(outcome.columns.len(), sheet.outputs().len());
    (0..rows)
        .map(|row| match outcome.faults.iter().find(|fault| fault.row as usize == row) {
            Some(fault) => {
                assert!(outcome.columns.iter().all(|column| show(column, row) == "missing"));
                format!("fault: {}", fault.message)
            }
            None => {
                let values = outcome.columns.iter().zip(sheet.outputs());
                let values = values.map(|(column, output)| format!("{}={}", output.name, show(column, row)));
                values.collect::<Vec<_>>().join(" ")
            }
        })
        .collect()
}

#[test]
fn the_sheet_of_the_manual() {
    let sheet = Sheet::compile(COMMISSION).unwrap();
    let inputs: Vec<String> = sheet
        .inputs()
        .iter()
        .map(|input| format!("{} {:?} {} {}", input.name, input.kind, input.required, input.scale))
        .collect();
    assert_eq!(
        inputs,
        ["revenue Number true 6", "quota Number true 6", "satisfaction Number false 6", "region Text true 0"]
    );
    let outputs: Vec<(&str, SheetRole, u8)> =
        sheet.outputs().iter().map(|output| (output.name.as_str(), output.role, output.scale)).collect();
    assert_eq!(
        outputs,
        [
            ("attainment", SheetRole::Detail, 6),
            ("base", SheetRole::Detail, 6),
            ("kicker", SheetRole::Detail, 6),
            ("performance", SheetRole::Score, 6),
            ("commission", SheetRole::Payout, 0),
            ("band", SheetRole::Grade, 0),
        ]
    );
    assert!(sheet.line_inputs().is_empty());
    assert_eq!(sheet.text(), COMMISSION);
    let inputs = [
        numbers(&["150000.00", "49999.99", "100000", "1", "5"]),
        numbers(&["100000.00", "100000.00", "100000", "0", ""]),
        numbers(&["5", "", "4.5", "1", "1"]),
        texts(&["North", "South", "north", "East", "East"]),
    ];
    assert_eq!(
        results(&sheet, &CENTS, 5, &inputs, None),
        [
            "attainment=1.5 base=10200 kicker=250 performance=100 commission=10450 band=\"A\"",
            "attainment=0.5 base=2499.9995 kicker=0 performance=23.333329 commission=0 band=\"C\"",
            "attainment=1 base=5000 kicker=250 performance=73.666667 commission=5250 band=\"C\"",
            "fault: division by zero in line 8 (attainment)",
            "fault: required input `quota` is missing",
        ]
    );
}

#[test]
fn payouts_are_rounded_by_the_rule_of_the_team() {
    let sheet = Sheet::compile("input x\npayout p = x / 1000\nscore s = x / 10000000").unwrap();
    let inputs = [numbers(&["5", "15", "25", "-5", "-15", "4.999999"])];
    let up = ["0.01", "0.02", "0.03", "-0.01", "-0.02", "0"];
    let even = ["0", "0.02", "0.02", "0", "-0.02", "0"];
    let scores = ["0", "0.000002", "0.000002", "0", "-0.000002", "0"];
    for (context, expected) in [(CENTS, up), (SheetContext { half_even: true, ..CENTS }, even)] {
        let outcome = sheet.evaluate(&context, 6, &inputs, None);
        for row in 0..6 {
            assert_eq!(show(&outcome.columns[0], row), expected[row], "payout of row {row}");
            assert_eq!(show(&outcome.columns[1], row), scores[row], "score of row {row}");
        }
    }
}

#[test]
fn detail_lines() {
    let text = "input goal\ninput lines amount\ninput lines stage text\n\
        won = LINES_SUM(amount, stage = \"WON\")\n\
        mean = LINES_AVERAGE(amount)\n\
        least = LINES_MIN(amount, amount > goal)\n\
        most = LINES_MAX(amount * 2)\n\
        score count = LINES_COUNT(stage IN (\"WON\", \"LOST\")) * 100 + LINES_COUNT()\n\
        payout p = LINES_SUM(IF(stage = \"WON\", TIERED(amount, 0, 1%, 100, 2%), 0))";
    let sheet = Sheet::compile(text).unwrap();
    assert_eq!(sheet.line_inputs()[1].kind, Kind::Text);
    let goal = [numbers(&["50", "0", "10", "3"])];
    let columns = [numbers(&["100", "200.5", "40", "", "7"]), texts(&["WON", "LOST", "WON", "WON", ""])];
    let lines = SheetLines { row_ends: &[3, 3, 4, 5], columns: &columns };
    assert_eq!(
        results(&sheet, &CENTS, 4, &goal, Some(lines)),
        [
            "won=140 mean=113.5 least=100 most=401 count=303 p=1.4",
            "won=0 mean=missing least=missing most=missing count=0 p=0",
            "won=0 mean=missing least=missing most=missing count=101 p=0",
            "won=0 mean=7 least=7 most=14 count=1 p=0",
        ]
    );
    adds_up(&sheet, &CENTS, 4, &goal, Some(lines));
    let without = results(&sheet, &CENTS, 1, &goal, None);
    assert_eq!(without, ["fault: the detail lines are not supplied in line 8 (count)"]);
}

#[test]
fn faults_and_absences() {
    let text = "input a\ninput b optional\ninput c default -2.5%\ninput d text default \"none\"\n\
        ratio = a / b\nsafe = IFERROR(ratio, -1)\npayout p = IFMISSING(safe, 7) + c\ngrade g = d & \"!\"";
    let sheet = Sheet::compile(text).unwrap();
    let inputs = [
        numbers(&["1", "1", "1", ""]),
        numbers(&["0", "", "4", "1"]),
        numbers(&["1", "", "", "1"]),
        texts(&["x", "", "y", ""]),
    ];
    assert_eq!(
        results(&sheet, &CENTS, 4, &inputs, None),
        [
            "ratio=missing safe=-1 p=0 g=\"x!\"",
            "ratio=missing safe=missing p=6.98 g=\"none!\"",
            "ratio=0.25 safe=0.25 p=0.23 g=\"y!\"",
            "fault: required input `a` is missing",
        ]
    );
    adds_up(&sheet, &CENTS, 4, &inputs, None);
    let large = Sheet::compile("input x\nscore s = x * x").unwrap();
    let inputs = [numbers(&["3", "99999999999"])];
    assert_eq!(
        results(&large, &CENTS, 2, &inputs, None),
        [
            "s=9",
            "fault: the number is too large for a score, which is at most 9223372036854.775807 in line 2 (s)"
        ]
    );
    let wrong = results(&large, &CENTS, 1, &[texts(&["x"])], None);
    assert_eq!(wrong, ["fault: input `x` is not the column of a number that was expected"]);
}

#[test]
fn blocks_do_not_change_an_answer() {
    let sheet = Sheet::compile(COMMISSION).unwrap();
    let rows = 5000usize;
    let number = |by: u64, scale: u8| Column {
        values: Values::Number {
            scale,
            unscaled: Unscaled::Narrow(Arc::new(
                (0..rows as u64).map(|row| (row * by % 1_000_003) as i64).collect(),
            )),
        },
        missing: None,
    };
    let regions: Vec<&str> = (0..rows).map(|row| if row % 3 == 0 { "North" } else { "South" }).collect();
    let inputs = [number(7919, 2), number(104_729, 2), number(13, 6), texts(&regions)];
    let whole = results(&sheet, &CENTS, rows, &inputs, None);
    let inputs_of = |row: usize| -> Vec<Column> {
        let cut = |column: &Column| match &column.values {
            Values::Number { scale, unscaled: Unscaled::Narrow(values) } => Column {
                values: Values::Number {
                    scale: *scale,
                    unscaled: Unscaled::Narrow(Arc::new(vec![values[row]])),
                },
                missing: None,
            },
            Values::Text { dictionary, codes } => texts(&[&dictionary[codes[row] as usize]]),
            _ => column.clone(),
        };
        inputs.iter().map(cut).collect()
    };
    for row in (0..rows).step_by(61) {
        assert_eq!(results(&sheet, &CENTS, 1, &inputs_of(row), None)[0], whole[row], "row {row}");
    }
    adds_up(&sheet, &CENTS, 1, &inputs_of(4999), None);
}
