//! Runs of several teams: what one of them runs, nobody else waits for; and a run that gets nobody through ends early.

use std::collections::BTreeSet;

use merit::{
    config::Config,
    proto::v1::{
        self, RunState, input_binding::Source, plugin_source,
        publish_plugin_revision_request::Source as Published,
    },
};

use tokio::task::JoinHandle;

use super::{bound, watched};
use crate::{
    guest::Guest,
    harness::{Harness, reason, until},
};

/// A team with some account managers, and a plugin that is a formula first and then this component.
async fn team(harness: &Harness, team: &str, people: usize, component: Vec<u8>) {
    harness.team(team).await;
    let parent = format!("teams/{team}");
    for place in 0..people {
        let person = v1::AccountManager { display_name: format!("Person {place}"), ..Default::default() };
        let request = v1::CreateAccountManagerRequest {
            parent: parent.clone(),
            account_manager_id: format!("p-{place}"),
            account_manager: Some(person),
            ..Default::default()
        };
        harness.organisation().create_account_manager(request).await.unwrap();
    }
    let plugin = v1::Plugin { display_name: "Sum".to_owned(), ..Default::default() };
    let request = v1::CreatePluginRequest {
        parent: parent.clone(),
        plugin: Some(plugin),
        plugin_id: "sum".to_owned(),
        ..Default::default()
    };
    harness.plugins().create_plugin(request).await.unwrap();
    let formula = "input a\ninput b\nscore sum = a + b\n".to_owned();
    for source in [Published::Formula(formula), Published::Component(component.into())] {
        let request = v1::PublishPluginRevisionRequest {
            plugin: format!("{parent}/plugins/sum"),
            source: Some(source),
            ..Default::default()
        };
        harness.plugins().publish_plugin_revision(request).await.unwrap();
    }
}

/// A run of the formula (1) or the component (2), which gives each the same.
async fn create(harness: &Harness, team: &str, id: &str, revision: usize) -> v1::Run {
    let step = v1::RunStep {
        step: "sum".to_owned(),
        revision: format!("teams/{team}/pluginRevisions/sum-{revision}"),
        inputs: ["a", "b"].map(|input| bound(input, Source::Constant("6.66".to_owned()))).to_vec(),
        ..Default::default()
    };
    let run = v1::Run {
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-04-01".to_owned(),
        steps: vec![step],
        mode: v1::RunMode::Trial.into(),
        ..Default::default()
    };
    let request = v1::CreateRunRequest {
        parent: format!("teams/{team}"),
        run: Some(run),
        run_id: id.to_owned(),
        ..Default::default()
    };
    harness.evaluations().create_run(request).await.unwrap().into_inner()
}

async fn state(harness: &Harness, run: &v1::Run) -> RunState {
    let request = v1::GetRunRequest { name: run.name.clone() };
    harness.evaluations().get_run(request).await.unwrap().into_inner().state()
}

async fn until_running(harness: &Harness, run: &v1::Run) {
    let request = v1::WatchRunRequest { name: run.name.clone() };
    let mut stream = harness.evaluations().watch_run(request).await.unwrap().into_inner();
    while state(harness, run).await == RunState::Pending {
        stream.message().await.unwrap();
    }
    assert_eq!(state(harness, run).await, RunState::Running);
}

async fn cancel(harness: &Harness, run: &v1::Run) {
    let request = v1::CancelRunRequest { name: run.name.clone(), ..Default::default() };
    harness.evaluations().cancel_run(request).await.unwrap();
}

fn endless() -> Vec<u8> {
    Guest::poisoned("(loop $forever (br $forever))").component()
}

/// A call that does not end has fuel and time for longer than anybody waits.
fn for_ever(config: &mut Config) {
    (config.runs.threads, config.runs.concurrent) = (1, 2);
    (config.runs.fuel_per_call, config.plugins.ceilings.fuel_per_call) = (1 << 60, 1 << 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_team_waits_for_what_another_one_runs() {
    let harness = Harness::start_with(for_ever).await;
    team(&harness, "looping", 3, endless()).await;
    team(&harness, "other", 3, Guest::good().component()).await;
    let looping = create(&harness, "looping", "q1", 2).await;
    until_running(&harness, &looping).await;
    // It has a place, and gets no second one.
    let second = create(&harness, "looping", "q2", 1).await;

    let mut datasets = Vec::new();
    for (id, revision) in [("q1", 1), ("q2", 1), ("q3", 2)] {
        let run = create(&harness, "other", id, revision).await;
        let ended = watched(&harness, &run.name).await;
        assert_eq!((ended.failure.as_str(), ended.state()), ("", RunState::Succeeded));
        datasets.push((run.name, ended.dataset));
    }
    assert_eq!(state(&harness, &looping).await, RunState::Running);
    assert_eq!(state(&harness, &second).await, RunState::Pending);

    cancel(&harness, &looping).await;
    assert_eq!(watched(&harness, &second.name).await.state(), RunState::Succeeded);
    assert_eq!(state(&harness, &looping).await, RunState::Cancelled);
    // Alone now, they have the same bytes.
    for (name, dataset) in datasets {
        let request = v1::ReplayRunRequest { name, ..Default::default() };
        let replay = harness.evaluations().replay_run(request).await.unwrap().into_inner();
        assert_eq!((replay.identical, replay.dataset), (true, dataset));
    }
}

/// Waits until so many guests are at work.
async fn until_guests(harness: &Harness, guests: usize) {
    until("the guests are at work", || harness.evaluator.under_way().guests >= guests).await;
}

fn evaluation(team: &str, component: Vec<u8>) -> v1::EvaluatePluginRequest {
    let inputs = ["a", "b"].map(|name| (name.to_owned(), "6.66".to_owned())).into();
    let source = Some(plugin_source::Source::Component(component.into()));
    v1::EvaluatePluginRequest {
        parent: format!("teams/{team}"),
        plugin: Some(v1::PluginSource { source, ..Default::default() }),
        rows: vec![v1::PluginRow { inputs, ..Default::default() }],
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_team_waits_for_what_another_one_asks() {
    let harness = Harness::start_with(|config| {
        for_ever(config);
        (config.limits.computing_calls, config.plugins.try_out_ms) = (2, 1 << 40);
    })
    .await;
    team(&harness, "looping", 3, endless()).await;
    team(&harness, "other", 3, Guest::good().component()).await;
    let mut runs = Vec::new();
    for team in ["looping", "other"] {
        let run = create(&harness, team, "q1", 1).await;
        runs.push(watched(&harness, &run.name).await);
    }
    let compare = |run: &v1::Run, team: &str| {
        let candidate = format!("teams/{team}/pluginRevisions/sum-2");
        let request = v1::CompareRevisionsRequest { run: run.name.clone(), candidate, ..Default::default() };
        let mut evaluations = harness.evaluations();
        async move { evaluations.compare_revisions(request).await }
    };
    let evaluate = |team: &str, component: Vec<u8>| {
        let (mut plugins, request) = (harness.plugins(), evaluation(team, component));
        async move { plugins.evaluate_plugin(request).await }
    };
    // Three of each, of which one is at work.
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(tokio::spawn(answered(compare(&runs[0], "looping"))));
        calls.push(tokio::spawn(answered(evaluate("looping", endless()))));
    }
    until_guests(&harness, 2).await;
    let found = compare(&runs[1], "other").await.unwrap().into_inner();
    assert_eq!((found.rows, found.rows_changed), (3, 0));
    let answer = evaluate("other", Guest::good().component()).await.unwrap().into_inner();
    assert_eq!(answer.results[0].fault, None);
    assert!(calls.iter().all(|call| !call.is_finished()));
    // What is found to take longer than a moment waits for its turn.
    until("the others wait", || harness.evaluator.under_way().guests == 2).await;
    calls.iter().for_each(JoinHandle::abort);
}

/// What takes a moment does not wait for what takes long, however many teams ask for that.
#[tokio::test(flavor = "multi_thread")]
async fn what_takes_a_moment_waits_for_nobody() {
    let harness = Harness::start_with(|config| {
        for_ever(config);
        (config.limits.computing_calls, config.plugins.try_out_ms) = (2, 1 << 40);
    })
    .await;
    let evaluate = |team: &str, component: Vec<u8>| {
        let (mut plugins, request) = (harness.plugins(), evaluation(team, component));
        async move { plugins.evaluate_plugin(request).await }
    };
    let mut calls = Vec::new();
    for number in 0..8 {
        let team = format!("looping-{number}");
        harness.team(&team).await;
        calls.push(tokio::spawn(answered(evaluate(&team, endless()))));
    }
    harness.team("other").await;
    // All places of those that take long are taken, and six wait for one.
    until_guests(&harness, 2).await;
    for _ in 0..5 {
        let answer = evaluate("other", Guest::good().component()).await.unwrap().into_inner();
        assert_eq!(answer.results[0].fault, None);
    }
    assert!(calls.iter().all(|call| !call.is_finished()));
    calls.iter().for_each(JoinHandle::abort);
}

async fn answered<T>(call: impl Future<Output = T>) {
    call.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_before_its_turn_holds_up_nobody() {
    let harness = Harness::start_with(for_ever).await;
    team(&harness, "looping", 3, endless()).await;
    let looping = create(&harness, "looping", "q1", 2).await;
    until_running(&harness, &looping).await;
    let waiting = create(&harness, "looping", "q2", 2).await;
    let last = create(&harness, "looping", "q3", 1).await;
    cancel(&harness, &waiting).await;
    cancel(&harness, &looping).await;
    assert_eq!(watched(&harness, &last.name).await.state(), RunState::Succeeded);
    assert_eq!(state(&harness, &waiting).await, RunState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_gets_nobody_through_ends_early_and_says_so() {
    let (mut failures, mut reasons) = (BTreeSet::new(), BTreeSet::new());
    for (chunk_rows, threads) in [(1, 2), (7, 1), (4096, 2)] {
        let harness = Harness::start_with(|config| {
            (config.runs.chunk_rows, config.runs.threads) = (chunk_rows, threads);
            config.runs.fuel_per_call = 1_000_000;
        })
        .await;
        team(&harness, "looping", 20, endless()).await;
        let run = create(&harness, "looping", "q1", 2).await;
        let ended = watched(&harness, &run.name).await;
        assert_eq!((ended.state(), ended.dataset.as_str()), (RunState::Failed, ""));
        failures.insert(ended.failure);
        // What it would change is not to be had either, for the same reason.
        let formula = create(&harness, "looping", "q2", 1).await;
        let run = watched(&harness, &formula.name).await.name;
        let candidate = "teams/looping/pluginRevisions/sum-2".to_owned();
        let compare = v1::CompareRevisionsRequest { run, candidate, ..Default::default() };
        let refused = harness.evaluations().compare_revisions(compare).await.unwrap_err();
        reasons.insert(reason(&refused));
    }
    assert_eq!(reasons, BTreeSet::from(["OUT_OF_FUEL".to_owned()]));
    let failures: Vec<String> = failures.into_iter().collect();
    let [failure] = &failures[..] else { panic!("however it was executed: {failures:#?}") };
    for part in [
        "step sum: the plugin finished its call for none of 16 rows that were tried alone, spread over all 20",
        "each ended with OUT_OF_FUEL",
        "used up the fuel for `evaluate` of 1 rows and 0 lines: 2000000 units (fuel_per_call 1000000 and 1 times",
        "raise either in the team's plugin_limits",
        "the other 4 rows were not tried alone",
    ] {
        assert!(failure.contains(part), "{part:?} is not in {failure:?}");
    }
}
