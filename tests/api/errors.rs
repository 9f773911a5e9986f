//! What a client is told when something is refused: a code, a stable reason, and details that a program can act on. One
//! sample for each kind; which rule refuses what is in `rules`.

use merit::proto::v1::{self, OpportunityStage};
use tonic::{Code, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::harness::{Harness, framed, reason, request, whole};

const ANNA: &str = "teams/acme/accountManagers/anna";
const DEAL: &str = "teams/acme/opportunities/deal";

/// A team with Anna, and a deal of hers.
async fn harness() -> Harness {
    let harness = Harness::start().await;
    harness.team("acme").await;
    harness.organisation().create_account_manager(anna()).await.unwrap();
    harness.crm().create_opportunity(deal("deal", ANNA)).await.unwrap();
    harness
}

fn anna() -> v1::CreateAccountManagerRequest {
    v1::CreateAccountManagerRequest {
        parent: "teams/acme".to_owned(),
        account_manager_id: "anna".to_owned(),
        account_manager: Some(v1::AccountManager { display_name: "Anna".to_owned(), ..Default::default() }),
        ..Default::default()
    }
}

fn deal(id: &str, owner: &str) -> v1::CreateOpportunityRequest {
    v1::CreateOpportunityRequest {
        parent: "teams/acme".to_owned(),
        opportunity_id: id.to_owned(),
        opportunity: Some(v1::Opportunity { owner: owner.to_owned(), ..Default::default() }),
        ..Default::default()
    }
}

fn closed(stage: OpportunityStage) -> v1::CloseOpportunityRequest {
    v1::CloseOpportunityRequest {
        name: DEAL.to_owned(),
        stage: stage.into(),
        close_date: "2026-03-31".to_owned(),
        amount: "12.50".to_owned(),
        ..Default::default()
    }
}

fn update(etag: &str, paths: &[&str]) -> v1::UpdateAccountManagerRequest {
    v1::UpdateAccountManagerRequest {
        account_manager: Some(v1::AccountManager {
            name: ANNA.to_owned(),
            etag: etag.to_owned(),
            display_name: "Anna B.".to_owned(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        }),
        ..Default::default()
    }
}

fn list(filter: &str, page_token: &str) -> v1::ListOpportunitiesRequest {
    v1::ListOpportunitiesRequest {
        parent: "teams/acme".to_owned(),
        filter: filter.to_owned(),
        page_token: page_token.to_owned(),
        ..Default::default()
    }
}

/// Checks that the call is refused like this, and answers the details.
fn check<T: std::fmt::Debug>(
    answer: Result<Response<T>, Status>,
    code: Code,
    expected: &str,
) -> ErrorDetails {
    let status = answer.expect_err(expected);
    assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{status:?}");
    assert!(!status.message().is_empty());
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().domain, "merit.v1");
    details
}

/// Checks that the first field said to be wrong is this one.
fn check_field(details: &ErrorDetails, field: &str) {
    let violations = &details.bad_request().expect("it names the fields").field_violations;
    assert_eq!(violations[0].field, field, "{violations:?}");
    assert!(!violations[0].description.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request() {
    let harness = harness().await;
    let (mut organisation, mut crm) = (harness.organisation(), harness.crm());
    let invalid = Code::InvalidArgument;

    let name = |name: &str| v1::GetOpportunityRequest { name: name.to_owned() };
    let details = check(crm.get_opportunity(name("teams/acme/deals")).await, invalid, "INVALID_NAME");
    check_field(&details, "name");

    let mut nobody = anna();
    nobody.account_manager.as_mut().unwrap().display_name.clear();
    nobody.account_manager_id.clear();
    nobody.account_manager.as_mut().unwrap().email = "no mail address".to_owned();
    let details = check(organisation.create_account_manager(nobody).await, invalid, "INVALID_FIELD");
    let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| &v.field).collect();
    assert!(fields.iter().any(|field| *field == "account_manager.display_name"), "{fields:?}");
    assert!(fields.iter().any(|field| *field == "account_manager.email"), "{fields:?}");

    let masked = organisation.update_account_manager(update("", &["nickname"])).await;
    check(masked, invalid, "INVALID_MASK");

    let details = check(crm.list_opportunities(list("amout > 5", "")).await, invalid, "INVALID_FILTER");
    check_field(&details, "filter");
    let details =
        check(crm.list_opportunities(list("stage = \"WONN\"", "")).await, invalid, "INVALID_FILTER");
    // An id alone is no name, and would be equal to nothing.
    check(crm.list_opportunities(list("owner = \"anna\"", "")).await, invalid, "INVALID_FILTER");
    check_field(&details, "filter");
    let mut cents = deal("cents", ANNA);
    cents.opportunity.as_mut().unwrap().amount = "1.005".to_owned();
    let details = check(crm.create_opportunity(cents).await, invalid, "INVALID_FIELD");
    check_field(&details, "opportunity.amount");
    let details = check(crm.list_opportunities(list("", "x")).await, invalid, "INVALID_PAGE_TOKEN");
    check_field(&details, "page_token");

    let mut first = deal("other", ANNA);
    first.request_id = "r1".to_owned();
    crm.create_opportunity(first.clone()).await.unwrap();
    first.opportunity.as_mut().unwrap().amount = "5".to_owned();
    check(crm.create_opportunity(first).await, invalid, "REQUEST_ID_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_records_forbid() {
    let harness = harness().await;
    let (mut organisation, mut crm) = (harness.organisation(), harness.crm());

    let missing = v1::GetAccountManagerRequest { name: "teams/acme/accountManagers/nobody".to_owned() };
    let details = check(organisation.get_account_manager(missing).await, Code::NotFound, "NOT_FOUND");
    let resource = details.resource_info().expect("it names the resource");
    assert_eq!(resource.resource_type, "accountManagers");
    assert_eq!(resource.resource_name, "teams/acme/accountManagers/nobody");

    let details =
        check(organisation.create_account_manager(anna()).await, Code::AlreadyExists, "ALREADY_EXISTS");
    assert_eq!(details.resource_info().unwrap().resource_name, ANNA);

    let stale = organisation.update_account_manager(update("stale", &["display_name"])).await;
    check(stale, Code::Aborted, "ETAG_MISMATCH");

    let of_nobody = deal("new", "teams/acme/accountManagers/nobody");
    let details =
        check(crm.create_opportunity(of_nobody).await, Code::FailedPrecondition, "REFERENCE_NOT_FOUND");
    check_field(&details, "opportunity.owner");

    let delete = v1::DeleteAccountManagerRequest { name: ANNA.to_owned(), ..Default::default() };
    let details =
        check(organisation.delete_account_manager(delete).await, Code::FailedPrecondition, "STILL_REFERRED");
    assert!(details.error_info().unwrap().metadata["referrers"].contains(DEAL));
    assert_eq!(details.precondition_failure().unwrap().violations[0].subject, ANNA);

    crm.close_opportunity(closed(OpportunityStage::Won)).await.unwrap();
    let again = crm.close_opportunity(closed(OpportunityStage::Lost)).await;
    let details = check(again, Code::FailedPrecondition, "STATE_FORBIDS");
    assert_eq!(details.precondition_failure().unwrap().violations[0].r#type, "STATE_FORBIDS");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_methods_of_their_own() {
    let harness = harness().await;
    let invalid = Code::InvalidArgument;
    let mut audit = harness.audit();
    let events = |parent: &str, filter: &str, page_token: &str, page_size| v1::ListEventsRequest {
        parent: parent.to_owned(),
        filter: filter.to_owned(),
        page_token: page_token.to_owned(),
        page_size,
        ..Default::default()
    };
    let details = check(audit.list_events(events("acme", "", "", 0)).await, invalid, "INVALID_NAME");
    check_field(&details, "parent");
    let details = check(audit.list_events(events(ANNA, "", "", 0)).await, invalid, "INVALID_FIELD");
    check_field(&details, "parent");
    let details = check(audit.list_events(events("teams/acme", "", "", -1)).await, invalid, "INVALID_FIELD");
    check_field(&details, "page_size");
    let details =
        check(audit.list_events(events("teams/acme", "autor = 1", "", 0)).await, invalid, "INVALID_FILTER");
    check_field(&details, "filter");
    let details =
        check(audit.list_events(events("teams/acme", "", "x", 0)).await, invalid, "INVALID_PAGE_TOKEN");
    check_field(&details, "page_token");
    check(audit.list_events(events("teams/nowhere", "", "", 0)).await, Code::NotFound, "NOT_FOUND");

    let watch = |name: &str| v1::WatchRunRequest { name: name.to_owned() };
    let mut evaluations = harness.evaluations();
    let refused = evaluations.watch_run(watch(ANNA)).await;
    check_field(&check(refused.map(|r| r.map(drop)), invalid, "INVALID_NAME"), "name");
    let refused = evaluations.watch_run(watch("teams/acme/runs/none")).await;
    check(refused.map(|r| r.map(drop)), Code::NotFound, "NOT_FOUND");
    let get = v1::GetEvaluationRequest { name: "teams/acme/runs/none".to_owned() };
    check_field(&check(evaluations.get_evaluation(get).await, invalid, "INVALID_NAME"), "name");
}

/// Requests made to be costly: refused by what the field takes, in an answer that every client reads.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_huge_or_deep_is_refused_in_few_words() {
    let harness = harness().await;
    let nested = |open: &str, close: &str, times: usize| {
        format!("{}amount{} = 1", open.repeat(times), close.repeat(times))
    };
    let filters = [
        nested("(", ")", 10_000),
        nested("(", ")", 2_000),
        nested("-", "", 4_000),
        nested("NOT ", "", 1_000),
        nested("ABS(", ")", 800),
        format!("{}amount = 1", "amount = 1 AND ".repeat(270)),
        format!("amount = {}", "9".repeat(4_000)),
        format!("owner = \"{}", "世".repeat(1_300)),
        "世".repeat(1_365),
    ];
    let events = |filter: &str| v1::ListEventsRequest {
        parent: "teams/acme".to_owned(),
        filter: filter.to_owned(),
        ..Default::default()
    };
    let get = |name: String| v1::GetOpportunityRequest { name };
    let mut requests = vec![
        ("Crm", "GetOpportunity", framed(&get("x".repeat(10_000)))),
        ("Crm", "GetOpportunity", framed(&get(format!("teams/acme/opportunities/{}", "世".repeat(10_000))))),
        ("Crm", "GetOpportunity", framed(&get("teams/".repeat(2_000)))),
        ("Crm", "ListOpportunities", framed(&list("", &"x".repeat(100_000)))),
        ("Crm", "ListOpportunities", framed(&list("", "AAAA"))),
        ("Crm", "CreateOpportunity", framed(&deal(&"a".repeat(10_000), &"世".repeat(10_000)))),
    ];
    for filter in &filters {
        requests.push(("Crm", "ListOpportunities", framed(&list(filter, ""))));
        requests.push(("Audit", "ListEvents", framed(&events(filter))));
    }
    for (place, (service, method, message)) in requests.into_iter().enumerate() {
        let call = request(&format!("merit.v1.{service}Service/{method}"), whole(message));
        let answer = harness.send(call).await;
        let status = answer.status();
        // Long is not wrong by itself: a long list of conditions may be answered.
        if status.code() != Code::Ok || !method.starts_with("List") {
            assert_eq!(status.code(), Code::InvalidArgument, "{place}: {status:?}");
        }
        let fields = answer.metadata.iter().map(|(name, value)| name.as_str().len() + value.len() + 32);
        assert!(fields.sum::<usize>() < 8_192, "{place}: {status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_echoed_is_obeyed_by_a_terminal() {
    let harness = harness().await;
    let evil = "\u{1b}[2J\u{202e}\u{9b}31m";
    let check = |refused: Result<(), Status>| {
        let status = refused.expect_err("it is refused");
        let details = String::from_utf8_lossy(status.details()).into_owned();
        let texts = [status.message().to_owned(), details];
        for text in texts {
            // Between the fields of encoded details are bytes of their own; what a terminal would obey is not.
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{text:?}");
        }
        assert!(status.message().contains("\\u{1b}[2J"), "{:?}", status.message());
    };
    let list = v1::ListOpportunitiesRequest {
        parent: "teams/acme".to_owned(),
        filter: format!("na{evil}me = 1"),
        ..Default::default()
    };
    check(harness.crm().list_opportunities(list).await.map(drop));
    let get = v1::GetOpportunityRequest { name: format!("teams/acme/opportunities/{evil}") };
    check(harness.crm().get_opportunity(get).await.map(drop));
    let owner = deal("other", &format!("teams/acme/accountManagers/{evil}"));
    check(harness.crm().create_opportunity(owner).await.map(drop));
    let measures = v1::ComputeMeasuresRequest {
        parent: "teams/acme".to_owned(),
        measures: vec![format!("teams/acme/measures/{evil}")],
        period_start: "2026-01-01".to_owned(),
        period_end: "2026-04-01".to_owned(),
        ..Default::default()
    };
    check(harness.evaluations().compute_measures(measures).await.map(drop));
}
