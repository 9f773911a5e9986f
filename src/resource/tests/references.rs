//! Who refers to a record, and to what a record refers.

use super::{ANNA, call, caller, delete, import, person, with_team};
use crate::{proto::v1, resource::pack};

#[tokio::test]
async fn somebody_who_refers_is_named_however_many_have_gone() {
    let resources = with_team().await;
    let deal = |refers: bool| v1::Opportunity {
        owner: ANNA.into(),
        customer: if refers { "teams/a/customers/c".into() } else { String::new() },
        ..Default::default()
    };
    let customer = v1::Customer { display_name: "C".into(), ..Default::default() };
    let mut items = vec![pack("anna", &person()), pack("c", &customer)];
    items.extend((0..600).map(|index| pack(&format!("a{index:03}"), &deal(false))));
    items.extend((0..5).map(|index| pack(&format!("z{index}"), &deal(true))));
    import(&resources, items).await;
    for (gone, named) in [("", "z0"), ("z0", "z1"), ("z1", "z2"), ("z2", "z3"), ("z3", "z4")] {
        if !gone.is_empty() {
            let gone = format!("teams/a/opportunities/{gone}");
            delete(&resources, "CrmService.DeleteOpportunity", &gone).await.unwrap();
        }
        let refused =
            delete(&resources, "CrmService.DeleteCustomer", "teams/a/customers/c").await.unwrap_err();
        let named = format!("teams/a/opportunities/{named}");
        let referrers = refused.metadata.iter().find(|(key, _)| *key == "referrers").unwrap();
        assert!(referrers.1.contains(&named) && refused.message.contains(&named), "{refused:?}");
    }
}

#[tokio::test]
async fn what_other_teams_have_is_not_told() {
    let resources = with_team().await;
    let team = v1::Team { display_name: "B".into(), currency: "EUR".into(), ..Default::default() };
    let request = v1::CreateTeamRequest { team: Some(team), team_id: "b".into(), ..Default::default() };
    call::<v1::Team>(&resources, "OrganisationService.CreateTeam", &request).await.unwrap();
    let request = v1::ImportResourcesRequest {
        parent: "teams/b".into(),
        items: vec![pack("boris", &person())],
        ..Default::default()
    };
    resources.import(&caller(), request).await.unwrap();
    let refused = async |owner: &str| {
        let deal =
            v1::Opportunity { owner: format!("teams/b/accountManagers/{owner}"), ..Default::default() };
        let results = import(&resources, vec![pack("d", &deal)]).await;
        (results[0].reason.clone(), results[0].violations.len())
    };
    assert_eq!(refused("boris").await, ("INVALID_FIELD".to_owned(), 1));
    assert_eq!(refused("boris").await, refused("nobody").await, "they cannot be told apart");
}
