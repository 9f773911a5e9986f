//! Which runs used a revision of a plugin, by pages.

use merit::proto::v1;
use tonic::Code;

use super::{SHEET, TEAM, organisation, publish, publish_two, run, step, two_steps};
use crate::harness::{Harness, reason};

#[tokio::test(flavor = "multi_thread")]
async fn the_runs_that_used_a_revision() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    publish(&harness, "third", SHEET).await;
    for id in ["r1", "r2", "r3"] {
        run(&harness, id, two_steps()).await;
    }
    let shadowed =
        v1::RunStep { shadow: format!("{TEAM}/pluginRevisions/kpi-1"), ..step("third", "third", vec![]) };
    run(&harness, "r4", vec![shadowed]).await;
    run(&harness, "r5", vec![step("third", "third", vec![])]).await;
    let request = |id: &str, page_size, page_token: &str| v1::ListPluginRevisionRunsRequest {
        name: format!("{TEAM}/pluginRevisions/{id}"),
        page_size,
        page_token: page_token.to_owned(),
    };
    for (id, page_size, expected) in [
        ("kpi-1", 0, &["r1", "r2", "r3", "r4"][..]),
        ("kpi-1", 1, &["r1", "r2", "r3", "r4"]),
        ("kpi-1", 3, &["r1", "r2", "r3", "r4"]),
        ("gated-1", 2, &["r1", "r2", "r3"]),
        ("third-1", 50, &["r4", "r5"]),
    ] {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = harness.plugins().list_plugin_revision_runs(request(id, page_size, &token)).await;
            let page = page.unwrap().into_inner();
            assert!(page_size == 0 || page.runs.len() <= usize::try_from(page_size).unwrap());
            found.extend(page.runs.iter().map(|run| run.rsplit('/').next().unwrap().to_owned()));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found, expected, "{id} by {page_size}");
    }
    let page =
        harness.plugins().list_plugin_revision_runs(request("kpi-1", 1, "")).await.unwrap().into_inner();
    let other =
        harness.plugins().list_plugin_revision_runs(request("gated-1", 1, &page.next_page_token)).await;
    assert_eq!(reason(&other.unwrap_err()), "INVALID_PAGE_TOKEN");
    let unknown = harness.plugins().list_plugin_revision_runs(request("none-1", 1, "")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}
