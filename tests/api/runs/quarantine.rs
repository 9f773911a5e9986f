//! A plugin whose answer for a row depends on other rows, or on how many there are, is found by the run that it first
//! shows in, and executed by none after it.

use merit::proto::v1::{self, RunState};
use tonic::Code;

use super::{TEAM, added, component_step, create, organisation, publish_component, run};
use crate::{
    guest::Guest,
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
    })
}

async fn check(chunk_rows: usize, answer: &str, difference: &str) {
    let harness = Harness::start_with(|config| config.runs.chunk_rows = chunk_rows).await;
    organisation(&harness).await;
    publish_component(&harness, "odd", answering(answer).component()).await;
    let steps = || vec![component_step("odd", "odd", added())];
    let failed = run(&harness, "q1", steps()).await;
    assert_eq!((failed.state(), failed.dataset.as_str()), (RunState::Failed, ""));
    let failure = &failed.failure;
    assert!(failure.starts_with("step odd: the plugin gave teams/acme/accountManagers/a-"), "{failure}");
    assert!(failure.contains(difference), "{difference:?} is not in {failure:?}");

    let name = format!("{TEAM}/pluginRevisions/odd-2");
    let request = v1::GetPluginRevisionRequest { name: name.clone() };
    let revision = harness.plugins().get_plugin_revision(request).await.unwrap().into_inner();
    assert!(failure.ends_with(&revision.quarantine_reason), "{revision:?}");
    let status = create(&harness, "q1-again", steps()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "QUARANTINED"));
    assert!(status.message().contains(&name) && status.message().contains(difference), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_between_rows_shows() {
    let running_total = "(block (result i64)
        (global.set $sum (i64.add (global.get $sum) (call $at (local.get $a) (local.get $i))))
        (global.get $sum))";
    check(4096, running_total, "its sum was ").await;
    // Cut into single rows, each is alone in the run, and not when it is scored again.
    check(1, running_total, "its sum was ").await;
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
