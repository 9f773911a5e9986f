//! What is kept for good, and what its names may not come to mean.

use super::{ANNA, call, delete, import, person, revise, with_team};
use crate::{proto::v1, resource::pack};

#[tokio::test]
async fn what_is_never_deleted_is_said_so() {
    let resources = with_team().await;
    revise(&resources).await;
    import(&resources, vec![pack("anna", &person())]).await;
    let check = async |method: &str, name: &str, part: &str| {
        let refused = delete(&resources, method, name).await.unwrap_err();
        assert_eq!(refused.reason.code(), "STILL_REFERRED");
        assert!(refused.message.contains(part) && !refused.message.contains("first"), "{}", refused.message);
    };
    check("PluginService.DeletePlugin", "teams/a/plugins/p", "pluginRevisions are evidence").await;
    check("OrganisationService.DeleteTeam", "teams/a", "teams/a/pluginRevisions/p-1").await;
    check("OrganisationService.DeleteTeam", "teams/a", "is evidence and is never deleted").await;
}

#[tokio::test]
async fn an_id_that_evidence_may_name_is_given_once() {
    let resources = with_team().await;
    let create = async || {
        let request = v1::CreateAccountManagerRequest {
            parent: "teams/a".into(),
            account_manager: Some(person()),
            account_manager_id: "anna".into(),
            ..Default::default()
        };
        let created: Result<v1::AccountManager, _> =
            call(&resources, "OrganisationService.CreateAccountManager", &request).await;
        created.err().map_or("", |refused| refused.reason.code())
    };
    let gone = async || delete(&resources, "OrganisationService.DeleteAccountManager", ANNA).await.unwrap();
    assert_eq!(create().await, "");
    // No result can be hers.
    gone().await;
    assert_eq!(create().await, "");
    revise(&resources).await;
    gone().await;
    assert_eq!(create().await, "ALREADY_EXISTS");
    let results = import(&resources, vec![pack("anna", &person()), pack("other", &person())]).await;
    assert_eq!((&*results[0].reason, results[1].outcome()), ("ALREADY_EXISTS", v1::ImportOutcome::Created));
    assert!(results[0].message.contains("its id is not given again"), "{}", results[0].message);
}
