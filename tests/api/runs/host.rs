//! What only says something of the machine is no fault of a row, in no dataset, and held against nobody's plugin.

use merit::{
    config::Config,
    proto::v1::{self, RunState, plugin_source},
};
use tonic::Code;
use tonic_types::StatusExt;

use super::{
    TEAM, component_step, create, evaluations, organisation, outputs, publish_component, run, watched,
};
use crate::{
    guest::Guest,
    harness::{Harness, reason},
};
use merit::proto::v1::input_binding::Source;

/// A machine so slow that a guest gets nowhere before its time is over.
fn slow(config: &mut Config) {
    (config.runs.wall_ms, config.runs.fuel_ns) = (50, 0);
    (config.runs.fuel_per_call, config.plugins.ceilings.fuel_per_call) = (u64::MAX, u64::MAX);
}

fn endless() -> Guest {
    Guest::good().with(|guest| guest.evaluate = "(loop $for_ever (br $for_ever)) unreachable".into())
}

fn steps() -> Vec<v1::RunStep> {
    let inputs = ["a", "b"].map(|input| super::bound(input, Source::Constant("6.66".to_owned())));
    vec![component_step("slow", "slow", inputs.to_vec())]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_time_struck_fails_and_blames_nobody() {
    let harness = Harness::start_with(|config| {
        slow(config);
        config.runs.wall_ms = 600_000;
    })
    .await;
    organisation(&harness).await;
    publish_component(&harness, "slow", endless().component()).await;
    let harness = Harness::start_in(harness.stopped().await, slow).await;
    let failed = run(&harness, "q1", steps()).await;
    assert_eq!((failed.state(), failed.dataset.as_str()), (RunState::Failed, ""));
    for part in
        ["step slow: ", "took longer than 50ms", "this server is too busy or too slow", "try again later"]
    {
        assert!(failed.failure.contains(part), "{part:?} is not in {}", failed.failure);
    }
    let request = v1::GetPluginRevisionRequest { name: steps()[0].revision.clone() };
    let revision = harness.plugins().get_plugin_revision(request).await.unwrap().into_inner();
    assert_eq!(revision.quarantine_reason, "");

    let inputs = ["a", "b"].map(|name| (name.to_owned(), "1".to_owned())).into();
    let source = Some(plugin_source::Source::Component(endless().component().into()));
    let request = v1::EvaluatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: Some(v1::PluginSource { source, ..Default::default() }),
        rows: vec![v1::PluginRow { inputs, ..Default::default() }],
        ..Default::default()
    };
    let status = harness.plugins().evaluate_plugin(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "TIMED_OUT"));
    assert!(status.get_error_details().retry_info().is_some(), "{status:?}");
}

/// The time follows from the fuel: a row that burns all it may is out of fuel, on any machine and beside anybody.
#[tokio::test(flavor = "multi_thread")]
async fn fuel_strikes_before_time() {
    let mut datasets = Vec::new();
    for beside in [0, 2] {
        let harness = Harness::start_with(|config| {
            config.runs.wall_ms = 60_000;
            config.runs.threads = 1;
            config.runs.fuel_per_call = 20_000_000;
        })
        .await;
        organisation(&harness).await;
        let burning = Guest::poisoned("(loop $for_ever (drop (ref.func $f)) (br $for_ever))").with(|guest| {
            guest.module = "(func $f) (elem declare func $f)".to_owned();
            // Of the ten, a-3 has 300.50, 400.50 and 500.50.
            guest.evaluate = guest.evaluate.replace("(i64.const 666)", "(i64.const 120150)");
        });
        publish_component(&harness, "slow", burning.component()).await;
        let mut others = Vec::new();
        for number in 0..beside {
            let created = create(&harness, &format!("other-{number}"), added_steps()).await.unwrap();
            others.push(created.name);
        }
        let run = run(&harness, "q1", added_steps()).await;
        assert_eq!((run.failure.as_str(), run.state()), ("", RunState::Succeeded));
        let found = evaluations(&harness, &run.name).await;
        assert_eq!(outputs(&found, "slow", "sum")[2..5], ["901.5", "OUT_OF_FUEL", "1501.5"]);
        let faults = found.into_iter().flat_map(|evaluation| evaluation.faults).collect::<Vec<_>>();
        datasets.push(faults);
        for other in others {
            assert_eq!(watched(&harness, &other).await.state(), RunState::Succeeded);
        }
    }
    assert_eq!(datasets[0], datasets[1]);
}

fn added_steps() -> Vec<v1::RunStep> {
    vec![component_step("slow", "slow", super::added())]
}
