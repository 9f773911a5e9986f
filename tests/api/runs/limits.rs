//! What plugins may use: as configured, or as the team says, up to the ceilings; and what they were held to is on file.

use merit::proto::v1;
use tonic::Code;
use tonic_types::StatusExt;

use super::{
    TEAM, added, component_step, create, evaluations, organisation, outputs, publish_component, run,
};
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

async fn give(harness: &Harness, plugin_limits: v1::PluginLimits) {
    let request = v1::UpdateTeamRequest {
        team: Some(v1::Team {
            name: TEAM.to_owned(),
            plugin_limits: Some(plugin_limits),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["plugin_limits".to_owned()] }),
        ..Default::default()
    };
    harness.organisation().update_team(request).await.unwrap();
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

    give(&harness, v1::PluginLimits { fuel_per_call: 1_000_000, ..Default::default() }).await;
    let second = run(&harness, "q1-again", steps()).await;
    let engine = second.engine.clone().unwrap();
    assert_eq!((engine.fuel_per_call, engine.fuel_per_row), (1_000_000, 1_000));
    assert_eq!(outputs(&evaluations(&harness, &second.name).await, "burning", "sum")[0], "301.5");

    // A replay holds them to what they were held to, whatever the team says now.
    give(&harness, v1::PluginLimits::default()).await;
    for run in [first, second] {
        let request = v1::ReplayRunRequest { name: run.name.clone(), ..Default::default() };
        let replay = harness.evaluations().replay_run(request).await.unwrap().into_inner();
        assert!(replay.identical, "{replay:?}");
    }

    give(&harness, v1::PluginLimits { fuel_per_call: 2_000_001, ..Default::default() }).await;
    let status = create(&harness, "q1-more", steps()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_FIELD"));
    let violations = status.get_error_details().bad_request().unwrap().field_violations.clone();
    assert_eq!(violations[0].field, "team.plugin_limits.fuel_per_call");
    assert!(violations[0].description.contains("this server allows 2000000 at most"), "{violations:?}");
    assert!(violations[0].description.contains("plugins.ceilings.fuel_per_call"), "{violations:?}");
}
