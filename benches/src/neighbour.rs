//! What an attacker costs the neighbour: a good plugin over many rows, alone, and beside guests in the same process that loop,
//! that take all the memory they may, and that trap again and again.

#[path = "../../tests/sandbox/section.rs"]
mod section;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use merit::sandbox::{
    Batch, Column, Context, Decimals, Limits, Patience, Plugin, Rounding, Sandbox, SandboxConfig, Values,
};

use crate::timing::best;
use section::section;

const ROWS: usize = 4_096;
const BATCHES: usize = 50;
const ROUNDS: usize = 5;

const GOOD: &str = "input a\ninput b\nscore s = IF(a > b, a - b, a + b) / 3\npayout p = s * 0.07\n";

/// Never ends, but by its fuel.
const LOOPING: &str = "(loop $for_ever (br $for_ever))";
/// Takes memory, touches it, takes more.
const GROWING: &str = "(loop $more
    (if (i32.eq (memory.grow (i32.const 256)) (i32.const -1)) (then unreachable))
    (memory.fill (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 16777216)) (i32.const 1)
        (i32.const 16777216))
    (br $more))";
/// Ends at once.
const TRAPPING: &str = "unreachable";

/// A component of which `describe` does this, and nothing else does anything.
fn attacker(fields: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                {fields}
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func $attack {body})
                (start $attack))
            (core instance (instantiate $m)))"#
    );
    wat::parse_str(&text).expect("a component")
}

fn column(name: &str, factor: i64) -> Column {
    let unscaled = (0..ROWS as i64).map(|row| row * factor * 1_000_000).collect();
    Column { name: name.into(), values: Values::Decimals(Decimals { scale: 6, unscaled }), missing: vec![] }
}

/// The component of a standard plugin with another component's attack beside its own start.
pub fn hostile(good: &[u8], fields: &str, body: &str) -> Vec<u8> {
    // The attack is a component inside the component, instantiated with it: section 4, then section 5.
    let inner = attacker(fields, body);
    let mut bytes = good.to_vec();
    let components = wasmparser::Parser::new(0).parse_all(good);
    let (mut depth, mut nested, mut instances) = (0, 0_u8, 0);
    for payload in components {
        match payload.expect("a good component") {
            wasmparser::Payload::Version { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            wasmparser::Payload::ComponentSection { .. } if depth == 1 => nested += 1,
            wasmparser::Payload::ComponentInstanceSection(section) if depth == 1 => {
                instances += section.count()
            }
            _ => {}
        }
    }
    assert!(instances < 100, "a few");
    bytes.extend(section(4, &inner));
    bytes.extend(section(5, &[1, 0, nested, 0]));
    bytes
}

/// Prints the neighbour's time, alone and in each company.
pub fn bench() {
    let sandbox = Sandbox::new(SandboxConfig::default()).expect("a sandbox");
    let good = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/standard/built/formula.wasm"));
    let good = good.expect("the plugin that ships");
    let plugin = sandbox.load(&good).expect("a plugin");
    let alone = time(&plugin);
    println!("\nneighbour: {BATCHES} batches of {ROWS} rows on one thread, beside an attacker on another");
    println!("  alone                                         {alone:>9.1?}");
    for (name, body) in [("looping", LOOPING), ("taking memory", GROWING), ("trapping", TRAPPING)] {
        let attacker =
            sandbox.load(&hostile(&good, "", body)).expect("it loads; only calling it shows what it is");
        let (beside, attacks) = beside(&plugin, &attacker);
        println!(
            "  beside one that is {name:<15}            {beside:>9.1?}   {:.2} times, {attacks} attacks   goal 2 times",
            beside.as_secs_f64() / alone.as_secs_f64()
        );
    }
}

/// The neighbour's time while the attacker is called again and again, and how often it was.
fn beside(plugin: &Plugin, attacker: &Plugin) -> (Duration, u64) {
    let (done, attacks) = (AtomicBool::new(false), AtomicU64::new(0));
    let patience = Patience::default();
    let attacker = attacker.waiting(&patience);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                attacker.describe("{}", &Limits::default()).expect_err("an attack ends in a verdict");
                attacks.fetch_add(1, Ordering::Relaxed);
            }
        });
        let time = time(plugin);
        done.store(true, Ordering::Relaxed);
        patience.give_up();
        (time, attacks.load(Ordering::Relaxed))
    })
}

fn time(plugin: &Plugin) -> Duration {
    let parameters = format!("{{\"sheet\": {GOOD:?}}}");
    let limits = Limits::default();
    let manifest = plugin.describe(&parameters, &limits).expect("a manifest");
    let context = Context {
        period_start: "2026-01-01".into(),
        period_end: "2026-04-01".into(),
        currency: "EUR".into(),
        currency_scale: 2,
        rounding: Rounding::HalfUp,
    };
    let batch = Batch { rows: ROWS as u32, columns: vec![column("a", 3), column("b", 2)], lines: None };
    best(ROUNDS, || {
        for _ in 0..BATCHES {
            plugin.evaluate(&parameters, &context, &manifest, &batch, &limits).expect("an outcome");
        }
    })
}
