//! Components made to be expensive to compile. They are compiled by a process of its own, which runs into its limits; the
//! service goes on meanwhile.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use merit::{
    model::rejection::PluginReason::{self, HostUnavailable, InvalidComponent, TimedOut},
    sandbox::{CompileLimits, Compiler, Loads, Plugin, Purpose, Sandbox, SandboxConfig, Verdict},
};

use crate::guest::{Guest, LIMITS, batch, beside, context, manifest, section, the_neighbour_is_well};

/// An hour: on a machine that is slow and busy the time must not be what strikes.
const LONG: Duration = Duration::from_secs(3_600);

/// The service's own executable.
const MERIT: &str = env!("CARGO_BIN_EXE_merit");

fn sandbox(executable: &str, limits: CompileLimits) -> Sandbox {
    let compiler = Compiler::Process { executable: PathBuf::from(executable), limits };
    Sandbox::new(SandboxConfig { compiler, ..SandboxConfig::default() }).expect("a sandbox")
}

fn patient() -> CompileLimits {
    let seconds = LONG.as_secs();
    CompileLimits {
        cpu_seconds: seconds,
        try_out_cpu_seconds: seconds,
        wall_time: LONG,
        ..CompileLimits::default()
    }
}

fn with(module: &str) -> Vec<u8> {
    Guest::good().with(|guest| guest.module = module.to_owned()).component()
}

/// A function of so many instructions that need each other, without a branch.
fn straight_line(steps: usize) -> String {
    let step =
        "(local.set 0 (i64.mul (i64.add (local.get 0) (local.get 1)) (i64.xor (local.get 1) (local.get 0))))";
    format!("(func (param i64 i64) (result i64) {} (local.get 0))", step.repeat(steps))
}

fn nested(blocks: usize) -> String {
    format!("(func {} {})", "(block ".repeat(blocks), ")".repeat(blocks))
}

fn check_plugin(plugin: &Plugin) {
    assert_eq!(plugin.describe("{}", &LIMITS), Ok(manifest()));
    plugin.evaluate("{}", &context(), &manifest(), &batch(vec![1, 2]), &LIMITS).expect("an outcome");
}

fn check_refused(loaded: Result<Plugin, Verdict>, reason: PluginReason, words: &[&str]) {
    let verdict = loaded.err().expect("a verdict");
    assert_eq!((verdict.reason, verdict.row), (reason, None), "{verdict}");
    for words in words {
        assert!(verdict.message.contains(words), "{words:?} is not in {:?}", verdict.message);
    }
    the_neighbour_is_well();
}

#[test]
fn what_a_process_compiles_runs_as_what_is_compiled_here() {
    let sandbox = sandbox(MERIT, patient());
    check_plugin(&sandbox.load(&Guest::good().component()).expect("a plugin"));
    check_plugin(&sandbox.load(&Guest::good().component()).expect("a plugin"));
    assert_eq!(sandbox.loads(), Loads { compiled: 1, ..Loads::default() });
}

#[test]
fn what_is_wrong_with_a_component_is_said_in_the_compilers_words() {
    let sandbox = sandbox(MERIT, patient());
    let untyped = |sandbox: &Sandbox| sandbox.load(&broken());
    check_refused(untyped(&sandbox), InvalidComponent, &["type mismatch"]);
    // It is not compiled again to be told the same.
    check_refused(untyped(&sandbox), InvalidComponent, &["type mismatch"]);
    assert_eq!(sandbox.loads().compiled, 1);
}

/// Well formed, and wrong: a constant of another type than a function returns.
fn broken() -> Vec<u8> {
    let (good, text) = (with("(func (result i32) (i32.const 77777))"), [0x41, 0xd1, 0xdf, 0x04, 0x0b]);
    let mut bytes = good;
    let place = bytes.windows(text.len()).position(|window| window == text).expect("the constant");
    // i64.const
    bytes[place] = 0x42;
    bytes
}

#[test]
fn processor_time_is_bounded() {
    let limits = CompileLimits { cpu_seconds: 1, wall_time: LONG, ..CompileLimits::default() };
    let sandbox = sandbox(MERIT, limits);
    let bomb = with(&nested(40_000));
    check_refused(
        sandbox.load(&bomb),
        InvalidComponent,
        &["used up the 1 s of processor time that are allowed", "plugins.compile_cpu_seconds"],
    );
    // Nor does it cost a second again.
    check_refused(sandbox.load(&bomb), InvalidComponent, &["1 s of processor time"]);
    assert_eq!(sandbox.loads().compiled, 1);
    check_plugin(&sandbox.load(&Guest::good().component()).expect("a plugin"));
}

/// What is only tried out has less; that it was too little says nothing of publishing it.
#[test]
fn trying_out_has_limits_of_its_own() {
    let limits =
        CompileLimits { cpu_seconds: 2, try_out_cpu_seconds: 1, wall_time: LONG, ..CompileLimits::default() };
    let sandbox = sandbox(MERIT, limits);
    let bomb = with(&nested(60_000));
    let brief =
        ["used up the 1 s of processor time", "publishing it may take 2 s", "try_out_compile_cpu_seconds"];
    check_refused(sandbox.load_for(&bomb, Purpose::TryOut), InvalidComponent, &brief);
    check_refused(sandbox.load(&bomb), InvalidComponent, &["used up the 2 s of processor time"]);
    check_refused(sandbox.load_for(&bomb, Purpose::TryOut), InvalidComponent, &brief);
    assert_eq!(sandbox.loads().compiled, 2);
}

#[test]
fn memory_is_bounded() {
    let limits = CompileLimits { memory_bytes: 64 << 20, wall_time: LONG, ..CompileLimits::default() };
    // A module with 30 MB in a custom section, which cost nothing but the room for them.
    let large = beside(&[b"\0asm\x01\0\0\0".to_vec(), section(0, &vec![0; 30 << 20])].concat());
    let words = ["bytes of memory that are allowed", "plugins.compile_memory_bytes"];
    check_refused(sandbox(MERIT, limits).load(&large), InvalidComponent, &words);
}

#[test]
fn time_and_code_are_bounded() {
    let good = Guest::good().component();
    let limits = CompileLimits { wall_time: Duration::from_millis(1), ..CompileLimits::default() };
    check_refused(
        sandbox(MERIT, limits).load(&good),
        TimedOut,
        &["1ms are allowed", "plugins.compile_wall_ms"],
    );
    let limits = CompileLimits { code_bytes: 1_000, wall_time: LONG, ..CompileLimits::default() };
    check_refused(
        sandbox(MERIT, limits).load(&good),
        InvalidComponent,
        &["more than the 1000 bytes of machine code", "plugins.compile_code_bytes"],
    );
}

#[test]
fn a_compiler_that_is_none_is_no_outage() {
    let load = |executable| sandbox(executable, patient()).load(&Guest::good().component());
    let said = ["the server could not run the plugin", "the log of the server says", "try again later"];
    check_refused(load("/does/not/exist"), HostUnavailable, &said);
    check_refused(load("/bin/true"), HostUnavailable, &said);
    check_refused(load("/bin/false"), InvalidComponent, &["broke down"]);
}

/// The system kills whom it likes when memory is short. That says nothing of the component, and is not remembered.
#[test]
fn a_compiler_that_is_killed_says_nothing_of_the_component() {
    let check = |kills: usize, refused: usize| {
        let folder = tempfile::tempdir().expect("a folder");
        let (compiler, counts) = (folder.path().join("compiler"), folder.path().join("killed"));
        let script = format!(
            "#!/bin/sh\nread -r left < {counts}\nif [ \"$left\" -gt 0 ]; then\n  echo $((left - 1)) > {counts}\n  \
             kill -9 $$\nfi\nexec {MERIT} \"$@\"\n",
            counts = counts.display(),
        );
        fs::write(&counts, format!("{kills}\n")).expect("written");
        fs::write(&compiler, script).expect("written");
        fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755)).expect("permissions");
        let sandbox = sandbox(compiler.to_str().expect("a path"), patient());
        for _ in 0..refused {
            let said = ["the plugin is not the reason", "try again later"];
            check_refused(sandbox.load(&Guest::good().component()), HostUnavailable, &said);
        }
        check_plugin(&sandbox.load(&Guest::good().component()).expect("a plugin"));
    };
    check(0, 0);
    check(1, 0);
    check(2, 1);
    check(5, 2);
}

/// Each is accepted or refused, with one second of processor time, and never ends the service.
#[test]
fn every_kind_of_bomb_is_survived() {
    let limits = CompileLimits { cpu_seconds: 1, wall_time: LONG, ..CompileLimits::default() };
    let sandbox = sandbox(MERIT, limits);
    let table = format!("(func (param i32) (block (br_table {} (local.get 0))))", "0 ".repeat(60_000));
    let ifs = format!("(func (param i32) {} {})", "(if (local.get 0) (then ".repeat(500), "))".repeat(500));
    let locals = format!("(func (local {}) (local.set 9 (local.get 8)))", "i64 ".repeat(49_000));
    let vectors = format!("(func (local {}) (local.set 9 (local.get 8)))", "v128 ".repeat(49_000));
    let globals = "(global (mut i64) (i64.const 1))".repeat(20_000);
    let types: String =
        (0..500).map(|n| format!("(type (func {}))", "(param i32)".repeat(n % 900))).collect();
    let calls = format!("(func $f (param i64)) (func {})", "(call $f (i64.const 1))".repeat(5_000));
    for (name, module) in [
        ("straight line", straight_line(3_000)),
        ("many functions", "(func (result i64) (i64.const 1))".repeat(20_000)),
        ("a large br_table", table),
        ("deep nesting", nested(40_000)),
        ("nested ifs", ifs),
        ("many locals", locals),
        ("many vectors", vectors),
        ("many globals", globals),
        ("many types", types),
        ("many calls", calls),
    ] {
        let said = match sandbox.load(&with(&module)) {
            Ok(plugin) => {
                check_plugin(&plugin);
                "accepted".to_owned()
            }
            Err(verdict) => {
                assert_eq!(verdict.reason, InvalidComponent, "{name}: {verdict}");
                verdict.message.chars().take(120).collect()
            }
        };
        println!("{name}: {said}");
    }
    the_neighbour_is_well();
}
