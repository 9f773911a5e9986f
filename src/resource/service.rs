//! The way in: calls of the standard methods, and what other rooms read and write.

use std::sync::Arc;

use bytes::Bytes;
use prost_reflect::MethodDescriptor;

use super::{
    command::{self, Command},
    kept::not_found,
    list::List,
    method::{Action, MethodPlan},
    path::Path,
    plan::MessageIndex,
    plans::plans,
    record::Record,
    reference,
    unreadable::Unreadable,
    write,
};
use crate::{
    model::{
        caller::Caller,
        finding::Findings,
        name::Name,
        rejection::{Reason, Rejection, ResourceReason, ServiceReason},
        zone::Zone,
    },
    store::{Database, Key, Origin, WriteError},
};

/// The standard methods over a database. Cheap to clone.
#[derive(Clone)]
pub struct Resources {
    pub(super) database: Database,
}

// === impl Resources ===

impl Resources {
    /// The standard methods over this database.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Calls a standard method with an encoded request, and answers the encoded response.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` for bytes that are no request of the method, and whatever the rules refuse.
    pub async fn call(
        &self,
        caller: &Caller,
        method: &MethodDescriptor,
        request: Bytes,
    ) -> Result<Bytes, WriteError> {
        self.call_unless(caller, method, request, None).await
    }

    /// The same, where another room has looked at the request and may object: a change is then refused with the objection,
    /// unless there is more to be said against it here, or the request id repeats a request that was accepted.
    ///
    /// # Errors
    /// As `call`; the objection.
    pub async fn call_unless(
        &self,
        caller: &Caller,
        method: &MethodDescriptor,
        request: Bytes,
        objection: Option<Rejection>,
    ) -> Result<Bytes, WriteError> {
        let Some(method) = plans().methods.get(method.full_name()) else {
            let message = format!("{} is no standard method", method.full_name());
            return Err(Rejection::new(Reason::Service(ServiceReason::Internal), message).into());
        };
        let mut findings = Findings::default();
        let request = decode(method.request, &request, &mut findings)?;
        match method.action {
            Action::Get => self.call_get(method, &request, findings),
            Action::List { items, next_page_token } => {
                let list = self.read_list(method, request, findings, (items, next_page_token))?;
                self.answer_list(&list, &|| true)
            }
            _ => self.call_change(caller, Command::read(caller, method, request, findings), objection).await,
        }
    }

    /// A record is kept as it is answered: nothing is decoded.
    fn call_get(
        &self,
        method: &MethodPlan,
        request: &Record,
        mut findings: Findings,
    ) -> Result<Bytes, WriteError> {
        let collection = &plans().collections[&method.collection];
        let name = command::read_name(request.text("name"), collection, "name", &mut findings);
        findings.refuse()?;
        let name = name.ok_or_else(|| Rejection::field("name", "is required"))?;
        Ok(self.database.get(&Key::of(&name))?.ok_or_else(|| not_found(&name))?)
    }

    /// Reads the request of a list, where the method is one: what the list takes may then decide where it is made.
    ///
    /// # Errors
    /// As `call`, of what can be told of the request alone.
    pub fn list(&self, method: &MethodDescriptor, request: &Bytes) -> Result<Option<List>, WriteError> {
        let Some(method) = plans().methods.get(method.full_name()) else { return Ok(None) };
        let Action::List { items, next_page_token } = method.action else { return Ok(None) };
        let mut findings = Findings::default();
        let request = decode(method.request, request, &mut findings)?;
        self.read_list(method, request, findings, (items, next_page_token)).map(Some)
    }

    fn read_list(
        &self,
        method: &MethodPlan,
        mut request: Record,
        mut findings: Findings,
        answer: (u32, u32),
    ) -> Result<List, WriteError> {
        let collection = &plans().collections[&method.collection];
        super::check::check(&mut request, None, &[], Path::new(""), &mut findings);
        findings.refuse()?;
        let team = match request.text("parent") {
            "" => None,
            parent => Some(Name::parse(parent)?.team().clone()),
        };
        let zone = match &team {
            Some(team) => {
                Zone::of_record(self.database.get(&Key::of(&Name::of_team(team.clone())))?.as_deref())
            }
            None => Zone::UTC,
        };
        List::read(&request, collection, team, &zone, answer)
    }

    /// Makes a list, unless nobody wants it any more. Blocks as long as that takes.
    ///
    /// # Errors
    /// As `call`.
    pub fn answer_list(&self, list: &List, wanted: &dyn Fn() -> bool) -> Result<Bytes, WriteError> {
        list.answer(&self.database, wanted)
    }

    async fn call_change(
        &self,
        caller: &Caller,
        command: Command,
        objection: Option<Rejection>,
    ) -> Result<Bytes, WriteError> {
        let (validate_only, once) = (command.validate_only(), command.once(caller));
        let (origin, name) = (origin(caller, command.request_id()), command.name.clone());
        let answer = self
            .database
            .write(origin, move |transaction| {
                write::run(transaction, validate_only, once.as_ref(), |transaction| {
                    let answer = command.run(transaction)?;
                    // A rejected write leaves nothing.
                    objection.map_or(Ok(answer), Err)
                })
            })
            .await;
        match (answer, name) {
            (Err(WriteError::Rejected(refused)), Some(name)) if is_still_referred(&refused) => {
                Err(self.who_refers(name, refused).await)
            }
            (answer, _) => answer,
        }
    }

    /// The refusal to delete what is referred to, with somebody named who does: that may take a while, and is no business of
    /// the writer's.
    async fn who_refers(&self, name: Name, refused: Rejection) -> WriteError {
        let (database, waiting) = (self.database.clone(), Arc::new(()));
        let waited = Arc::downgrade(&waiting);
        let search = move || reference::refusal(&database, &name, &|| waited.strong_count() > 0);
        let found = tokio::task::spawn_blocking(search).await;
        drop(waiting);
        match found {
            Ok(Ok(found)) => WriteError::Rejected(found.unwrap_or(refused)),
            Ok(Err(error)) => error.into(),
            Err(_) => refused.into(),
        }
    }
}

/// Whether a record could not be deleted because of others, and nobody is named yet.
fn is_still_referred(refused: &Rejection) -> bool {
    let named = |(key, value): &(&str, String)| *key == "referrers" && !value.is_empty();
    refused.reason == Reason::Resource(ResourceReason::StillReferred) && !refused.metadata.iter().any(named)
}

/// Who writes.
pub(super) fn origin(caller: &Caller, request_id: &str) -> Origin {
    Origin { author: caller.author.clone(), method: caller.method.clone(), request_id: request_id.to_owned() }
}

/// Checks the request of a method that is no standard one against the rules of its fields, and brings its texts into
/// the one form that is kept. Whether what it refers to exists is not asked.
///
/// # Errors
/// `MALFORMED_REQUEST` for bytes that are no such message, `INVALID_FIELD` and `INVALID_NAME` with every violation.
///
/// # Panics
/// Where `message` is no full name of a message of this contract.
pub fn check_request(message: &str, request: &[u8]) -> Result<Bytes, Rejection> {
    let mut findings = Findings::default();
    let mut request = decode(plans().find(message), request, &mut findings)?;
    // What a request refers to is of the team that it is about.
    let team = Name::parse(request.text("parent")).ok().map(|parent| parent.team().clone());
    super::check::check(&mut request, team.as_ref(), &[], Path::new(""), &mut findings);
    findings.refuse()?;
    Ok(request.encode().into())
}

/// Takes a request apart.
pub(super) fn decode(
    message: MessageIndex,
    request: &[u8],
    findings: &mut Findings,
) -> Result<Record, Rejection> {
    Record::decode(message, request, Path::new(""), findings).map_err(|Unreadable { path, what }| {
        let name = &message.plan().full_name;
        let place = if path.is_empty() { String::new() } else { format!("{path} ") };
        let reason = Reason::Service(ServiceReason::MalformedRequest);
        let rejection = Rejection::new(reason, format!("no {name}: {place}{what}"));
        if path.is_empty() { rejection } else { rejection.violation(path, what) }
    })
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::{descriptors, v1};

    /// A service with a team `a`.
    async fn with_team() -> Resources {
        let resources = Resources::new(Database::in_memory());
        let team = v1::Team { display_name: "A".into(), currency: "EUR".into(), ..Default::default() };
        let request = v1::CreateTeamRequest { team: Some(team), team_id: "a".into(), ..Default::default() };
        let made: v1::Team = call(&resources, "OrganisationService.CreateTeam", &request).await.unwrap();
        assert_eq!(made.name, "teams/a");
        resources
    }

    async fn call<T: Message + Default>(
        resources: &Resources,
        method: &str,
        request: &impl Message,
    ) -> Result<T, Rejection> {
        let (service, name) = method.split_once('.').unwrap();
        let service = descriptors().get_service_by_name(&format!("merit.v1.{service}")).unwrap();
        let method = service.methods().find(|method| method.name() == name).unwrap();
        let caller = Caller { author: "anna@example.com".into(), method: method.full_name().into() };
        match resources.call(&caller, &method, request.encode_to_vec().into()).await {
            Ok(answer) => Ok(T::decode(answer).unwrap()),
            Err(WriteError::Rejected(rejection)) => Err(rejection),
            Err(error) => panic!("{error}"),
        }
    }

    fn create(id: &str, request_id: &str, name: &str) -> v1::CreateAccountManagerRequest {
        v1::CreateAccountManagerRequest {
            parent: "teams/a".into(),
            account_manager: Some(v1::AccountManager { display_name: name.into(), ..Default::default() }),
            account_manager_id: id.into(),
            request_id: request_id.into(),
            validate_only: false,
        }
    }

    /// Requests in order, each with what it must be answered: a reason, or nothing.
    #[tokio::test]
    async fn etags_and_request_ids() {
        let resources = with_team().await;
        let create_method = "OrganisationService.CreateAccountManager";
        let steps = [
            (create("x", "r1", "X"), ""),
            (create("x", "r1", "X"), ""),
            (create("x", "r1", "Y"), "REQUEST_ID_REUSED"),
            (create("y", "r1", "X"), "REQUEST_ID_REUSED"),
            (create("x", "r2", "X"), "ALREADY_EXISTS"),
            // What was refused is not remembered.
            (create("z", "r2", "Z"), ""),
            (create("z", "", "Z"), "ALREADY_EXISTS"),
        ];
        let mut first = None;
        for (request, expected) in steps {
            let answer = call::<v1::AccountManager>(&resources, create_method, &request).await;
            let reason = answer.as_ref().err().map_or("", |rejection| rejection.reason.code());
            assert_eq!(reason, expected, "{request:?}");
            if let (Ok(answer), "r1") = (answer, request.request_id.as_str()) {
                assert_eq!(*first.get_or_insert(answer.clone()), answer, "a repeat gets the first answer");
            }
        }
        let first = first.unwrap();
        let update = |etag: &str, name: &str| v1::UpdateAccountManagerRequest {
            account_manager: Some(v1::AccountManager {
                name: "teams/a/accountManagers/x".into(),
                etag: etag.into(),
                display_name: name.into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let method = "OrganisationService.UpdateAccountManager";
        let second: v1::AccountManager =
            call(&resources, method, &update(&first.etag, "Second")).await.unwrap();
        assert_ne!(second.etag, first.etag);
        assert_eq!(second.create_time, first.create_time);
        let refused = call::<v1::AccountManager>(&resources, method, &update(&first.etag, "Third")).await;
        assert_eq!(refused.unwrap_err().reason.code(), "ETAG_MISMATCH");
        let same: v1::AccountManager =
            call(&resources, method, &update(&second.etag, "Second")).await.unwrap();
        assert_eq!(same, second, "what changes nothing is no change");
        // The first answer, though the record has changed since.
        let repeat: v1::AccountManager =
            call(&resources, create_method, &create("x", "r1", "X")).await.unwrap();
        assert_eq!(repeat, first);
    }

    #[tokio::test]
    async fn a_team_is_deleted_only_when_empty() {
        let resources = with_team().await;
        call::<v1::AccountManager>(
            &resources,
            "OrganisationService.CreateAccountManager",
            &create("x", "", "X"),
        )
        .await
        .unwrap();
        let method = "OrganisationService.DeleteTeam";
        let request = v1::DeleteTeamRequest { name: "teams/a".into(), ..Default::default() };
        let refused = call::<()>(&resources, method, &request).await.unwrap_err();
        assert_eq!(refused.reason.code(), "STILL_REFERRED");
        assert!(refused.message.contains("teams/a/accountManagers/x"), "{}", refused.message);
        let person = v1::DeleteAccountManagerRequest {
            name: "teams/a/accountManagers/x".into(),
            ..Default::default()
        };
        call::<()>(&resources, "OrganisationService.DeleteAccountManager", &person).await.unwrap();
        call::<()>(&resources, method, &request).await.unwrap();
        let list: v1::ListTeamsResponse =
            call(&resources, "OrganisationService.ListTeams", &v1::ListTeamsRequest::default())
                .await
                .unwrap();
        assert_eq!(list.teams, []);
    }
}
