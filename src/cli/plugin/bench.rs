//! `merit plugin bench`: what a plugin costs on this machine: to load, at the first call, and a row.

use std::time::{Duration, Instant};

use clap::Args;

use super::{
    cases::CasesFile,
    local::{PluginArguments, refused},
    sample,
};
use crate::{
    cli::{
        failure::Failure,
        output::{Format, OutputArguments, Sheet, print_json},
    },
    proto::v1,
};

/// Rounds are made until so much time has gone, and at least three; the quickest counts.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct BenchArguments {
    #[command(flatten)]
    plugin: PluginArguments,
    /// Rows from a file of cases, again and again, instead of made up ones.
    #[arg(long, value_name = "FILE")]
    cases: Option<String>,
    /// Rows in a batch.
    #[arg(long, value_name = "COUNT", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rows: u32,
    #[command(flatten)]
    output: OutputArguments,
}

/// Measures a plugin.
pub(super) fn run(arguments: &BenchArguments) -> Result<(), Failure> {
    let file = arguments.cases.as_deref().map(CasesFile::read).transpose()?;
    let start = Instant::now();
    let plugin = arguments.plugin.load(file.as_ref().and_then(|file| file.parameters.as_deref()))?;
    let load = start.elapsed();
    let context = arguments.plugin.context()?;
    let rows: Vec<v1::PluginRow> = match &file {
        Some(file) => file.cases(&plugin)?.into_iter().map(|case| case.row).collect(),
        None => sample::rows(&plugin.manifest, arguments.rows as usize),
    };
    let wrong = |rejection| refused(arguments.plugin.name(), &rejection);
    let mut seen = Vec::new();
    for row in &rows {
        if plugin.lacks(row).map_err(wrong)?.is_none() {
            seen.push(row);
        }
    }
    if seen.is_empty() {
        return Err(Failure::Usage("every case lacks a required input: nothing to measure".to_owned()));
    }
    let many: Vec<&v1::PluginRow> = seen.iter().copied().cycle().take(arguments.rows as usize).collect();
    let (one, many) = (plugin.batch(&many[..1]).map_err(wrong)?, plugin.batch(&many).map_err(wrong)?);
    let round = |batch| {
        let start = Instant::now();
        let outcome = plugin.evaluate(&context, batch);
        let spent = start.elapsed();
        outcome
            .map(|_| spent)
            .map_err(|verdict| Failure::Differs(format!("{}: {}", verdict.reason.code(), verdict.message)))
    };
    let first = round(&one)?;
    let quickest = |batch| {
        let (start, mut quickest, mut rounds) = (Instant::now(), Duration::MAX, 0);
        while rounds < 3 || start.elapsed() < LONG_ENOUGH {
            quickest = quickest.min(round(batch)?);
            rounds += 1;
        }
        Ok::<_, Failure>(quickest)
    };
    let (call, batch) = (quickest(&one)?, quickest(&many)?);
    let figures = Figures { bytes: plugin.component_bytes, load, first, call, batch, rows: arguments.rows };
    figures.print(arguments)
}

struct Figures {
    bytes: usize,
    load: Duration,
    first: Duration,
    call: Duration,
    batch: Duration,
    rows: u32,
}

// === impl Figures ===

impl Figures {
    fn print(&self, arguments: &BenchArguments) -> Result<(), Failure> {
        let row_nanoseconds = (self.batch.as_nanos() / u128::from(self.rows)).max(1);
        let rows_per_second = u128::from(self.rows) * 1_000_000_000 / self.batch.as_nanos().max(1);
        match arguments.output.output {
            format @ (Format::Json | Format::Jsonl) => print_json(
                format,
                &serde_json::json!({
                    "plugin": arguments.plugin.name(),
                    "bytes": self.bytes,
                    "load_microseconds": self.load.as_micros() as u64,
                    "first_call_microseconds": self.first.as_micros() as u64,
                    "call_microseconds": self.call.as_micros() as u64,
                    "row_nanoseconds": row_nanoseconds as u64,
                    "rows_per_second": rows_per_second as u64,
                }),
            ),
            format => {
                let mut sheet = Sheet::new(&[
                    "plugin",
                    "bytes",
                    "load µs",
                    "first call µs",
                    "call µs",
                    "row ns",
                    "rows/s",
                ]);
                let numbers = [
                    self.bytes as u128,
                    self.load.as_micros(),
                    self.first.as_micros(),
                    self.call.as_micros(),
                    row_nanoseconds,
                    rows_per_second,
                ];
                let numbers = numbers.map(|number| number.to_string());
                sheet.row([arguments.plugin.name().to_owned()].into_iter().chain(numbers));
                sheet.print(format)
            }
        }
    }
}
