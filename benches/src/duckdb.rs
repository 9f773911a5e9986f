//! DuckDB computing the reference formula in SQL: `formula_duckdb.py`, run by the Python that has the package `duckdb`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What DuckDB says.
pub struct DuckDb {
    /// Rows a second, on one thread.
    pub rate: f64,
    /// How its answers compare with Merit's, in a line.
    pub agreement: String,
}

/// Runs the script and compares its answers, of each row performance in millionths and commission in cents.
///
/// # Errors
/// Why it cannot be run.
pub fn run(merit: &[[i64; 2]]) -> Result<DuckDb, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("formula_duckdb.py");
    let output =
        Command::new(python()).arg(script).output().map_err(|error| format!("no Python: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        let why = why.lines().last().unwrap_or_default();
        return Err(format!(
            "{why} (pip install -r tests/python/requirements.txt; MERIT_PYTHON names another Python)"
        ));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let (version, rate) = lines.next().and_then(|line| line.split_once(' ')).ok_or("it printed nothing")?;
    let rate = rate.parse().map_err(|error| format!("its figure is no number: {error}"))?;
    let answers: Vec<[i64; 2]> = lines.filter_map(pair).collect();
    let same = answers.iter().zip(merit).filter(|(duckdb, merit)| duckdb == merit).count();
    let agreement = format!(
        "duckdb {version} gives the same performance and commission in {same} of {} rows",
        merit.len().max(answers.len())
    );
    Ok(DuckDb { rate, agreement })
}

fn pair(line: &str) -> Option<[i64; 2]> {
    let (performance, commission) = line.split_once(' ')?;
    Some([performance.parse().ok()?, commission.parse().ok()?])
}

/// The Python that `MERIT_PYTHON` names, or that of the gate's environment, or the system's.
fn python() -> PathBuf {
    let gate = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/ci/python/bin/python");
    match std::env::var_os("MERIT_PYTHON") {
        Some(python) => python.into(),
        None if gate.exists() => gate,
        None => "python3".into(),
    }
}
