//! Plugins that mean harm, and plugins of groups, as steps of runs.

use merit::{
    proto::v1::{self, input_binding::Source},
    sandbox::Scope,
};

use super::{
    TEAM, added, bound, component_publication, component_step, evaluations, gives, organisation, outputs,
    publish_component, publish_two, report_to, run, two_steps,
};
use crate::{
    guest::{Guest, manifest},
    harness::Harness,
};

/// Adds up `a` over the group, and tells everybody.
fn group_sum() -> Guest {
    let mut manifest = manifest();
    manifest.scope = Scope::Group;
    Guest::good().with(|guest| {
        guest.describe = format!("(i32.const {})", guest.image.manifest(&manifest));
        guest.module = "(global $sum (mut i64) (i64.const 0))".to_owned();
        let place = guest.evaluate.find("(block $done").expect("the loop over the rows");
        let sum = "(global.set $sum (i64.const 0))
            (block $summed (loop $more
                (br_if $summed (i32.ge_u (local.get $i) (local.get $rows)))
                (global.set $sum (i64.add (global.get $sum) (call $at (local.get $a) (local.get $i))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $more)))
            (local.set $i (i32.const 0))";
        guest.evaluate.insert_str(place, sum);
        gives(guest, "(global.get $sum)");
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_never_ends_stops_no_other() {
    let harness = Harness::start_with(|config| {
        config.runs.fuel_per_call = 10_000_000;
        config.runs.chunk_rows = 4;
    })
    .await;
    organisation(&harness).await;
    publish_two(&harness).await;
    // Of the ten, a-3 has 300.50, 400.50 and 500.50.
    let hostile = Guest::poisoned("(loop $forever (br $forever))")
        .with(|guest| guest.evaluate = guest.evaluate.replace("(i64.const 666)", "(i64.const 120150)"));
    publish_component(&harness, "hostile", hostile.component()).await;
    let mut steps = two_steps();
    steps.insert(0, component_step("hostile", "hostile", added()));
    steps.push(component_step(
        "after",
        "hostile",
        vec![
            bound("a", Source::Output("hostile.sum".to_owned())),
            bound("b", Source::Constant("1".to_owned())),
        ],
    ));
    let run = run(&harness, "q1", steps).await;
    assert_eq!((run.failure.as_str(), run.state()), ("", v1::RunState::Succeeded));
    assert_eq!((run.rows_done, run.rows_faulted), (10, 2));
    let evaluations = evaluations(&harness, &run.name).await;
    assert_eq!(
        outputs(&evaluations, "hostile", "sum"),
        [
            "301.5",
            "601.5",
            "901.5",
            "OUT_OF_FUEL",
            "1501.5",
            "1801.5",
            "2101.5",
            "2401.5",
            "2701.5",
            "3001.5"
        ]
    );
    // What takes its output is not scored either; what does not is scored as ever.
    assert_eq!(outputs(&evaluations, "after", "sum")[2..5], ["902.5", "EARLIER_FAULT", "1502.5"]);
    assert_eq!(outputs(&evaluations, "kpi", "performance")[2..5], ["90.15", "120.15", "150"]);
    for (chunk_rows, threads) in [(1, 2), (10, 1)] {
        let request = v1::ReplayRunRequest { name: run.name.clone(), chunk_rows, threads };
        let replay = harness.evaluations().replay_run(request).await.unwrap().into_inner();
        assert!(replay.identical, "{replay:?}");
        assert_eq!(replay.dataset, run.dataset);
    }
}

/// A row that costs more than it may passes in no batch; one that costs nearly as much passes in all.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_may_use_does_not_depend_on_its_neighbours() {
    for (fuel_per_row, wanted) in [(50_000, "OUT_OF_FUEL"), (400_000, "1201.5")] {
        let harness = Harness::start_with(|config| {
            config.runs.fuel_per_call = 100_000;
            config.runs.fuel_per_row = fuel_per_row;
        })
        .await;
        organisation(&harness).await;
        // Some 300,000 units for a-3, some 100 for each of the others.
        let burn = "(global.set $left (i32.const 50000))
            (loop $next
                (global.set $left (i32.sub (global.get $left) (i32.const 1)))
                (br_if $next (global.get $left)))";
        let hostile = Guest::poisoned(burn).with(|guest| {
            guest.module = "(global $left (mut i32) (i32.const 0))".to_owned();
            guest.evaluate = guest.evaluate.replace("(i64.const 666)", "(i64.const 120150)");
        });
        publish_component(&harness, "burning", hostile.component()).await;
        let run = run(&harness, "q1", vec![component_step("burning", "burning", added())]).await;
        let evaluations = evaluations(&harness, &run.name).await;
        let sums = outputs(&evaluations, "burning", "sum");
        assert_eq!(sums[2..5], ["901.5", wanted, "1501.5"], "{fuel_per_row}");
        for chunk_rows in [1, 2, 7, 4096] {
            let request = v1::ReplayRunRequest { name: run.name.clone(), chunk_rows, threads: 1 };
            let replay = harness.evaluations().replay_run(request).await.unwrap().into_inner();
            assert!(replay.identical, "{chunk_rows} rows: {replay:?}");
            assert_eq!(replay.dataset, run.dataset);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_what_the_run_says() {
    let harness = Harness::start().await;
    organisation(&harness).await;
    // a-1 and a-2 report to a-0 all quarter; a-3 reports to a-1 from its last day on.
    for (report, start) in [("a-1", "2026-01-01"), ("a-2", "2026-01-01"), ("a-3", "2026-03-31")] {
        let manager = if report == "a-3" { "a-1" } else { "a-0" };
        report_to(&harness, report, manager, start).await;
    }
    publish_component(&harness, "group", group_sum().component()).await;
    let by = |step: &str, group_by: &str| v1::RunStep {
        group_by: group_by.to_owned(),
        ..component_step(step, "group", added())
    };
    let run =
        run(&harness, "q1", vec![by("all", ""), by("region", "region"), by("manager", "manager")]).await;
    assert_eq!((run.failure.as_str(), run.state()), ("", v1::RunState::Succeeded));
    let evaluations = evaluations(&harness, &run.name).await;
    // 300 * place + 301.50 each: 16515 in all, 7507.50 for the even places, 9007.50 for the odd ones.
    assert_eq!(outputs(&evaluations, "all", "sum"), vec!["16515"; 10]);
    let [north, south] = ["7507.5", "9007.5"];
    assert_eq!(outputs(&evaluations, "region", "sum"), [north, south].repeat(5));
    let mut managers = vec!["MISSING_INPUT"; 10];
    managers[1..4].copy_from_slice(&["1503", "1503", "1201.5"]);
    assert_eq!(outputs(&evaluations, "manager", "sum"), managers);
    let request = v1::ReplayRunRequest { name: run.name.clone(), chunk_rows: 1, threads: 2 };
    let replay = harness.evaluations().replay_run(request).await.unwrap().into_inner();
    assert!(replay.identical, "{replay:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_even_describe_itself_is_not_kept() {
    let harness = Harness::start_with(|config| config.runs.fuel_per_call = 10_000_000).await;
    organisation(&harness).await;
    publish_component(&harness, "fragile", Guest::good().component()).await;
    let mut plugins = harness.plugins();
    let cases = [("(loop $forever (br $forever)) (i32.const 0)", "OUT_OF_FUEL"), ("unreachable", "TRAPPED")];
    for (describe, reason) in cases {
        let guest = Guest::good().with(|guest| guest.describe = describe.to_owned());
        let publication = component_publication("fragile", guest.component());
        let status = plugins.publish_plugin_revision(publication).await.unwrap_err();
        assert_eq!(crate::harness::reason(&status), reason);
    }
    let request = v1::ListPluginRevisionsRequest { parent: TEAM.to_owned(), ..Default::default() };
    let kept = plugins.list_plugin_revisions(request).await.unwrap().into_inner();
    assert_eq!(kept.plugin_revisions.len(), 2);
}

/// Runs of an attacker beside a replay: the replay's dataset has the bytes of the run that was alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_has_the_bytes_that_it_has_alone() {
    let harness = Harness::start_with(|config| {
        config.runs.fuel_per_call = 10_000_000;
        config.runs.chunk_rows = 4;
    })
    .await;
    organisation(&harness).await;
    publish_two(&harness).await;
    let alone = run(&harness, "alone", two_steps()).await;
    let attacks = [
        ("looping", "(loop $forever (br $forever))"),
        ("growing", "(loop $forever (drop (memory.grow (i32.const 16))) (br $forever))"),
        ("trapping", "unreachable"),
    ];
    for (name, attack) in attacks {
        let hostile = Guest::poisoned(attack)
            .with(|guest| guest.evaluate = guest.evaluate.replace("(i64.const 666)", "(i64.const 120150)"));
        publish_component(&harness, name, hostile.component()).await;
        let attacking = run(&harness, name, vec![component_step(name, name, added())]);
        let (mut evaluations, mut other) = (harness.evaluations(), harness.evaluations());
        let request = |threads| v1::ReplayRunRequest { name: alone.name.clone(), chunk_rows: 1, threads };
        let (attacked, one, two) =
            tokio::join!(attacking, evaluations.replay_run(request(1)), other.replay_run(request(2)));
        assert_eq!((attacked.rows_done, attacked.rows_faulted), (10, 1), "{name}");
        for replay in [one, two] {
            let replay = replay.unwrap().into_inner();
            assert_eq!((replay.identical, &replay.dataset), (true, &alone.dataset), "{name}");
        }
    }
}
