//! Calls that go well: of the guest that behaves, from many threads, and of the plugins that ship with Merit.

use std::{fs, path::Path};

use merit::{
    model::rejection::PluginReason::OutOfFuel,
    sandbox::{Limits, Values},
};

use crate::guest::{Guest, LIMITS, SANDBOX, batch, context, manifest, the_neighbour_is_well};

#[test]
fn the_guest_that_behaves_behaves() {
    the_neighbour_is_well();
}

#[test]
fn a_batch_may_be_empty_or_large() {
    let plugin = Guest::good().load().expect("a plugin");
    for rows in [0, 1, 4_096, 30_000] {
        let values: Vec<i64> = (0..rows).collect();
        let outcome = plugin
            .evaluate("{}", &context(), &manifest(), &batch(values), &LIMITS)
            .unwrap_or_else(|verdict| panic!("{rows} rows: {verdict}"));
        let Values::Decimals(sum) = &outcome.columns[0].values else { panic!("sums are decimals") };
        assert!(sum.unscaled.iter().copied().eq((0..rows).map(|value| value + 100)));
    }
}

#[test]
fn nothing_is_remembered_between_calls() {
    // It counts its calls in a global and in memory, and traps at the second.
    let guest = Guest::good().with(|guest| {
        guest.module = "(global $calls (mut i32) (i32.const 0))".into();
        guest.describe = format!(
            "(if (i32.or (global.get $calls) (i32.load (i32.const 8))) (then unreachable))
            (global.set $calls (i32.const 1)) (i32.store (i32.const 8) (i32.const 1)) {}",
            guest.describe
        );
    });
    let plugin = guest.load().expect("a plugin");
    for _ in 0..3 {
        assert_eq!(plugin.describe("{}", &LIMITS), Ok(manifest()));
    }
}

#[test]
fn threads_get_the_same_answers() {
    let plugin = Guest::good().load().expect("a plugin");
    std::thread::scope(|scope| {
        for thread in 0..4_i64 {
            let plugin = &plugin;
            scope.spawn(move || {
                for round in 0..50 {
                    let outcome = plugin
                        .evaluate("{}", &context(), &manifest(), &batch(vec![thread, round]), &LIMITS)
                        .expect("an outcome");
                    let Values::Decimals(sum) = &outcome.columns[0].values else { panic!("decimals") };
                    assert_eq!(sum.unscaled, [thread + 100, round + 100]);
                }
            });
        }
    });
}

/// The fuel that suffices suffices always, and one unit less never does.
#[test]
fn fuel_is_counted_to_the_unit() {
    let plugin = Guest::good().load().expect("a plugin");
    let batch = batch((0..100).collect());
    let suffices = |fuel_per_call| {
        let limits = Limits { fuel_per_call, fuel_per_row: 0, ..LIMITS };
        match plugin.evaluate("{}", &context(), &manifest(), &batch, &limits) {
            Ok(_) => true,
            Err(verdict) => {
                assert_eq!(verdict.reason, OutOfFuel, "{verdict}");
                false
            }
        }
    };
    let (mut too_little, mut enough) = (0, 1_000_000);
    while enough - too_little > 1 {
        let middle = u64::midpoint(too_little, enough);
        if suffices(middle) { enough = middle } else { too_little = middle }
    }
    for _ in 0..20 {
        assert!(suffices(enough) && !suffices(too_little), "{enough} units");
    }
    // Counted by instruction, and so the same wherever this test runs.
    assert_eq!(enough, 6_127, "units for a hundred rows");
}

/// Every plugin that ships loads; without parameters it describes itself or refuses them, and nothing else.
#[test]
fn the_plugins_that_ship_load() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/standard/built");
    let mut loaded = 0;
    for entry in fs::read_dir(folder).expect("the plugins that ship") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let plugin = SANDBOX
            .load(&fs::read(&path).expect("a component"))
            .unwrap_or_else(|verdict| panic!("{}: {verdict}", path.display()));
        match plugin.describe("{}", &Limits { wall_time: LIMITS.wall_time, ..Limits::default() }) {
            Ok(manifest) => assert!(!manifest.outputs.is_empty()),
            Err(verdict) => assert_eq!(
                verdict.reason,
                merit::model::rejection::PluginReason::BadParameters,
                "{}: {verdict}",
                path.display()
            ),
        }
        loaded += 1;
    }
    assert!(loaded >= 2, "{loaded} plugins ship");
}
