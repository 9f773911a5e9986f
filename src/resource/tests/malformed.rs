//! What is wrong with a request, and where.

use prost::Message;

use super::{ANNA, call, call_bytes, import, person, with_team};
use crate::{
    model::{rejection::Violation, wire::put_bytes},
    proto::v1::{self, OpportunityStage},
    resource::pack,
};

#[tokio::test]
async fn a_field_that_cannot_be_read_is_named() {
    let resources = with_team().await;
    let check = async |person: &[u8], path: &str, part: &str| {
        let mut request = Vec::new();
        put_bytes(1, b"teams/a", &mut request);
        put_bytes(2, person, &mut request);
        let method = "OrganisationService.CreateAccountManager";
        let refused = call_bytes(&resources, method, request.into()).await.unwrap_err();
        assert_eq!(refused.reason.code(), "MALFORMED_REQUEST");
        assert!(refused.message.contains(part), "{}", refused.message);
        let fields: Vec<&str> = refused.violations.iter().map(|violation| &*violation.field).collect();
        assert_eq!(fields, [path], "{refused:?}");
    };
    let field = |number: u32, bytes: &[u8]| {
        let mut encoded = Vec::new();
        put_bytes(number, bytes, &mut encoded);
        encoded
    };
    check(&field(5, b"\xff"), "account_manager.display_name", "UTF-8").await;
    // A number where a text is expected.
    check(&[5 << 3, 1], "account_manager.display_name", "of its kind").await;
    let line = field(1, b"\xff");
    check(&field(16, &line), "account_manager.reporting_line[0].manager", "UTF-8").await;
    check(&field(13, &field(1, b"\xff")), "account_manager.labels", "UTF-8").await;
    check(&[5 << 3 | 2, 9], "account_manager", "no protobuf message").await;
}

#[tokio::test]
async fn millions_of_unknown_fields_are_told_once() {
    let resources = with_team().await;
    let mut request = v1::CreateAccountManagerRequest {
        parent: "teams/a".into(),
        account_manager: Some(person()),
        ..Default::default()
    }
    .encode_to_vec();
    // Field 100, a number, as often as 2 MB have it; and 200 others.
    request.extend([0xa0, 0x06, 1].repeat(700_000));
    for number in 200..400_u32 {
        put_bytes(number, b"", &mut request);
    }
    let method = "OrganisationService.CreateAccountManager";
    let refused = call_bytes(&resources, method, request.into()).await.unwrap_err();
    assert_eq!(refused.reason.code(), "INVALID_FIELD");
    let of_one = |violation: &&Violation| violation.description.contains("number 100 ");
    assert_eq!(refused.violations.iter().filter(of_one).count(), 1);
    assert!(refused.violations.len() <= 100, "{}", refused.violations.len());
}

#[tokio::test]
async fn a_change_of_state_says_which_are_accepted() {
    let resources = with_team().await;
    let deal = v1::Opportunity { owner: ANNA.into(), ..Default::default() };
    import(&resources, vec![pack("anna", &person()), pack("d", &deal)]).await;
    let check = async |stage: i32, expected: &str| {
        let request = v1::AdvanceOpportunityRequest {
            name: "teams/a/opportunities/d".into(),
            stage,
            ..Default::default()
        };
        let answer: Result<v1::Opportunity, _> =
            call(&resources, "CrmService.AdvanceOpportunity", &request).await;
        let told = answer.err().map_or(String::new(), |refused| {
            assert_eq!((refused.reason.code(), &*refused.violations[0].field), ("INVALID_FIELD", "stage"));
            refused.violations[0].description.clone()
        });
        assert_eq!(told, expected);
    };
    check(0, "is required: one of PROSPECTING, ENGAGING").await;
    check(OpportunityStage::Won.into(), "WON is not accepted: one of PROSPECTING, ENGAGING is").await;
    check(99, "99 is not accepted: one of PROSPECTING, ENGAGING is").await;
    check(OpportunityStage::Engaging.into(), "").await;
}

#[tokio::test]
async fn keys_of_maps_are_words() {
    let resources = with_team().await;
    let check = async |key: &str, accepted: bool| {
        let labels = [(key.to_owned(), "x".to_owned())].into();
        let results =
            import(&resources, vec![pack("anna", &v1::AccountManager { labels, ..person() })]).await;
        assert_eq!(results[0].outcome() != v1::ImportOutcome::Rejected, accepted, "{key:?}");
        if accepted {
            // What can be kept can be asked for.
            let request = v1::ListAccountManagersRequest {
                parent: "teams/a".into(),
                filter: format!("labels.{key} = \"x\""),
                ..Default::default()
            };
            let listed: v1::ListAccountManagersResponse =
                call(&resources, "OrganisationService.ListAccountManagers", &request).await.unwrap();
            assert_eq!(listed.account_managers.len(), 1, "{key}");
        }
    };
    check("level", true).await;
    check("level_2", true).await;
    for wrong in ["a b", "x-y", "x.y", "Level", "2", "", "\u{e4}"] {
        check(wrong, false).await;
    }
}
