//! Rows per second of the reference formula (attainment, weighted score, three-slice commission), on one core.

use merit_expression::{Column, Sheet, SheetContext, Unscaled, Values};
use std::sync::Arc;
use std::time::{Duration, Instant};

const FORMULA: &str = "\
input revenue
input quota
input satisfaction default 0
attainment = revenue / quota
score  performance = 100 * (0.7 * MIN(attainment, 1.5) / 1.5 + 0.3 * satisfaction / 5)
payout commission  = IF(attainment < 50%, 0, TIERED(revenue, 0, 5%, quota, 8%, 1.2 * quota, 12%))
";

/// A column of amounts at the sheet's scale, spread over a range.
fn column(rows: u64, least: u64, most: u64, scale: u32) -> Column {
    let step = 6_364_136_223_846_793_005u64;
    let values = (0..rows).map(|row| {
        let spread = (row.wrapping_add(1).wrapping_mul(step) >> 33) % (most - least) + least;
        i64::try_from(spread * 10u64.pow(6 - scale)).unwrap_or(0)
    });
    Column {
        values: Values::Number { scale: 6, unscaled: Unscaled::Narrow(Arc::new(values.collect())) },
        missing: None,
    }
}

fn main() {
    let sheet = Sheet::compile(FORMULA).expect("the formula is right");
    let context = SheetContext { currency_scale: 2, half_even: false };
    for rows in [1, 64, 4096, 65_536, 1_000_000u64] {
        let inputs = [
            column(rows, 1_000_000, 90_000_000, 2),
            column(rows, 5_000_000, 60_000_000, 2),
            column(rows, 0, 500, 2),
        ];
        let mut best = Duration::MAX;
        let mut rounds = 0u32;
        let begin = Instant::now();
        while rounds < 3 || begin.elapsed() < Duration::from_millis(400) {
            let start = Instant::now();
            let outcome = sheet.evaluate(&context, rows as usize, &inputs, None);
            best = best.min(start.elapsed());
            assert!(outcome.faults.is_empty());
            rounds += 1;
        }
        let nanoseconds = best.as_nanos() as f64 / rows as f64;
        println!("{rows:>9} rows: {nanoseconds:>8.1} ns a row, {:>10.0} rows a second", 1e9 / nanoseconds);
    }
}
