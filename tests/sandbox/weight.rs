//! What an instance is made of beside its memory has bounds, however often a component instantiates it; and making it costs
//! fuel.

use std::{iter::repeat_n, thread};

use merit::model::rejection::PluginReason::{InvalidComponent, OutOfFuel};
use wasmparser::{Parser, Payload};

use crate::{
    enclosed::{instantiated, last_module},
    guest::{GOOD, LIMITS, SANDBOX, manifest, section, the_neighbour_is_well},
    space::space,
};

/// Memory that this process may have more for it, with all that other tests take at the same time.
const MORE: u64 = 1 << 30;

fn module(fields: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {fields})")).unwrap_or_else(|error| panic!("{error}"))
}

/// The guest that behaves, which instantiates a module of these fields so many times besides.
fn times(fields: &str, times: usize) -> Vec<u8> {
    let mut bytes = instantiated(&module(fields));
    let again = section(2, &[1, 0, last_module(&bytes), 0]);
    bytes.extend(repeat_n(again, times - 1).flatten());
    bytes
}

/// The guest that behaves, which instantiates a component so many times besides.
fn components(fields: &str, times: usize) -> Vec<u8> {
    let inner = wat::parse_str(format!("(component {fields})")).unwrap_or_else(|error| panic!("{error}"));
    let mut bytes = GOOD.clone();
    let mut depth = 0;
    let mut before = 0;
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.expect("a good component") {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentSection { .. } if depth == 1 => before += 1,
            _ => {}
        }
    }
    bytes.extend(section(4, &inner));
    let instance = section(5, &[1, 0, before, 0]);
    bytes.extend(repeat_n(instance, times).flatten());
    bytes
}

fn globals(count: usize) -> String {
    "(global i64 (i64.const 1))".repeat(count)
}

/// A component that is refused for what an instance takes.
fn check_refused(component: &[u8], said: &str) {
    let verdict = SANDBOX.load(component).err().expect("a verdict");
    assert_eq!((verdict.reason, verdict.row), (InvalidComponent, None), "{verdict}");
    assert!(verdict.message.contains(said), "{said:?} is not in {:?}", verdict.message);
    the_neighbour_is_well();
}

#[test]
fn what_an_instance_is_made_of_has_bounds() {
    let bytes = "bytes for globals, functions and elements; no plugin may take more than 16777216";
    check_refused(&times(&globals(900_000), 2), bytes);
    check_refused(&times(&globals(20_000), 100), bytes);
    check_refused(&times(&"(func)".repeat(100_000), 6), bytes);
    let elements = format!("(func $f) (elem func {})", "$f ".repeat(400_000));
    check_refused(&times(&elements, 3), bytes);
    check_refused(&times("(table 1 funcref)", 65), "65 tables; no plugin may take more than 64");
    check_refused(&times("(memory 1)", 33), "memories; no plugin may take more than 32");
    check_refused(&times("", 256), "257 core instances; no plugin may take more than 256");
}

#[test]
fn what_is_instantiated_inside_counts_as_often_as_the_component_around_it() {
    let bytes = "bytes for globals, functions and elements";
    let twice = |fields: &str| {
        format!("(core module $m {fields}) (core instance (instantiate $m)) (core instance (instantiate $m))")
    };
    check_refused(&components(&twice(&globals(100_000)), 6), bytes);
    SANDBOX.load(&components(&twice(&globals(100_000)), 5)).expect("five of them are not too many");
    let nested = format!("(component $c {}) {}", twice(""), "(instance (instantiate $c))".repeat(20));
    check_refused(&components(&nested, 10), "core instances");
    // One from outside is the same one.
    let aliased = format!(
        "(core module $m {}) (component $c (alias outer 1 $m (core module $o)) (core instance (instantiate $o)))
            (instance (instantiate $c)) (instance (instantiate $c))",
        globals(600_000)
    );
    check_refused(&components(&aliased, 1), bytes);
    // Of what is handed in nothing is known.
    let handed = "(core module $m)
        (component $c (import \"m\" (core module $i)) (core instance (instantiate $i)))
        (instance (instantiate $c (with \"m\" (core module $m))))";
    check_refused(&components(handed, 1), "handed from one part to another");
}

#[test]
fn an_instance_costs_fuel_for_what_it_is_made_of() {
    let plugin = SANDBOX.load(&times(&globals(900_000), 1)).expect("a plugin");
    let limits = |fuel_per_call| merit::sandbox::Limits { fuel_per_call, ..LIMITS };
    assert_eq!(plugin.describe("{}", &LIMITS), Ok(manifest()));
    let verdict = plugin.describe("{}", &limits(900_000)).expect_err("a verdict");
    assert_eq!(verdict.reason, OutOfFuel, "{verdict}");
    let small = SANDBOX.load(&times(&globals(9), 1)).expect("a plugin");
    assert_eq!(small.describe("{}", &limits(100_000)), Ok(manifest()));
}

#[test]
fn what_instances_took_comes_back() {
    let before = space().resident;
    // Refused before anything of it is made, or it takes 5 GB at once.
    for component in [times(&globals(900_000), 100), times(&globals(900_000), 1)] {
        let Ok(plugin) = SANDBOX.load(&component) else { continue };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| drop(plugin.describe("{}", &LIMITS))));
            }
        });
    }
    let more = space().resident.saturating_sub(before);
    assert!(more < MORE, "{more} bytes more");
    the_neighbour_is_well();
}
