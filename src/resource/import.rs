//! Imports: many records in one write, each created, updated, left alone or rejected by itself.

use bytes::Bytes;

use super::{
    Resources, command,
    item::Item,
    kept::{load, not_found},
    plans::plans,
    service::origin,
    write::{Outcome, rehearse},
};
use crate::{
    model::{caller::Caller, finding::Findings, name::Name, rejection::Rejection},
    proto::v1::{
        FieldViolation, ImportItem, ImportOutcome, ImportResourcesRequest, ImportResourcesResponse,
        ImportResult,
    },
    store::{Transaction, WriteError},
};

/// The most items of one message.
const ITEMS_MAX: usize = 1000;

impl Resources {
    /// Imports the items of one message, in one write. Later items see the earlier ones. Of a record that is there, what the
    /// item's mask does not name stays as it is.
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

/// A record as an item of an import.
#[must_use]
pub fn pack<T: prost::Message + prost::Name>(id: &str, record: &T) -> ImportItem {
    let resource =
        prost_types::Any { type_url: T::type_url(), value: Bytes::from(record.encode_to_vec()).into() };
    ImportItem { id: id.to_owned(), resource: Some(resource), update_mask: None }
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
        resource::item::collection,
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

    /// The same with the fields to change.
    fn masked(mut item: ImportItem, paths: &[&str]) -> ImportItem {
        item.update_mask =
            Some(prost_types::FieldMask { paths: paths.iter().map(ToString::to_string).collect() });
        item
    }

    #[tokio::test]
    async fn what_the_mask_does_not_name_stays() {
        let resources = with_team().await;
        let team = |text: &str| format!("teams/a/{text}");
        check(&resources, vec![pack("bo", &person("Bo")), pack("anna", &person("Anna"))], &["CREATED"; 2])
            .await;
        let line = v1::ReportingLine { manager: team("accountManagers/bo"), ..Default::default() };
        let whole =
            v1::AccountManager { region: "North".into(), reporting_line: vec![line], ..person("Anna") };
        let part = |region: &str| v1::AccountManager {
            display_name: "Anna".into(),
            region: region.into(),
            ..Default::default()
        };
        let labels = |labels: &[(&str, &str)]| v1::AccountManager {
            labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            ..part("")
        };
        // The item, its mask, what comes of it; region, labels and managers of what is kept then.
        let steps: [(v1::AccountManager, Option<&[&str]>, &str, &str); 10] = [
            (whole.clone(), None, "UPDATED", "North a=1,b=2 1"),
            (part("South"), Some(&["display_name", "region"]), "UPDATED", "South a=1,b=2 1"),
            (part(""), Some(&["display_name", "region"]), "UPDATED", " a=1,b=2 1"),
            (part("West"), Some(&["display_name"]), "UNCHANGED", " a=1,b=2 1"),
            (part("West"), None, "UPDATED", "West a=1,b=2 1"),
            (part(""), None, "UNCHANGED", "West a=1,b=2 1"),
            (labels(&[("a", "3")]), Some(&["labels.a", "labels.b"]), "UPDATED", "West a=3 1"),
            (v1::AccountManager::default(), Some(&["region"]), "UPDATED", " a=3 1"),
            (v1::AccountManager::default(), Some(&["display_name"]), "INVALID_FIELD", " a=3 1"),
            (part("East"), Some(&["*"]), "UPDATED", "East  0"),
        ];
        for (record, mask, expected, kept) in steps {
            let item = pack("anna", &record);
            let item = if let Some(mask) = mask { masked(item, mask) } else { item };
            check(&resources, vec![item], &[expected]).await;
            let found: v1::AccountManager =
                resources.get(&Name::parse(&team("accountManagers/anna")).unwrap()).unwrap();
            let labels: Vec<String> =
                found.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let told = format!("{} {} {}", found.region, labels.join(","), found.reporting_line.len());
            assert_eq!(told, kept, "{mask:?}");
        }
        let wrong = masked(pack("anna", &part("")), &["regio"]);
        check(
            &resources,
            vec![wrong, masked(pack("anna", &part("")), &["create_time"])],
            &["INVALID_MASK"; 2],
        )
        .await;
        // A state goes its ways, and takes with it what its methods do.
        let open = v1::Opportunity { stage: OpportunityStage::Engaging.into(), ..Default::default() };
        let items = vec![
            pack("d", &deal(OpportunityStage::Won)),
            masked(
                pack("d", &v1::Opportunity { amount: "11".into(), ..Default::default() }),
                &["amount", "stage"],
            ),
            masked(pack("d", &open), &["stage"]),
        ];
        check(&resources, items, &["CREATED", "UPDATED", "UPDATED"]).await;
        let found: v1::Opportunity = resources.get(&Name::parse(&team("opportunities/d")).unwrap()).unwrap();
        assert_eq!(
            (found.amount.as_str(), found.close_date.as_str(), found.stage()),
            ("11", "", OpportunityStage::Engaging)
        );
    }

    #[tokio::test]
    async fn what_is_wrong_is_rejected_by_itself() {
        let resources = with_team().await;
        let unknown = ImportItem {
            id: "x".into(),
            resource: Some(prost_types::Any { type_url: "merit.v1.Nothing".into(), value: Vec::new() }),
            update_mask: None,
        };
        let revision = v1::PluginRevision::default();
        let team = v1::Team { display_name: "B".into(), currency: "EUR".into(), ..Default::default() };
        let items = vec![
            unknown,
            pack("x", &revision),
            pack("b", &team),
            pack("Anna", &person("Anna")),
            pack("x", &v1::Evaluation::default()),
            ImportItem { id: "x".into(), resource: None, update_mask: None },
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
    fn what_is_not_imported_is_told() {
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
