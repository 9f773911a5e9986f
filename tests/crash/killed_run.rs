//! A run that brings the service down does so twice, and not at every start.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use merit::proto::v1::{
    self, RunState, evaluation_service_client::EvaluationServiceClient, input_binding::Source,
    organisation_service_client::OrganisationServiceClient, plugin_service_client::PluginServiceClient,
    publish_plugin_revision_request::Source as Published,
};

use crate::{guest::Guest, service::Service};

const TEAM: &str = "teams/acme";

/// A service whose plugins may work for ever: for as long as it takes to be killed.
async fn start(directory: &Path) -> Service {
    let fuel = i64::MAX.to_string();
    let settings = [
        ("MERIT_RUNS__FUEL_PER_CALL", fuel.as_str()),
        ("MERIT_PLUGINS__CEILINGS__FUEL_PER_CALL", fuel.as_str()),
    ];
    Service::start(directory, &settings).await
}

async fn create_run(service: &Service) -> String {
    let (mut organisation, mut plugins) = (
        OrganisationServiceClient::new(service.channel.clone()),
        PluginServiceClient::new(service.channel.clone()),
    );
    let team = v1::Team { display_name: "Acme".to_owned(), currency: "EUR".to_owned(), ..Default::default() };
    let request =
        v1::CreateTeamRequest { team: Some(team), team_id: "acme".to_owned(), ..Default::default() };
    organisation.create_team(request).await.unwrap();
    let person = v1::AccountManager { display_name: "Ann".to_owned(), ..Default::default() };
    let request = v1::CreateAccountManagerRequest {
        parent: TEAM.to_owned(),
        account_manager_id: "ann".to_owned(),
        account_manager: Some(person),
        ..Default::default()
    };
    organisation.create_account_manager(request).await.unwrap();
    let plugin = v1::Plugin { display_name: "Endless".to_owned(), ..Default::default() };
    let request = v1::CreatePluginRequest {
        parent: TEAM.to_owned(),
        plugin: Some(plugin),
        plugin_id: "endless".to_owned(),
        ..Default::default()
    };
    plugins.create_plugin(request).await.unwrap();
    let endless = Guest::poisoned("(loop $for_ever (br $for_ever))").component();
    let request = v1::PublishPluginRevisionRequest {
        plugin: format!("{TEAM}/plugins/endless"),
        source: Some(Published::Component(endless.into())),
        ..Default::default()
    };
    let revision = plugins.publish_plugin_revision(request).await.unwrap().into_inner().name;
    let bound = |input: &str| v1::InputBinding {
        input: input.to_owned(),
        source: Some(Source::Constant("6.66".to_owned())),
    };
    let step = v1::RunStep {
        step: "endless".to_owned(),
        revision,
        inputs: vec![bound("a"), bound("b")],
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
        parent: TEAM.to_owned(),
        run: Some(run),
        run_id: "q1".to_owned(),
        ..Default::default()
    };
    let mut evaluations = EvaluationServiceClient::new(service.channel.clone());
    evaluations.create_run(request).await.unwrap().into_inner().name
}

/// How long a run may take to get where it is expected, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The run, once this is true of it.
async fn until(service: &Service, name: &str, is: impl Fn(&v1::Run) -> bool) -> v1::Run {
    let mut evaluations = EvaluationServiceClient::new(service.channel.clone());
    let start = Instant::now();
    loop {
        let request = v1::GetRunRequest { name: name.to_owned() };
        let run = evaluations.get_run(request).await.unwrap().into_inner();
        if is(&run) {
            return run;
        }
        assert!(start.elapsed() < PATIENCE, "still not as expected: {run:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_the_service_has_ended_with_twice_is_not_begun_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(directory.path()).await;
    let run = create_run(&service).await;
    for attempt in 1..=2 {
        let at_work = until(&service, &run, |run| run.attempts == attempt).await;
        assert_eq!(at_work.state(), RunState::Running);
        service.kill();
        service = start(directory.path()).await;
    }
    let ended = until(&service, &run, |run| run.state() != RunState::Running).await;
    assert_eq!((ended.state(), ended.dataset.as_str()), (RunState::Failed, ""));
    for part in ["has ended 2 times in a row", "does not begin it again", "can be created anew"] {
        assert!(ended.failure.contains(part), "{part:?} is not in {}", ended.failure);
    }
}
