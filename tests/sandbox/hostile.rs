//! Guests that attack the host or its other guests. After each, the one that behaves gives the same answers as before.

use std::sync::{LazyLock, Mutex, PoisonError};

use merit::{
    model::rejection::PluginReason::{self, *},
    sandbox::{AtCeiling, Fault, Limits, Outcome, Sandbox, SandboxConfig, UnderWay, Verdict},
};

use crate::{
    enclosed,
    guest::{Guest, LIMITS, batch, context, decimals, manifest, section, the_neighbour_is_well},
    image::words,
    space::space,
};

enum Call {
    Describe,
    Evaluate,
    Explain,
}
use Call::{Describe, Evaluate, Explain};

const LOOP: &str = "(loop $for_ever (br $for_ever)) unreachable";
const RECURSION: &str = "(func $deeper (param i64) (result i64)
    (i64.add (local.get 0) (call $deeper (i64.add (local.get 0) (i64.const 1)))))";

/// A sandbox that one guest at a time has for itself, so that what it leaves behind shows.
static ALONE: LazyLock<Mutex<Sandbox>> =
    LazyLock::new(|| Mutex::new(Sandbox::new(SandboxConfig::default()).expect("a sandbox")));

fn call(guest: &Guest, function: &Call, limits: &Limits) -> Verdict {
    let sandbox = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let verdict = call_in(&sandbox, guest, function, limits);
    assert_eq!(sandbox.under_way(), UnderWay::default(), "nothing is left of it");
    verdict
}

fn call_in(sandbox: &Sandbox, guest: &Guest, function: &Call, limits: &Limits) -> Verdict {
    let plugin = sandbox.load(&guest.component()).expect("it loads; only calling it shows what it is");
    let batch = batch(vec![1, 2, 3]);
    match function {
        Describe => plugin.describe("{}", limits).map(|_| ()),
        Evaluate => plugin.evaluate("{}", &context(), &manifest(), &batch, limits).map(|_| ()),
        Explain => plugin.explain("{}", &context(), &manifest(), &batch, 1, limits).map(|_| ()),
    }
    .expect_err("a verdict")
}

/// Calls twice: the verdict is the same, to the letter.
fn check(guest: Guest, function: Call, wanted: PluginReason, words: &str) {
    let verdict = call(&guest, &function, &LIMITS);
    assert_eq!(verdict.reason, wanted, "{verdict}");
    assert!(verdict.message.contains(words), "{words:?} is not in {:?}", verdict.message);
    assert_eq!(call(&guest, &function, &LIMITS), verdict);
    the_neighbour_is_well();
}

fn in_describe(body: &str) -> Guest {
    Guest::good().with(|guest| guest.describe = body.into())
}

fn in_evaluate(body: &str) -> Guest {
    Guest::good().with(|guest| guest.evaluate = body.into())
}

fn in_explain(body: &str) -> Guest {
    Guest::good().with(|guest| guest.explain = body.into())
}

fn in_realloc(body: &str) -> Guest {
    Guest::good().with(|guest| guest.realloc = body.into())
}

fn in_post_return(body: &str) -> Guest {
    Guest::good().with(|guest| guest.post_return = body.into())
}

fn at_start(body: &str) -> Guest {
    Guest::good().with(|guest| guest.module = format!("(func $start {body}) (start $start)"))
}

fn beside(module: &str, body: &str) -> Guest {
    in_evaluate(body).with(|guest| guest.module = module.into())
}

/// `evaluate` returns the address of these words.
fn returning(numbers: &[u32]) -> Guest {
    Guest::good().with(|guest| guest.evaluate = format!("(i32.const {})", guest.image.put(&words(numbers))))
}

#[test]
fn loops_run_out_of_fuel() {
    check(in_describe(LOOP), Describe, OutOfFuel, "`describe`: 2000000 units (fuel_per_call)");
    check(in_evaluate(LOOP), Evaluate, OutOfFuel, "fuel_per_row 1000");
    check(in_explain(LOOP), Explain, OutOfFuel, "raise either in the team's plugin_limits");
    check(in_realloc(LOOP), Evaluate, OutOfFuel, "`evaluate`");
    check(in_post_return(LOOP), Evaluate, OutOfFuel, "`evaluate`");
    check(at_start(LOOP), Describe, OutOfFuel, "`describe`");
    // The work hides in single instructions.
    let fill =
        "(loop $next (memory.fill (i32.const 0) (i32.const 0) (i32.const 131072)) (br $next)) unreachable";
    check(in_evaluate(fill), Evaluate, OutOfFuel, "`evaluate`");
    let copy =
        "(loop $next (memory.copy (i32.const 0) (i32.const 8) (i32.const 131064)) (br $next)) unreachable";
    check(in_evaluate(copy), Evaluate, OutOfFuel, "`evaluate`");
    let fill =
        "(loop $next (table.fill $t (i32.const 0) (ref.null func) (i32.const 1000)) (br $next)) unreachable";
    check(beside("(table $t 1000 funcref)", fill), Evaluate, OutOfFuel, "`evaluate`");
    let grow = "(loop $next (drop (memory.grow (i32.const 0))) (br $next)) unreachable";
    check(in_evaluate(grow), Evaluate, OutOfFuel, "`evaluate`");
    // Or takes long: thirty thousand of them are no two million instructions.
    let slow = |instruction: &str| {
        let often = format!(
            "(loop $next {instruction} (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $i) (i32.const 30000)))) unreachable"
        );
        in_evaluate(&often).with(|guest| guest.module = "(func $f) (elem declare func $f)".into())
    };
    check(slow("(drop (i32.const 0))"), Evaluate, Trapped, "unreachable");
    check(slow("(drop (ref.func $f))"), Evaluate, OutOfFuel, "`evaluate`");
    check(slow("(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))"), Evaluate, OutOfFuel, "`evaluate`");
    let rounded =
        "(drop (f32x4.nearest (f32x4.floor (f32x4.ceil (f32x4.trunc (v128.const f32x4 0 0 0 0))))))";
    check(slow(rounded), Evaluate, OutOfFuel, "`evaluate`");
}

/// Where the operator allows no more, the verdict does not send the team to its own settings.
#[test]
fn who_can_raise_a_limit_is_said() {
    let at = |at_ceiling| Limits { at_ceiling, ..LIMITS };
    let none = AtCeiling::default();
    let bomb = "(loop $more (drop (memory.grow (i32.const 16))) (br $more)) unreachable";
    for (guest, at_ceiling, said) in [
        (LOOP, none, "raise either in the team's plugin_limits"),
        (
            LOOP,
            AtCeiling { fuel_per_row: true, ..none },
            "if not: raise fuel_per_call in the team's plugin_limits",
        ),
        (
            LOOP,
            AtCeiling { fuel_per_call: true, ..none },
            "if not: raise fuel_per_row in the team's plugin_limits",
        ),
        (LOOP, AtCeiling::ALL, "the operator's ceilings, plugins.ceilings.fuel_per_call and fuel_per_row"),
        (bomb, none, "raise memory_bytes in the team's plugin_limits"),
        (bomb, AtCeiling::ALL, "the operator's ceiling, plugins.ceilings.memory_bytes in the configuration"),
    ] {
        let verdict = call(&in_evaluate(guest), &Evaluate, &at(at_ceiling));
        assert!(verdict.message.contains(said), "{said:?} is not in {verdict}");
    }
}

#[test]
fn recursion_runs_out_of_stack() {
    let call = "(drop (call $deeper (i64.const 0))) unreachable";
    check(
        beside(RECURSION, call),
        Evaluate,
        StackOverflow,
        "its stack of 524288 bytes in `evaluate` (in deeper)",
    );
    let start = format!("{RECURSION} (func $start (drop (call $deeper (i64.const 0)))) (start $start)");
    check(Guest::good().with(|guest| guest.module = start), Describe, StackOverflow, "`describe`");
}

#[test]
fn memory_and_tables_have_limits() {
    let bomb = "(loop $more (drop (memory.grow (i32.const 16))) (br $more)) unreachable";
    check(
        in_evaluate(bomb),
        Evaluate,
        OutOfMemory,
        "may have 8388608 (memory_bytes): raise memory_bytes in the team's plugin_limits",
    );
    check(in_describe("(memory.grow (i32.const 200))"), Describe, OutOfMemory, "wanted 13238272 bytes");
    // Asking costs fuel, whether it is granted or not.
    check(in_describe("(memory.grow (i32.const -1))"), Describe, OutOfFuel, "`describe`");
    // More than there is room for in 32 bits is a verdict as well, and no -1 that a guest can hide.
    let rich = Limits { fuel_per_call: 100_000_000, ..LIMITS };
    let verdict = call(&in_describe("(memory.grow (i32.const 65535))"), &Describe, &rich);
    assert_eq!(verdict.reason, OutOfMemory, "{verdict}");
    assert!(verdict.message.contains("may have 8388608 (memory_bytes)"), "{verdict}");
    let large = Guest::good().with(|guest| guest.memory = "(memory (export \"memory\") 129)".into());
    check(large, Describe, OutOfMemory, "wanted 8454144 bytes");
    let table = "(table $t 1 funcref)";
    let bomb =
        "(loop $more (drop (table.grow $t (ref.null func) (i32.const 100000))) (br $more)) unreachable";
    check(beside(table, bomb), Evaluate, OutOfMemory, "wanted 500001 table elements");
    check(
        beside("(table 600000 funcref)", "unreachable"),
        Describe,
        OutOfMemory,
        "wanted 600000 table elements",
    );
}

#[test]
fn memory_costs_fuel_however_it_comes() {
    let guest = |pages: u32| {
        let memory = format!("(memory (export \"memory\") {pages})");
        Guest::good().with(|guest| guest.memory = memory).load().expect("a plugin")
    };
    let cheap = Limits { fuel_per_call: 20_000, ..LIMITS };
    guest(2).describe("{}", &cheap).expect("two pages cost little");
    let verdict = guest(100).describe("{}", &cheap).expect_err("a hundred cost more than there is");
    assert_eq!(verdict.reason, OutOfFuel);
    let growing = in_describe("(drop (memory.grow (i32.const 98)))").with(|guest| {
        guest.describe = format!("{} {}", guest.describe, Guest::good().describe);
    });
    let growing = growing.load().expect("a plugin");
    assert_eq!(growing.describe("{}", &cheap).expect_err("growing to a hundred as well").reason, OutOfFuel);
    growing.describe("{}", &LIMITS).expect("with more fuel it is allowed");
}

#[test]
fn answers_are_not_larger_than_allowed() {
    // One long text, a thousand times: little in the guest's memory, 50 MB on the host.
    let aliased = "(loop $next
            (i32.store (i32.add (i32.const 70000) (i32.mul (local.get $i) (i32.const 8))) (i32.const 80000))
            (i32.store (i32.add (i32.const 70004) (i32.mul (local.get $i) (i32.const 8))) (i32.const 50000))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const 1000))))";
    let guest = Guest::good().with(|guest| {
        let column = guest.image.put(&words(&[1024, 3, 1, 70000, 1000, 0, 0, 0, 0]));
        let outcome = guest.image.put(&words(&[0, column, 1, 0, 0]));
        guest.evaluate = format!("{aliased} (i32.const {outcome})");
    });
    check(
        guest,
        Evaluate,
        OutputTooLarge,
        "more than 1048576 bytes (output_bytes), where it was cut off: raise output_bytes in the team's plugin_limits",
    );
    // A list of nothing but length: 36 bytes each in the guest.
    let mut large = Guest::good().with(|guest| guest.memory = "(memory (export \"memory\") 100)".into());
    let outcome = large.image.put(&words(&[0, 1024, 180_000, 0, 0]));
    large.evaluate = format!("(i32.const {outcome})");
    check(large, Evaluate, OutputTooLarge, "more than 1048576 bytes");
}

#[test]
fn pointers_that_lead_nowhere_break_the_contract() {
    check(in_evaluate("(i32.const 131072)"), Evaluate, ContractViolation, "`evaluate`");
    check(in_evaluate("(i32.const -8)"), Evaluate, ContractViolation, "`evaluate`");
    check(in_evaluate("(i32.const 1026)"), Evaluate, ContractViolation, "aligned");
    check(returning(&[0, 131_072, 1, 0, 0]), Evaluate, ContractViolation, "out of bounds");
    check(returning(&[0, 0xffff_fff0, 0xffff_ffff, 0, 0]), Evaluate, ContractViolation, "out of bounds");
    check(returning(&[0, 1026, 1, 0, 0]), Evaluate, ContractViolation, "aligned");
    check(in_realloc("(i32.const -8)"), Evaluate, ContractViolation, "realloc");
    check(in_realloc("(i32.const 3)"), Evaluate, ContractViolation, "realloc");
}

#[test]
fn values_that_are_none_break_the_contract() {
    check(returning(&[2, 0, 0, 0, 0]), Evaluate, ContractViolation, "discriminant");
    check(returning(&[1, 9, 0, 0, 0]), Evaluate, ContractViolation, "discriminant");
    let mut text = Guest::good();
    let bytes = text.image.put(b"\xff\xfe\xfd");
    let refusal = text.image.put(&words(&[1, 0, bytes, 3]));
    text.describe = format!("(i32.const {refusal})");
    check(text, Describe, ContractViolation, "utf-8");
}

#[test]
fn traps_are_told_with_the_place() {
    check(in_describe("unreachable"), Describe, Trapped, "unreachable");
    check(in_evaluate("(i32.div_u (i32.const 1) (i32.const 0))"), Evaluate, Trapped, "divide by zero");
    check(in_evaluate("(i32.load (i32.const 131072))"), Evaluate, Trapped, "out of bounds memory access");
    check(at_start("unreachable"), Describe, Trapped, "`describe` (in start)");
    check(in_realloc("unreachable"), Evaluate, Trapped, "`evaluate`");
    check(in_post_return("unreachable"), Evaluate, Trapped, "`evaluate`");
    check(
        beside("(table $t 1 funcref)", "(call_indirect $t (result i32) (i32.const 0))"),
        Evaluate,
        Trapped,
        "",
    );
}

#[test]
fn faults_and_words_have_bounds() {
    let fault = |row| Fault { row, message: "no".into() };
    let outcome = |faults| Outcome { columns: vec![decimals("sum", vec![1, 2, 3])], faults };
    // Thousands of faults for three rows.
    let many = outcome((0..3_000).map(fault).collect());
    check(Guest::answering(&many), Evaluate, ContractViolation, "faults: there is no row 3 in a batch of 3");
    let same = outcome(vec![fault(1); 3_000]);
    check(Guest::answering(&same), Evaluate, ContractViolation, "row 1 is there twice");
    // A summary that is larger than any answer may be.
    let mut talker = Guest::good().with(|guest| guest.memory = "(memory (export \"memory\") 40)".into());
    let described = talker.image.put(&words(&[0, 70_000, 2_000_000, 0, 0, 8, 0, 8, 0, 8, 0]));
    talker.describe = format!("(i32.const {described})");
    check(talker, Describe, OutputTooLarge, "`describe` takes more than 1048576 bytes");
    // A scope that there is none of.
    let mut odd = Guest::good();
    let described = odd.image.put(&words(&[0, 8, 0, 9, 8, 0, 8, 0, 8, 0]));
    odd.describe = format!("(i32.const {described})");
    check(odd, Describe, ContractViolation, "`describe`");
    // The name of a function that traps, in its author's words, all 60,000 of them.
    let name = "x".repeat(60_000);
    let named = beside(&format!("(func ${name} unreachable)"), &format!("(call ${name}) unreachable"));
    let verdict = call(&named, &Evaluate, &LIMITS);
    assert_eq!(verdict.reason, Trapped);
    assert!(
        verdict.message.len() < 2_000 && verdict.message.contains("xxx…"),
        "{} bytes",
        verdict.message.len()
    );
}

#[test]
fn data_and_instances_cost_memory() {
    // Ten megabytes that are there from the start, in a component of as many.
    let large = Guest::good().with(|guest| {
        guest.memory = "(memory (export \"memory\") 200)".into();
        guest.module = format!("(data (i32.const 65536) \"{}\")", "a".repeat(10 << 20));
    });
    check(large, Describe, OutOfMemory, "wanted 13107200 bytes");
    // Instances without end: three hundred of one module, each with a page.
    let module = wat::parse_str("(module (memory 1))").expect("a module");
    let mut bytes = enclosed::instantiated(&module);
    for _ in 0..300 {
        bytes.extend(section(2, &[1, 0, enclosed::last_module(&bytes), 0]));
    }
    let sandbox = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let verdict = sandbox.load(&bytes).err().expect("a verdict");
    assert_eq!(verdict.reason, InvalidComponent, "{verdict}");
    assert!(verdict.message.contains("core instances; no plugin may take more than 256"), "{verdict}");
    assert_eq!(sandbox.under_way(), UnderWay::default());
}

#[test]
fn explanations_tell_their_row() {
    let verdict = call(&in_explain("unreachable"), &Explain, &LIMITS);
    assert_eq!((verdict.reason, verdict.row), (Trapped, Some(1)));
}

#[test]
fn the_clock_protects_the_host_where_fuel_does_not() {
    let fuel = Limits { fuel_per_call: u64::MAX, wall_time: std::time::Duration::from_millis(30), ..LIMITS };
    let verdict = call(&in_evaluate(LOOP), &Evaluate, &fuel);
    assert_eq!(verdict.reason, TimedOut, "{verdict}");
    let verdict = call(&in_describe(LOOP), &Describe, &fuel);
    let words = "took longer than 30ms for `describe`, which its fuel should have ended long before";
    assert!(verdict.reason == TimedOut && verdict.message.contains(words), "{verdict}");
    the_neighbour_is_well();
}

#[test]
fn a_thousand_traps_leave_nothing_behind() {
    let sandbox = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let plugin = sandbox.load(&in_evaluate("unreachable").component()).expect("a plugin");
    let batch = batch(vec![1]);
    let trap = || {
        let verdict = plugin.evaluate("{}", &context(), &manifest(), &batch, &LIMITS).expect_err("a trap");
        assert_eq!(verdict.reason, Trapped);
    };
    trap();
    let before = space();
    (0..1_000).for_each(|_| trap());
    assert_eq!(sandbox.under_way(), UnderWay::default());
    // Each has 4 GiB of addresses while it lives, and two pages that are written to. Other tests have some at the same time.
    let after = space();
    let more = after.addresses.saturating_sub(before.addresses);
    assert!(more < 200 << 30, "{more} bytes of addresses more");
    let more = after.resident.saturating_sub(before.resident);
    assert!(more < 1 << 30, "{more} bytes of memory more");
    drop(sandbox);
    the_neighbour_is_well();
}
