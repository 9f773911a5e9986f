//! Runs from end to end, through the wire: published, executed, listed, explained, replayed.

use merit::proto::v1::{self, input_binding::Source, publish_plugin_revision_request as publish};
use tonic::Code;

use super::harness::{Harness, reason};

const TEAM: &str = "teams/acme";

const SHEET: &str = "\
input revenue
input quota
input region text
attainment = revenue / quota
score performance = 100 * MIN(attainment, 1.5)
payout commission = TIERED(revenue, 0, 5%, quota, 8%)
grade band = IFS(performance >= 100, \"A\", TRUE, \"B\")
";

/// Pays on a score of a step before.
const GATED: &str = "\
input performance
input base
payout bonus = IF(performance < 100, 0, base)
";

/// A measure of revenue.
async fn revenue(harness: &Harness) {
    let measure = v1::Measure {
        display_name: "Won revenue".to_owned(),
        scale: 2,
        money: true,
        definition: Some(v1::measure::Definition::Aggregate(v1::Aggregate {
            collection: "opportunities".to_owned(),
            condition: "stage = \"WON\"".to_owned(),
            value: "amount".to_owned(),
            function: v1::AggregateFunction::Sum.into(),
            owner_field: "owner".to_owned(),
            time_field: "close_date".to_owned(),
        })),
        ..Default::default()
    };
    let request = v1::CreateMeasureRequest {
        parent: TEAM.to_owned(),
        measure: Some(measure),
        measure_id: "revenue".to_owned(),
        ..Default::default()
    };
    harness.evaluations().create_measure(request).await.unwrap();
}

/// A team with deals: `a-0` to `a-9`, of whom `a-9` has no quota.
async fn organisation(harness: &Harness) {
    harness.team("acme").await;
    let (mut people, mut crm, mut goals) = (harness.organisation(), harness.crm(), harness.goals());
    revenue(harness).await;
    for place in 0..10 {
        let region = if place % 2 == 0 { "North" } else { "South" };
        let person = v1::AccountManager {
            display_name: format!("Person {place}"),
            region: region.to_owned(),
            ..Default::default()
        };
        let request = v1::CreateAccountManagerRequest {
            parent: TEAM.to_owned(),
            account_manager_id: format!("a-{place}"),
            account_manager: Some(person),
            ..Default::default()
        };
        let owner = people.create_account_manager(request).await.unwrap().into_inner().name;
        for deal in 0..3 {
            let opportunity = v1::Opportunity {
                owner: owner.clone(),
                stage: v1::OpportunityStage::Won.into(),
                amount: format!("{}.50", 100 * (place + deal)),
                engage_date: "2026-01-05".to_owned(),
                close_date: "2026-02-10".to_owned(),
                ..Default::default()
            };
            let request = v1::CreateOpportunityRequest {
                parent: TEAM.to_owned(),
                opportunity: Some(opportunity),
                opportunity_id: format!("d-{place}-{deal}"),
                ..Default::default()
            };
            crm.create_opportunity(request).await.unwrap();
        }
        if place == 9 {
            continue;
        }
        let goal = v1::Goal {
            display_name: "Quota".to_owned(),
            measure: format!("{TEAM}/measures/revenue"),
            target: "1000".to_owned(),
            period_start: "2026-01-01".to_owned(),
            period_end: "2026-04-01".to_owned(),
            owner,
            state: v1::GoalState::Active.into(),
            ..Default::default()
        };
        let request =
            v1::CreateGoalRequest { parent: TEAM.to_owned(), goal: Some(goal), ..Default::default() };
        goals.create_goal(request).await.unwrap();
    }
}

async fn publish(harness: &Harness, id: &str, sheet: &str) -> v1::PluginRevision {
    let plugin = v1::Plugin { display_name: id.to_owned(), ..Default::default() };
    let request = v1::CreatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: Some(plugin),
        plugin_id: id.to_owned(),
        ..Default::default()
    };
    harness.plugins().create_plugin(request).await.unwrap();
    harness.plugins().publish_plugin_revision(publication(id, sheet)).await.unwrap().into_inner()
}

fn publication(id: &str, sheet: &str) -> v1::PublishPluginRevisionRequest {
    v1::PublishPluginRevisionRequest {
        plugin: format!("{TEAM}/plugins/{id}"),
        source: Some(publish::Source::Formula(sheet.to_owned())),
        ..Default::default()
    }
}

fn bound(input: &str, source: Source) -> v1::InputBinding {
    v1::InputBinding { input: input.to_owned(), source: Some(source) }
}

/// A run of two steps: a formula on measures, targets and attributes, and one gated by its score.
async fn run(harness: &Harness, id: &str) -> v1::Run {
    let kpi = v1::RunStep {
        step: "kpi".to_owned(),
        revision: format!("{TEAM}/pluginRevisions/kpi-1"),
        ..Default::default()
    };
    let gated = v1::RunStep {
        step: "bonus".to_owned(),
        revision: format!("{TEAM}/pluginRevisions/gated-1"),
        inputs: vec![
            bound("performance", Source::Output("kpi.performance".to_owned())),
            bound("base", Source::Constant("250".to_owned())),
        ],
        ..Default::default()
    };
    let run = v1::Run {
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-04-01".to_owned(),
        steps: vec![kpi, gated],
        mode: v1::RunMode::Trial.into(),
        ..Default::default()
    };
    let request = v1::CreateRunRequest {
        parent: TEAM.to_owned(),
        run: Some(run),
        run_id: id.to_owned(),
        ..Default::default()
    };
    let created = harness.evaluations().create_run(request).await.unwrap().into_inner();
    watched(harness, &created.name).await
}

/// The run as it ends.
async fn watched(harness: &Harness, name: &str) -> v1::Run {
    let request = v1::WatchRunRequest { name: name.to_owned() };
    let mut stream = harness.evaluations().watch_run(request).await.unwrap().into_inner();
    let mut last = None;
    while let Some(message) = stream.message().await.unwrap() {
        last = message.run;
    }
    last.expect("the last message has the finished run")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_from_end_to_end() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish(&harness, "kpi", SHEET).await;
    publish(&harness, "gated", GATED).await;
    let run = run(&harness, "q1").await;
    assert_eq!(run.failure, "");
    assert_eq!(run.state(), v1::RunState::Succeeded);
    assert_eq!((run.rows_done, run.rows_total, run.rows_faulted), (10, 10, 1));

    let list = |filter: &str, order_by: &str, page_size, page_token: &str| v1::ListEvaluationsRequest {
        parent: run.name.clone(),
        filter: filter.to_owned(),
        order_by: order_by.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    let mut evaluations = harness.evaluations();
    let first = evaluations.list_evaluations(list("", "payout desc", 4, "")).await.unwrap().into_inner();
    assert_eq!(first.evaluations.len(), 4);
    let best = &first.evaluations[0];
    // 800.50 + 900.50 + 1000.50 against 1000: 150 at most; 5% of 1000 and 8% of 1701.50; and the bonus.
    assert_eq!(best.account_manager, "teams/acme/accountManagers/a-8");
    assert_eq!((best.score.as_str(), best.payout.as_str(), best.grade.as_str()), ("150", "436.12", "A"));
    let token = &first.next_page_token;
    let next = evaluations.list_evaluations(list("", "payout desc", 4, token)).await.unwrap().into_inner();
    assert_eq!(next.evaluations.len(), 4);
    let mixed = evaluations.list_evaluations(list("faulted", "payout desc", 4, token)).await.unwrap_err();
    assert_eq!(reason(&mixed), "INVALID_PAGE_TOKEN");
    let faulted = evaluations.list_evaluations(list("faulted", "", 0, "")).await.unwrap().into_inner();
    let [faulted] = &faulted.evaluations[..] else { panic!("one is faulted: {faulted:?}") };
    assert_eq!(faulted.account_manager, "teams/acme/accountManagers/a-9");
    let reasons: Vec<(&str, &str)> =
        faulted.faults.iter().map(|fault| (fault.step.as_str(), fault.reason.as_str())).collect();
    assert_eq!(reasons, [("kpi", "MISSING_INPUT"), ("bonus", "MISSING_INPUT")]);
    assert_eq!((faulted.score.as_str(), faulted.payout.as_str()), ("", ""));
    let north = list("kpi.region = \"North\" AND kpi.attainment >= 1.5", "", 0, "");
    let unknown = evaluations.list_evaluations(north).await;
    // A detail is no output of a formula: what the filter knows is told.
    assert!(unknown.is_ok() || reason(&unknown.unwrap_err()) == "INVALID_FILTER");

    let explain = v1::ExplainEvaluationRequest { name: format!("{}/evaluations/a-8", run.name) };
    let explained = evaluations.explain_evaluation(explain).await.unwrap().into_inner();
    let revenue = &explained.steps[0].inputs[0];
    assert_eq!((revenue.source.as_str(), revenue.records), ("measure revenue", 3));
    assert_eq!(revenue.record_names[0], "teams/acme/opportunities/d-8-0");
    assert_eq!(explained.steps[0].inputs[1].source, "target of revenue");
    assert!(explained.steps[0].explanation.iter().any(|step| step.output == "commission"));

    for (chunk_rows, threads) in [(0, 0), (1, 1), (7, 2), (4096, 2)] {
        let request = v1::ReplayRunRequest { name: run.name.clone(), chunk_rows, threads };
        let replay = evaluations.replay_run(request).await.unwrap().into_inner();
        assert!(replay.identical, "{replay:?}");
        assert_eq!((replay.rows, replay.dataset.as_str()), (10, run.dataset.as_str()));
    }

    // What is written afterwards shows in no result, and the explanation says that it has been.
    let request = v1::DeleteOpportunityRequest {
        name: "teams/acme/opportunities/d-8-0".to_owned(),
        ..Default::default()
    };
    harness.crm().delete_opportunity(request).await.unwrap();
    let explain = v1::ExplainEvaluationRequest { name: format!("{}/evaluations/a-8", run.name) };
    let explained = evaluations.explain_evaluation(explain).await.unwrap().into_inner();
    let revenue = &explained.steps[0].inputs[0];
    assert_eq!(revenue.records, 3);
    assert!(revenue.source.contains("records have changed"), "{}", revenue.source);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_checked_and_numbered() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let first = publish(&harness, "kpi", SHEET).await;
    assert_eq!((first.name.as_str(), first.number), ("teams/acme/pluginRevisions/kpi-1", 1));
    let mut plugins = harness.plugins();
    let wrong =
        plugins.publish_plugin_revision(publication("kpi", "input a\nscore s = b +\n")).await.unwrap_err();
    assert_eq!((wrong.code(), reason(&wrong).as_str()), (Code::InvalidArgument, "INVALID_FORMULA"));
    assert!(wrong.message().contains("line 2"), "{}", wrong.message());
    let mut misplaced = publication("kpi", SHEET);
    misplaced.parameters = "{}".to_owned();
    let misplaced = plugins.publish_plugin_revision(misplaced).await.unwrap_err();
    assert_eq!(reason(&misplaced), "PARAMETERS_MISPLACED");
    let mut again = publication("kpi", SHEET);
    again.request_id = "once".to_owned();
    let second = plugins.publish_plugin_revision(again.clone()).await.unwrap().into_inner();
    assert_eq!(second.number, 2);
    let repeated = plugins.publish_plugin_revision(again).await.unwrap().into_inner();
    assert_eq!(repeated, second);
    let mut checked = publication("kpi", SHEET);
    checked.validate_only = true;
    assert_eq!(plugins.publish_plugin_revision(checked).await.unwrap().into_inner().number, 3);
    let plugin = v1::GetPluginRequest { name: "teams/acme/plugins/kpi".to_owned() };
    assert_eq!(plugins.get_plugin(plugin).await.unwrap().into_inner().latest_revision, second.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_bound_fails_and_says_why() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish(&harness, "kpi", "input nobody\nscore s = nobody\n").await;
    publish(&harness, "gated", GATED).await;
    let run = run(&harness, "q1").await;
    assert_eq!(run.state(), v1::RunState::Failed);
    assert!(run.failure.starts_with("INVALID_BINDING: step kpi, nobody"), "{}", run.failure);
    let request = v1::ListEvaluationsRequest { parent: run.name, ..Default::default() };
    let refused = harness.evaluations().list_evaluations(request).await.unwrap_err();
    assert_eq!(reason(&refused), "RUN_NOT_FINISHED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_a_restart() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish(&harness, "kpi", SHEET).await;
    publish(&harness, "gated", GATED).await;
    let before = run(&harness, "q1").await;
    let directory = harness.stopped().await;
    let harness = Harness::start_in(directory, |_| {}).await;
    let request = v1::ReplayRunRequest { name: before.name.clone(), chunk_rows: 3, threads: 2 };
    let replay = harness.evaluations().replay_run(request).await.unwrap().into_inner();
    assert!(replay.identical);
    assert_eq!(watched(&harness, &before.name).await, before);
}
