//! What plugins may use: as configured, or as the team says, up to the ceilings; and what they were held to is on file.

use merit::proto::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{TEAM, added, component_step, evaluations, organisation, outputs, publish_component, run};
use crate::{
    guest::Guest,
    harness::{Harness, reason},
};

/// Some 300,000 units for everybody.
fn burning() -> Guest {
    Guest::good().with(|guest| {
        guest.module = "(global $left (mut i32) (i32.const 50000))".to_owned();
        guest.evaluate = format!(
            "(loop $next
                (global.set $left (i32.sub (global.get $left) (i32.const 1)))
                (br_if $next (global.get $left)))
            {}",
            guest.evaluate
        );
    })
}

async fn give(harness: &Harness, plugin_limits: v1::PluginLimits) -> Result<v1::Team, Status> {
    update(harness, v1::Team { plugin_limits: Some(plugin_limits), ..Default::default() }, "plugin_limits")
        .await
}

async fn update(harness: &Harness, team: v1::Team, path: &str) -> Result<v1::Team, Status> {
    let request = v1::UpdateTeamRequest {
        team: Some(v1::Team { name: TEAM.to_owned(), ..team }),
        update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
        ..Default::default()
    };
    Ok(harness.organisation().update_team(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_raises_what_its_plugins_may_use() {
    let harness = Harness::start_with(|config| {
        (config.runs.fuel_per_call, config.runs.fuel_per_row) = (100_000, 1_000);
        config.plugins.ceilings.fuel_per_call = 2_000_000;
    })
    .await;
    organisation(&harness).await;
    publish_component(&harness, "burning", burning().component()).await;
    let steps = || vec![component_step("burning", "burning", added())];
    let first = run(&harness, "q1", steps()).await;
    assert_eq!(first.engine.as_ref().unwrap().fuel_per_call, 100_000);
    let found = evaluations(&harness, &first.name).await;
    assert_eq!(outputs(&found, "burning", "sum"), vec!["OUT_OF_FUEL"; 10]);
    let message = &found[0].faults[0].message;
    assert!(message.contains("101000 units") && message.contains("the team's plugin_limits"), "{message}");

    give(&harness, v1::PluginLimits { fuel_per_call: 1_000_000, ..Default::default() }).await.unwrap();
    let second = run(&harness, "q1-again", steps()).await;
    let engine = second.engine.clone().unwrap();
    assert_eq!((engine.fuel_per_call, engine.fuel_per_row), (1_000_000, 1_000));
    assert_eq!(outputs(&evaluations(&harness, &second.name).await, "burning", "sum")[0], "301.5");

    // A replay holds them to what they were held to, whatever the team says now.
    give(&harness, v1::PluginLimits::default()).await.unwrap();
    for run in [first, second] {
        let request = v1::ReplayRunRequest { name: run.name.clone(), ..Default::default() };
        let replay = harness.evaluations().replay_run(request).await.unwrap().into_inner();
        assert!(replay.identical, "{replay:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_operator_allows_is_refused_whole_and_held_to_what_is_allowed() {
    let harness = Harness::start_with(|config| {
        (config.runs.fuel_per_call, config.runs.fuel_per_row) = (100_000, 1_000);
        config.plugins.ceilings.fuel_per_call = 2_000_000;
    })
    .await;
    organisation(&harness).await;
    publish_component(&harness, "burning", burning().component()).await;
    let much = v1::PluginLimits { fuel_per_call: 2_000_001, output_bytes: 4 << 30, ..Default::default() };
    let check = |status: Status| {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
        let violations = status.get_error_details().bad_request().unwrap().field_violations.clone();
        let told: Vec<(&str, &str)> =
            violations.iter().map(|told| (told.field.as_str(), told.description.as_str())).collect();
        let [(call, first), (output, second)] = told[..] else { panic!("{told:?}") };
        assert_eq!((call, output), ("team.plugin_limits.fuel_per_call", "team.plugin_limits.output_bytes"));
        for part in ["2000001 is more than the 2000000 that", "operator raise plugins.ceilings.fuel_per_call"]
        {
            assert!(first.contains(part), "{part:?} is not in {first:?}");
        }
        assert!(second.contains("operator raise plugins.ceilings.output_bytes"), "{second:?}");
    };
    check(give(&harness, much).await.unwrap_err());
    let team = v1::Team {
        display_name: "More".to_owned(),
        currency: "EUR".to_owned(),
        plugin_limits: Some(much),
        ..Default::default()
    };
    let request =
        v1::CreateTeamRequest { team: Some(team.clone()), team_id: "more".to_owned(), ..Default::default() };
    check(harness.organisation().create_team(request).await.unwrap_err());
    // What the mask leaves out is not written.
    update(&harness, team, "display_name").await.unwrap();
    let most = v1::PluginLimits { fuel_per_call: 2_000_000, ..Default::default() };
    give(&harness, most).await.unwrap();

    // The operator lowers the ceiling below what the team has: that holds at once, and verdicts say who can raise it.
    let harness = Harness::start_in(harness.stopped().await, |config| {
        (config.runs.fuel_per_call, config.runs.fuel_per_row) = (100_000, 1_000);
        config.plugins.ceilings.fuel_per_call = 200_000;
        config.plugins.ceilings.fuel_per_row = 1_000;
    })
    .await;
    let run = run(&harness, "q1", vec![component_step("burning", "burning", added())]).await;
    assert_eq!(run.engine.as_ref().unwrap().fuel_per_call, 200_000);
    let found = evaluations(&harness, &run.name).await;
    assert_eq!(outputs(&found, "burning", "sum"), vec!["OUT_OF_FUEL"; 10]);
    let message = &found[0].faults[0].message;
    assert!(
        message.contains("201000 units") && message.contains("plugins.ceilings.fuel_per_call"),
        "{message}"
    );
    assert!(!message.contains("plugin_limits"), "{message}");
    let request = v1::ReplayRunRequest { name: run.name.clone(), ..Default::default() };
    let replay = harness.evaluations().replay_run(request).await.unwrap().into_inner();
    assert!(replay.identical, "{replay:?}");
    // The rest of the team can be changed all the same, and what it has may stay.
    let team = v1::Team { display_name: "Other".to_owned(), ..Default::default() };
    update(&harness, team, "display_name").await.unwrap();
    give(&harness, most).await.unwrap();
}
