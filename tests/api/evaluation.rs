//! Measures, datasets and plugins through the wire: computed by pages, downloaded whole, tried out without being kept.

use bytes::Bytes;
use merit::proto::v1::{self, plugin_source::Source, value::Value};
use parquet::file::reader::{FileReader, SerializedFileReader};
use tonic::Code;
use tonic_types::StatusExt;

use super::{
    harness::{Harness, reason},
    runs::{TEAM, organisation, publish_two, run, two_steps},
};

/// Revenue of the first quarter.
fn figures() -> v1::ComputeMeasuresRequest {
    v1::ComputeMeasuresRequest {
        parent: TEAM.to_owned(),
        measures: vec![format!("{TEAM}/measures/revenue")],
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-04-01".to_owned(),
        ..Default::default()
    }
}

/// Ids and revenues of a page, and the token of the next.
async fn page(
    harness: &Harness,
    request: &v1::ComputeMeasuresRequest,
) -> (Vec<(String, String, u64)>, String) {
    let answer = harness.evaluations().compute_measures(request.clone()).await.unwrap().into_inner();
    let row = |row: v1::MeasureRow| {
        let [figure] = &row.figures[..] else { panic!("one figure: {row:?}") };
        assert_eq!(figure.fault, "");
        let id = row.account_manager.rsplit('/').next().unwrap().to_owned();
        (id, figure.value.clone(), figure.records)
    };
    (answer.rows.into_iter().map(row).collect(), answer.next_page_token)
}

#[tokio::test(flavor = "multi_thread")]
async fn measures_are_computed_by_pages() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    let own = |place: u64| (format!("a-{place}"), format!("{}.50", 300 * place + 301), 3);
    let (all, token) = page(&harness, &figures()).await;
    assert_eq!((all, token.as_str()), ((0..10).map(own).collect(), ""));

    let mut request = v1::ComputeMeasuresRequest { page_size: 4, ..figures() };
    let mut pages = Vec::new();
    loop {
        let (rows, token) = page(&harness, &request).await;
        pages.push(rows);
        if token.is_empty() {
            break;
        }
        request.page_token = token;
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
    assert_eq!(pages.concat(), (0..10).map(own).collect::<Vec<_>>());
    request.filter = "region = \"South\"".to_owned();
    let mixed = harness.evaluations().compute_measures(request.clone()).await.unwrap_err();
    assert_eq!(reason(&mixed), "INVALID_PAGE_TOKEN");
    request.page_token.clear();
    let (south, token) = page(&harness, &request).await;
    assert_eq!(south, [1, 3, 5, 7].map(own));
    request.page_token = token;
    let (rest, token) = page(&harness, &request).await;
    assert_eq!((rest, token), (vec![own(9)], String::new()));

    // 1 reports to 0 all the time, 2 to 1: what they have adds up along the line.
    for (report, manager) in [(1, 0), (2, 1)] {
        let line = v1::ReportingLine {
            manager: format!("{TEAM}/accountManagers/a-{manager}"),
            ..Default::default()
        };
        let person = v1::AccountManager {
            name: format!("{TEAM}/accountManagers/a-{report}"),
            reporting_line: vec![line],
            ..Default::default()
        };
        let mask = prost_types::FieldMask { paths: vec!["reporting_line".to_owned()] };
        let request = v1::UpdateAccountManagerRequest {
            account_manager: Some(person),
            update_mask: Some(mask),
            ..Default::default()
        };
        harness.organisation().update_account_manager(request).await.unwrap();
    }
    let rolled =
        v1::ComputeMeasuresRequest { roll_up: v1::RollUp::ReportingLine.into(), page_size: 4, ..figures() };
    let (rolled, _) = page(&harness, &rolled).await;
    let sum = |id: &str, sum: &str, records| (id.to_owned(), sum.to_owned(), records);
    // 301.50 + 601.50 + 901.50, and without the first.
    let expected = [sum("a-0", "1804.50", 9), sum("a-1", "1503.00", 6), own(2), own(3)];
    assert_eq!(rolled, expected);
    let (own_only, _) = page(&harness, &figures()).await;
    assert_eq!(own_only[0], own(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_those_of_the_teams_time_zone() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    let measure = v1::Measure {
        display_name: "Deals".to_owned(),
        definition: Some(v1::measure::Definition::Aggregate(v1::Aggregate {
            collection: "opportunities".to_owned(),
            function: v1::AggregateFunction::Count.into(),
            owner_field: "owner".to_owned(),
            time_field: "create_time".to_owned(),
            ..Default::default()
        })),
        ..Default::default()
    };
    let request = v1::CreateMeasureRequest {
        parent: TEAM.to_owned(),
        measure: Some(measure),
        measure_id: "deals".to_owned(),
        ..Default::default()
    };
    harness.evaluations().create_measure(request).await.unwrap();
    let get = v1::GetOpportunityRequest { name: format!("{TEAM}/opportunities/d-0-0") };
    let deal = harness.crm().get_opportunity(get).await.unwrap().into_inner();
    let created = jiff::Timestamp::from_second(deal.create_time.unwrap().seconds).unwrap();
    // Never on the same day: 25 hours lie between them.
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Kiritimati"] {
        let team = v1::Team { name: TEAM.to_owned(), time_zone: zone.to_owned(), ..Default::default() };
        let mask = prost_types::FieldMask { paths: vec!["time_zone".to_owned()] };
        let request =
            v1::UpdateTeamRequest { team: Some(team), update_mask: Some(mask), ..Default::default() };
        harness.organisation().update_team(request).await.unwrap();
        let there = created.in_tz(zone).unwrap().date();
        for (day, expected) in [(there.yesterday().unwrap(), 0), (there, 1), (there.tomorrow().unwrap(), 0)] {
            let list = v1::ListOpportunitiesRequest {
                parent: TEAM.to_owned(),
                filter: format!("name = \"{TEAM}/opportunities/d-0-0\" AND create_time = \"{day}\""),
                ..Default::default()
            };
            let listed = harness.crm().list_opportunities(list).await.unwrap().into_inner();
            assert_eq!(listed.opportunities.len(), expected, "{zone} {day}");
        }
        let request = v1::ComputeMeasuresRequest {
            measures: vec![format!("{TEAM}/measures/deals")],
            period_start: there.to_string(),
            period_end: there.tomorrow().unwrap().to_string(),
            page_size: 1,
            ..figures()
        };
        let (rows, _) = page(&harness, &request).await;
        assert!(rows[0].2 >= 1, "{zone}: {rows:?}");
    }
}

/// The bytes of a run's dataset.
async fn download(harness: &Harness, name: &str) -> Result<Bytes, tonic::Status> {
    let request = v1::DownloadDatasetRequest { name: name.to_owned() };
    let mut stream = harness.evaluations().download_dataset(request).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(message) = stream.message().await? {
        bytes.extend_from_slice(&message.data);
    }
    Ok(bytes.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_is_a_parquet_file_under_its_hash() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    let bytes = download(&harness, &run.name).await.unwrap();
    assert_eq!(blake3::hash(&bytes).to_hex().as_str(), run.dataset);
    let file = SerializedFileReader::new(bytes).unwrap();
    assert_eq!(file.metadata().file_metadata().num_rows(), 10);
    assert_eq!(file.get_row_iter(None).unwrap().map(Result::unwrap).count(), 10);
    let nobody = download(&harness, &format!("{TEAM}/runs/none")).await.unwrap_err();
    assert_eq!((nobody.code(), reason(&nobody).as_str()), (Code::NotFound, "NOT_FOUND"));
}

/// A sheet that is tried out.
fn formula(sheet: &str) -> Option<v1::PluginSource> {
    Some(v1::PluginSource { source: Some(Source::Formula(sheet.to_owned())), ..Default::default() })
}

fn row(inputs: &[(&str, &str)]) -> v1::PluginRow {
    let inputs = inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    v1::PluginRow { inputs, ..Default::default() }
}

const PAYS: &str = "input revenue\ninput quota\nscore attainment = revenue / quota\n\
                    payout commission = TIERED(revenue, 0, 5%, quota, 8%)\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_formula_is_tried_out() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let mut plugins = harness.plugins();
    let describe = v1::DescribePluginRequest { parent: TEAM.to_owned(), plugin: formula(PAYS) };
    let manifest = plugins.describe_plugin(describe).await.unwrap().into_inner().manifest.unwrap();
    let inputs: Vec<&str> = manifest.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(inputs, ["revenue", "quota"]);
    let outputs: Vec<_> =
        manifest.outputs.iter().map(|output| (output.name.as_str(), output.role())).collect();
    let expected = [("attainment", v1::OutputRole::Score), ("commission", v1::OutputRole::Payout)];
    assert_eq!(outputs, expected);

    let rows = vec![row(&[("revenue", "1500"), ("quota", "1000")]), row(&[("revenue", "1500")])];
    let evaluate = v1::EvaluatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: formula(PAYS),
        rows: rows.clone(),
        ..Default::default()
    };
    let results = plugins.evaluate_plugin(evaluate.clone()).await.unwrap().into_inner().results;
    let [paid, lacking] = &results[..] else { panic!("two rows: {results:?}") };
    assert_eq!(paid.fault, None);
    let values: Vec<_> = paid.outputs.iter().map(|output| output.value.clone().unwrap()).collect();
    assert_eq!(values, [Value::Number("1.5".to_owned()), Value::Number("90.00".to_owned())]);
    let fault = lacking.fault.as_ref().expect("a row that lacks an input is faulted");
    assert_eq!(fault.reason, "MISSING_INPUT");
    assert!(fault.message.contains("quota"), "{fault:?}");
    assert!(lacking.outputs.is_empty());

    let explain = |row| v1::ExplainPluginRequest {
        parent: TEAM.to_owned(),
        plugin: formula(PAYS),
        rows: rows.clone(),
        row,
        ..Default::default()
    };
    let explained = plugins.explain_plugin(explain(0)).await.unwrap().into_inner();
    assert_eq!(explained.result.as_ref(), Some(paid));
    let cents = |amount: &str| amount.replace('.', "").parse::<i64>().unwrap();
    let parts: Vec<_> = explained.steps.iter().filter(|step| step.output == "commission").collect();
    assert!(parts.iter().all(|step| step.amount.split_once('.').is_some_and(|(_, cents)| cents.len() == 2)));
    assert_eq!(parts.iter().map(|step| cents(&step.amount)).sum::<i64>(), 9000, "{parts:?}");
    let lacking = plugins.explain_plugin(explain(1)).await.unwrap().into_inner();
    assert_eq!(lacking.result.unwrap().fault.unwrap().reason, "MISSING_INPUT");
    let beyond = plugins.explain_plugin(explain(2)).await.unwrap_err();
    assert_eq!((beyond.code(), reason(&beyond).as_str()), (Code::InvalidArgument, "INVALID_FIELD"));

    let mut unknown = evaluate;
    unknown.rows = vec![row(&[("turnover", "1")])];
    let unknown = plugins.evaluate_plugin(unknown).await.unwrap_err();
    assert_eq!(reason(&unknown), "INVALID_FIELD");
    assert!(unknown.message().contains("revenue, quota"), "says what there is: {}", unknown.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_a_formula_is_a_violation() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let mut plugins = harness.plugins();
    let mut told = async |problems: usize| {
        let payouts = (1..=problems).map(|at| format!("payout commission_{at} = revenu * {at}%"));
        let sheet = format!("input revenue\n{}\n", payouts.collect::<Vec<_>>().join("\n"));
        let describe = v1::DescribePluginRequest { parent: TEAM.to_owned(), plugin: formula(&sheet) };
        let status = plugins.describe_plugin(describe).await.unwrap_err();
        assert_eq!(reason(&status), "INVALID_FORMULA");
        let message = format!("the formula has {problems} problems; the first: line 2, column 23: ");
        assert!(status.message().starts_with(&message), "{}", status.message());
        let details = status.get_error_details();
        let violations = &details.bad_request().expect("it names what is wrong").field_violations;
        assert!(violations.iter().all(|wrong| wrong.field == "plugin.formula"));
        violations.iter().map(|wrong| wrong.description.clone()).collect::<Vec<_>>()
    };
    let fifteen = told(15).await;
    assert_eq!(fifteen.len(), 15);
    assert_eq!(fifteen[14], "line 16, column 24: `revenu` is not known; did you mean `revenue`?");
    let many = told(90).await;
    assert_eq!(many.last(), Some(&format!("{} more", 91 - many.len())), "{}", many.len());
    assert!(many.len() > 35, "{}", many.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_formula_with_mistakes_says_where() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let wrong = "input revenue\nscore s = revenu * 2\n";
    let mut plugins = harness.plugins();
    let check = |status: tonic::Status| {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_FORMULA"));
        let details = status.get_error_details();
        let violation = &details.bad_request().expect("it names what is wrong").field_violations[0];
        assert!(violation.description.contains("line 2, column 11"), "{violation:?}");
    };
    let describe = v1::DescribePluginRequest { parent: TEAM.to_owned(), plugin: formula(wrong) };
    check(plugins.describe_plugin(describe).await.unwrap_err());
    let evaluate = v1::EvaluatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: formula(wrong),
        rows: vec![row(&[("revenue", "1")])],
        ..Default::default()
    };
    check(plugins.evaluate_plugin(evaluate.clone()).await.unwrap_err());
    let explain = v1::ExplainPluginRequest {
        parent: TEAM.to_owned(),
        plugin: formula(wrong),
        rows: evaluate.rows,
        ..Default::default()
    };
    check(plugins.explain_plugin(explain).await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standard_plugins_are_there() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let mut plugins = harness.plugins();
    let request = v1::ListStandardPluginsRequest::default();
    let standard = plugins.list_standard_plugins(request).await.unwrap().into_inner().standard_plugins;
    let ids: Vec<&str> = standard.iter().map(|plugin| plugin.id.as_str()).collect();
    let known = "formula matrix milestone_bonus pool_share ranking threshold_bonus tiered_commission weighted_scorecard";
    assert_eq!(ids, known.split(' ').collect::<Vec<_>>());
    for plugin in &standard {
        assert!(plugin.component_bytes > 0 && plugin.component.len() == 64 && !plugin.summary.is_empty());
    }
    let source = |id: &str| v1::PluginSource {
        source: Some(Source::Standard(id.to_owned())),
        parameters: "{}".to_owned(),
    };
    let describe = |id: &str| v1::DescribePluginRequest { parent: TEAM.to_owned(), plugin: Some(source(id)) };
    let unknown = plugins.describe_plugin(describe("guess")).await.unwrap_err();
    assert!(unknown.message().contains("weighted_scorecard"), "says what there is: {}", unknown.message());
    let nothing = v1::DescribePluginRequest { parent: TEAM.to_owned(), plugin: None };
    let nothing = plugins.describe_plugin(nothing).await.unwrap_err();
    assert_eq!((nothing.code(), reason(&nothing).as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
}
