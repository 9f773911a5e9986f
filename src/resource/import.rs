//! Imports: many records in one write, each created, updated, left alone or rejected by itself.

use bytes::Bytes;

use super::{
    Resources, check, command,
    kept::{load, not_found},
    path::Path,
    plan::CollectionPlan,
    plans::plans,
    record::{Record, Value},
    service::origin,
    state,
    write::{Draft, Outcome, rehearse},
};
use crate::{
    model::{
        caller::Caller,
        finding::Findings,
        format::quoted,
        name::{Id, Name},
        rejection::{Rejection, ResourceReason},
    },
    proto::v1::{
        FieldViolation, ImportItem, ImportOutcome, ImportResourcesRequest, ImportResourcesResponse,
        ImportResult,
    },
    store::{Transaction, WriteError},
};

/// The most items of one message.
const ITEMS_MAX: usize = 1000;

/// An item, checked by itself.
struct Item {
    collection: &'static CollectionPlan,
    name: Name,
    record: Record,
    findings: Findings,
}

impl Resources {
    /// Imports the items of one message, in one write. Later items see the earlier ones. What an item leaves out is
    /// emptied, a state apart: that stays as it is.
    ///
    /// # Errors
    /// `INVALID_NAME` and `NOT_FOUND` for the team, `INVALID_FIELD` for more than 1,000 items. What is wrong with an item
    /// is in its result.
    pub async fn import(
        &self,
        caller: &Caller,
        request: ImportResourcesRequest,
    ) -> Result<ImportResourcesResponse, WriteError> {
        let mut findings = Findings::default();
        let parent =
            command::read_name(&request.parent, &plans().collections[Name::TEAMS], "parent", &mut findings);
        if request.items.len() > ITEMS_MAX {
            let description = format!("has {} items: at most {ITEMS_MAX} are accepted", request.items.len());
            findings.field("items", description);
        }
        findings.refuse()?;
        let Some(team) = parent else { return Ok(ImportResourcesResponse::default()) };
        // What can be told of an item by itself does not wait for the writer.
        let items: Vec<Result<Item, Rejection>> =
            request.items.iter().map(|item| Item::read(item, team.team())).collect();
        let (validate_only, author) = (request.validate_only, caller.author.clone());
        self.database
            .write(origin(caller, ""), move |transaction| {
                let import =
                    |transaction: &mut Transaction<'_>| import_all(transaction, &author, &team, items);
                if validate_only { rehearse(transaction, import) } else { import(transaction) }
            })
            .await
    }
}

fn import_all(
    transaction: &mut Transaction<'_>,
    author: &str,
    team: &Name,
    items: Vec<Result<Item, Rejection>>,
) -> Result<ImportResourcesResponse, Rejection> {
    if load(transaction, &plans().collections[Name::TEAMS], team)?.is_none() {
        let description = format!("{team} does not exist");
        return Err(not_found(team).violation("parent", description));
    }
    let results = items.into_iter().map(|item| match item {
        Ok(item) => {
            let name = item.name.to_string();
            result(name, transaction.part(|transaction| item.import(transaction, author)))
        }
        Err(rejection) => result(String::new(), Err(rejection)),
    });
    Ok(ImportResourcesResponse { results: results.collect() })
}

fn result(name: String, outcome: Result<Outcome, Rejection>) -> ImportResult {
    let mut result = ImportResult { name, ..ImportResult::default() };
    match outcome {
        Ok(Outcome::Created) => result.set_outcome(ImportOutcome::Created),
        Ok(Outcome::Updated) => result.set_outcome(ImportOutcome::Updated),
        Ok(Outcome::Unchanged) => result.set_outcome(ImportOutcome::Unchanged),
        Err(rejection) => {
            result.set_outcome(ImportOutcome::Rejected);
            result.reason = rejection.reason.code().to_owned();
            result.message = rejection.message;
            let violations = rejection.violations.into_iter();
            result.violations = violations
                .map(|violation| FieldViolation {
                    field: violation.field,
                    description: violation.description,
                })
                .collect();
        }
    }
    result
}

// === impl Item ===

impl Item {
    fn read(item: &ImportItem, team: &Id) -> Result<Self, Rejection> {
        let Some(resource) = &item.resource else {
            return Err(Rejection::field("resource", "is required: a record of merit.v1"));
        };
        let collection = collection(&resource.type_url)?;
        let id =
            Id::parse(&item.id).map_err(|rejection| rejection.clone().violation("id", rejection.message))?;
        let name = Name::new(team.clone(), &collection.schema.collection, id);
        let (mut findings, path) = (Findings::default(), Path::new(""));
        let mut record = Record::decode(collection.message, &resource.value, path, &mut findings)
            .map_err(|malformed| Rejection::field("resource", malformed.to_string()))?;
        check::ignore_output_only(&mut record);
        record.take(collection.etag);
        check::check(&mut record, Some(team), &[], path, &mut findings);
        Ok(Self { collection, name, record, findings })
    }

    fn import(mut self, transaction: &mut Transaction<'_>, author: &str) -> Result<Outcome, Rejection> {
        let before = load(transaction, self.collection, &self.name)?;
        match &before {
            None => state::begin(&mut self.record, self.collection, Path::new(""), &mut self.findings),
            Some(before) => self.complete(before)?,
        }
        let Self { collection, name, record, findings } = self;
        let draft = Draft { collection, name, before, after: record, own: false, author: author.to_owned() };
        Ok(draft.keep(transaction, "", findings)?.0)
    }

    /// Takes over from the record that is kept what an import does not change.
    fn complete(&mut self, before: &Record) -> Result<(), Rejection> {
        let plan = self.collection.message.plan();
        for field in plan.fields.iter().filter(|field| field.rule.output_only) {
            if let Some(value) = before.get(field.number) {
                self.record.set(field.number, value.clone());
            }
        }
        for field in plan.fields.iter().filter(|field| field.rule.immutable) {
            if self.record.get(field.number) != before.get(field.number) {
                self.findings.field(&field.name, "is given at creation and does not change");
            }
        }
        let Some(state) = self.collection.state.as_ref().filter(|state| state.given) else { return Ok(()) };
        let (now, wanted) = (state::current(before, state), state::current(&self.record, state));
        if wanted == 0 {
            self.record.set(state.number, Value::Number(i64::from(now) as u64));
        } else if wanted != now {
            let transitions = &self.collection.transitions;
            if !transitions.iter().any(|(from, to, _)| (*from, *to) == (now, wanted)) {
                let allowed: Vec<i32> =
                    transitions.iter().filter(|(_, to, _)| *to == wanted).map(|(from, _, _)| *from).collect();
                return Err(state::forbids(&self.name, state, now, state.short(wanted), &allowed));
            }
        }
        Ok(())
    }
}

/// The collection of a packed record, if an import takes records of it.
fn collection(type_url: &str) -> Result<&'static CollectionPlan, Rejection> {
    let full_name = type_url.rsplit('/').next().unwrap_or_default();
    let mut collections = plans().collections.values();
    let found = collections.find(|collection| collection.schema.message.full_name() == full_name);
    let Some(found) = found else {
        let known: Vec<&str> = plans()
            .collections
            .values()
            .filter(|collection| is_imported(collection))
            .map(|collection| collection.schema.message.full_name())
            .collect();
        let description = format!("{} is no resource: accepted are {}", quoted(type_url), known.join(", "));
        return Err(Rejection::field("resource", description));
    };
    if is_imported(found) {
        return Ok(found);
    }
    let what = if found.schema.computed {
        "they are computed"
    } else if found.schema.collection == Name::TEAMS {
        "an import is into a team"
    } else {
        "they have a method of their own, and no update"
    };
    let description = format!("{} are not imported: {what}", found.schema.collection);
    Err(Rejection::resource(ResourceReason::InvalidField, description.clone())
        .violation("resource", description))
}

/// Whether an import takes records of it: those that clients both create and update. A run is neither: it is started.
fn is_imported(collection: &CollectionPlan) -> bool {
    collection.created_by_clients
        && collection.updated_by_clients
        && !collection.schema.computed
        && collection.schema.collection != Name::TEAMS
}

/// A record as an item of an import.
#[must_use]
pub fn pack<T: prost::Message + prost::Name>(id: &str, record: &T) -> ImportItem {
    let resource =
        prost_types::Any { type_url: T::type_url(), value: Bytes::from(record.encode_to_vec()).into() };
    ImportItem { id: id.to_owned(), resource: Some(resource) }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::{
        proto::{
            descriptors,
            v1::{self, OpportunityStage},
        },
        store::Database,
    };

    fn caller() -> Caller {
        Caller { author: "anna@example.com".into(), method: "test".into() }
    }

    async fn with_team() -> Resources {
        let resources = Resources::new(Database::in_memory());
        let team = v1::Team { display_name: "A".into(), currency: "EUR".into(), ..Default::default() };
        let request = v1::CreateTeamRequest { team: Some(team), team_id: "a".into(), ..Default::default() };
        let service = descriptors().get_service_by_name("merit.v1.OrganisationService").unwrap();
        let method = service.methods().find(|method| method.name() == "CreateTeam").unwrap();
        resources.call(&caller(), &method, request.encode_to_vec().into()).await.unwrap();
        resources
    }

    /// Imports items in one message; the outcomes are given as `CREATED`, or the reason of a rejection.
    async fn check(resources: &Resources, items: Vec<ImportItem>, expected: &[&str]) {
        let request = ImportResourcesRequest { parent: "teams/a".into(), items, validate_only: false };
        let answer = resources.import(&caller(), request).await.unwrap();
        let outcomes: Vec<String> = answer
            .results
            .iter()
            .map(|result| match result.outcome() {
                ImportOutcome::Rejected => result.reason.clone(),
                outcome => outcome.as_str_name().trim_start_matches("IMPORT_OUTCOME_").to_owned(),
            })
            .collect();
        assert_eq!(outcomes, expected, "{answer:?}");
    }

    fn person(name: &str) -> v1::AccountManager {
        v1::AccountManager {
            display_name: name.into(),
            labels: [("b", "2"), ("a", "1")].map(|(key, value)| (key.into(), value.into())).into(),
            ..Default::default()
        }
    }

    fn deal(stage: OpportunityStage) -> v1::Opportunity {
        let closed = matches!(stage, OpportunityStage::Won | OpportunityStage::Lost);
        v1::Opportunity {
            owner: "teams/a/accountManagers/anna".into(),
            stage: stage.into(),
            amount: "10".into(),
            close_date: if closed { "2024-01-31".into() } else { String::new() },
            ..Default::default()
        }
    }

    #[tokio::test]
    async fn records_come_in_once_and_in_order() {
        let resources = with_team().await;
        let anna = || pack("anna", &person("Anna"));
        // A later item may refer to an earlier one, and not the other way round.
        let items = vec![
            pack("d1", &deal(OpportunityStage::Engaging)),
            anna(),
            pack("d1", &deal(OpportunityStage::Engaging)),
            anna(),
            pack("anna", &person("Anna Li")),
        ];
        let expected = ["REFERENCE_NOT_FOUND", "CREATED", "CREATED", "UNCHANGED", "UPDATED"];
        check(&resources, items, &expected).await;
        check(&resources, vec![pack("anna", &person("Anna Li"))], &["UNCHANGED"]).await;
        // What the service says of a record is no change of it.
        let name = Name::parse("teams/a/accountManagers/anna").unwrap();
        let kept: v1::AccountManager = resources.get(&name).unwrap();
        check(&resources, vec![pack("anna", &kept)], &["UNCHANGED"]).await;
    }

    #[tokio::test]
    async fn states_go_the_ways_that_methods_go() {
        use OpportunityStage::{Engaging, Lost, Prospecting, Unspecified, Won};
        let resources = with_team().await;
        check(&resources, vec![pack("anna", &person("Anna"))], &["CREATED"]).await;
        let steps = [
            (Prospecting, "CREATED"),
            (Unspecified, "UNCHANGED"),
            (Engaging, "UPDATED"),
            (Won, "UPDATED"),
            (Won, "UNCHANGED"),
            (Lost, "STATE_FORBIDS"),
            (Prospecting, "STATE_FORBIDS"),
            (Engaging, "UPDATED"),
            (Lost, "UPDATED"),
        ];
        for (stage, expected) in steps {
            check(&resources, vec![pack("d", &deal(stage))], &[expected]).await;
        }
        check(&resources, vec![pack("e", &deal(Lost))], &["CREATED"]).await;
    }

    #[tokio::test]
    async fn what_is_wrong_is_rejected_by_itself() {
        let resources = with_team().await;
        let unknown = ImportItem {
            id: "x".into(),
            resource: Some(prost_types::Any { type_url: "merit.v1.Nothing".into(), value: Vec::new() }),
        };
        let revision = v1::PluginRevision::default();
        let team = v1::Team { display_name: "B".into(), currency: "EUR".into(), ..Default::default() };
        let items = vec![
            unknown,
            pack("x", &revision),
            pack("b", &team),
            pack("Anna", &person("Anna")),
            pack("x", &v1::Evaluation::default()),
            ImportItem { id: "x".into(), resource: None },
            pack("nameless", &person("")),
            pack("anna", &person("Anna")),
        ];
        let wrong = "INVALID_FIELD";
        let expected = [wrong, wrong, wrong, "INVALID_NAME", wrong, wrong, wrong, "CREATED"];
        check(&resources, items, &expected).await;
        let request = ImportResourcesRequest { parent: "teams/b".into(), ..Default::default() };
        let Err(WriteError::Rejected(rejection)) = resources.import(&caller(), request).await else {
            panic!("there is no such team")
        };
        assert_eq!(rejection.reason.code(), "NOT_FOUND");
    }

    #[test]
    fn an_import_takes_what_clients_create_and_update() {
        let imported: Vec<&str> = plans()
            .collections
            .values()
            .filter(|collection| is_imported(collection))
            .map(|collection| collection.schema.collection.as_str())
            .collect();
        for taken in ["accountManagers", "customers", "goals", "measures", "opportunities", "plugins"] {
            assert!(imported.contains(&taken), "{taken} are imported");
        }
        for refused in ["pluginRevisions", "runs", "evaluations", "teams"] {
            assert!(!imported.contains(&refused), "{refused} are not imported");
        }
        let refused = collection("merit.v1.Run").map(drop).unwrap_err();
        assert!(
            refused.message.ends_with("they have a method of their own, and no update"),
            "{}",
            refused.message
        );
        let unknown = collection("merit.v1.Nothing").map(drop).unwrap_err();
        assert!(!unknown.message.contains("v1.Run"), "names what is taken: {}", unknown.message);
    }

    #[tokio::test]
    async fn a_rehearsal_keeps_nothing() {
        let resources = with_team().await;
        let request = ImportResourcesRequest {
            parent: "teams/a".into(),
            items: vec![pack("anna", &person("Anna"))],
            validate_only: true,
        };
        let answer = resources.import(&caller(), request).await.unwrap();
        assert_eq!(answer.results[0].outcome(), ImportOutcome::Created);
        check(&resources, vec![pack("anna", &person("Anna"))], &["CREATED"]).await;
    }
}
