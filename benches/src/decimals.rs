//! Millions of generated numbers through the language, held against a second arithmetic: what the tests of the language do with
//! thousands. No figure, but a verdict.

use std::time::Instant;

use crate::{agreement, powers};

const CASES: usize = 5_000_000;
/// Powers of hundreds of factors have thousands of digits, all of which are held.
const POWERS: usize = 200_000;

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
    let start = Instant::now();
    let (held, faults) = powers::hold(POWERS, 256, 1);
    println!(
        "decimals: {held} powers and roots are the nearest to what whole numbers of any size give ({faults} of them are \
        faults), in {:.1} s",
        start.elapsed().as_secs_f64()
    );
}
