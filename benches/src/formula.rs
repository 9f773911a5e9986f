//! The reference formula: attainment, weighted score, commission in three slices. In the sandbox with exact decimals,
//! against `cel` and `rhai` with floats, plain Rust with `rust_decimal`, and DuckDB with DECIMAL; all compiled once, on one
//! thread.

use std::hint::black_box;

use cel::{Context as CelContext, Program};
use merit::sandbox::{
    Batch, Column, Context, Decimals, Limits, Plugin, Rounding, Sandbox, SandboxConfig, Values,
};
use rhai::{AST, Engine, Scope};
use rust_decimal::Decimal;

use crate::{
    duckdb,
    timing::{best, rate, short},
};

const SHEET: &str = "\
input revenue
input quota
input satisfaction
attainment = revenue / quota
score performance = 100 * (0.7 * MIN(attainment, 1.5) / 1.5 + 0.3 * satisfaction / 5)
payout commission = IF(attainment < 50%, 0, TIERED(revenue, 0, 5%, quota, 8%, 1.2 * quota, 12%))
";

const CEL: [&str; 3] = [
    "revenue / quota",
    "100.0 * (0.7 * (attainment < 1.5 ? attainment : 1.5) / 1.5 + 0.3 * satisfaction / 5.0)",
    "attainment < 0.5 ? 0.0 : (revenue < quota ? revenue : quota) * 0.05
        + (revenue <= quota ? 0.0 : ((revenue < 1.2 * quota ? revenue : 1.2 * quota) - quota) * 0.08)
        + (revenue <= 1.2 * quota ? 0.0 : (revenue - 1.2 * quota) * 0.12)",
];

const RHAI: &str = "
    let attainment = revenue / quota;
    let capped = if attainment < 1.5 { attainment } else { 1.5 };
    let performance = 100.0 * (0.7 * capped / 1.5 + 0.3 * satisfaction / 5.0);
    let commission = 0.0;
    if attainment >= 0.5 {
        let upper = 1.2 * quota;
        commission = (if revenue < quota { revenue } else { quota }) * 0.05;
        if revenue > quota { commission += ((if revenue < upper { revenue } else { upper }) - quota) * 0.08; }
        if revenue > upper { commission += (revenue - upper) * 0.12; }
    }
    commission + performance
";

const ROWS: usize = 4096;
const ROUNDS: usize = 15;

/// The inputs of a row, in cents and thousandths.
struct Row {
    revenue: i64,
    quota: i64,
    satisfaction: i64,
}

/// Prints rows a second, and the ratios.
pub fn bench() {
    let rows: Vec<Row> = (0..ROWS as i64)
        .map(|i| Row {
            revenue: (i * 7_919) % 200_000,
            quota: 100_000 + (i * 31) % 5_000,
            satisfaction: (i * 13) % 5_000,
        })
        .collect();
    let (merit, answers) = sandboxed(&rows);
    let duckdb = duckdb::run(&answers);
    let mut engines = vec![
        ("merit, formula plugin in the sandbox, exact", merit),
        ("plain Rust, rust_decimal", plain(&rows)),
        ("cel, floats", cel(&rows)),
        ("rhai, floats", rhai(&rows)),
    ];
    engines.extend(
        duckdb.as_ref().ok().map(|duckdb| ("duckdb, DECIMAL, as many rows as it likes", duckdb.rate)),
    );
    println!("\nformula: rows a second, one thread, {ROWS} rows a call, best of {ROUNDS}");
    for (name, figure) in engines {
        println!("  {name:45} {:>9}   merit is {:.2} ×", short(figure), merit / figure);
    }
    match duckdb {
        Ok(duckdb) => println!("  {}", duckdb.agreement),
        Err(reason) => println!("  duckdb: left out, {reason}"),
    }
}

/// The plugin that Merit ships for formulas, loaded.
pub fn formula_plugin() -> Plugin {
    let sandbox = Sandbox::new(SandboxConfig::default()).expect("a sandbox");
    let component = include_bytes!("../../plugins/standard/built/formula.wasm");
    sandbox.load(component).expect("the formula plugin loads")
}

/// A quarter in euros.
pub fn context() -> Context {
    Context {
        period_start: "2026-01-01".into(),
        period_end: "2026-04-01".into(),
        currency: "EUR".into(),
        currency_scale: 2,
        rounding: Rounding::HalfUp,
    }
}

/// A column of numbers with 6 decimals.
pub fn column(name: &str, unscaled: Vec<i64>) -> Column {
    Column { name: name.into(), values: Values::Decimals(Decimals { scale: 6, unscaled }), missing: vec![] }
}

/// The parameters for a sheet.
pub fn parameters(sheet: &str) -> String {
    format!("{{\"sheet\": {:?}}}", sheet)
}

/// Rows a second, and what the last call answered: performance in millionths and commission in cents, of each row.
fn sandboxed(rows: &[Row]) -> (f64, Vec<[i64; 2]>) {
    let plugin = formula_plugin();
    let (parameters, context, limits) = (parameters(SHEET), context(), Limits::default());
    let manifest = plugin.describe(&parameters, &limits).expect("the sheet compiles");
    let batch = Batch {
        rows: ROWS as u32,
        columns: vec![
            column("revenue", rows.iter().map(|row| row.revenue * 10_000).collect()),
            column("quota", rows.iter().map(|row| row.quota * 10_000).collect()),
            column("satisfaction", rows.iter().map(|row| row.satisfaction * 1_000).collect()),
        ],
        lines: None,
    };
    let mut last = None;
    let time = best(ROUNDS, || {
        let outcome = plugin.evaluate(&parameters, &context, &manifest, &batch, &limits).expect("an outcome");
        assert!(outcome.faults.is_empty());
        last = Some(black_box(outcome));
    });
    let outcome = last.expect("a call was made");
    let output = |name: &str| {
        let column = outcome.columns.iter().find(|column| column.name == name).expect("the output");
        let Values::Decimals(decimals) = &column.values else { panic!("{name} is a number") };
        decimals.unscaled.clone()
    };
    let answers = output("performance").into_iter().zip(output("commission"));
    (rate(ROWS, time), answers.map(|(performance, commission)| [performance, commission]).collect())
}

fn plain(rows: &[Row]) -> f64 {
    let number = |text: &str| text.parse::<Decimal>().expect("a number");
    let (hundred, seven, three) = (number("100"), number("0.7"), number("0.3"));
    let (most, five, half) = (number("1.5"), number("5"), number("0.5"));
    let rates = [number("0.05"), number("0.08"), number("0.12")];
    let more = number("1.2");
    let time = best(ROUNDS, || {
        for row in rows {
            let revenue = Decimal::new(row.revenue, 2);
            let quota = Decimal::new(row.quota, 2);
            let satisfaction = Decimal::new(row.satisfaction, 3);
            let attainment = revenue / quota;
            let performance = hundred * (seven * attainment.min(most) / most + three * satisfaction / five);
            let upper = more * quota;
            let mut commission = Decimal::ZERO;
            if attainment >= half {
                commission = revenue.min(quota) * rates[0];
                if revenue > quota {
                    commission += (revenue.min(upper) - quota) * rates[1];
                }
                if revenue > upper {
                    commission += (revenue - upper) * rates[2];
                }
            }
            black_box((performance.round_dp(6), commission.round_dp(2)));
        }
    });
    rate(ROWS, time)
}

fn cel(rows: &[Row]) -> f64 {
    let programs = CEL.map(|text| Program::compile(text).expect("it compiles"));
    let time = best(3, || {
        for row in rows {
            let mut context = CelContext::default();
            context.add_variable_from_value("revenue", row.revenue as f64 / 100.0);
            context.add_variable_from_value("quota", row.quota as f64 / 100.0);
            context.add_variable_from_value("satisfaction", row.satisfaction as f64 / 1000.0);
            let attainment = programs[0].execute(&context).expect("a value");
            context.add_variable_from_value("attainment", attainment);
            black_box(programs[1].execute(&context).expect("a value"));
            black_box(programs[2].execute(&context).expect("a value"));
        }
    });
    rate(ROWS, time)
}

fn rhai(rows: &[Row]) -> f64 {
    let engine = Engine::new();
    let program: AST = engine.compile(RHAI).expect("it compiles");
    let mut scope = Scope::new();
    let time = best(3, || {
        for row in rows {
            scope.clear();
            scope.push("revenue", row.revenue as f64 / 100.0);
            scope.push("quota", row.quota as f64 / 100.0);
            scope.push("satisfaction", row.satisfaction as f64 / 1000.0);
            black_box(engine.eval_ast_with_scope::<f64>(&mut scope, &program).expect("a value"));
        }
    });
    rate(ROWS, time)
}
