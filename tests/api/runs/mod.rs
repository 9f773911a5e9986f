//! Runs from end to end, through the wire. Here: the organisation and the plugins that the tests share.

mod compare;
mod conduct;
mod evidence;
mod fairness;
mod full_disk;
mod host;
mod hostile;
mod life;
mod limits;
mod quarantine;
mod rates;
mod requests;
mod results;
mod sources;
mod stopped;
mod texts;
mod upload;
mod usage;

use merit::proto::v1::{self, input_binding::Source, publish_plugin_revision_request as publish};
use tonic::Status;

use super::{guest::Guest, harness::Harness, image::words};

pub const TEAM: &str = "teams/acme";

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

/// Has somebody report to somebody from a day on; empty: always.
pub async fn report_to(harness: &Harness, id: &str, manager: &str, start: &str) {
    let line = v1::ReportingLine {
        manager: format!("{TEAM}/accountManagers/{manager}"),
        effective_from: start.to_owned(),
        ..Default::default()
    };
    let person = v1::AccountManager {
        name: format!("{TEAM}/accountManagers/{id}"),
        reporting_line: vec![line],
        ..Default::default()
    };
    let request = v1::UpdateAccountManagerRequest {
        account_manager: Some(person),
        update_mask: Some(prost_types::FieldMask { paths: vec!["reporting_line".to_owned()] }),
        ..Default::default()
    };
    harness.organisation().update_account_manager(request).await.unwrap();
}

/// A team with deals: `a-0` to `a-9`, of whom `a-9` has no quota.
pub async fn organisation(harness: &Harness) {
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
        let request = v1::CreateGoalRequest {
            parent: TEAM.to_owned(),
            goal: Some(goal),
            goal_id: format!("g-{place}"),
            ..Default::default()
        };
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

/// A step of the plugin's first revision, with its inputs bound.
fn step(step: &str, plugin: &str, inputs: Vec<v1::InputBinding>) -> v1::RunStep {
    let revision = format!("{TEAM}/pluginRevisions/{plugin}-1");
    v1::RunStep { step: step.to_owned(), revision, inputs, ..Default::default() }
}

/// A formula on measures, targets and attributes, and one gated by its score.
pub fn two_steps() -> Vec<v1::RunStep> {
    let gated = vec![
        bound("performance", Source::Output("kpi.performance".to_owned())),
        bound("base", Source::Constant("250".to_owned())),
    ];
    vec![step("kpi", "kpi", vec![]), step("bonus", "gated", gated)]
}

/// Publishes what the two steps execute.
pub async fn publish_two(harness: &Harness) {
    publish(harness, "kpi", SHEET).await;
    publish(harness, "gated", GATED).await;
}

/// Publishes a component.
pub async fn publish_component(harness: &Harness, id: &str, component: Vec<u8>) {
    publish(harness, id, "input x\nscore s = x\n").await;
    harness.plugins().publish_plugin_revision(component_publication(id, component)).await.unwrap();
}

pub fn component_publication(id: &str, component: Vec<u8>) -> v1::PublishPluginRevisionRequest {
    let source = Some(publish::Source::Component(component.into()));
    v1::PublishPluginRevisionRequest { source, ..publication(id, "") }
}

/// A step of the component that was published last.
pub fn component_step(name: &str, plugin: &str, inputs: Vec<v1::InputBinding>) -> v1::RunStep {
    let revision = format!("{TEAM}/pluginRevisions/{plugin}-2");
    v1::RunStep { revision, ..step(name, plugin, inputs) }
}

/// Has a guest explain nothing, whatever it answers.
fn silence(guest: &mut Guest) {
    guest.explain = format!("(i32.const {})", guest.image.put(&words(&[0, 0, 0])));
}

/// Has a guest give each row this, instead of the sum of its inputs.
fn gives(guest: &mut Guest, what: &str) {
    let own = "(i64.add
                            (call $at (local.get $a) (local.get $i))
                            (call $at (local.get $b) (local.get $i)))";
    assert!(guest.evaluate.contains(own), "what each row gets");
    guest.evaluate = guest.evaluate.replace(own, what);
    silence(guest);
}

/// Revenue as `a`, nothing as `b`, for the guests that add both.
pub fn added() -> Vec<v1::InputBinding> {
    let revenue = Source::Measure(format!("{TEAM}/measures/revenue"));
    vec![bound("a", revenue), bound("b", Source::Constant("0".to_owned()))]
}

fn run_request(id: &str, steps: Vec<v1::RunStep>) -> v1::CreateRunRequest {
    let run = v1::Run {
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-04-01".to_owned(),
        steps,
        mode: v1::RunMode::Trial.into(),
        ..Default::default()
    };
    v1::CreateRunRequest {
        parent: TEAM.to_owned(),
        run: Some(run),
        run_id: id.to_owned(),
        ..Default::default()
    }
}

/// The run as it is created.
pub async fn create(harness: &Harness, id: &str, steps: Vec<v1::RunStep>) -> Result<v1::Run, Status> {
    Ok(harness.evaluations().create_run(run_request(id, steps)).await?.into_inner())
}

/// The run as it ends.
pub async fn run(harness: &Harness, id: &str, steps: Vec<v1::RunStep>) -> v1::Run {
    let created = create(harness, id, steps).await.unwrap();
    watched(harness, &created.name).await
}

/// Every evaluation of a run, by account manager.
async fn evaluations(harness: &Harness, run: &str) -> Vec<v1::Evaluation> {
    let request = v1::ListEvaluationsRequest { parent: run.to_owned(), ..Default::default() };
    harness.evaluations().list_evaluations(request).await.unwrap().into_inner().evaluations
}

/// An output of every evaluation, or the reasons of the step's faults.
fn outputs(evaluations: &[v1::Evaluation], step: &str, output: &str) -> Vec<String> {
    let told = |evaluation: &v1::Evaluation| {
        let faults = evaluation.faults.iter().filter(|fault| fault.step == step);
        let faults: Vec<&str> = faults.map(|fault| fault.reason.as_str()).collect();
        let values = evaluation.outputs.iter().filter(|value| value.step == step && value.name == output);
        let values = values.filter_map(|value| value.value.as_ref()).map(|value| match value {
            v1::value::Value::Number(number) => number.clone(),
            v1::value::Value::Text(text) => text.clone(),
        });
        values.chain(faults.into_iter().map(str::to_owned)).collect::<Vec<_>>().join(" ")
    };
    evaluations.iter().map(told).collect()
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
