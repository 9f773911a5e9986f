//! What it costs to carry a value into the sandbox: a formula over many inputs against the same over one, the
//! difference by the number of values that are carried and not used.

use std::hint::black_box;

use merit::sandbox::{Batch, Limits};

use crate::{
    formula::{column, context, formula_plugin, parameters},
    timing::best,
};

const ROWS: usize = 4096;
const MORE: usize = 20;
const ROUNDS: usize = 40;

/// Prints nanoseconds a value, and the baseline: copying a value in plain Rust.
pub fn bench() {
    let few = call(1);
    let many = call(1 + MORE);
    let carried = (many - few) / (MORE * ROWS) as f64;
    let copied = copy();
    println!("\nboundary: nanoseconds a value at {ROWS} rows, best of {ROUNDS}");
    println!("  carried into the sandbox                      {carried:>9.2}   goal 10");
    println!("  copied in plain Rust                          {copied:>9.2}");
    println!("  a call with one input, all of it, a row       {:>9.2}", few / ROWS as f64);
}

/// Nanoseconds of a call with so many inputs, of which one is used.
fn call(inputs: usize) -> f64 {
    let plugin = formula_plugin();
    let mut sheet: String = (0..inputs).map(|index| format!("input value_{index}\n")).collect();
    sheet.push_str("score same = value_0\n");
    let (parameters, context, limits) = (parameters(&sheet), context(), Limits::default());
    let manifest = plugin.describe(&parameters, &limits).expect("the sheet compiles");
    let values = |index: usize| (0..ROWS).map(|row| (row * 1_000 + index) as i64).collect();
    let columns = (0..inputs).map(|index| column(&format!("value_{index}"), values(index))).collect();
    let batch = Batch { rows: ROWS as u32, columns, lines: None };
    let time = best(ROUNDS, || {
        black_box(plugin.evaluate(&parameters, &context, &manifest, &batch, &limits).expect("an outcome"));
    });
    time.as_nanos() as f64
}

fn copy() -> f64 {
    let values: Vec<i64> = (0..(MORE * ROWS) as i64).collect();
    let time = best(ROUNDS, || drop(black_box(values.clone())));
    time.as_nanos() as f64 / values.len() as f64
}
