//! Loads bytes as an upload, and calls what loads: a verdict or an answer, never a panic.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use merit::sandbox::{AtCeiling, Limits, Sandbox, SandboxConfig};

static SANDBOX: LazyLock<Sandbox> =
    LazyLock::new(|| Sandbox::new(SandboxConfig::default()).expect("a sandbox"));

const LIMITS: Limits = Limits {
    fuel_per_call: 2_000_000,
    fuel_per_row: 1_000,
    memory_bytes: 8 << 20,
    output_bytes: 1 << 20,
    wall_time: std::time::Duration::from_secs(10),
    fuel_ns: 0,
    at_ceiling: AtCeiling::NONE,
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(plugin) = SANDBOX.load(bytes) {
        let _ = plugin.describe("{}", &LIMITS);
    }
});
