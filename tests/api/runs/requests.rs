//! Requests of methods that are no standard ones are held to the rules of their fields.

use std::fmt::Debug;

use merit::proto::v1::{self, plugin_source::Source, publish_plugin_revision_request::Source as Published};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

use super::{TEAM, publish, revenue, run_request, step};
use crate::harness::{Harness, reason};

/// Refused for these fields, in this order.
fn check<T: Debug>(answer: Result<Response<T>, Status>, expected: &str, fields: &[&str]) {
    let refused = answer.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, expected), "{refused:?}");
    let details = refused.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    let found: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(found, fields, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_measures() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    revenue(&harness).await;
    let mut evaluations = harness.evaluations();
    let good = v1::ComputeMeasuresRequest {
        parent: TEAM.to_owned(),
        measures: vec![format!("{TEAM}/measures/revenue")],
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-04-01".to_owned(),
        ..Default::default()
    };
    evaluations.compute_measures(good.clone()).await.unwrap();
    let mut wrong = good.clone();
    wrong.measures = vec![format!("{TEAM}/measures/revenue"); 51];
    (wrong.period_start, wrong.period_end) = ("2026-02-30".to_owned(), String::new());
    let fields = ["measures", "period_start", "period_end"];
    check(evaluations.compute_measures(wrong).await, "INVALID_FIELD", &fields);
    let mut wrong = good.clone();
    wrong.measures = vec!["teams/other/measures/revenue".to_owned()];
    wrong.filter = "x".repeat(4097);
    check(evaluations.compute_measures(wrong).await, "INVALID_FIELD", &["measures[0]", "filter"]);
    let nothing = v1::ComputeMeasuresRequest::default();
    let fields = ["parent", "measures", "period_start", "period_end"];
    check(evaluations.compute_measures(nothing).await, "INVALID_FIELD", &fields);
    check(evaluations.get_evaluation(v1::GetEvaluationRequest::default()).await, "INVALID_FIELD", &["name"]);
    check(evaluations.watch_run(v1::WatchRunRequest::default()).await, "INVALID_FIELD", &["name"]);
    let page = v1::ListEvaluationsRequest {
        parent: format!("{TEAM}/runs/q1"),
        page_token: "x".repeat(4097),
        ..Default::default()
    };
    check(evaluations.list_evaluations(page).await, "INVALID_FIELD", &["page_token"]);
    let page = v1::ListEvaluationsRequest { parent: TEAM.to_owned(), ..Default::default() };
    check(evaluations.list_evaluations(page).await, "INVALID_NAME", &["parent"]);
    let compare = v1::CompareRevisionsRequest { run: TEAM.to_owned(), ..Default::default() };
    check(evaluations.compare_revisions(compare).await, "INVALID_NAME", &["run"]);
    let runs = v1::ListPluginRevisionRunsRequest { name: TEAM.to_owned(), ..Default::default() };
    check(harness.plugins().list_plugin_revision_runs(runs).await, "INVALID_NAME", &["name"]);
    let events = v1::ListEventsRequest { parent: "acme".to_owned(), ..Default::default() };
    check(harness.audit().list_events(events).await, "INVALID_NAME", &["parent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_plugins() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let mut plugins = harness.plugins();
    let formula = |text: &str| v1::PluginSource {
        source: Some(Source::Formula(text.to_owned())),
        ..Default::default()
    };
    let good = v1::EvaluatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: Some(formula("input x\nscore s = x\n")),
        rows: vec![v1::PluginRow { inputs: [("x".to_owned(), "1".to_owned())].into(), lines: vec![] }; 1000],
        ..Default::default()
    };
    let answer = plugins.evaluate_plugin(good.clone()).await.unwrap().into_inner();
    assert_eq!(answer.results.len(), 1000);
    let mut wrong = good.clone();
    wrong.rows.push(v1::PluginRow::default());
    wrong.period_start = "yesterday".to_owned();
    check(plugins.evaluate_plugin(wrong).await, "INVALID_FIELD", &["period_start", "rows"]);
    let mut wrong = good.clone();
    wrong.plugin = Some(v1::PluginSource { parameters: "[]".to_owned(), ..formula(&"x".repeat(131_073)) });
    let fields = ["plugin.formula", "plugin.parameters"];
    check(plugins.evaluate_plugin(wrong).await, "INVALID_FIELD", &fields);
    let describe = v1::DescribePluginRequest { parent: TEAM.to_owned(), plugin: None };
    check(plugins.describe_plugin(describe).await, "INVALID_FIELD", &["plugin"]);
    let tried = |source: Source, parameters: &str| v1::DescribePluginRequest {
        parent: TEAM.to_owned(),
        plugin: Some(v1::PluginSource { source: Some(source), parameters: parameters.to_owned() }),
    };
    for (source, parameters, expected, field) in [
        (Source::Component("no component".into()), "", "INVALID_COMPONENT", "plugin.component"),
        (Source::Standard("guess".to_owned()), "", "INVALID_FIELD", "plugin.standard"),
        (Source::Standard("ranking".to_owned()), "{\"what\": 1}", "BAD_PARAMETERS", "plugin.parameters"),
        (Source::Formula("score s = 1\n".to_owned()), "{}", "PARAMETERS_MISPLACED", "plugin.parameters"),
        (Source::Formula("score s = \n".to_owned()), "", "INVALID_FORMULA", "plugin.formula"),
    ] {
        check(plugins.describe_plugin(tried(source, parameters)).await, expected, &[field]);
    }
    publish(&harness, "kpi", "input x\nscore s = x\n").await;
    for (source, parameters, expected, field) in [
        (Published::Component("no component".into()), "", "INVALID_COMPONENT", "component"),
        (Published::Standard("guess".to_owned()), "", "INVALID_FIELD", "standard"),
        (Published::Standard("ranking".to_owned()), "{\"what\": 1}", "BAD_PARAMETERS", "parameters"),
    ] {
        let mut publication = super::publication("kpi", "");
        (publication.source, publication.parameters) = (Some(source), parameters.to_owned());
        check(plugins.publish_plugin_revision(publication).await, expected, &[field]);
    }
    let mut publication = super::publication("kpi", "input x\nscore s = x\n");
    publication.parameters = format!("{{\"x\": \"{}\"}}", "x".repeat(262_144));
    check(plugins.publish_plugin_revision(publication).await, "INVALID_FIELD", &["parameters"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_a_run_is_its_author() {
    let harness = Harness::start().await;
    super::organisation(&harness).await;
    publish(&harness, "kpi", "input revenue\nscore s = revenue\n").await;
    let mut request = run_request("q1", vec![step("kpi", "kpi", vec![])]);
    request.run.as_mut().expect("a run").author = "someone else".to_owned();
    let mut request = Request::new(request);
    request.metadata_mut().insert("merit-author", "anna@example.com".parse().unwrap());
    let created = harness.evaluations().create_run(request).await.unwrap().into_inner();
    assert_eq!(created.author, "anna@example.com");
    let finished = super::watched(&harness, &created.name).await;
    assert_eq!(finished.author, "anna@example.com");
}
