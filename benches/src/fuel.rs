//! What a unit of fuel takes, whatever a guest spends it on: about the same, or the prices of `sandbox/prices.rs` are wrong. A
//! guest does one thing over and over until its fuel is used up.

use std::time::Duration;

use merit::sandbox::{Limits, Sandbox, SandboxConfig};

use crate::{neighbour::hostile, timing::best};

/// Units that each guest has.
const FUEL: u64 = 50_000_000;
const ROUNDS: usize = 3;

/// How often the thing is done between two jumps.
const TIMES: usize = 16;

/// What the guests have.
const FIELDS: &str = "(func $f) (elem declare func $f) (table $t 64 funcref) (type $none (func)) (elem (table $t) (i32.const 0) func $f)
    (global $i (mut i32) (i32.const 0)) (global $l (mut i64) (i64.const 7)) (global $d (mut f64) (f64.const 1e-310))
    (global $v (mut v128) (v128.const f32x4 1.5 1e-40 2.5 -0.5))";

const THINGS: [(&str, &str); 24] = [
    ("nothing but jumps", ""),
    ("i32.add", "(global.set $i (i32.add (global.get $i) (i32.const 1)))"),
    ("i64.mul", "(global.set $l (i64.mul (global.get $l) (i64.const 3)))"),
    ("i64.div_u", "(global.set $l (i64.div_u (i64.const -1) (i64.or (global.get $l) (i64.const 1))))"),
    ("i64.rem_s", "(global.set $l (i64.rem_s (i64.const -1) (i64.or (global.get $l) (i64.const 1))))"),
    ("i64.popcnt", "(global.set $l (i64.popcnt (global.get $l)))"),
    ("i32.load and store", "(i32.store (i32.const 8) (i32.load (i32.const 16)))"),
    ("call", "(call $f)"),
    ("call_indirect", "(call_indirect $t (type $none) (i32.const 0))"),
    ("ref.func", "(drop (ref.func $f))"),
    ("f64.mul near zero", "(drop (f64.mul (global.get $d) (f64.const 0.5)))"),
    ("f64.div near zero", "(global.set $d (f64.div (global.get $d) (f64.const 1.0000001)))"),
    ("f64.sqrt", "(global.set $d (f64.sqrt (global.get $d)))"),
    ("f64.nearest", "(global.set $d (f64.nearest (global.get $d)))"),
    ("f32x4.nearest", "(global.set $v (f32x4.nearest (global.get $v)))"),
    ("f32x4.div", "(global.set $v (f32x4.div (global.get $v) (v128.const f32x4 3 3 3 3)))"),
    ("f64x2.floor", "(global.set $v (f64x2.floor (global.get $v)))"),
    ("i8x16.swizzle", "(global.set $v (i8x16.swizzle (global.get $v) (global.get $v)))"),
    ("memory.fill of nothing", "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))"),
    ("memory.fill of a page", "(memory.fill (i32.const 0) (i32.const 0) (i32.const 65536))"),
    ("memory.copy of 8 bytes", "(memory.copy (i32.const 0) (i32.const 8) (i32.const 8))"),
    ("memory.grow by nothing", "(drop (memory.grow (i32.const 0)))"),
    ("table.fill of one", "(table.fill $t (i32.const 0) (ref.null func) (i32.const 1))"),
    ("table.copy of 64", "(table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 64))"),
];

/// Prints what each takes.
pub fn bench() {
    let sandbox = Sandbox::new(SandboxConfig::default()).expect("a sandbox");
    let good = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/standard/built/formula.wasm"));
    let good = good.expect("the plugin that ships");
    let limits = Limits { fuel_per_call: FUEL, wall_time: Duration::from_secs(3_600), ..Limits::default() };
    println!("\nfuel: nanoseconds that a unit takes, spent on nothing else; goal: below 1");
    for (name, thing) in THINGS {
        let body = format!("(loop $next {} (br $next))", thing.repeat(TIMES));
        let plugin = sandbox.load(&hostile(&good, FIELDS, &body)).expect("it loads; it only never ends");
        let took = best(ROUNDS, || {
            plugin.describe("{}", &limits).expect_err("its fuel ends it");
        });
        println!("  {name:<24} {:>8.3}", took.as_nanos() as f64 / FUEL as f64);
    }
}
