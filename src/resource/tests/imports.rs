//! Imports: what becomes of each item, by itself and in order.

use prost::Message;

use super::{ANNA, caller, import, person, with_team};
use crate::{
    model::name::Name,
    proto::v1::{self, ImportItem, ImportOutcome, ImportResourcesRequest, OpportunityStage},
    resource::{Resources, came_to_be, pack},
    store::WriteError,
};

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

fn named(name: &str) -> v1::AccountManager {
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
    let anna = || pack("anna", &named("Anna"));
    // A later item may refer to an earlier one, and not the other way round.
    let items = vec![
        pack("d1", &deal(OpportunityStage::Engaging)),
        anna(),
        pack("d1", &deal(OpportunityStage::Engaging)),
        anna(),
        pack("anna", &named("Anna Li")),
    ];
    let expected = ["REFERENCE_NOT_FOUND", "CREATED", "CREATED", "UNCHANGED", "UPDATED"];
    check(&resources, items, &expected).await;
    check(&resources, vec![pack("anna", &named("Anna Li"))], &["UNCHANGED"]).await;
    // What the service says of a record is no change of it.
    let name = Name::parse("teams/a/accountManagers/anna").unwrap();
    let kept: v1::AccountManager = resources.get(&name).unwrap();
    check(&resources, vec![pack("anna", &kept)], &["UNCHANGED"]).await;
}

#[tokio::test]
async fn states_go_the_ways_that_methods_go() {
    use OpportunityStage::{Engaging, Lost, Prospecting, Unspecified, Won};
    let resources = with_team().await;
    check(&resources, vec![pack("anna", &named("Anna"))], &["CREATED"]).await;
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
    check(&resources, vec![pack("bo", &named("Bo")), pack("anna", &named("Anna"))], &["CREATED"; 2]).await;
    let line = v1::ReportingLine { manager: team("accountManagers/bo"), ..Default::default() };
    let whole = v1::AccountManager { region: "North".into(), reporting_line: vec![line], ..named("Anna") };
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
        let labels: Vec<String> = found.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let told = format!("{} {} {}", found.region, labels.join(","), found.reporting_line.len());
        assert_eq!(told, kept, "{mask:?}");
    }
    let wrong = masked(pack("anna", &part("")), &["regio"]);
    check(&resources, vec![wrong, masked(pack("anna", &part("")), &["create_time"])], &["INVALID_MASK"; 2])
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
        pack("Anna", &named("Anna")),
        pack("x", &v1::Evaluation::default()),
        ImportItem { id: "x".into(), resource: None, update_mask: None },
        pack("nameless", &named("")),
        pack("anna", &named("Anna")),
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

#[tokio::test]
async fn a_rehearsal_keeps_nothing() {
    let resources = with_team().await;
    let request = ImportResourcesRequest {
        parent: "teams/a".into(),
        items: vec![pack("anna", &named("Anna"))],
        validate_only: true,
    };
    let answer = resources.import(&caller(), request).await.unwrap();
    assert_eq!(answer.results[0].outcome(), ImportOutcome::Created);
    check(&resources, vec![pack("anna", &named("Anna"))], &["CREATED"]).await;
}

#[tokio::test]
async fn a_version_in_an_import_is_held() {
    let resources = with_team().await;
    import(&resources, vec![pack("anna", &person())]).await;
    let kept: v1::AccountManager = resources.get(&Name::parse(ANNA).unwrap()).unwrap();
    let changed = |etag: &str, region: &str| {
        pack("anna", &v1::AccountManager { etag: etag.into(), region: region.into(), ..person() })
    };
    let check = async |item: v1::ImportItem, expected: &str| {
        let result = import(&resources, vec![item]).await.remove(0);
        let told =
            if result.reason.is_empty() { result.outcome().as_str_name().to_owned() } else { result.reason };
        assert_eq!(told.trim_start_matches("IMPORT_OUTCOME_"), expected);
    };
    check(changed(&kept.etag, "North"), "UPDATED").await;
    check(changed(&kept.etag, "South"), "ETAG_MISMATCH").await;
    check(changed("", "South"), "UPDATED").await;
    check(pack("new", &v1::AccountManager { etag: kept.etag.clone(), ..person() }), "NOT_FOUND").await;
    check(pack("new", &person()), "CREATED").await;
}

#[tokio::test]
async fn an_answer_about_a_thousand_mistakes_fits_a_message() {
    let resources = with_team().await;
    let long = "\u{1}".repeat(100);
    let lines = vec![
        v1::ReportingLine {
            manager: long.clone(),
            effective_from: long.clone(),
            effective_until: long.clone()
        };
        10
    ];
    let wrong = v1::AccountManager { email: long, reporting_line: lines, ..person() };
    let items = (0..1000).map(|index| pack(&format!("a{index}"), &wrong)).collect();
    let results = import(&resources, items).await;
    assert!(results.iter().all(|result| !result.violations.is_empty() && !result.message.is_empty()));
    let answer = v1::ImportResourcesResponse { results };
    assert!(answer.encoded_len() < 4 << 20, "{}", answer.encoded_len());
}

/// Many writes have the same time: what was changed is told from what came to be all the same.
#[tokio::test]
async fn a_record_is_new_once() {
    let resources = with_team().await;
    let is_new = |name: &str| {
        let kept: v1::AccountManager = resources.get(&Name::parse(name).unwrap()).unwrap();
        came_to_be("accountManagers", &kept.encode_to_vec())
    };
    for index in 0..50 {
        let (id, changed) = (format!("a{index}"), v1::AccountManager { region: "North".into(), ..person() });
        // Both wait for the writer at the same time, and are one group.
        let both = [pack(&id, &person()), pack(&id, &changed)].map(|item| import(&resources, vec![item]));
        let [created, updated] = both;
        tokio::join!(created, updated);
        assert!(!is_new(&format!("teams/a/accountManagers/{id}")), "{id}");
    }
    // Within one write it came to be, and nobody saw it before.
    import(&resources, vec![pack("anna", &person()), pack("anna", &named("Anna Li"))]).await;
    assert!(is_new(ANNA));
    import(&resources, vec![pack("anna", &named("Anna"))]).await;
    assert!(!is_new(ANNA));
}
