//! What another revision would change: over the evidence of a finished run, and beside one as a shadow.

use merit::proto::v1::{self, input_binding::Source};
use tonic::Status;

use super::{
    SHEET, TEAM, added, bound, component_publication, component_step, create, evaluations, gives,
    organisation, publication, publish, publish_component, publish_two, run, step, two_steps,
};
use crate::{
    guest::Guest,
    harness::{Harness, reason},
};

/// The sheet with a higher rate beyond the quota, and a score that counts to two.
const GENEROUS: &str = "\
input revenue
input quota
attainment = revenue / quota
score performance = 100 * MIN(attainment, 2)
payout commission = TIERED(revenue, 0, 5%, quota, 10%)
";

async fn another(harness: &Harness, sheet: &str) -> v1::PluginRevision {
    harness.plugins().publish_plugin_revision(publication("kpi", sheet)).await.unwrap().into_inner()
}

fn asked(run: &v1::Run, candidate: &str) -> v1::CompareRevisionsRequest {
    let candidate =
        if candidate.is_empty() { String::new() } else { format!("{TEAM}/pluginRevisions/{candidate}") };
    v1::CompareRevisionsRequest { run: run.name.clone(), candidate, ..Default::default() }
}

async fn compare(
    harness: &Harness,
    request: v1::CompareRevisionsRequest,
) -> Result<v1::CompareRevisionsResponse, Status> {
    Ok(harness.evaluations().compare_revisions(request).await?.into_inner())
}

fn total<'a>(found: &'a v1::CompareRevisionsResponse, step: &str, output: &str) -> &'a v1::OutputChange {
    let is = |change: &&v1::OutputChange| change.step == step && change.output == output;
    found.outputs.iter().find(is).unwrap_or_else(|| panic!("{step}.{output}: {found:?}"))
}

/// Step, output and role of a change, and what was and would be.
fn told(value: &v1::ValueChange) -> [&str; 5] {
    let role = value.role().as_str_name().trim_start_matches("OUTPUT_ROLE_");
    [&value.step, &value.output, role, &value.baseline, &value.candidate]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_candidate_would_change() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    another(&harness, GENEROUS).await;
    another(&harness, SHEET).await;

    let same = compare(&harness, asked(&run, "kpi-3")).await.unwrap();
    assert_eq!((same.rows, same.rows_changed, same.payout_difference.as_str()), (10, 0, "0.00"));
    assert_eq!(same.baseline_payout, same.candidate_payout);

    let found = compare(&harness, asked(&run, "kpi-2")).await.unwrap();
    assert_eq!((found.step.as_str(), found.rows), ("kpi", 10));
    assert_eq!(found.notes, ["the grade is kpi.band, and would be nothing"]);
    // a-3 to a-8 sell 1001.50 and more, in steps of 300, against 1000: 2% more of what is beyond the quota.
    let beyond: [i64; 6] = [20150, 50150, 80150, 110150, 140150, 170150];
    let more: i64 = beyond.iter().map(|cents| (cents + 25) / 50).sum();
    assert_eq!(total(&found, "kpi", "commission").role(), v1::OutputRole::Payout);
    let change = &found.evaluations[0];
    assert_eq!(change.account_manager, format!("{TEAM}/accountManagers/a-8"));
    assert_eq!((change.baseline_payout.as_str(), change.candidate_payout.as_str()), ("436.12", "470.15"));
    assert_eq!(change.payout_difference, "34.03");
    let commission = change.values.iter().find(|value| value.output == "commission").unwrap();
    assert_eq!((commission.baseline.as_str(), commission.candidate.as_str()), ("186.12", "220.15"));
    let band = change.values.iter().find(|value| value.output == "band").unwrap();
    assert_eq!((band.baseline.as_str(), band.candidate.as_str()), ("A", ""), "the candidate has no grade");
    assert!(change.steps.iter().any(|step| step.output == "commission"), "{change:?}");
    let moved = |step: &v1::ExplanationChange| {
        step.baseline_amount != step.candidate_amount || step.baseline_note != step.candidate_note
    };
    assert!(change.steps.iter().all(moved), "{change:?}");
    // The bonus is gated by a score that is reached all the same.
    assert_eq!(total(&found, "bonus", "bonus").rows_changed, 0);
    let difference = total(&found, "kpi", "commission");
    assert!(difference.difference.starts_with(&format!("{}", more / 100)), "{difference:?}, {more}");
    assert_eq!(found.payout_difference, difference.difference);

    // Swapped, the same the other way round.
    let mut swapped = asked(&run, "kpi-1");
    swapped.baseline = format!("{TEAM}/pluginRevisions/kpi-2");
    let swapped = compare(&harness, swapped).await.unwrap();
    assert_eq!(swapped.payout_difference, format!("-{}", found.payout_difference));

    // By pages, each account manager once.
    let mut request = asked(&run, "kpi-2");
    request.page_size = 4;
    let mut seen = Vec::new();
    loop {
        let page = compare(&harness, request.clone()).await.unwrap();
        assert!(page.evaluations.len() <= 4);
        seen.extend(page.evaluations);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen.len() as u64, found.rows_changed);
    assert_eq!(seen, found.evaluations);
    request.candidate = format!("{TEAM}/pluginRevisions/kpi-3");
    assert_eq!(reason(&compare(&harness, request).await.unwrap_err()), "INVALID_PAGE_TOKEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_counts_is_compared_too() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    // Every value is what it was; the commission is no payout any more, and comes before the other score.
    let sheet = "\
input revenue
input quota
input region text
attainment = revenue / quota
score commission = TIERED(revenue, 0, 5%, quota, 8%)
score performance = 100 * MIN(attainment, 1.5)
grade band = IFS(performance >= 100, \"A\", TRUE, \"B\")
";
    another(&harness, sheet).await;
    let found = compare(&harness, asked(&run, "kpi-2")).await.unwrap();
    let notes = [
        "kpi.commission is a payout, and would be a score",
        "the score is kpi.performance, and would be kpi.commission",
    ];
    assert_eq!(found.notes, notes);
    // Everybody but a-9, who has no quota, loses the commission; the bonus stays.
    assert_eq!((found.rows_changed, found.evaluations.len()), (9, 9));
    let roles: Vec<(v1::OutputRole, u64)> = found
        .outputs
        .iter()
        .filter(|output| output.output == "commission")
        .map(|output| (output.role(), output.rows_changed))
        .collect();
    assert_eq!(roles, [(v1::OutputRole::Payout, 9), (v1::OutputRole::Score, 9)]);
    let paid = total(&found, "kpi", "commission");
    assert_eq!((paid.baseline_total.as_str(), paid.candidate_total.as_str()), ("846.96", ""));
    assert_eq!(found.payout_difference, "-846.96");
    let change = &found.evaluations[0];
    assert_eq!((change.baseline_payout.as_str(), change.candidate_payout.as_str()), ("436.12", "250.00"));
    let values: Vec<_> = change.values.iter().map(told).collect();
    let expected = [
        ["kpi", "commission", "PAYOUT", "186.12", ""],
        ["kpi", "commission", "SCORE", "", "186.12"],
        ["", "score", "SCORE", "150", "186.12"],
    ];
    assert_eq!(values, expected);

    // A grade that is another is a step that differs, though it has no amount.
    another(&harness, &SHEET.replace("performance >= 100", "performance >= 60")).await;
    let found = compare(&harness, asked(&run, "kpi-3")).await.unwrap();
    let change = &found.evaluations[0];
    let step = change.steps.iter().find(|step| step.label == "band").unwrap_or_else(|| panic!("{change:?}"));
    assert!(step.baseline_note.contains("\"B\"") && step.candidate_note.contains("\"A\""), "{step:?}");
    assert_eq!((step.baseline_amount.as_str(), step.candidate_amount.as_str()), ("", ""));

    // Parameters that nobody takes are refused.
    let mut given = asked(&run, "kpi-2");
    given.parameters = "{}".to_owned();
    let refused = compare(&harness, given).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_FIELD");
    assert!(
        refused.message().contains("parameters: teams/acme/pluginRevisions/kpi-2 carries its own"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_that_depend_on_the_candidate_change_with_it() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let run = run(&harness, "q1", two_steps()).await;
    // Nobody reaches the score that the bonus asks for.
    another(&harness, "input revenue\nscore performance = revenue * 0\n").await;
    let found = compare(&harness, asked(&run, "kpi-2")).await.unwrap();
    let bonus = total(&found, "bonus", "bonus");
    // Six lose it, and a-9, who has no quota, is scored by what asks for none.
    assert_eq!((bonus.candidate_total.as_str(), bonus.rows_changed), ("0.00", 7), "{bonus:?}");
    let commission = total(&found, "kpi", "commission");
    assert_eq!((commission.candidate_total.as_str(), commission.difference.as_str()), ("", ""));
    // What it no longer gives, and what the evidence does not have.
    for (sheet, said) in [
        ("input revenue\npayout commission = revenue\n", "bonus takes kpi.performance"),
        (
            "input margin\ninput region\nscore performance = margin + region\n",
            "margin (a number), region (a number)",
        ),
    ] {
        let revision = another(&harness, sheet).await;
        let id = revision.name.rsplit('/').next().unwrap();
        let refused = compare(&harness, asked(&run, id)).await.unwrap_err();
        assert_eq!(reason(&refused), "INVALID_BINDING");
        assert!(refused.message().contains(said), "{}", refused.message());
    }
    // A step that cannot be told.
    publish(&harness, "third", SHEET).await;
    let refused = compare(&harness, asked(&run, "third-1")).await.unwrap_err();
    assert!(refused.message().contains("one of bonus, kpi"), "{}", refused.message());
    let refused = compare(&harness, asked(&run, "")).await.unwrap_err();
    assert!(refused.message().contains("step"), "{}", refused.message());
    let mut named = asked(&run, "third-1");
    named.step = "kpi".to_owned();
    let found = compare(&harness, named.clone()).await.unwrap();
    assert_eq!(found.rows_changed, 0);
    let others =
        format!("{TEAM}/pluginRevisions/third-1 is a revision of {TEAM}/plugins/third; step kpi of the run");
    assert!(matches!(&found.notes[..], [note] if note.starts_with(&others)), "{:?}", found.notes);
    // What the evidence does not have and can be done without is named.
    let sheet = format!("input margin optional\ninput place text optional\n{SHEET}");
    harness.plugins().publish_plugin_revision(publication("third", &sheet)).await.unwrap();
    named.candidate = format!("{TEAM}/pluginRevisions/third-2");
    let found = compare(&harness, named).await.unwrap();
    let [_, left_out] = &found.notes[..] else { panic!("{:?}", found.notes) };
    assert!(
        left_out.ends_with("taken as missing for everybody: margin (a number), place (a text)"),
        "{left_out}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_is_no_part_of_the_results() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_two(&harness).await;
    another(&harness, GENEROUS).await;
    let plain = run(&harness, "q1", two_steps()).await;
    let mut steps = two_steps();
    steps[0].shadow = format!("{TEAM}/pluginRevisions/kpi-2");
    let shadowed = run(&harness, "q2", steps).await;
    assert_eq!((shadowed.failure.as_str(), shadowed.rows_faulted), ("", plain.rows_faulted));
    let (before, after) =
        (evaluations(&harness, &plain.name).await, evaluations(&harness, &shadowed.name).await);
    for (before, after) in before.iter().zip(&after) {
        let without = v1::Evaluation {
            name: before.name.clone(),
            shadow_outputs: Vec::new(),
            shadow_faults: Vec::new(),
            ..after.clone()
        };
        assert_eq!(&without, before);
    }
    let best = after.iter().find(|evaluation| evaluation.account_manager.ends_with("a-8")).unwrap();
    let commission = best.shadow_outputs.iter().find(|value| value.name == "commission").unwrap();
    assert_eq!(commission.value, Some(v1::value::Value::Number("220.15".to_owned())));
    assert_eq!(commission.step, "kpi");
    assert_eq!(after[9].shadow_faults[0].reason, "MISSING_INPUT");
    // Compared without naming anything, and replayed.
    let found = compare(&harness, asked(&shadowed, "")).await.unwrap();
    assert_eq!(found, {
        let named = compare(&harness, asked(&plain, "kpi-2")).await.unwrap();
        v1::CompareRevisionsResponse { ..named }
    });
    let replay = v1::ReplayRunRequest { name: shadowed.name.clone(), chunk_rows: 3, threads: 2 };
    let replay = harness.evaluations().replay_run(replay).await.unwrap().into_inner();
    assert!(replay.identical && replay.dataset == shadowed.dataset, "{replay:?}");
    // Nothing that a filter can name.
    let list = v1::ListEvaluationsRequest {
        parent: shadowed.name.clone(),
        filter: "kpi~shadow.commission > 1".to_owned(),
        ..Default::default()
    };
    assert_eq!(reason(&harness.evaluations().list_evaluations(list).await.unwrap_err()), "INVALID_FILTER");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_fails_hurts_nobody() {
    let harness = Harness::start_with(|config| config.runs.fuel_per_call = 10_000_000).await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let endless = Guest::poisoned("(loop $forever (br $forever))").component();
    publish_component(&harness, "endless", endless).await;
    let plain = run(&harness, "q1", two_steps()).await;
    let mut steps = two_steps();
    let inputs = ["a", "b"].map(|input| bound(input, Source::Constant("6.66".to_owned())));
    let shadow = component_step("endless", "endless", vec![]).revision;
    // What the candidate takes is bound with the step; what the step does not take is refused there.
    let refused = create(&harness, "q2", {
        let mut steps = two_steps();
        steps[0].shadow.clone_from(&shadow);
        steps
    });
    let refused = refused.await.unwrap_err();
    assert!(refused.message().contains("the shadow of step kpi"), "{}", refused.message());
    publish(&harness, "constants", "input a\ninput b\nscore sum = a + b\n").await;
    steps.push(v1::RunStep { shadow, ..step("sums", "constants", inputs.to_vec()) });
    let shadowed = run(&harness, "q2", steps).await;
    assert_eq!((shadowed.failure.as_str(), shadowed.state()), ("", v1::RunState::Succeeded));
    assert_eq!(shadowed.rows_faulted, plain.rows_faulted);
    let found = evaluations(&harness, &shadowed.name).await;
    assert!(found.iter().all(|evaluation| evaluation.shadow_faults[0].reason == "OUT_OF_FUEL"), "{found:?}");
    let payouts = |found: &[v1::Evaluation]| found.iter().map(|one| one.payout.clone()).collect::<Vec<_>>();
    assert_eq!(payouts(&found), payouts(&evaluations(&harness, &plain.name).await));
}

/// A component that answers this to every row.
fn always(digits: i64) -> Vec<u8> {
    Guest::good().with(|guest| gives(guest, &format!("(i64.const {digits})"))).component()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_numbers_add_up() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    publish_component(&harness, "extreme", always(i64::MAX)).await;
    let least = component_publication("extreme", always(i64::MIN));
    harness.plugins().publish_plugin_revision(least).await.unwrap();
    let run = run(&harness, "q1", vec![component_step("extreme", "extreme", added())]).await;
    let found = compare(&harness, asked(&run, "extreme-3")).await.unwrap();
    let sum = total(&found, "extreme", "sum");
    let expected = ["922337203685477580.7", "-922337203685477580.8", "-1844674407370955161.5"];
    assert_eq!([&sum.baseline_total, &sum.candidate_total, &sum.difference], expected);
}
