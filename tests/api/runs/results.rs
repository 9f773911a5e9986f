//! What runs find: listed, filtered, explained, replayed.

use merit::proto::v1::{self, input_binding::Source};
use prost::Message;
use tonic::Code;

use super::{SHEET, TEAM, bound, organisation, publication, publish, publish_two, run, step, two_steps};
use crate::harness::{Harness, reason};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_from_end_to_end() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    assert_eq!(run.failure, "");
    assert_eq!(run.author, "anonymous");
    assert_eq!(run.state(), v1::RunState::Succeeded);
    assert_eq!((run.rows_done, run.rows_total, run.rows_faulted), (10, 10, 1));

    let list = |filter: &str, order_by: &str, page_size, page_token: &str| v1::ListEvaluationsRequest {
        parent: run.name.clone(),
        filter: filter.to_owned(),
        order_by: order_by.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    let mut evaluations = harness.evaluations();
    let first = evaluations.list_evaluations(list("", "payout desc", 4, "")).await.unwrap().into_inner();
    assert_eq!(first.evaluations.len(), 4);
    let best = &first.evaluations[0];
    // 800.50 + 900.50 + 1000.50 against 1000: 150 at most; 5% of 1000 and 8% of 1701.50; and the bonus.
    assert_eq!(best.account_manager, "teams/acme/accountManagers/a-8");
    assert_eq!((best.score.as_str(), best.payout.as_str(), best.grade.as_str()), ("150", "436.12", "A"));
    let token = &first.next_page_token;
    let next = evaluations.list_evaluations(list("", "payout desc", 4, token)).await.unwrap().into_inner();
    assert_eq!(next.evaluations.len(), 4);
    let mixed = evaluations.list_evaluations(list("faulted", "payout desc", 4, token)).await.unwrap_err();
    assert_eq!(reason(&mixed), "INVALID_PAGE_TOKEN");
    let faulted = evaluations.list_evaluations(list("faulted", "", 0, "")).await.unwrap().into_inner();
    let [faulted] = &faulted.evaluations[..] else { panic!("one is faulted: {faulted:?}") };
    assert_eq!(faulted.account_manager, "teams/acme/accountManagers/a-9");
    let reasons: Vec<(&str, &str)> =
        faulted.faults.iter().map(|fault| (fault.step.as_str(), fault.reason.as_str())).collect();
    assert_eq!(reasons, [("kpi", "MISSING_INPUT"), ("bonus", "EARLIER_FAULT")]);
    assert_eq!((faulted.score.as_str(), faulted.payout.as_str()), ("", ""));
    let id = evaluations.list_evaluations(list("account_manager = \"a-8\"", "", 0, "")).await.unwrap_err();
    assert_eq!(reason(&id), "INVALID_FILTER");
    assert!(id.message().contains("a name such as teams/{team}/accountManagers/{id}"), "{id:?}");
    let name = list("account_manager = \"teams/acme/accountManagers/a-8\"", "", 0, "");
    assert_eq!(evaluations.list_evaluations(name).await.unwrap().into_inner().evaluations.len(), 1);
    let north = list("kpi.region = \"North\" AND kpi.attainment >= 1.5", "", 0, "");
    let unknown = evaluations.list_evaluations(north).await;
    // A detail is no output of a formula: what the filter knows is told.
    assert!(unknown.is_ok() || reason(&unknown.unwrap_err()) == "INVALID_FILTER");
}

/// Evaluations of a quarter of a megabyte each: as many as fit a message, whatever is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_large_evaluations_fits_a_message() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    let inputs: String = (0..250).map(|number| format!("input i{number} text\n")).collect();
    publish(&harness, "wide", &format!("{inputs}score s = 1\n")).await;
    let note: Vec<String> = (0..4).map(|part| format!("labels.n{part}")).collect();
    for place in 0..10 {
        let labels = (0..4).map(|part| (format!("n{part}"), "x".repeat(1000))).collect();
        let account_manager = v1::AccountManager {
            name: format!("{TEAM}/accountManagers/a-{place}"),
            labels,
            ..Default::default()
        };
        let update =
            v1::UpdateAccountManagerRequest { account_manager: Some(account_manager), ..Default::default() };
        harness.organisation().update_account_manager(update).await.unwrap();
    }
    let bindings = (0..250)
        .map(|number: usize| bound(&format!("i{number}"), Source::Attribute(note[number % 4].clone())));
    let run = run(&harness, "q1", vec![step("wide", "wide", bindings.collect())]).await;
    assert_eq!(run.failure, "");
    let mut request =
        v1::ListEvaluationsRequest { parent: run.name.clone(), page_size: 1000, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = harness.evaluations().list_evaluations(request.clone()).await.unwrap().into_inner();
        assert!(page.encoded_len() < 5 << 19, "{}", page.encoded_len());
        found.extend(page.evaluations.into_iter().map(|evaluation| evaluation.account_manager));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let expected: Vec<String> = (0..10).map(|place| format!("{TEAM}/accountManagers/a-{place}")).collect();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_explained_and_replayed() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    let mut evaluations = harness.evaluations();
    let explain = v1::ExplainEvaluationRequest { name: format!("{}/evaluations/a-8", run.name) };
    let explained = evaluations.explain_evaluation(explain).await.unwrap().into_inner();
    let revenue = &explained.steps[0].inputs[0];
    assert_eq!((revenue.source.as_str(), revenue.records), ("measure revenue", 3));
    assert_eq!(revenue.record_names[0], "teams/acme/opportunities/d-8-0");
    assert_eq!(explained.steps[0].inputs[1].source, "target of revenue");
    assert!(explained.steps[0].explanation.iter().any(|step| step.output == "commission"));

    for (chunk_rows, threads) in [(0, 0), (1, 1), (7, 2), (4096, 2)] {
        let request = v1::ReplayRunRequest { name: run.name.clone(), chunk_rows, threads };
        let replay = evaluations.replay_run(request).await.unwrap().into_inner();
        assert!(replay.identical, "{replay:?}");
        assert_eq!((replay.rows, replay.dataset.as_str()), (10, run.dataset.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_proves_what_is_on_disk() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    let file = harness.blob(&run.dataset);
    let bytes = std::fs::read(&file).unwrap();
    let replay = async || {
        let request = v1::ReplayRunRequest { name: run.name.clone(), ..Default::default() };
        harness.evaluations().replay_run(request).await
    };
    assert!(replay().await.unwrap().into_inner().identical);
    // What is in memory still answers; it proves nothing.
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    std::fs::write(&file, damaged).unwrap();
    assert_eq!(reason(&replay().await.unwrap_err()), "DATASET_DAMAGED");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(reason(&replay().await.unwrap_err()), "DATASET_DAMAGED");
    std::fs::write(&file, bytes).unwrap();
    assert!(replay().await.unwrap().into_inner().identical);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dataset_of_a_run_is_downloaded() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    let mut evaluations = harness.evaluations();
    let request = v1::DownloadDatasetRequest { name: run.name.clone() };
    let mut stream = evaluations.download_dataset(request).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        assert!(!piece.data.is_empty());
        bytes.extend_from_slice(&piece.data);
    }
    assert_eq!(blake3::hash(&bytes).to_hex().as_str(), run.dataset);
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    for (name, code) in
        [("teams/acme/runs/other", Code::NotFound), ("teams/acme/goals/q1", Code::InvalidArgument)]
    {
        let request = v1::DownloadDatasetRequest { name: name.to_owned() };
        assert_eq!(evaluations.download_dataset(request).await.unwrap_err().code(), code, "{name}");
    }
    // The components and the dataset are what the audit looks at.
    let verified =
        harness.audit().verify_journal(v1::VerifyJournalRequest::default()).await.unwrap().into_inner();
    assert_eq!((verified.intact, verified.blobs), (true, 2), "one component for two formulas, one dataset");
    assert!(verified.blob_bytes > bytes.len() as u64);
    let status = harness.server().get_status(v1::GetStatusRequest {}).await.unwrap().into_inner();
    assert!(0 < status.view_bytes && status.view_bytes <= status.view_bytes_limit, "{status:?}");
    assert!(status.views.iter().any(|view| view.collection == "opportunities" && view.team == "teams/acme"));
    assert_eq!(status.sequence, verified.sequence);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_checked_and_numbered() {
    let harness = Harness::start().await;
    harness.team("acme").await;
    let first = publish(&harness, "kpi", SHEET).await;
    assert_eq!((first.name.as_str(), first.number), ("teams/acme/pluginRevisions/kpi-1", 1));
    let mut plugins = harness.plugins();
    let wrong =
        plugins.publish_plugin_revision(publication("kpi", "input a\nscore s = b +\n")).await.unwrap_err();
    assert_eq!((wrong.code(), reason(&wrong).as_str()), (Code::InvalidArgument, "INVALID_FORMULA"));
    assert!(wrong.message().contains("line 2"), "{}", wrong.message());
    let mut misplaced = publication("kpi", SHEET);
    misplaced.parameters = "{}".to_owned();
    let misplaced = plugins.publish_plugin_revision(misplaced).await.unwrap_err();
    assert_eq!(reason(&misplaced), "PARAMETERS_MISPLACED");
    let mut again = publication("kpi", SHEET);
    again.request_id = "once".to_owned();
    let second = plugins.publish_plugin_revision(again.clone()).await.unwrap().into_inner();
    assert_eq!(second.number, 2);
    let repeated = plugins.publish_plugin_revision(again).await.unwrap().into_inner();
    assert_eq!(repeated, second);
    let mut checked = publication("kpi", SHEET);
    checked.validate_only = true;
    assert_eq!(plugins.publish_plugin_revision(checked).await.unwrap().into_inner().number, 3);
    let plugin = v1::GetPluginRequest { name: "teams/acme/plugins/kpi".to_owned() };
    assert_eq!(plugins.get_plugin(plugin).await.unwrap().into_inner().latest_revision, second.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_lost_is_damage() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    let directory = harness.stopped().await;
    for blob in std::fs::read_dir(directory.path().join("data/blobs")).unwrap() {
        let path = blob.unwrap().path();
        if !path.ends_with(&run.dataset) {
            std::fs::remove_file(path).unwrap();
        }
    }
    let harness = Harness::start_in(directory, |_| {}).await;
    let request = v1::ReplayRunRequest { name: run.name, ..Default::default() };
    let refused = harness.evaluations().replay_run(request).await.unwrap_err();
    assert_eq!((refused.code(), &*reason(&refused)), (Code::DataLoss, "STORE_DAMAGED"), "{refused:?}");
}
