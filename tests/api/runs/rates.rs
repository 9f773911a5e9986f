//! Rates have six decimals wherever they come in: supplied, as targets and baselines, as constants.

use merit::proto::v1::{self, input_binding::Source};
use tonic::Status;

use super::{TEAM, bound, create, evaluations, outputs, publish, run, step};
use crate::harness::Harness;

/// An account manager, and the measure whose values are supplied.
async fn prepared(harness: &Harness) -> (String, String) {
    harness.team("acme").await;
    let person = v1::AccountManager { display_name: "A".to_owned(), ..Default::default() };
    let request = v1::CreateAccountManagerRequest {
        parent: TEAM.to_owned(),
        account_manager_id: "a-0".to_owned(),
        account_manager: Some(person),
        ..Default::default()
    };
    let owner = harness.organisation().create_account_manager(request).await.unwrap().into_inner().name;
    let supplied = v1::Supplied { function: v1::AggregateFunction::Last.into() };
    let measure = v1::Measure {
        display_name: "Rate".to_owned(),
        scale: 6,
        definition: Some(v1::measure::Definition::Supplied(supplied)),
        ..Default::default()
    };
    let request = v1::CreateMeasureRequest {
        parent: TEAM.to_owned(),
        measure: Some(measure),
        measure_id: "rate".to_owned(),
        ..Default::default()
    };
    (owner, harness.evaluations().create_measure(request).await.unwrap().into_inner().name)
}

async fn value(harness: &Harness, owner: &str, measure: &str, value: &str) -> Result<(), Status> {
    let value = v1::MeasureValue {
        measure: measure.to_owned(),
        account_manager: owner.to_owned(),
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-04-01".to_owned(),
        value: value.to_owned(),
        ..Default::default()
    };
    let parent = TEAM.to_owned();
    let request = v1::CreateMeasureValueRequest { parent, measure_value: Some(value), ..Default::default() };
    harness.evaluations().create_measure_value(request).await.map(drop)
}

async fn goal(
    harness: &Harness,
    owner: &str,
    measure: &str,
    [target, baseline]: [&str; 2],
) -> Result<(), Status> {
    let goal = v1::Goal {
        display_name: "Rate".to_owned(),
        measure: measure.to_owned(),
        owner: owner.to_owned(),
        target: target.to_owned(),
        baseline: baseline.to_owned(),
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-04-01".to_owned(),
        state: v1::GoalState::Active.into(),
        ..Default::default()
    };
    let request = v1::CreateGoalRequest { parent: TEAM.to_owned(), goal: Some(goal), ..Default::default() };
    harness.goals().create_goal(request).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_have_six_decimals() {
    let harness = Harness::start().await;
    let (owner, rate) = prepared(&harness).await;
    publish(&harness, "sum", "input rate\ninput wanted\ninput fixed\nscore s = rate + wanted + fixed\n")
        .await;
    let steps = |constant: &str| {
        let wanted = bound("wanted", Source::Target(rate.clone()));
        vec![step("sum", "sum", vec![wanted, bound("fixed", Source::Constant(constant.into()))])]
    };
    for refused in [
        value(&harness, &owner, &rate, "0.0312501").await.unwrap_err(),
        goal(&harness, &owner, &rate, ["0.0312501", ""]).await.unwrap_err(),
        goal(&harness, &owner, &rate, ["1", "0.0312501"]).await.unwrap_err(),
        create(&harness, "q0", steps("0.0312501")).await.unwrap_err(),
    ] {
        assert!(refused.message().contains("has 7 decimals: at most 6 are kept"), "{refused:?}");
    }
    value(&harness, &owner, &rate, "0.031251").await.unwrap();
    goal(&harness, &owner, &rate, ["0.031252", "0.000001"]).await.unwrap();
    let run = run(&harness, "q1", steps("0.03125")).await;
    assert_eq!(outputs(&evaluations(&harness, &run.name).await, "sum", "s"), ["0.093753"]);
}
