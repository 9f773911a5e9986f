//! A plugin whose answer for a row depends on other rows, or on how many there are, is found by the run that it first
//! shows in, and executed by none after it.

use merit::{
    proto::v1::{self, RunState, input_binding::Source},
    sandbox::{Manifest, Scope},
};
use tonic::Code;

use super::{
    TEAM, added, bound, component_publication, component_step, create, evaluations, organisation, outputs,
    publish, publish_component, run, run_request, silence, step, watched,
};
use crate::{
    guest::{Guest, manifest},
    harness::{Harness, reason},
};

const OWN: &str = "(i64.add
                            (call $at (local.get $a) (local.get $i))
                            (call $at (local.get $b) (local.get $i)))";

/// The guest that behaves, but for what it answers for a row.
fn answering(answer: &str) -> Guest {
    Guest::good().with(|guest| {
        guest.module = "(global $sum (mut i64) (i64.const 0))".to_owned();
        assert!(guest.evaluate.contains(OWN), "what each row gets");
        guest.evaluate = guest.evaluate.replace(OWN, answer);
        silence(guest);
    })
}

const RUNNING_TOTAL: &str = "(block (result i64)
        (global.set $sum (i64.add (global.get $sum) (call $at (local.get $a) (local.get $i))))
        (global.get $sum))";

/// One that behaves, but for what its explanations add up to.
fn liar(scope: Scope) -> Guest {
    let described = Manifest { scope, ..manifest() };
    Guest::good().with(|guest| {
        guest.describe = format!("(i32.const {})", guest.image.manifest(&described));
        let own = "(call $at (local.get $b) (local.get $i))";
        assert!(guest.explain.contains(own), "what is explained");
        guest.explain = guest.explain.replace(own, "(i64.const 7)");
    })
}

/// One that pays the last account manager 1,000 more where this holds of the batch.
fn favouring(condition: &str) -> Guest {
    let favoured = "(i64.eq (call $at (local.get $a) (local.get $i)) (i64.const 300150))";
    answering(&format!(
        "(i64.add (call $at (local.get $a) (local.get $i))
            (select (i64.const 100000) (i64.const 0) (i32.and {favoured} {condition})))"
    ))
}

/// As many more account managers, before the others in every order.
async fn more_people(harness: &Harness, people: usize) {
    for place in 0..people {
        let person = v1::AccountManager { display_name: "Another".to_owned(), ..Default::default() };
        let request = v1::CreateAccountManagerRequest {
            parent: TEAM.to_owned(),
            account_manager_id: format!("a-0{place:03}"),
            account_manager: Some(person),
            ..Default::default()
        };
        harness.organisation().create_account_manager(request).await.unwrap();
    }
}

async fn quarantine_reason(harness: &Harness, revision: &str) -> String {
    let request = v1::GetPluginRevisionRequest { name: revision.to_owned() };
    harness.plugins().get_plugin_revision(request).await.unwrap().into_inner().quarantine_reason
}

async fn check(chunk_rows: usize, answer: &str, difference: &str) {
    check_guest(chunk_rows, 0, &answering(answer), "the plugin gave", difference).await;
}

/// A run over ten people, and so many more, that ends with this guest in quarantine.
async fn check_guest(chunk_rows: usize, more: usize, guest: &Guest, start: &str, difference: &str) {
    let harness = Harness::start_with(|config| config.runs.chunk_rows = chunk_rows).await;
    organisation(&harness).await;
    more_people(&harness, more).await;
    publish_component(&harness, "odd", guest.component()).await;
    let again = async || {
        let publication = component_publication("odd", guest.component());
        harness.plugins().publish_plugin_revision(publication).await
    };
    again().await.unwrap();
    let steps = || vec![component_step("odd", "odd", added())];
    let failed = run(&harness, "q1", steps()).await;
    assert_eq!((failed.state(), failed.dataset.as_str()), (RunState::Failed, ""));
    let failure = &failed.failure;
    let start = format!("step odd: {start} teams/acme/accountManagers/a-");
    assert!(failure.starts_with(&start), "{failure}");
    assert!(failure.contains(difference), "{difference:?} is not in {failure:?}");

    let name = format!("{TEAM}/pluginRevisions/odd-2");
    let request = v1::GetPluginRevisionRequest { name: name.clone() };
    let revision = harness.plugins().get_plugin_revision(request).await.unwrap().into_inner();
    assert!(failure.ends_with(&revision.quarantine_reason), "{revision:?}");
    let status = create(&harness, "q1-again", steps()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "QUARANTINED"));
    assert!(status.message().contains(&name) && status.message().contains(difference), "{status:?}");

    // The same under another number, published before or after, is no better.
    let same = format!("{TEAM}/pluginRevisions/odd-3");
    let request = v1::GetPluginRevisionRequest { name: same.clone() };
    let revision = harness.plugins().get_plugin_revision(request).await.unwrap().into_inner();
    assert!(revision.quarantine_reason.contains(&name), "{revision:?}");
    let approve = v1::ApprovePluginRevisionRequest { name: same, ..Default::default() };
    let refused = harness.plugins().approve_plugin_revision(approve).await.unwrap_err();
    assert_eq!(reason(&refused), "QUARANTINED");
    let refused = again().await.unwrap_err();
    assert_eq!(reason(&refused), "QUARANTINED");
    assert!(refused.message().contains(&name) && refused.message().contains(difference), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_between_rows_shows() {
    check(4096, RUNNING_TOTAL, "its sum was ").await;
    // Cut into single rows, each is alone in the run, and not when it is scored again.
    check(1, RUNNING_TOTAL, "its sum was ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_the_size_of_a_batch_shows() {
    check(4096, "(i64.extend_i32_u (local.get $rows))", "its sum was 0.10, now it is 0.01").await;
    let first_row_burns = "(block (result i64)
        (if (i32.eq (local.get $rows) (i32.const 1)) (then (loop $for_ever (br $for_ever))))
        (i64.const 1))";
    check(4096, first_row_burns, "it was scored; now the plugin used up the fuel").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_says_of_itself_is_its_own_affair() {
    for chunk_rows in [1, 4096] {
        let harness = Harness::start_with(|config| config.runs.chunk_rows = chunk_rows).await;
        organisation(&harness).await;
        publish_component(&harness, "even", answering("(i64.const 7)").component()).await;
        let run = run(&harness, "q1", vec![component_step("even", "even", added())]).await;
        assert_eq!((run.failure.as_str(), run.state()), ("", RunState::Succeeded));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_that_is_not_of_what_was_paid_shows() {
    for (scope, chunk_rows) in [(Scope::Row, 1), (Scope::Row, 4096), (Scope::Group, 4096)] {
        let verdict = "the plugin's answer breaks the contract: the steps of the output `sum` add up to ";
        check_guest(chunk_rows, 0, &liar(scope), "the plugin's explanation for", verdict).await;
    }
}

/// Of sixty, the one who sorts last: whoever is looked at, it is not the first few.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_for_one_of_many_shows() {
    let more_than_one = "(i32.gt_u (local.get $rows) (i32.const 1))";
    let behind_another = "(i32.gt_u (local.get $i) (i32.const 0))";
    for condition in [more_than_one, behind_another] {
        let difference = "a-9 two answers: when it was scored again, among other rows, its sum was 4001.50, now it is 3001.50";
        check_guest(4096, 50, &favouring(condition), "the plugin gave", difference).await;
    }
}

/// A trial looks at some; what is paid is paid after everybody was scored twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_final_run_looks_at_everybody() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    more_people(&harness, 150).await;
    let many = "(i32.gt_u (local.get $rows) (i32.const 64))";
    publish_component(&harness, "odd", favouring(many).component()).await;
    let name = format!("{TEAM}/pluginRevisions/odd-2");
    let approve = v1::ApprovePluginRevisionRequest { name: name.clone(), ..Default::default() };
    harness.plugins().approve_plugin_revision(approve).await.unwrap();
    let activate = v1::ActivatePluginRevisionRequest { name: name.clone(), ..Default::default() };
    harness.plugins().activate_plugin_revision(activate).await.unwrap();
    let mut request = run_request("q1", vec![component_step("odd", "odd", added())]);
    request.run.as_mut().unwrap().mode = v1::RunMode::Final.into();
    let run = harness.evaluations().create_run(request).await.unwrap().into_inner();
    let failed = watched(&harness, &run.name).await;
    assert_eq!(failed.state(), RunState::Failed);
    assert!(failed.failure.contains("its sum was 4001.50, now it is 3001.50"), "{}", failed.failure);
    assert!(failed.failure.ends_with(&quarantine_reason(&harness, &name).await));
}

/// A run that looked at others, of a plugin that this trick makes. Whom a trial looks at is drawn, so that one of them is found
/// at once now and then.
async fn unnoticed(harness: &Harness, guest: impl Fn(usize) -> Guest) -> (v1::Run, String) {
    organisation(harness).await;
    more_people(harness, 150).await;
    for attempt in 0..50 {
        let id = format!("odd-{attempt}");
        publish_component(harness, &id, guest(attempt).component()).await;
        let run = run(harness, &id, vec![component_step("odd", &id, added())]).await;
        let revision = format!("{TEAM}/pluginRevisions/{id}-2");
        match run.state() {
            RunState::Succeeded => return (run, revision),
            _ => assert_ne!(quarantine_reason(harness, &revision).await, ""),
        }
    }
    panic!("one of 150 is among the 64 that are looked at fifty times in a row");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_differs_shows() {
    let harness = Harness::start().await;
    let many = "(i32.gt_u (local.get $rows) (i32.const 64))";
    let (run, revision) = unnoticed(&harness, |attempt| {
        favouring(many).with(|guest| guest.module.push_str(&format!("(global i32 (i32.const {attempt}))")))
    })
    .await;
    let replay = async |chunk_rows| {
        let request = v1::ReplayRunRequest { name: run.name.clone(), chunk_rows, ..Default::default() };
        harness.evaluations().replay_run(request).await.unwrap().into_inner()
    };
    assert!(replay(4096).await.identical);
    assert_eq!(quarantine_reason(&harness, &revision).await, "");
    let different = replay(1).await;
    let difference = different.first_difference.unwrap();
    assert_eq!((difference.recorded.as_str(), difference.replayed.as_str()), ("4001.50", "3001.50"));
    let reason = quarantine_reason(&harness, &revision).await;
    for part in ["a-9 two answers", "the run was executed again, its sum was 3001.50, and had been 4001.50"] {
        assert!(reason.contains(part), "{part:?} is not in {reason:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_that_contradicts_shows_when_it_is_asked_for() {
    let harness = Harness::start().await;
    let own = "(call $at (local.get $b) (local.get $i))";
    let (run, revision) = unnoticed(&harness, |attempt| {
        Guest::good().with(|guest| {
            guest.module = format!("(global i32 (i32.const {attempt}))");
            assert!(guest.explain.contains(own), "what is explained");
            let lie =
                "(i64.extend_i32_u (i64.eq (call $at (local.get $a) (local.get $i)) (i64.const 300150)))";
            guest.explain = guest.explain.replace(own, lie);
        })
    })
    .await;
    let explain = async |id: &str| {
        let request = v1::ExplainEvaluationRequest { name: format!("{}/evaluations/{id}", run.name) };
        harness.evaluations().explain_evaluation(request).await
    };
    explain("a-8").await.unwrap();
    assert_eq!(quarantine_reason(&harness, &revision).await, "");
    assert_eq!(reason(&explain("a-9").await.unwrap_err()), "CONTRACT_VIOLATION");
    let why = quarantine_reason(&harness, &revision).await;
    assert!(why.contains("a-9 is not true: ") && why.contains("add up to 300151"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_is_held_to_the_same_and_hurts_nobody() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish(&harness, "constants", "input a\ninput b\nscore sum = a + b\n").await;
    let candidates =
        [("liar", liar(Scope::Row), "is not true: "), ("odd", answering(RUNNING_TOTAL), "two answers: ")];
    for (id, candidate, said) in candidates {
        publish_component(&harness, id, candidate.component()).await;
        let inputs = ["a", "b"].map(|input| bound(input, Source::Constant("3.50".to_owned())));
        let shadow = component_step(id, id, vec![]).revision;
        let steps =
            vec![v1::RunStep { shadow: shadow.clone(), ..step("sums", "constants", inputs.to_vec()) }];
        let run = run(&harness, id, steps).await;
        assert_eq!((run.failure.as_str(), run.state(), run.rows_faulted), ("", RunState::Succeeded, 0));
        let found = evaluations(&harness, &run.name).await;
        assert_eq!(outputs(&found, "sums", "sum"), vec!["7"; 10]);
        for evaluation in &found {
            let fault = &evaluation.shadow_faults[0];
            assert_eq!(fault.reason, "QUARANTINED");
            assert!(fault.message.contains(said), "{fault:?}");
        }
        let request = v1::GetPluginRevisionRequest { name: shadow };
        let revision = harness.plugins().get_plugin_revision(request).await.unwrap().into_inner();
        assert!(revision.quarantine_reason.contains(said), "{revision:?}");
    }
}
