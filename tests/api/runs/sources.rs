//! Where the inputs of a run come from, and what is told where they come from nowhere.

use merit::proto::v1::{self, input_binding::Source};
use tonic::Code;

use super::{
    GATED, SHEET, TEAM, bound, create, evaluations, organisation, outputs, publish, run, run_request, step,
    two_steps,
};
use crate::harness::{Harness, reason};

const LINES: &str = "\
input lines amount
input lines stage text
score deals = LINES_COUNT(amount > 300)
payout commission = LINES_SUM(amount * 10%)
";

fn deals() -> v1::LineBinding {
    v1::LineBinding {
        collection: "opportunities".to_owned(),
        condition: "stage = \"WON\"".to_owned(),
        owner_field: "owner".to_owned(),
        time_field: "close_date".to_owned(),
        fields: vec![v1::LineField { input: "amount".to_owned(), value: "amount * 2".to_owned() }],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deal_by_deal() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish(&harness, "deals", LINES).await;
    let step = v1::RunStep { lines: Some(deals()), ..step("deals", "deals", vec![]) };
    let run = run(&harness, "q1", vec![step]).await;
    assert_eq!((run.failure.as_str(), run.rows_faulted), ("", 0));
    let evaluations = evaluations(&harness, &run.name).await;
    // Twice 0.50, 100.50, 200.50; twice 100.50, 200.50, 300.50; and so on.
    assert_eq!(outputs(&evaluations, "deals", "deals")[..4], ["1", "2", "3", "3"]);
    assert_eq!(outputs(&evaluations, "deals", "commission")[..3], ["60.30", "120.30", "180.30"]);
    let replay = v1::ReplayRunRequest { name: run.name.clone(), chunk_rows: 1, threads: 2 };
    assert!(harness.evaluations().replay_run(replay).await.unwrap().into_inner().identical);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_gated_by_a_score() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    super::publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    let evaluations = evaluations(&harness, &run.name).await;
    let scores = outputs(&evaluations, "kpi", "performance");
    assert_eq!(scores[1..5], ["60.15", "90.15", "120.15", "150"]);
    assert_eq!(outputs(&evaluations, "bonus", "bonus")[1..5], ["0.00", "0.00", "250.00", "250.00"]);
}

/// What is wrong with a run is told when it is asked for, and nothing of it is kept.
async fn check(harness: &Harness, steps: Vec<v1::RunStep>, expected: &str, said: &str) {
    let refused = create(harness, "wrong", steps).await.unwrap_err();
    assert_eq!(reason(&refused), expected, "{refused:?}");
    assert!(refused.message().contains(said), "{:?} is not in {:?}", said, refused.message());
    let get = v1::GetRunRequest { name: format!("{TEAM}/runs/wrong") };
    assert_eq!(harness.evaluations().get_run(get).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_bound_is_told_at_once() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish(&harness, "kpi", SHEET).await;
    publish(&harness, "gated", GATED).await;
    publish(&harness, "nobody", "input nobody\nscore s = nobody\n").await;
    publish(&harness, "deals", LINES).await;
    let kpi = |input: &str, source| vec![step("kpi", "kpi", vec![bound(input, source)])];
    let measure = |id: &str| Source::Measure(format!("{TEAM}/measures/{id}"));
    let attribute = |text: &str| Source::Attribute(text.to_owned());
    let wrong = "INVALID_BINDING";
    let nobody = vec![step("kpi", "nobody", vec![])];
    check(&harness, nobody, wrong, "step kpi, nobody: is not bound").await;
    check(&harness, kpi("revenu", measure("revenue")), wrong, "it has revenue, quota, region").await;
    check(&harness, kpi("region", measure("revenue")), wrong, "wants a text").await;
    check(&harness, kpi("quota", attribute("region")), wrong, "wants a number; \"region\" gives a text")
        .await;
    let band = bound("performance", Source::Output("kpi.band".to_owned()));
    let banded = vec![step("kpi", "kpi", vec![]), step("bonus", "gated", vec![band])];
    check(&harness, banded, wrong, "bonus, performance: the plugin wants a number; kpi.band is a text").await;
    publish(&harness, "slips", "input revenues\nscore s = revenues\n").await;
    check(&harness, vec![step("s", "slips", vec![])], wrong, "did you mean the measure revenue?").await;
    publish(&harness, "places", "input regon text\nscore s = LEN(regon)\n").await;
    check(&harness, vec![step("s", "places", vec![])], wrong, "did you mean the attribute region?").await;
    let meant = "measures/revenu does not exist: did you mean teams/acme/measures/revenue?";
    check(&harness, kpi("quota", measure("revenu")), "REFERENCE_NOT_FOUND", meant).await;
    check(&harness, kpi("quota", Source::Output("kpi.score".to_owned())), wrong, "there are none").await;
    let constant = Source::Constant("99999999999999".to_owned());
    check(&harness, kpi("quota", constant), wrong, "does not fit 64 bits").await;
    check(&harness, kpi("quota", attribute("regio")), "INVALID_EXPRESSION", "region").await;
    check(&harness, kpi("quota", measure("none")), "REFERENCE_NOT_FOUND", "measures/none").await;
    check(&harness, vec![step("deals", "deals", vec![])], wrong, "bind them").await;
    let mut lines = deals();
    lines.fields[0].value = "stage".to_owned();
    let lines = v1::RunStep { lines: Some(lines), ..step("deals", "deals", vec![]) };
    check(&harness, vec![lines], wrong, "wants a number").await;
    let grouped = v1::RunStep { group_by: "region".to_owned(), ..step("kpi", "kpi", vec![]) };
    check(&harness, vec![grouped], wrong, "row by row").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_run_pays_somebody() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish(&harness, "kpi", SHEET).await;
    let active = v1::PublishPluginRevisionRequest { activate: true, ..super::publication("kpi", SHEET) };
    harness.plugins().publish_plugin_revision(active).await.unwrap();
    let request = |id: &str, mode: v1::RunMode, population: &str, start: &str| {
        let mut request = run_request(id, vec![super::component_step("kpi", "kpi", vec![])]);
        let run = request.run.as_mut().unwrap();
        (run.mode, run.population, run.period_start) = (mode.into(), population.into(), start.into());
        request
    };
    let nowhere = "region = \"West\"";
    let mut evaluations = harness.evaluations();
    let refused = evaluations.create_run(request("q1", v1::RunMode::Final, nowhere, "2026-01-01")).await;
    let refused = refused.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_FIELD");
    assert!(refused.message().contains("run.population: the condition holds for nobody"), "{refused:?}");
    evaluations.create_run(request("q1", v1::RunMode::Trial, nowhere, "2026-01-01")).await.unwrap();
    evaluations.create_run(request("q2", v1::RunMode::Final, "", "2026-01-01")).await.unwrap();
    // A run cannot be updated, and nobody is told to.
    let again =
        evaluations.create_run(request("q2", v1::RunMode::Final, "", "2026-01-01")).await.unwrap_err();
    assert!(again.message().ends_with("runs/q2 exists already: take another id"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_is_that_of_the_only_money_measure_with_goals() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    super::revenue(&harness).await;
    publish(&harness, "kpi", SHEET).await;
    let steps = || vec![step("kpi", "kpi", vec![])];
    let request = v1::CreateAccountManagerRequest {
        parent: TEAM.to_owned(),
        account_manager_id: "a-0".to_owned(),
        account_manager: Some(v1::AccountManager { display_name: "A".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    harness.organisation().create_account_manager(request).await.unwrap();
    check(&harness, steps(), "INVALID_BINDING", "nobody has a goal on a money measure").await;
    let name = v1::GetMeasureRequest { name: format!("{TEAM}/measures/revenue") };
    let measure = harness.evaluations().get_measure(name).await.unwrap().into_inner();
    let second = v1::CreateMeasureRequest {
        parent: TEAM.to_owned(),
        measure: Some(measure),
        measure_id: "bookings".to_owned(),
        ..Default::default()
    };
    harness.evaluations().create_measure(second).await.unwrap();
    for (measure, place) in [("bookings", 0), ("revenue", 1)] {
        let goal = v1::Goal {
            display_name: "Quota".to_owned(),
            measure: format!("{TEAM}/measures/{measure}"),
            target: "500".to_owned(),
            period_start: "2026-01-01".to_owned(),
            period_end: "2026-04-01".to_owned(),
            owner: format!("{TEAM}/accountManagers/a-0"),
            state: v1::GoalState::Active.into(),
            ..Default::default()
        };
        let request =
            v1::CreateGoalRequest { parent: TEAM.to_owned(), goal: Some(goal), ..Default::default() };
        harness.goals().create_goal(request).await.unwrap();
        if place == 0 {
            // Not the target of what the other input measures, but of what there is a goal on.
            let run = run(&harness, "q1", steps()).await;
            assert_eq!(run.failure, "");
            let request = v1::ExplainEvaluationRequest { name: format!("{}/evaluations/a-0", run.name) };
            let explained = harness.evaluations().explain_evaluation(request).await.unwrap().into_inner();
            assert_eq!(explained.steps[0].inputs[1].source, "target of bookings");
        }
    }
    check(&harness, steps(), "INVALID_BINDING", "measures/bookings, teams/acme/measures/revenue").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_first_answer_whatever_has_changed() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish(&harness, "nobody", "input nobody\nscore s = nobody\n").await;
    let measure = v1::GetMeasureRequest { name: format!("{TEAM}/measures/revenue") };
    let measure = harness.evaluations().get_measure(measure).await.unwrap().into_inner();
    let request = v1::CreateMeasureRequest {
        parent: TEAM.to_owned(),
        measure: Some(measure),
        measure_id: "nobody".to_owned(),
        ..Default::default()
    };
    harness.evaluations().create_measure(request).await.unwrap();
    let mut request = run_request("q1", vec![step("kpi", "nobody", vec![])]);
    request.request_id = "once".to_owned();
    let mut evaluations = harness.evaluations();
    let first = evaluations.create_run(request.clone()).await.unwrap().into_inner();
    super::watched(&harness, &first.name).await;
    let delete = v1::DeleteMeasureRequest { name: format!("{TEAM}/measures/nobody"), ..Default::default() };
    evaluations.delete_measure(delete).await.unwrap();
    assert_eq!(evaluations.create_run(request.clone()).await.unwrap().into_inner(), first);
    (request.request_id, request.run_id) = ("twice".to_owned(), "q2".to_owned());
    let mut tried = request.clone();
    (tried.validate_only, tried.run_id) = (true, "q3".to_owned());
    for request in [request, tried] {
        assert_eq!(reason(&evaluations.create_run(request).await.unwrap_err()), "INVALID_BINDING");
    }
}

/// Pays a bonus, also to whom nothing is said of.
const DEFAULTED: &str = "\
input performance default 100
payout bonus = IF(performance < 100, 0, 250)
";

#[tokio::test(flavor = "multi_thread")]
async fn no_default_stands_in_for_an_error() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    // a-0 is scored in no way, a-1 with 0, and of a-9, who has no quota, nothing is known.
    let sheet =
        "input revenue\ninput quota\nscore performance = 100 * (revenue - 601.50) / (revenue - 301.50)\n";
    publish(&harness, "kpi", sheet).await;
    publish(&harness, "gated", DEFAULTED).await;
    let output = vec![bound("performance", Source::Output("kpi.performance".to_owned()))];
    let shadow = format!("{TEAM}/pluginRevisions/gated-1");
    let steps = vec![
        step("kpi", "kpi", vec![]),
        v1::RunStep { shadow, ..step("bonus", "gated", output.clone()) },
        step("again", "gated", vec![bound("performance", Source::Output("bonus.bonus".to_owned()))]),
    ];
    let run = run(&harness, "q1", steps).await;
    assert_eq!((run.failure.as_str(), run.rows_faulted), ("", 2));
    let found = evaluations(&harness, &run.name).await;
    for (place, reason) in [(0, "PLUGIN_FAULT"), (9, "MISSING_INPUT")] {
        let [kpi, bonus, again] = &found[place].faults[..] else { panic!("{:?}", found[place].faults) };
        assert_eq!((kpi.reason.as_str(), bonus.reason.as_str()), (reason, "EARLIER_FAULT"));
        let said = format!(
            "the input performance (output kpi.performance): step kpi could not score the row ({reason})"
        );
        assert_eq!((bonus.message.as_str(), again.reason.as_str()), (said.as_str(), "EARLIER_FAULT"));
        assert!(again.message.contains("step bonus could not score the row (EARLIER_FAULT)"), "{again:?}");
        assert_eq!((found[place].payout.as_str(), &found[place].shadow_faults[0]), ("", bonus));
    }
    assert_eq!(outputs(&found, "bonus", "bonus")[1..3], ["0.00", "0.00"]);
    let replay = v1::ReplayRunRequest { name: run.name.clone(), chunk_rows: 3, threads: 2 };
    let replay = harness.evaluations().replay_run(replay).await.unwrap().into_inner();
    assert!(replay.identical && replay.dataset == run.dataset, "{replay:?}");

    // What would be with a revision that scores everybody but a-1.
    let sheet = "input revenue\nscore performance = 100 / (revenue - 601.50)\n";
    harness.plugins().publish_plugin_revision(super::publication("kpi", sheet)).await.unwrap();
    let request = v1::CompareRevisionsRequest {
        run: run.name.clone(),
        candidate: format!("{TEAM}/pluginRevisions/kpi-2"),
        ..Default::default()
    };
    let compared = harness.evaluations().compare_revisions(request).await.unwrap().into_inner();
    for (id, before, after) in [("a-0", "EARLIER_FAULT", ""), ("a-1", "", "EARLIER_FAULT")] {
        let change = compared.evaluations.iter().find(|change| change.account_manager.ends_with(id)).unwrap();
        let fault = change.values.iter().find(|value| value.step == "bonus" && value.output == "fault");
        let fault = fault.unwrap_or_else(|| panic!("{change:?}"));
        let reason = |text: &str| text.split(": ").next().unwrap_or_default().to_owned();
        assert_eq!((reason(&fault.baseline).as_str(), reason(&fault.candidate).as_str()), (before, after));
    }
}
