//! Trying out one row: what `EvaluatePlugin` and `ExplainPlugin` take at the server, from a warm cache, with many clients at
//! once; and what a client sees over loopback, on the same cores.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use merit::{
    evaluate::Pace,
    proto::v1::{
        EvaluatePluginRequest, ExplainPluginRequest, PluginRow, PluginSource,
        plugin_service_client::PluginServiceClient, plugin_source::Source,
    },
};

use crate::load::Service;

const CLIENTS: usize = 16;
const CALLS: usize = 400;
const PARENT: &str = "teams/bench";

/// A sheet like those that people write: attainment, a gate, three slices, a grade.
const SHEET: &str = "input revenue\ninput quota\nattainment = revenue / quota\n\
    score performance = 100 * MIN(attainment, 1.5)\n\
    payout commission = TIERED(revenue, 0, 5%, quota, 8%, quota * 1.5, 12%)\n\
    grade band = IFS(performance >= 100, \"A\", performance >= 80, \"B\", TRUE, \"C\")\n";

fn row() -> PluginRow {
    let inputs = [("revenue", "123456.78"), ("quota", "100000")];
    let inputs = inputs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    PluginRow { inputs: BTreeMap::from(inputs), ..Default::default() }
}

fn evaluate() -> EvaluatePluginRequest {
    EvaluatePluginRequest {
        parent: PARENT.to_owned(),
        plugin: source(),
        rows: vec![row()],
        ..Default::default()
    }
}

fn explain() -> ExplainPluginRequest {
    ExplainPluginRequest {
        parent: PARENT.to_owned(),
        plugin: source(),
        rows: vec![row()],
        ..Default::default()
    }
}

fn source() -> Option<PluginSource> {
    Some(PluginSource { source: Some(Source::Formula(SHEET.to_owned())), ..Default::default() })
}

/// Half of the times and nearly all of them are shorter.
struct Percentiles {
    p50: Duration,
    p99: Duration,
}

// === impl Percentiles ===

impl Percentiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { p50: times[times.len() / 2], p99: times[times.len() * 99 / 100] }
    }
}

/// Prints the times.
pub async fn bench() {
    let service = Service::start().await;
    let mut plugins = PluginServiceClient::new(service.connect().await);
    plugins.evaluate_plugin(evaluate()).await.expect("the plugin is loaded");
    println!("\ninteractive: one row of a formula sheet, from a warm cache");
    for explaining in [false, true] {
        let name = if explaining { "ExplainPlugin" } else { "EvaluatePlugin" };
        let alone = in_process(&service, explaining, 1).await;
        let many = in_process(&service, explaining, CLIENTS).await;
        let wire = over_loopback(&service, explaining).await;
        println!(
            "  {name:<15} at the server, 1 caller          p50 {:>9.1?}  p99 {:>9.1?}",
            alone.p50, alone.p99
        );
        println!(
            "  {name:<15} at the server, {CLIENTS} callers        p50 {:>9.1?}  p99 {:>9.1?}   goal p50 1 ms",
            many.p50, many.p99
        );
        println!(
            "  {name:<15} over loopback, {CLIENTS} clients        p50 {:>9.1?}  p99 {:>9.1?}",
            wire.p50, wire.p99
        );
    }
    service.stop().await;
}

/// What the handler takes, without the wire.
async fn in_process(service: &Service, explaining: bool, callers: usize) -> Percentiles {
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let evaluator = service.evaluator.clone();
            tokio::task::spawn_blocking(move || {
                let call = |_| {
                    let start = Instant::now();
                    if explaining {
                        evaluator
                            .explain_plugin(&explain(), Pace::Brief)
                            .expect("an answer")
                            .expect("in a moment");
                    } else {
                        evaluator
                            .evaluate_plugin(&evaluate(), Pace::Brief)
                            .expect("an answer")
                            .expect("in a moment");
                    }
                    start.elapsed()
                };
                (0..CALLS).map(call).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("no panic"));
    }
    Percentiles::of(times)
}

/// What a client waits, on the cores that the server has as well.
async fn over_loopback(service: &Service, explaining: bool) -> Percentiles {
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let mut plugins = PluginServiceClient::new(service.connect().await);
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::with_capacity(CALLS);
            for _ in 0..CALLS {
                let start = Instant::now();
                if explaining {
                    plugins.explain_plugin(explain()).await.expect("an answer");
                } else {
                    plugins.evaluate_plugin(evaluate()).await.expect("an answer");
                }
                times.push(start.elapsed());
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("no panic"));
    }
    Percentiles::of(times)
}
