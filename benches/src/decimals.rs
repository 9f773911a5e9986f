//! Millions of generated numbers through the language, held against a second arithmetic: what the tests of the language do with
//! thousands. No figure, but a verdict.

use std::time::Instant;

use crate::agreement;

const CASES: usize = 5_000_000;

/// Prints how many cases agree.
///
/// # Panics
/// Where one does not.
pub fn bench() {
    let start = Instant::now();
    let (held, faults) = agreement::hold(CASES, 4096, 1);
    println!(
        "\ndecimals: {held} sums, products, quotients, comparisons and roundings agree with 256-bit integers \
        ({faults} of them are faults), in {:.1} s",
        start.elapsed().as_secs_f64()
    );
}
