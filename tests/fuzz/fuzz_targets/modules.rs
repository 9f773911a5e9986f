//! Valid modules made at random inside a plugin that ships, which instantiates them: a verdict or an answer, never a panic.
#![no_main]

#[path = "../../sandbox/section.rs"]
mod section;

use std::{sync::LazyLock, time::Duration};

use libfuzzer_sys::fuzz_target;
use merit::sandbox::{AtCeiling, Limits, Sandbox, SandboxConfig};
use section::section;
use wasm_smith::{Config, Module};

/// A plugin that ships: what is made is put behind it.
const GOOD: &[u8] = include_bytes!("../../../plugins/standard/built/formula.wasm");

static SANDBOX: LazyLock<Sandbox> =
    LazyLock::new(|| Sandbox::new(SandboxConfig::default()).expect("a sandbox"));

const LIMITS: Limits = Limits {
    fuel_per_call: 20_000_000,
    fuel_per_row: 1_000,
    memory_bytes: 16 << 20,
    output_bytes: 1 << 20,
    wall_time: Duration::from_secs(10),
    fuel_ns: 0,
    at_ceiling: AtCeiling::NONE,
};

fuzz_target!(|seed: &[u8]| {
    let config = Config {
        max_imports: 0,
        max_memories: 1,
        reference_types_enabled: false,
        gc_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        exceptions_enabled: false,
        tail_call_enabled: false,
        relaxed_simd_enabled: false,
        custom_page_sizes_enabled: false,
        ..Config::default()
    };
    let Ok(module) = Module::new(config, &mut arbitrary::Unstructured::new(seed)) else { return };
    // A component whose only content is the module, instantiated, inside the plugin and instantiated with it.
    let mut inner = b"\0asm\x0d\0\x01\0".to_vec();
    inner.extend(section(1, &module.to_bytes()));
    inner.extend(section(2, &[1, 0, 0, 0]));
    let mut bytes = GOOD.to_vec();
    bytes.extend(section(4, &inner));
    // The plugin's own components come first; whichever this is, all are tried.
    for index in 0..4 {
        let mut whole = bytes.clone();
        whole.extend(section(5, &[1, 0, index, 0]));
        if let Ok(plugin) = SANDBOX.load(&whole) {
            let _ = plugin.describe("{}", &LIMITS);
        }
    }
});
