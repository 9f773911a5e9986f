//! Runs that do not come to their end at once: cancelled, or cut by a stop of the service.

use merit::{config::Config, proto::v1};

use super::{
    bound, component_step, create, evaluations, organisation, outputs, publish_component, publish_two, run,
    two_steps, watched,
};
use crate::{
    guest::Guest,
    harness::{Harness, reason},
};
use merit::proto::v1::input_binding::Source;
use tonic::Code;

/// The plugin that never ends works for ever, one account manager at a time.
fn for_ever(config: &mut Config) {
    (config.runs.chunk_rows, config.runs.threads) = (1, 1);
    (config.runs.fuel_per_call, config.plugins.ceilings.fuel_per_call) = (u64::MAX, u64::MAX);
}

/// The same until its fuel is used up, which is soon.
fn quickly(config: &mut Config) {
    for_ever(config);
    config.runs.fuel_per_call = 10_000_000;
}

/// What is shown as done of two steps of three, for ten account managers.
const DONE: u64 = 6;

/// The two steps, and one that never ends.
fn endless_steps() -> Vec<v1::RunStep> {
    let inputs = ["a", "b"].map(|input| bound(input, Source::Constant("6.66".to_owned())));
    let mut steps = two_steps();
    steps.push(component_step("endless", "endless", inputs.to_vec()));
    steps
}

/// A server with a run that is at work, and has done two steps of three.
async fn at_work(harness: &Harness) -> String {
    organisation(harness).await;
    publish_two(harness).await;
    let endless = Guest::poisoned("(loop $forever (br $forever))").component();
    publish_component(harness, "endless", endless).await;
    let name = create(harness, "q1", endless_steps()).await.unwrap().name;
    let request = v1::WatchRunRequest { name: name.clone() };
    let mut stream = harness.evaluations().watch_run(request).await.unwrap().into_inner();
    loop {
        let run = stream.message().await.unwrap().expect("the run is not finished").run.unwrap();
        match run.state() {
            v1::RunState::Pending => {}
            v1::RunState::Running if run.rows_done == DONE => return name,
            v1::RunState::Running => {}
            other => panic!("{other:?}: {}", run.failure),
        }
    }
}

/// Waits until the run is at work, with one attempt that has come to no end.
async fn until_running(harness: &Harness, name: &str) {
    while get(harness, name).await.attempts == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(get(harness, name).await.attempts, 1);
}

async fn get(harness: &Harness, name: &str) -> v1::Run {
    let request = v1::GetRunRequest { name: name.to_owned() };
    harness.evaluations().get_run(request).await.unwrap().into_inner()
}

/// Expects that whatever needs the results of a run says that there are none.
async fn check_unfinished(harness: &Harness, run: &str) {
    let mut evaluations = harness.evaluations();
    let replay = v1::ReplayRunRequest { name: run.to_owned(), ..Default::default() };
    let explain = v1::ExplainEvaluationRequest { name: format!("{run}/evaluations/a-1") };
    let get = v1::GetEvaluationRequest { name: format!("{run}/evaluations/a-1") };
    let download = v1::DownloadDatasetRequest { name: run.to_owned() };
    for (what, refused) in [
        ("replay", evaluations.replay_run(replay).await.err()),
        ("explain", evaluations.explain_evaluation(explain).await.err()),
        ("get", evaluations.get_evaluation(get).await.err()),
        ("download", evaluations.download_dataset(download).await.err()),
    ] {
        let refused = refused.unwrap_or_else(|| panic!("{what} is answered"));
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "RUN_NOT_FINISHED")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_at_work_is_cancelled() {
    let harness = Harness::start_with(for_ever).await;
    let name = at_work(&harness).await;
    check_unfinished(&harness, &name).await;
    let request = v1::CancelRunRequest { name: name.clone(), ..Default::default() };
    let cancelled = harness.evaluations().cancel_run(request.clone()).await.unwrap().into_inner();
    assert_eq!(cancelled.state(), v1::RunState::Cancelled);
    let ended = watched(&harness, &name).await;
    assert_eq!(ended.state(), v1::RunState::Cancelled, "a watcher is told, and the stream ends");
    assert_eq!((ended.rows_done, ended.rows_total), (DONE, 10), "how far it was");
    assert!(ended.start_time.is_some() && ended.end_time.is_some());
    // The work has ended when the service has; and the next one does not take it up again.
    let directory = harness.stopped().await;
    let harness = Harness::start_in(directory, quickly).await;
    let after = get(&harness, &name).await;
    assert_eq!(after, ended);
    assert_eq!(after.dataset, "");
    let list = v1::ListEvaluationsRequest { parent: name.clone(), ..Default::default() };
    let refused = harness.evaluations().list_evaluations(list).await.unwrap_err();
    assert_eq!(reason(&refused), "RUN_NOT_FINISHED");
    check_unfinished(&harness, &name).await;
    let again = harness.evaluations().cancel_run(request).await.unwrap_err();
    assert_eq!(reason(&again), "STATE_FORBIDS");
    // Others are not held up.
    let next = run(&harness, "q2", two_steps()).await;
    assert_eq!(next.state(), v1::RunState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_stop_cut_is_finished_by_the_next_start() {
    let harness = Harness::start_with(for_ever).await;
    let name = at_work(&harness).await;
    // As often as the service is stopped in order: it is not the run that ended it.
    let mut directory = harness.stopped().await;
    for _ in 0..3 {
        let harness = Harness::start_in(directory, for_ever).await;
        until_running(&harness, &name).await;
        directory = harness.stopped().await;
    }
    let harness = Harness::start_in(directory, quickly).await;
    let resumed = watched(&harness, &name).await;
    assert_eq!(resumed.attempts, 0);
    assert_eq!((resumed.failure.as_str(), resumed.state()), ("", v1::RunState::Succeeded));
    assert_eq!((resumed.rows_done, resumed.rows_total, resumed.rows_faulted), (10, 10, 10));
    let fresh = run(&harness, "q2", endless_steps()).await;
    let [resumed, fresh] =
        [evaluations(&harness, &resumed.name).await, evaluations(&harness, &fresh.name).await];
    assert_eq!(outputs(&resumed, "endless", "sum"), vec!["OUT_OF_FUEL"; 10]);
    let contents = |evaluations: &[v1::Evaluation]| {
        let content =
            |evaluation: &v1::Evaluation| v1::Evaluation { name: String::new(), ..evaluation.clone() };
        evaluations.iter().map(content).collect::<Vec<_>>()
    };
    assert_eq!(contents(&resumed), contents(&fresh));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_a_restart() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let before = run(&harness, "q1", two_steps()).await;
    let directory = harness.stopped().await;
    let harness = Harness::start_in(directory, |_| {}).await;
    let request = v1::ReplayRunRequest { name: before.name.clone(), chunk_rows: 3, threads: 2 };
    let replay = harness.evaluations().replay_run(request).await.unwrap().into_inner();
    assert!(replay.identical);
    assert_eq!(watched(&harness, &before.name).await, before);
}
