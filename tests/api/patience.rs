//! A guest works for whoever waits for its answer, and no longer: it stops when the deadline has passed and when the client
//! goes away. Told by what is under way on the server, not by the clock.

use std::future::Future;

use merit::{
    config::Config,
    proto::v1::{self, plugin_source::Source},
};
use tonic::{Code, Status};

use super::{
    guest::{Guest, decimals, manifest},
    harness::{Harness, framed, reason, request, until, whole},
    runs::{TEAM, added, component_step, organisation, publish_component, run},
};

const LOOP: &str = "(loop $for_ever (br $for_ever)) unreachable";

/// Guests that nothing but their callers stops: the harness leaves them all the time there is.
fn unlimited(config: &mut Config) {
    (config.runs.fuel_per_call, config.plugins.ceilings.fuel_per_call) = (u64::MAX, u64::MAX);
}

async fn endless() -> Harness {
    Harness::start_with(unlimited).await
}

/// Waits until so many guests are under way.
async fn until_under_way(harness: &Harness, guests: usize) {
    let reached = || {
        let now = harness.evaluator.under_way();
        // Without guests there is no memory of theirs.
        now.guests == guests && (guests > 0 || now.memory_bytes == 0)
    };
    until(&format!("{guests} guests under way"), reached).await;
}

fn source(guest: &Guest) -> Option<v1::PluginSource> {
    Some(v1::PluginSource { source: Some(Source::Component(guest.component().into())), ..Default::default() })
}

fn rows() -> Vec<v1::PluginRow> {
    let inputs = ["a", "b"].map(|name| (name.to_owned(), "1".to_owned())).into();
    vec![v1::PluginRow { inputs, ..Default::default() }; 3]
}

fn evaluate(guest: &Guest) -> v1::EvaluatePluginRequest {
    v1::EvaluatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: source(guest),
        rows: rows(),
        ..Default::default()
    }
}

fn explain(guest: &Guest) -> v1::ExplainPluginRequest {
    v1::ExplainPluginRequest {
        parent: TEAM.to_owned(),
        plugin: source(guest),
        rows: rows(),
        ..Default::default()
    }
}

/// Calls, sees the guest at work, goes away, and sees it gone.
async fn check<T: Send + 'static>(
    harness: &Harness,
    call: impl Future<Output = Result<T, Status>> + Send + 'static,
) {
    let call = tokio::spawn(call);
    until_under_way(harness, 1).await;
    call.abort();
    until_under_way(harness, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_stops_when_its_client_goes_away() {
    let harness = endless().await;
    organisation(&harness).await;
    let plugins = harness.plugins();
    let in_describe = Guest::good().with(|guest| guest.describe = LOOP.into());
    let in_evaluate = Guest::good().with(|guest| guest.evaluate = LOOP.into());
    let in_explain = Guest::good().with(|guest| guest.explain = LOOP.into());

    let request = v1::DescribePluginRequest { parent: TEAM.to_owned(), plugin: source(&in_describe) };
    let mut client = plugins.clone();
    check(&harness, async move { client.describe_plugin(request).await }).await;
    let (mut client, request) = (plugins.clone(), evaluate(&in_evaluate));
    check(&harness, async move { client.evaluate_plugin(request).await }).await;
    let (mut client, request) = (plugins.clone(), explain(&in_explain));
    check(&harness, async move { client.explain_plugin(request).await }).await;

    publish_component(&harness, "slow", in_explain.component()).await;
    // A run does not wait for explanations that never end.
    let harness = Harness::start_in(harness.stopped().await, |config| {
        unlimited(config);
        config.plugins.try_out_ms = 100;
    })
    .await;
    let run = run(&harness, "q1", vec![component_step("slow", "slow", added())]).await;
    assert_eq!(run.failure, "");
    let request = v1::ExplainEvaluationRequest { name: format!("{}/evaluations/a-1", run.name) };
    let mut client = harness.evaluations();
    check(&harness, async move { client.explain_evaluation(request).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_stops_at_its_clients_deadline() {
    let harness = endless().await;
    harness.team("acme").await;
    let guest = Guest::good().with(|guest| guest.evaluate = LOOP.into());
    // Compiled before, so that the deadline strikes while it evaluates.
    let describe = v1::DescribePluginRequest { parent: TEAM.to_owned(), plugin: source(&guest) };
    harness.plugins().describe_plugin(describe).await.unwrap();
    let body = whole(framed(&evaluate(&guest)));
    let mut call = request("merit.v1.PluginService/EvaluatePlugin", body);
    call.headers_mut().insert("grpc-timeout", "200m".parse().unwrap());
    let status = harness.send(call).await.status();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    until_under_way(&harness, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_stops_its_guest() {
    let harness = endless().await;
    organisation(&harness).await;
    let guest = Guest::good().with(|guest| guest.evaluate = LOOP.into());
    publish_component(&harness, "slow", guest.component()).await;
    let revision = component_step("slow", "slow", added());
    let activate =
        v1::ActivatePluginRevisionRequest { name: revision.revision.clone(), ..Default::default() };
    harness
        .plugins()
        .approve_plugin_revision(v1::ApprovePluginRevisionRequest {
            name: revision.revision.clone(),
            ..Default::default()
        })
        .await
        .unwrap();
    harness.plugins().activate_plugin_revision(activate).await.unwrap();
    // The service finds the revision of a plugin, and notes it beside: that is no fault of the one who cancels.
    let plugin =
        v1::RunStep { revision: String::new(), plugin: format!("{TEAM}/plugins/slow"), ..revision.clone() };
    for (run, step) in [("q1", revision), ("q2", plugin)] {
        let created = super::runs::create(&harness, run, vec![step]).await.unwrap();
        until_under_way(&harness, 1).await;
        let cancel = v1::CancelRunRequest { name: created.name, ..Default::default() };
        harness.evaluations().cancel_run(cancel).await.unwrap();
        until_under_way(&harness, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trying_out_takes_a_while_at_most_for_all_rows_together() {
    let harness = Harness::start_with(|config| {
        unlimited(config);
        config.plugins.try_out_ms = 100;
    })
    .await;
    harness.team("acme").await;
    let outcome = merit::sandbox::Outcome { columns: vec![decimals("sum", vec![1])], faults: vec![] };
    let guest = Guest::answering(&outcome).with(|guest| {
        guest.describe = format!("(i32.const {})", guest.image.manifest(&manifest()));
        guest.evaluate = LOOP.into();
    });
    // How far it got says something of the machine: it is no answer for any row.
    let status = harness.plugins().evaluate_plugin(evaluate(&guest)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "TIMED_OUT"));
    let part = "may take 100ms together (plugins.try_out_ms in the configuration)";
    assert!(status.message().contains(part), "{status:?}");
}
