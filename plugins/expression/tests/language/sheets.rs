//! Sheets: what they ask for and give, their rounding, faults and explanations.

use crate::table::{decimal, numbers, show};
use merit_expression::{
    Column, Kind, Sheet, SheetContext, SheetLines, SheetRole, SheetStep, Unscaled, Values,
};
use std::sync::Arc;

const COMMISSION: &str = r#"
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

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let problems = match Sheet::compile(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    };
    let told = problems
        .iter()
        .map(|found| format!("{}:{}+{} {}", found.line, found.column, found.length, found.message));
    assert_eq!(told.collect::<Vec<_>>(), expected, "{text}");
}

#[test]
fn problems_of_sheets() {
    check("score s = 1", &[]);
    check("", &["1:1+1 a sheet needs a score, a payout or a grade: payout NAME = …"]);
    check(
        "input revenue\nx = 1 # only a detail",
        &["1:1+1 a sheet needs a score, a payout or a grade: payout NAME = …"],
    );
    check(
        "input revenue\npayout p = revenu * 5%\nscore s = q + 1\nq = 3",
        &[
            "2:12+6 `revenu` is not known; did you mean `revenue`?",
            "3:11+1 `q` stands below, in line 4: a line may use only names above it",
        ],
    );
    check("payot p = 1", &["1:1+5 `payot` does not begin a line; did you mean `payout`?"]);
    check("score s = \"high\"", &["1:11+6 a score must be a number; this is a text"]);
    check("grade g = 1 + 1", &["1:11+5 a grade must be a text; this is a number"]);
    check("payout p = TRUE", &["1:12+4 a payout must be a number; this is true or false"]);
    check("score = 1", &["1:1+5 a name was expected after `score`: score NAME = …"]);
    check("score and = 1", &["1:7+3 `and` cannot be a name: it is a word of the language"]);
    check(
        "score Total = 1",
        &["1:7+5 `Total` cannot be a name: names are written in lower_snake_case, as `total`"],
    );
    check(
        "netSales = 1\nscore Größe = 1",
        &[
            "1:1+8 `netSales` cannot be a name: names are written in lower_snake_case, as `net_sales`",
            "2:7+5 `Größe` cannot be a name: names are written in lower_snake_case",
        ],
    );
    check("input a\ninput a\nscore s = a", &["2:7+1 `a` is already the name of line 1"]);
    check("score s 1", &["1:9+1 `=` was expected after `s`: s = …"]);
    check("input\nscore s = 1", &["1:6+1 a name was expected: input NAME"]);
    check(
        "input a defalt 3\nscore s = a",
        &["1:9+6 `default VALUE`, `text`, `optional` or the end of the line was expected"],
    );
    check(
        "input a default\nscore s = a",
        &["1:16+1 a number was expected after `default`, or a text in double quotes"],
    );
    check(
        "input a text default 3\nscore s = 1",
        &["1:22+1 the default of a text must be a text in double quotes"],
    );
    check(
        "input lines amount\nscore s = amount + LINES_SUM(LINES_SUM(amount))",
        &[
            "2:11+6 `amount` has one value per detail line; use it in LINES_SUM(…) or another LINES_ function",
            "2:30+9 LINES_SUM cannot stand within another LINES_ function",
        ],
    );
    check(
        "score s = LINES_COUNT()",
        &["1:11+11 LINES_COUNT needs detail lines: a sheet with an `input lines` line"],
    );
}

#[test]
fn constants_line_ends_and_long_names() {
    const NINES: &str = "99999999999999999999";
    check(
        &format!("payout p = {NINES}"),
        &[
            "1:12+20 99999999999999999999 is too large: a payout is at most 9223372036854775807, and with the cents of most \
           currencies at most 92233720368547758.07",
        ],
    );
    check(
        "x = 10 ^ 13 # a detail may be that large\nscore s = x / 10\nscore t = -(10 ^ 13)",
        &["3:11+10 -10000000000000 is too large: a score is at most 9223372036854.775807"],
    );
    check("payout p = 9223372036854775807", &[]);
    check("input lines a\nscore s = 1 / LINES_COUNT()", &[]);
    check("x = IFERROR(1 / 0, 5)\nscore s = x", &[]);
    check("input a\nx = 1 / 0\nscore s = a * x", &["2:5+5 this fails in every row: division by zero"]);
    check("s = s + 1", &["1:5+1 `s` is what this line defines: a line may use only names above it"]);
    check("\u{feff}input a\r\nscore s = a\r\n", &[]);
    check(
        "input a\rscore s = a\r",
        &[
            "1:8+1 a line ends here with a carriage return alone: save the sheet with line feeds (LF, or CRLF)",
        ],
    );
    check("=IF(A1>100,5,0)", &["1:1+15 what is computed needs a name: payout NAME = …"]);
    check(
        "input a\nscore s = MAX(a,\n  5)",
        &[
            "2:17+1 a value was expected, not the end",
            "3:3+2 a line is `input NAME`, `NAME = …`, `score NAME = …`, `payout NAME = …` or `grade NAME = …`; what \
             a line computes ends with the line",
        ],
    );
    check(&format!("input {}\nscore s = 1", "a".repeat(63)), &[]);
    check(
        &format!("input {}\nscore s = 1", "a".repeat(64)),
        &["1:7+64 a name has at most 63 letters; this one has 64"],
    );
    check("broken = 1 +\nscore s = broken * 2", &["1:13+1 a value was expected, not the end"]);
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
