//! The dataset is the evidence: what a run rests on is told from it alone, whatever has become of records and measures since.

use merit::proto::v1::{self, input_binding::Source};
use tonic::Status;

use super::{
    TEAM, bound, organisation, publish, publish_two, report_to, run, run_request, step, two_steps, watched,
};
use crate::{
    command_line::CommandLine,
    harness::{Harness, reason},
};

async fn explained(harness: &Harness, run: &v1::Run, id: &str) -> v1::ExplainEvaluationResponse {
    let request = v1::ExplainEvaluationRequest { name: format!("{}/evaluations/{id}", run.name) };
    harness.evaluations().explain_evaluation(request).await.unwrap().into_inner()
}

/// The ids of the records behind an input, and how many there are.
async fn records(
    harness: &Harness,
    run: &v1::Run,
    id: &str,
    [step, input]: [&str; 2],
) -> Result<(Vec<String>, u64), Status> {
    let mut request = v1::ListEvaluationRecordsRequest {
        parent: format!("{}/evaluations/{id}", run.name),
        step: step.to_owned(),
        input: input.to_owned(),
        page_size: 2,
        ..Default::default()
    };
    let mut ids = Vec::new();
    loop {
        let page = harness.evaluations().list_evaluation_records(request.clone()).await?.into_inner();
        assert!(page.records.len() <= 2);
        ids.extend(page.records.iter().map(|record| record.name.rsplit('/').next().unwrap().to_owned()));
        if page.next_page_token.is_empty() {
            return Ok((ids, page.total_size));
        }
        request.page_token = page.next_page_token;
    }
}

/// Gives a deal another owner.
async fn hand_over(harness: &Harness, deal: &str, owner: &str) {
    let opportunity = v1::Opportunity {
        name: format!("{TEAM}/opportunities/{deal}"),
        owner: format!("{TEAM}/accountManagers/{owner}"),
        ..Default::default()
    };
    let request = v1::UpdateOpportunityRequest {
        opportunity: Some(opportunity),
        update_mask: Some(prost_types::FieldMask { paths: vec!["owner".to_owned()] }),
        ..Default::default()
    };
    harness.crm().update_opportunity(request).await.unwrap();
}

async fn measure(harness: &Harness, id: &str) -> v1::Measure {
    let request = v1::GetMeasureRequest { name: format!("{TEAM}/measures/{id}") };
    harness.evaluations().get_measure(request).await.unwrap().into_inner()
}

async fn create_measure(harness: &Harness, id: &str, measure: v1::Measure) {
    let request = v1::CreateMeasureRequest {
        parent: TEAM.to_owned(),
        measure: Some(v1::Measure { display_name: id.to_owned(), ..measure }),
        measure_id: id.to_owned(),
        ..Default::default()
    };
    harness.evaluations().create_measure(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_stays_true_whatever_is_written_afterwards() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    let before = [explained(&harness, &run, "a-8").await, explained(&harness, &run, "a-2").await];
    let [revenue, quota, region] = &before[0].steps[0].inputs[..] else { panic!("three inputs") };
    let names = |of: &[&str]| of.iter().map(|id| format!("{TEAM}/opportunities/{id}")).collect::<Vec<_>>();
    assert_eq!(revenue.record_names, names(&["d-8-0", "d-8-1", "d-8-2"]));
    let defined = v1::Measure {
        etag: String::new(),
        create_time: None,
        update_time: None,
        ..measure(&harness, "revenue").await
    };
    assert_eq!(revenue.measures, [defined]);
    assert_eq!((quota.records, quota.record_names.len(), quota.measures.len()), (1, 1, 1));
    assert_eq!(region.record_names, [format!("{TEAM}/accountManagers/a-8")]);

    // Two deals of the same amounts change hands: counts and values stay the same.
    hand_over(&harness, "d-8-0", "a-2").await;
    hand_over(&harness, "d-2-0", "a-8").await;
    // A third is deleted, the measure is another one, and the goal is gone.
    let request =
        v1::DeleteOpportunityRequest { name: format!("{TEAM}/opportunities/d-8-1"), ..Default::default() };
    harness.crm().delete_opportunity(request).await.unwrap();
    let mut redefined = measure(&harness, "revenue").await;
    if let Some(v1::measure::Definition::Aggregate(aggregate)) = &mut redefined.definition {
        aggregate.condition = "stage = \"LOST\"".to_owned();
    }
    let request = v1::UpdateMeasureRequest {
        measure: Some(v1::Measure { etag: String::new(), ..redefined }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["aggregate".to_owned()] }),
        ..Default::default()
    };
    harness.evaluations().update_measure(request).await.unwrap();
    let goal = v1::DeleteGoalRequest { name: quota.record_names[0].clone(), ..Default::default() };
    harness.goals().delete_goal(goal).await.unwrap();
    let check = async |harness: &Harness| {
        let after = [explained(harness, &run, "a-8").await, explained(harness, &run, "a-2").await];
        assert_eq!(after, before);
        let listed = records(harness, &run, "a-8", ["kpi", "revenue"]).await.unwrap();
        assert_eq!(listed, (["d-8-0", "d-8-1", "d-8-2"].map(str::to_owned).to_vec(), 3));
    };
    check(&harness).await;

    // Nor does it take views: there may be no room for them, and nothing in memory.
    let directory = harness.stopped().await;
    let harness = Harness::start_in(directory, |config| config.views.budget_bytes = 1).await;
    check(&harness).await;
    let request = v1::ComputeMeasuresRequest {
        parent: TEAM.to_owned(),
        measures: vec![format!("{TEAM}/measures/revenue")],
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-04-01".to_owned(),
        ..Default::default()
    };
    assert_eq!(reason(&harness.evaluations().compute_measures(request).await.unwrap_err()), "VIEW_TOO_LARGE");
    let replay = v1::ReplayRunRequest { name: run.name.clone(), chunk_rows: 3, threads: 2 };
    let replay = harness.evaluations().replay_run(replay).await.unwrap().into_inner();
    assert!(replay.identical && replay.dataset == run.dataset, "{replay:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_those_of_the_figure_as_it_rolls_up() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    for (id, manager) in [("a-1", "a-0"), ("a-2", "a-1"), ("a-3", "a-1")] {
        report_to(&harness, id, manager, "").await;
    }
    let revenue = measure(&harness, "revenue").await;
    let rolled = v1::Measure { roll_up: v1::RollUp::ReportingLine.into(), ..revenue };
    create_measure(&harness, "line-revenue", rolled).await;
    let share = v1::Ratio {
        numerator: format!("{TEAM}/measures/revenue"),
        denominator: format!("{TEAM}/measures/line-revenue"),
    };
    let definition = Some(v1::measure::Definition::Ratio(share));
    create_measure(&harness, "share", v1::Measure { scale: 4, definition, ..Default::default() }).await;
    publish(
        &harness,
        "lines",
        "input revenue\ninput line_revenue\ninput share\nscore s = revenue + line_revenue + share\n",
    )
    .await;
    // a-1, who leads two, is not scored: what they sell is listed with a-0.
    let mut request = run_request("q1", vec![step("kpi", "lines", vec![])]);
    request.run.as_mut().unwrap().population = "name <> \"teams/acme/accountManagers/a-1\"".to_owned();
    let created = harness.evaluations().create_run(request).await.unwrap().into_inner();
    let run = watched(&harness, &created.name).await;
    assert_eq!(run.failure, "");
    let of = |places: &[u32]| -> Vec<String> {
        places.iter().flat_map(|place| (0..3).map(move |deal| format!("d-{place}-{deal}"))).collect()
    };
    let check = async |id: &str, input: &str, expected: &[u32]| {
        let expected = of(expected);
        let listed = records(&harness, &run, id, ["kpi", input]).await.unwrap();
        assert_eq!(listed, (expected.clone(), expected.len() as u64), "{id} {input}");
        let explained = explained(&harness, &run, id).await;
        let named =
            |source: &&v1::InputSource| source.value.as_ref().is_some_and(|value| value.name == input);
        let source = explained.steps[0].inputs.iter().find(named).unwrap();
        assert_eq!((source.records, source.record_names.len()), (listed.1, expected.len()), "{id} {input}");
    };
    check("a-0", "revenue", &[0]).await;
    check("a-0", "line_revenue", &[0, 1, 2, 3]).await;
    check("a-0", "share", &[0, 1, 2, 3]).await;
    check("a-2", "line_revenue", &[2]).await;
    check("a-9", "share", &[9]).await;
    let explained = explained(&harness, &run, "a-0").await;
    let share = explained.steps[0].inputs.iter().find(|input| input.source == "measure share").unwrap();
    let ids: Vec<&str> = share.measures.iter().map(|one| one.name.rsplit('/').next().unwrap()).collect();
    assert_eq!(ids, ["share", "line-revenue", "revenue"]);
    let replay = v1::ReplayRunRequest { name: run.name.clone(), chunk_rows: 1, threads: 2 };
    let replay = harness.evaluations().replay_run(replay).await.unwrap().into_inner();
    assert!(replay.identical && replay.dataset == run.dataset, "{replay:?}");
}

/// More deals of `a-4` than an explanation names, written in the other order than that of their names.
async fn more_deals(harness: &Harness) {
    for number in (0..120).rev() {
        let opportunity = v1::Opportunity {
            owner: format!("{TEAM}/accountManagers/a-4"),
            stage: v1::OpportunityStage::Won.into(),
            amount: number.to_string(),
            engage_date: "2026-01-05".to_owned(),
            close_date: "2026-02-11".to_owned(),
            ..Default::default()
        };
        let request = v1::CreateOpportunityRequest {
            parent: TEAM.to_owned(),
            opportunity: Some(opportunity),
            opportunity_id: format!("e-{number:03}"),
            ..Default::default()
        };
        harness.crm().create_opportunity(request).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_records_are_listed_by_pages_and_lines_with_their_values() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    more_deals(&harness).await;
    let sheet = "input revenue\ninput lines amount\nscore deals = LINES_COUNT(amount > 0) + revenue * 0\n";
    publish(&harness, "deals", sheet).await;
    let lines = v1::LineBinding {
        collection: "opportunities".to_owned(),
        owner_field: "owner".to_owned(),
        time_field: "close_date".to_owned(),
        fields: vec![v1::LineField { input: "amount".to_owned(), value: "amount * 2".to_owned() }],
        ..Default::default()
    };
    let inputs = vec![bound("revenue", Source::Measure(format!("{TEAM}/measures/revenue")))];
    let run =
        run(&harness, "q1", vec![v1::RunStep { lines: Some(lines), ..step("deals", "deals", inputs) }]).await;
    let explained = explained(&harness, &run, "a-4").await;
    let told: Vec<_> =
        explained.steps[0].inputs.iter().map(|input| (input.records, input.record_names.len())).collect();
    assert_eq!(told, [(123, 100), (123, 100)]);
    for input in ["revenue", "amount"] {
        let (ids, count) = records(&harness, &run, "a-4", ["deals", input]).await.unwrap();
        assert_eq!((ids.len(), count, ids.is_sorted(), ids[0].as_str()), (123, 123, true, "d-4-0"));
    }
    let cli = CommandLine::new(harness.address, "acme");
    let listed = cli.done(&["explain", "q1", "a-4", "--records", "deals.amount", "-o", "csv"]);
    let rows: Vec<&str> = listed.lines().collect();
    assert_eq!((rows.len(), rows[0]), (124, "record,amount"));
    assert_eq!(
        (rows[1], rows[123]),
        ("teams/acme/opportunities/d-4-0,801", "teams/acme/opportunities/e-119,238")
    );
    assert_eq!(
        cli.json(&["explain", "q1", "a-4", "--records", "deals.revenue"]).as_array().unwrap().len(),
        123
    );
    let said = cli.refused(&["explain", "q1", "a-4", "--records", "revenue"], 2);
    assert!(said.contains("write it STEP.INPUT"), "{said}");

    for (step, input, said) in [
        ("deal", "amount", "step: \"deal\" is no step of the run: it has deals"),
        ("deals", "amounts", "input: \"amounts\" is no input of step deals: it has revenue, amount"),
    ] {
        let refused = records(&harness, &run, "a-4", [step, input]).await.unwrap_err();
        assert_eq!(reason(&refused), "INVALID_FIELD");
        assert!(refused.message().contains(said), "{refused:?}");
    }
    let refused = records(&harness, &run, "nobody", ["deals", "amount"]).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    let request = v1::ListEvaluationRecordsRequest {
        parent: format!("{}/evaluations/a-4", run.name),
        step: "deals".to_owned(),
        input: "amount".to_owned(),
        page_token: "x".to_owned(),
        ..Default::default()
    };
    let refused = harness.evaluations().list_evaluation_records(request).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_PAGE_TOKEN");
}
