//! A run over 100,000 account managers and 1,000,000 deals: measures, formula, dataset. Cold (views are built), then warm.

use std::time::{Duration, Instant};

use merit::proto::v1::{
    AccountManager, Aggregate, AggregateFunction, CreateMeasureRequest, CreatePluginRequest,
    CreateRunRequest, Goal, GoalState, InputBinding, Measure, Plugin, PublishPluginRevisionRequest, Run,
    RunMode, RunState, RunStep, WatchRunRequest, evaluation_service_client::EvaluationServiceClient,
    input_binding, measure, plugin_service_client::PluginServiceClient,
    publish_plugin_revision_request::Source,
};
use tonic::transport::Channel;

use crate::{load::Service, writes::deal};

const MANAGERS: usize = 100_000;
const DEALS: usize = 1_000_000;
const SHEET: &str = "\
input revenue
input deals
input quota
attainment = revenue / quota
score performance = 100 * MIN(attainment, 1.5) / 1.5
payout commission = IF(attainment < 50%, 0, TIERED(revenue, 0, 5%, quota, 8%, 1.2 * quota, 12%)) + deals
";

/// Prints the seconds of a cold run, and of the best warm ones.
pub async fn bench() {
    let service = Service::start().await;
    let start = Instant::now();
    prepare(&service).await;
    println!(
        "\nrun: {MANAGERS} account managers, {DEALS} deals (imported in {:.0} s)",
        start.elapsed().as_secs_f64()
    );
    let mut client = EvaluationServiceClient::new(service.connect().await);
    let cold = timed(&mut client, RunMode::Trial).await;
    let mut warm = Duration::MAX;
    let mut again = Duration::MAX;
    for _ in 0..3 {
        warm = warm.min(timed(&mut client, RunMode::Trial).await);
        again = again.min(timed(&mut client, RunMode::Final).await);
    }
    service.stop().await;
    println!("  cold, views are built first                   {:>8.2} s", cold.as_secs_f64());
    println!("  warm, measures and results included           {:>8.2} s   goal 3 s", warm.as_secs_f64());
    println!("  warm, final: everybody is scored twice        {:>8.2} s   goal 3 s", again.as_secs_f64());
    println!("  rows a second, warm                           {:>8.0}", MANAGERS as f64 / warm.as_secs_f64());
}

async fn timed(client: &mut EvaluationServiceClient<Channel>, mode: RunMode) -> Duration {
    let bind = |input: &str, source| InputBinding { input: input.into(), source: Some(source) };
    let step = RunStep {
        step: "commission".into(),
        revision: "teams/bench/pluginRevisions/commission-1".into(),
        inputs: vec![
            bind("revenue", input_binding::Source::Measure("teams/bench/measures/revenue".into())),
            bind("deals", input_binding::Source::Measure("teams/bench/measures/deals".into())),
            bind("quota", input_binding::Source::Target("teams/bench/measures/revenue".into())),
        ],
        ..Default::default()
    };
    let run = Run {
        period_start: "2026-01-01".into(),
        period_end: "2026-04-01".into(),
        mode: mode as i32,
        steps: vec![step],
        ..Default::default()
    };
    let request = CreateRunRequest { parent: "teams/bench".into(), run: Some(run), ..Default::default() };
    let start = Instant::now();
    let run = client.create_run(request).await.expect("the run begins").into_inner();
    let mut progress =
        client.watch_run(WatchRunRequest { name: run.name }).await.expect("it can be watched").into_inner();
    let mut last = Run::default();
    while let Some(answer) = progress.message().await.expect("progress") {
        last = answer.run.unwrap_or_default();
    }
    assert_eq!(last.state(), RunState::Succeeded, "{}", last.failure);
    assert_eq!(last.rows_done as usize, MANAGERS);
    start.elapsed()
}

async fn prepare(service: &Service) {
    let manager = |i: usize| {
        (format!("am-{i}"), AccountManager { display_name: format!("Manager {i}"), ..Default::default() })
    };
    service.import((0..MANAGERS).map(manager)).await;
    service.import((0..DEALS).map(|i| (format!("deal-{i}"), deal(i, i % MANAGERS)))).await;
    let mut evaluation = EvaluationServiceClient::new(service.connect().await);
    for (id, function, value) in
        [("revenue", AggregateFunction::Sum, "amount"), ("deals", AggregateFunction::Count, "")]
    {
        let aggregate = Aggregate {
            collection: "opportunities".into(),
            condition: "stage = \"WON\"".into(),
            value: value.into(),
            function: function as i32,
            owner_field: "owner".into(),
            time_field: "close_date".into(),
        };
        let measure = Measure {
            display_name: id.into(),
            scale: 2,
            money: id == "revenue",
            definition: Some(measure::Definition::Aggregate(aggregate)),
            ..Default::default()
        };
        let request = CreateMeasureRequest {
            parent: "teams/bench".into(),
            measure: Some(measure),
            measure_id: id.into(),
            ..Default::default()
        };
        evaluation.create_measure(request).await.expect("the measure is created");
    }
    service.import((0..MANAGERS).map(|i| (format!("quota-{i}"), quota(i)))).await;
    publish(service).await;
}

fn quota(index: usize) -> Goal {
    Goal {
        display_name: format!("Quota {index}"),
        measure: "teams/bench/measures/revenue".into(),
        target: "30000".into(),
        period_start: "2026-01-01".into(),
        period_end: "2026-04-01".into(),
        owner: format!("teams/bench/accountManagers/am-{index}"),
        state: GoalState::Active as i32,
        ..Default::default()
    }
}

async fn publish(service: &Service) {
    let mut plugins = PluginServiceClient::new(service.connect().await);
    let plugin = Plugin { display_name: "Commission".into(), ..Default::default() };
    let request = CreatePluginRequest {
        parent: "teams/bench".into(),
        plugin: Some(plugin),
        plugin_id: "commission".into(),
        ..Default::default()
    };
    plugins.create_plugin(request).await.expect("the plugin is created");
    let request = PublishPluginRevisionRequest {
        plugin: "teams/bench/plugins/commission".into(),
        source: Some(Source::Formula(SHEET.into())),
        activate: true,
        ..Default::default()
    };
    plugins.publish_plugin_revision(request).await.expect("the formula is published");
}
