//! The figures of the README, each beside its baseline in the same run:
//!
//! `cargo run --release -p merit-bench [-- boundary decimals formula fuel writes reads run interactive neighbour]`
//!
//! Without names everything is run. Figures are the best of several rounds: the machine's noise only adds.

#[path = "../../plugins/expression/tests/language/agreement.rs"]
mod agreement;
mod boundary;
mod decimals;
mod duckdb;
mod formula;
mod fuel;
mod interactive;
mod load;
mod neighbour;
#[path = "../../plugins/expression/tests/language/powers.rs"]
mod powers;
mod reads;
#[path = "../../plugins/expression/tests/language/reference.rs"]
mod reference;
mod run;
mod timing;
mod writes;

use std::process::ExitCode;

const ALL: [&str; 9] =
    ["boundary", "decimals", "formula", "fuel", "writes", "reads", "run", "interactive", "neighbour"];

fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = named.iter().find(|name| !ALL.contains(&name.as_str())) {
        eprintln!("there is no bench {unknown}; there are {}", ALL.join(", "));
        return ExitCode::from(2);
    }
    let wanted = |name: &str| named.is_empty() || named.iter().any(|other| other == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if wanted("boundary") {
        boundary::bench();
    }
    if wanted("decimals") {
        decimals::bench();
    }
    if wanted("formula") {
        formula::bench();
    }
    if wanted("fuel") {
        fuel::bench();
    }
    if wanted("writes") {
        runtime.block_on(writes::bench());
    }
    if wanted("reads") {
        runtime.block_on(reads::bench());
    }
    if wanted("neighbour") {
        neighbour::bench();
    }
    if wanted("interactive") {
        runtime.block_on(interactive::bench());
    }
    if wanted("run") {
        runtime.block_on(run::bench());
    }
    ExitCode::SUCCESS
}
