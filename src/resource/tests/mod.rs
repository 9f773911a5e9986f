//! What the standard methods answer, asked without a server.

mod evidence;
mod imports;
mod malformed;
mod references;

use bytes::Bytes;
use prost::Message;
use prost_reflect::Value;

use super::Resources;
use crate::{
    model::{caller::Caller, name::Name, rejection::Rejection},
    proto::{descriptors, v1},
    store::{Database, WriteError},
};

const ANNA: &str = "teams/a/accountManagers/anna";

fn caller() -> Caller {
    Caller { author: "anna@example.com".into(), method: "test".into() }
}

/// A service with a team `a`.
async fn with_team() -> Resources {
    let resources = Resources::new(Database::in_memory());
    let team = v1::Team { display_name: "A".into(), currency: "EUR".into(), ..Default::default() };
    let request = v1::CreateTeamRequest { team: Some(team), team_id: "a".into(), ..Default::default() };
    call::<v1::Team>(&resources, "OrganisationService.CreateTeam", &request).await.unwrap();
    resources
}

async fn call<T: Message + Default>(
    resources: &Resources,
    method: &str,
    request: &impl Message,
) -> Result<T, Rejection> {
    let answer = call_bytes(resources, method, request.encode_to_vec().into()).await?;
    Ok(T::decode(answer).unwrap())
}

async fn call_bytes(resources: &Resources, method: &str, request: Bytes) -> Result<Bytes, Rejection> {
    let (service, name) = method.split_once('.').unwrap();
    let service = descriptors().get_service_by_name(&format!("merit.v1.{service}")).unwrap();
    let method = service.methods().find(|method| method.name() == name).unwrap();
    match resources.call(&caller(), &method, request).await {
        Ok(answer) => Ok(answer),
        Err(WriteError::Rejected(rejection)) => Err(rejection),
        Err(error) => panic!("{error}"),
    }
}

/// Imports records; what becomes of each.
async fn import(resources: &Resources, items: Vec<v1::ImportItem>) -> Vec<v1::ImportResult> {
    let request = v1::ImportResourcesRequest { parent: "teams/a".into(), items, validate_only: false };
    resources.import(&caller(), request).await.unwrap().results
}

fn person() -> v1::AccountManager {
    v1::AccountManager { display_name: "Anna".into(), ..Default::default() }
}

/// Deletes what has an id of this collection.
async fn delete(resources: &Resources, method: &str, name: &str) -> Result<(), Rejection> {
    let request = v1::DeleteAccountManagerRequest { name: name.into(), ..Default::default() };
    call::<()>(resources, method, &request).await
}

/// Keeps a revision of a plugin, as the service does.
async fn revise(resources: &Resources) {
    let plugin = v1::CreatePluginRequest {
        parent: "teams/a".into(),
        plugin: Some(v1::Plugin { display_name: "P".into(), ..Default::default() }),
        plugin_id: "p".into(),
        ..Default::default()
    };
    call::<v1::Plugin>(resources, "PluginService.CreatePlugin", &plugin).await.unwrap();
    let name = Name::parse("teams/a/pluginRevisions/p-1").unwrap();
    let change = |record: &mut prost_reflect::DynamicMessage| {
        record.set_field_by_name("plugin", Value::String("teams/a/plugins/p".into()));
        Ok(())
    };
    resources.put(&caller(), &name, change).await.unwrap();
}
