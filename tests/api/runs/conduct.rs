//! What a run finds does not depend on how it is executed.

use super::{organisation, publish_two, run, two_steps};
use crate::harness::Harness;

/// The dataset of the same run on a server of its own, with the same past.
async fn dataset(chunk_rows: usize, threads: usize) -> String {
    let harness = Harness::start_with(|config| {
        (config.runs.chunk_rows, config.runs.threads) = (chunk_rows, threads);
    })
    .await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    assert_eq!(run.failure, "");
    run.dataset
}

#[tokio::test(flavor = "multi_thread")]
async fn datasets_are_the_same_to_the_byte() {
    let (one, seven, all) = tokio::join!(dataset(1, 1), dataset(7, 2), dataset(4096, 2));
    assert_eq!(one.len(), 64);
    assert_eq!((&seven, &all), (&one, &one));
}
