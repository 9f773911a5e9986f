//! While the store is being opened, health answers, and other calls are told how far it is.

use merit::{
    proto::{descriptors, v1},
    server::Server,
};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;

use super::harness::{config, in_time, reason};

async fn check_health(channel: &Channel, expected: ServingStatus) {
    let services = descriptors().services().map(|service| service.full_name().to_owned());
    for service in services.chain([String::new()]) {
        let request = HealthCheckRequest { service: service.clone() };
        let found = HealthClient::new(channel.clone()).check(request).await.unwrap().into_inner();
        assert_eq!(found.status(), expected, "{service}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_opens_its_data_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let opening = Server::bind(&config(directory.path())).await.unwrap();
    let channel = Channel::from_shared(format!("http://{}", opening.address())).unwrap().connect_lazy();
    check_health(&channel, ServingStatus::NotServing).await;
    let mut watched = HealthClient::new(channel.clone())
        .watch(HealthCheckRequest { service: "merit.v1.GoalService".to_owned() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    // A standard method, and one that is not.
    let mut organisation = v1::organisation_service_client::OrganisationServiceClient::new(channel.clone());
    let mut server = v1::server_service_client::ServerServiceClient::new(channel.clone());
    for refused in [
        organisation.list_teams(v1::ListTeamsRequest::default()).await.unwrap_err(),
        server.get_status(v1::GetStatusRequest {}).await.unwrap_err(),
    ] {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "UNAVAILABLE"));
        assert!(refused.message().contains("opening its data"), "{refused:?}");
        assert!(refused.get_error_details().retry_info().is_some_and(|info| info.retry_delay.is_some()));
    }

    let opened = opening.open().await.unwrap();
    let serving =
        async { while watched.message().await.unwrap().unwrap().status() != ServingStatus::Serving {} };
    in_time("the service is served", serving).await;
    organisation.list_teams(v1::ListTeamsRequest::default()).await.unwrap();
    let status = server.get_status(v1::GetStatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.sequence, status.runs, status.failure.as_str()), (0, 0, ""));
    // Others follow the one that was watched.
    opened.run(async {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_that_is_given_up_serves_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let opening = Server::bind(&config(directory.path())).await.unwrap();
    let channel = Channel::from_shared(format!("http://{}", opening.address())).unwrap().connect_lazy();
    check_health(&channel, ServingStatus::NotServing).await;
    drop(opening);
    let mut organisation = v1::organisation_service_client::OrganisationServiceClient::new(channel);
    // The connection may be cut under a call; then nobody listens any more.
    let cut = async {
        while organisation.list_teams(v1::ListTeamsRequest::default()).await.unwrap_err().code()
            != Code::Unavailable
        {}
    };
    in_time("nobody listens any more", cut).await;
}
