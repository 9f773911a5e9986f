//! The life of a revision: drafted, approved by whom the team asks for, active, retired; signed where that is asked for.

use merit::{
    model::signature::{public_key, sign, signed_text},
    proto::v1,
};
use tonic::{Code, Request, Status, metadata::MetadataValue};

use super::{
    GATED, SHEET, TEAM, create, organisation, publication, publish, publish_two, run, run_request, step,
    two_steps, watched,
};
use crate::harness::{Harness, reason};

pub fn by<T>(author: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let name = MetadataValue::from_bytes(author.as_bytes());
    request.metadata_mut().insert_bin("merit-author-bin", name);
    request
}

fn revision(id: &str) -> String {
    format!("{TEAM}/pluginRevisions/{id}")
}

pub async fn approve(harness: &Harness, id: &str, author: &str) -> Result<v1::PluginRevision, Status> {
    let request = v1::ApprovePluginRevisionRequest { name: revision(id), ..Default::default() };
    Ok(harness.plugins().approve_plugin_revision(by(author, request)).await?.into_inner())
}

pub async fn activate(harness: &Harness, id: &str) -> Result<v1::PluginRevision, Status> {
    let request = v1::ActivatePluginRevisionRequest { name: revision(id), ..Default::default() };
    Ok(harness.plugins().activate_plugin_revision(by("anna", request)).await?.into_inner())
}

async fn retire(harness: &Harness, id: &str) -> Result<v1::PluginRevision, Status> {
    let request = v1::RetirePluginRevisionRequest { name: revision(id), ..Default::default() };
    Ok(harness.plugins().retire_plugin_revision(request).await?.into_inner())
}

async fn get(harness: &Harness, id: &str) -> v1::PluginRevision {
    let request = v1::GetPluginRevisionRequest { name: revision(id) };
    harness.plugins().get_plugin_revision(request).await.unwrap().into_inner()
}

async fn active_of(harness: &Harness, plugin: &str) -> String {
    let request = v1::GetPluginRequest { name: format!("{TEAM}/plugins/{plugin}") };
    let plugin = harness.plugins().get_plugin(request).await.unwrap().into_inner();
    plugin.active_revision.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Publishes another revision of a plugin that is there.
async fn another(
    harness: &Harness,
    sheet: &str,
    change: impl FnOnce(&mut v1::PublishPluginRevisionRequest),
) -> Result<v1::PluginRevision, Status> {
    let mut request = publication("kpi", sheet);
    change(&mut request);
    Ok(harness.plugins().publish_plugin_revision(by("anna", request)).await?.into_inner())
}

async fn final_run(harness: &Harness, id: &str, steps: Vec<v1::RunStep>) -> Result<v1::Run, Status> {
    let mut request = run_request(id, steps);
    request.run.as_mut().unwrap().mode = v1::RunMode::Final.into();
    Ok(harness.evaluations().create_run(request).await?.into_inner())
}

async fn set_team(harness: &Harness, change: impl FnOnce(&mut v1::Team)) -> Result<v1::Team, Status> {
    let mut team = v1::Team { name: TEAM.to_owned(), ..Default::default() };
    change(&mut team);
    let paths = ["plugin_approval", "trusted_keys", "require_plugin_signature"];
    let mask = prost_types::FieldMask { paths: paths.map(str::to_owned).to_vec() };
    let request = v1::UpdateTeamRequest { team: Some(team), update_mask: Some(mask), ..Default::default() };
    Ok(harness.organisation().update_team(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_is_active_until_the_next_one_is() {
    use v1::PluginRevisionState::{Active, Approved, Draft, Retired};
    let harness = Harness::start().await;
    harness.team("acme").await;
    let first = publish(&harness, "kpi", SHEET).await;
    assert_eq!((first.state(), first.approver.as_str()), (Draft, ""));
    let early = activate(&harness, "kpi-1").await.unwrap_err();
    assert_eq!((early.code(), reason(&early).as_str()), (Code::FailedPrecondition, "STATE_FORBIDS"));
    let approved = approve(&harness, "kpi-1", "boris").await.unwrap();
    assert_eq!((approved.state(), approved.approver.as_str()), (Approved, "boris"));
    assert_eq!(active_of(&harness, "kpi").await, "");
    assert_eq!(activate(&harness, "kpi-1").await.unwrap().state(), Active);
    assert_eq!(active_of(&harness, "kpi").await, "kpi-1");

    // The former one is retired in the same write.
    another(&harness, GATED, |_| {}).await.unwrap();
    approve(&harness, "kpi-2", "boris").await.unwrap();
    let before = harness.server().get_status(v1::GetStatusRequest {}).await.unwrap().into_inner().sequence;
    let checked = v1::ActivatePluginRevisionRequest {
        name: revision("kpi-2"),
        validate_only: true,
        ..Default::default()
    };
    harness.plugins().activate_plugin_revision(checked).await.unwrap();
    assert_eq!(get(&harness, "kpi-1").await.state(), Active);
    activate(&harness, "kpi-2").await.unwrap();
    let after = harness.server().get_status(v1::GetStatusRequest {}).await.unwrap().into_inner().sequence;
    assert_eq!(after, before + 1);
    assert_eq!(get(&harness, "kpi-1").await.state(), Retired);
    assert_eq!(active_of(&harness, "kpi").await, "kpi-2");

    // At once, and named by number and hash all the same.
    let third = another(&harness, SHEET, |request| request.activate = true).await.unwrap();
    assert_eq!((third.state(), third.approver.as_str(), third.number), (Active, "anna", 3));
    assert_eq!(third.component, first.component);
    assert_eq!(get(&harness, "kpi-2").await.state(), Retired);
    assert_eq!(retire(&harness, "kpi-3").await.unwrap().state(), Retired);
    assert_eq!(active_of(&harness, "kpi").await, "");
    for refused in [
        approve(&harness, "kpi-3", "boris").await,
        activate(&harness, "kpi-3").await,
        retire(&harness, "kpi-3").await,
    ] {
        assert_eq!(reason(&refused.unwrap_err()), "STATE_FORBIDS");
    }
    // Everything but the state is as it was published.
    let now = get(&harness, "kpi-1").await;
    let published = v1::PluginRevision {
        state: now.state,
        approver: now.approver.clone(),
        etag: now.etag.clone(),
        update_time: now.update_time,
        ..first
    };
    assert_eq!(now, published);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_run_takes_active_revisions_only() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let refused = final_run(&harness, "f1", two_steps()).await.unwrap_err();
    assert_eq!(reason(&refused), "STATE_FORBIDS");
    assert!(refused.message().contains("kpi-1 is DRAFT"), "{}", refused.message());
    assert!(refused.message().contains("trial run"), "{}", refused.message());
    for id in ["kpi-1", "gated-1"] {
        approve(&harness, id, "boris").await.unwrap();
        activate(&harness, id).await.unwrap();
    }
    // By plugin: the run says which revision that was.
    let mut steps = two_steps();
    (steps[0].revision, steps[0].plugin) = (String::new(), format!("{TEAM}/plugins/kpi"));
    let created = final_run(&harness, "f1", steps.clone()).await.unwrap();
    let done = watched(&harness, &created.name).await;
    assert_eq!((done.failure.as_str(), done.state()), ("", v1::RunState::Succeeded));
    assert_eq!(done.steps[0].revision, revision("kpi-1"));
    assert_eq!(done.steps[0].plugin, format!("{TEAM}/plugins/kpi"));

    // Retired: not for a new final run, but for a trial, and the old one is replayed.
    another(&harness, SHEET, |request| request.activate = true).await.unwrap();
    let refused = final_run(&harness, "f2", two_steps()).await.unwrap_err();
    assert!(refused.message().contains("kpi-1 is RETIRED"), "{}", refused.message());
    let trial = run(&harness, "t2", two_steps()).await;
    assert_eq!(trial.state(), v1::RunState::Succeeded);
    let replay = v1::ReplayRunRequest { name: done.name.clone(), ..Default::default() };
    assert!(harness.evaluations().replay_run(replay).await.unwrap().into_inner().identical);
    let created = final_run(&harness, "f2", steps.clone()).await.unwrap();
    let second = watched(&harness, &created.name).await;
    assert_eq!(second.steps[0].revision, revision("kpi-2"));

    // Neither, both, and a plugin that has none.
    retire(&harness, "kpi-2").await.unwrap();
    let refused = create(&harness, "t3", steps).await.unwrap_err();
    assert!(refused.message().contains("no active revision"), "{}", refused.message());
    let neither = v1::RunStep { revision: String::new(), ..step("kpi", "kpi", vec![]) };
    let both = v1::RunStep { plugin: format!("{TEAM}/plugins/kpi"), ..step("kpi", "kpi", vec![]) };
    for wrong in [neither, both] {
        let refused = create(&harness, "t3", vec![wrong]).await.unwrap_err();
        assert_eq!(reason(&refused), "INVALID_FIELD", "{refused:?}");
        assert!(refused.message().contains("steps[0].revision"), "{}", refused.message());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_eyes() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    publish(&harness, "kpi", SHEET).await;
    another(&harness, SHEET, |_| {}).await.unwrap();
    // Approved by its author while that was allowed.
    approve(&harness, "kpi-2", "anna").await.unwrap();
    set_team(&harness, |team| team.set_plugin_approval(v1::PluginApproval::FourEyes)).await.unwrap();
    let check = |refused: Result<v1::PluginRevision, Status>, said: &str| {
        let refused = refused.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "SELF_APPROVAL"));
        assert!(refused.message().contains(said), "{}", refused.message());
    };
    check(activate(&harness, "kpi-2").await, "its author approves it");
    another(&harness, SHEET, |_| {}).await.unwrap();
    check(approve(&harness, "kpi-3", "anna").await, "its author approves it");
    for same in ["Anna", "ANNA ", "an\u{ff4e}a", "a\u{200b}nna"] {
        check(approve(&harness, "kpi-3", same).await, "its author approves it");
    }
    check(approve(&harness, "kpi-3", "Anonymous").await, "say who they are");
    check(another(&harness, SHEET, |request| request.activate = true).await, "its author approves it");
    approve(&harness, "kpi-3", "boris").await.unwrap();
    activate(&harness, "kpi-3").await.unwrap();
    // What was refused left nothing.
    assert_eq!(another(&harness, SHEET, |_| {}).await.unwrap().number, 4);
}

fn trusted(secrets: &[(&str, &str)]) -> Vec<v1::TrustedKey> {
    let key = |&(key_id, secret): &(&str, &str)| v1::TrustedKey {
        key_id: key_id.to_owned(),
        public_key: public_key(&secret.repeat(32)).unwrap(),
    };
    secrets.iter().map(key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_of_trusted_keys() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let unsigned = publish(&harness, "kpi", SHEET).await;
    publish(&harness, "other", SHEET).await;
    let twice = trusted(&[("a", "11"), ("a", "22")]);
    let refused = set_team(&harness, |team| team.trusted_keys = twice).await.unwrap_err();
    assert!(refused.message().contains("trusted_keys[1].key_id"), "{}", refused.message());
    let required = |keys: Vec<v1::TrustedKey>| {
        set_team(&harness, move |team| {
            (team.trusted_keys, team.require_plugin_signature) = (keys, true);
        })
    };
    required(trusted(&[("a", "11"), ("b", "22")])).await.unwrap();

    let signature = |key_id: &str, secret: &str, what: &v1::PluginRevision| v1::PluginSignature {
        key_id: key_id.to_owned(),
        signature: sign(&secret.repeat(32), &signed_text(what)).unwrap(),
    };
    let good = signature("a", "11", &unsigned);
    let of_other = v1::PluginRevision { plugin: format!("{TEAM}/plugins/other"), ..unsigned.clone() };
    let mut flipped = good.clone();
    flipped.signature = flipped.signature.replacen(|digit: char| digit != '0', "0", 1);
    let blobs = || async {
        harness
            .audit()
            .verify_journal(v1::VerifyJournalRequest::default())
            .await
            .unwrap()
            .into_inner()
            .records
    };
    let before = blobs().await;
    for (given, expected) in [
        (None, "SIGNATURE_REQUIRED"),
        (Some(signature("a", "22", &unsigned)), "BAD_SIGNATURE"),
        (Some(signature("c", "11", &unsigned)), "BAD_SIGNATURE"),
        (Some(signature("a", "11", &of_other)), "BAD_SIGNATURE"),
        (Some(flipped), "BAD_SIGNATURE"),
        (Some(v1::PluginSignature::default()), "BAD_SIGNATURE"),
    ] {
        let refused =
            another(&harness, SHEET, |request| request.signature = given.clone()).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{given:?}");
    }
    // Another sheet is another revision.
    let refused = another(&harness, GATED, |request| request.signature = Some(good.clone())).await;
    assert_eq!(reason(&refused.unwrap_err()), "BAD_SIGNATURE");
    assert_eq!(blobs().await, before);
    let signed = another(&harness, SHEET, |request| request.signature = Some(good.clone())).await.unwrap();
    assert_eq!(signed.signature, Some(good.clone()));
    let active = another(&harness, SHEET, |request| {
        (request.signature, request.activate) = (Some(good.clone()), true);
    });
    assert_eq!(active.await.unwrap().state(), v1::PluginRevisionState::Active);

    // An unsigned one from before, and one whose key is no longer trusted, cannot become active; the active one stays.
    approve(&harness, "kpi-1", "boris").await.unwrap();
    assert_eq!(reason(&activate(&harness, "kpi-1").await.unwrap_err()), "SIGNATURE_REQUIRED");
    required(trusted(&[("b", "22")])).await.unwrap();
    approve(&harness, "kpi-2", "boris").await.unwrap();
    assert_eq!(reason(&activate(&harness, "kpi-2").await.unwrap_err()), "BAD_SIGNATURE");
    assert_eq!(active_of(&harness, "kpi").await, "kpi-3");
}
