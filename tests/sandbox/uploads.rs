//! What people and attackers upload that is not a plugin: each is refused before anything of it runs.

use merit::{
    model::rejection::PluginReason::{self, ImportRefused, InvalidComponent},
    sandbox::{Sandbox, SandboxConfig},
};

use crate::guest::{Guest, SANDBOX, beside, section, the_neighbour_is_well};

fn check(bytes: &[u8], reason: PluginReason, words: &str) {
    let verdict = SANDBOX.load(bytes).err().expect("a verdict");
    assert_eq!((verdict.reason, verdict.row), (reason, None), "{verdict}");
    assert!(verdict.message.contains(words), "{words:?} is not in {:?}", verdict.message);
    the_neighbour_is_well();
}

/// A component in the text format.
fn component(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {text})")).unwrap_or_else(|error| panic!("{error}"))
}

/// The guest that behaves, whole, and a module beside its own that has these fields: what is wrong is wrong with them.
fn with_second_module(fields: &str) -> Vec<u8> {
    let module = wat::parse_str(format!("(module {fields})")).unwrap_or_else(|error| panic!("{error}"));
    beside(&module)
}

#[test]
fn only_components_are_plugins() {
    check(b"", InvalidComponent, "it is empty");
    check(b"(component)", InvalidComponent, "it is text");
    check(b"\x00\x01\x02 no \xff", InvalidComponent, "it is not WebAssembly");
    check(b"\0asm", InvalidComponent, "not a component");
    check(b"\0asm\x0d\0\x01\0\xff\xff\xff", InvalidComponent, "it is damaged at byte");
    check(b"\0asm\x0c\0\x01\0", InvalidComponent, "not a component of the current binary format");
    check(b"\x7fELF\x02\x01\x01", InvalidComponent, "perhaps a precompiled component");
    check(
        &Guest::good().module(),
        InvalidComponent,
        "it is a core module; `merit plugin build MODULE.wasm --output COMPONENT.wasm` makes it a component",
    );
}

#[test]
fn bytes_at_random_are_refused() {
    // xorshift64: the same bytes in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..200 {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        bytes.extend((0..64).flat_map(|_| random().to_le_bytes()));
        check(&bytes, InvalidComponent, "");
    }
}

#[test]
fn a_component_cut_short_is_refused() {
    let whole = Guest::good().component();
    // Where a cut falls between two sections, what is left is a component without the contract.
    for length in (0..whole.len()).step_by(7) {
        let verdict = SANDBOX.load(&whole[..length]).err().expect("a verdict");
        assert_eq!(verdict.reason, InvalidComponent, "{length} of {}: {verdict}", whole.len());
    }
    the_neighbour_is_well();
}

#[test]
fn imports_are_refused_by_name() {
    let clock = "(import \"wasi:clocks/wall-clock@0.2.0\" (instance))";
    check(
        &component(clock),
        ImportRefused,
        "it imports `wasi:clocks/wall-clock@0.2.0`; plugins import nothing",
    );
    check(&component("(import \"f\" (func))"), ImportRefused, "`f`");
    let many: String = (0..7).map(|index| format!("(import \"i{index}\" (func))")).collect();
    check(&component(&many), ImportRefused, "`i3`, `i4`, 2 more; plugins");
    // Whatever else is wrong with it, the import is what its author has to mend first.
    check(&component("(import \"f\" (func)) (export \"g\" (func 0))"), ImportRefused, "`f`");
}

#[test]
fn the_contract_is_what_counts_among_the_exports() {
    check(&component(""), InvalidComponent, "it exports nothing");
    check(
        &component("(instance $i) (export \"other:thing/plugin@1.0.0\" (instance $i))"),
        InvalidComponent,
        "it exports `other:thing/plugin@1.0.0`",
    );
    let exporting = |version: &str| {
        component(&format!("(instance $i) (export \"merit:scoring/plugin@{version}\" (instance $i))"))
    };
    check(&exporting("2.0.0"), InvalidComponent, "this version of Merit speaks 1.0.0");
    check(&exporting("1.0.1"), InvalidComponent, "this version of Merit speaks 1.0.0");
    check(&exporting("1.0.0"), InvalidComponent, "the function `describe` is missing");
    let wrong_type = "(core module $m (func (export \"f\")))
        (core instance $c (instantiate $m))
        (func $f (canon lift (core func $c \"f\")))
        (instance $i (export \"describe\" (func $f)))
        (export \"merit:scoring/plugin@1.0.0\" (instance $i))";
    check(&component(wrong_type), InvalidComponent, "`describe` does not have the contract's types");
}

#[test]
fn exports_beside_the_contract_are_harmless() {
    // As tools of script languages add them.
    let inner = Guest::good().component();
    let mut bytes = inner.clone();
    // Section 11: one export, named `init`, of the first component instance... the contract's own, under another name.
    bytes.extend([11, 10, 1, 0, 4]);
    bytes.extend(b"init");
    bytes.extend([5, 0, 0]);
    let plugin = SANDBOX.load(&bytes).expect("a plugin");
    assert_ne!(plugin.hash(), SANDBOX.load(&inner).expect("a plugin").hash());
    plugin.describe("{}", &crate::guest::LIMITS).expect("a manifest");
}

#[test]
fn features_that_plugins_do_not_need_are_off() {
    let swizzle = "(func (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))";
    let mut wrong = Vec::new();
    for (fields, said) in [
        // What a module beside the plugin's own may be, to see that the feature is what is refused.
        ("(memory 1)", ""),
        ("(memory i64 2)", "memory64 must be enabled"),
        ("(memory 2 2 shared)", "threads must be enabled"),
        ("(memory 1 (pagesize 1))", "custom page sizes"),
        // What the engine makes itself, between the parts of a component with an interpreter in it.
        ("(memory 1) (memory 1)", ""),
        ("(memory 1) (func (drop (i32.atomic.load (i32.const 0))))", "threads support is not enabled"),
        ("(func (param externref))", "requires gc"),
        ("(type (struct))", "without the gc feature"),
        ("(func (param (ref func)))", "function references"),
        ("(tag)", "exceptions"),
        ("(func $f (return_call $f))", "tail calls support is not enabled"),
        (swizzle, "relaxed SIMD support is not enabled"),
        ("(table i64 1 funcref)", "memory64 must be enabled"),
    ] {
        let told = match SANDBOX.load(&with_second_module(fields)) {
            Ok(_) => String::new(),
            Err(verdict) => format!("{:?}: {verdict}", verdict.reason),
        };
        if told.is_empty() != said.is_empty() || !told.contains(said) {
            wrong.push(format!("{fields}: wanted {said:?}, was told {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    the_neighbour_is_well();
}

#[test]
fn asynchronous_functions_are_refused() {
    let text = "(component
        (core module $m (func (export \"f\")) (func (export \"g\") (param i32 i32 i32 i32) (result i32) unreachable))
        (core instance $i (instantiate $m))
        (func (export \"f\") async (canon lift (core func $i \"f\") async)))";
    let inner = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    let mut bytes = Guest::good().component();
    bytes.extend(section(4, &inner));
    check(&bytes, InvalidComponent, "async");
}

#[test]
fn sizes_have_limits() {
    // A name of 100,001 bytes.
    let name = "n".repeat(100_001);
    let named = wat::parse_str(format!("(module (func (export \"{name}\")))")).expect("a module");
    check(&beside(&named), InvalidComponent, "size out of bounds");

    let small = Sandbox::new(SandboxConfig { component_bytes: 1_000, ..SandboxConfig::default() });
    let verdict = small.expect("a sandbox").load(&Guest::good().component()).err().expect("a verdict");
    assert_eq!(verdict.reason, InvalidComponent);
    assert!(verdict.message.contains("at most 1000 are accepted (component_bytes"), "{verdict}");

    let long: String = "(drop (i64.const 1152921504606846976))".repeat(48_000);
    check(
        &component(&format!("(core module (func {long}))")),
        InvalidComponent,
        "at most 524288 are accepted",
    );
    let many = "(func)".repeat(200_001);
    check(&component(&format!("(core module {many})")), InvalidComponent, "more than 200000 functions");
    let deep = format!("{}{}", "(component ".repeat(9), ")".repeat(9));
    check(&component(&deep), InvalidComponent, "nest at most 8 deep");
    let wide = "(core module)".repeat(300);
    check(&component(&wide), InvalidComponent, "there are at most 256");
}
