//! How the Wasm engine is set up: what it takes, what it must not depend on, and the clock that protects the host.
//!
//! Whatever changes compiled code changes the engine's compatibility hash, and so the compiled cache's keys.

use std::{hash::Hasher, time::Duration};

use wasmtime::{Config, Engine, Inlining, OptLevel, WasmBacktraceDetails, WasmFeatures};

use super::prices;

/// The version of wasmtime; a test holds it to the lock file, since the crate does not tell.
pub const VERSION: &str = "48.0.8";

/// The system that Merit runs on; what is compiled depends on nothing of the processor but its architecture.
const SYSTEM: &str = "unknown-linux-gnu";

/// How often the epoch moves, and a guest is asked whether it may go on: how exactly wall time is held.
const TICK: Duration = Duration::from_millis(10);

/// Native stack of a guest, in bytes: the calling thread must have it, and some more for the host. What a function takes
/// of it is the compiler's matter; the target is fixed (no features of the machine at hand), so that machines of one
/// architecture agree on the verdict.
pub const STACK_BYTES: usize = 512 << 10;

/// The proposals that plugins may not use, with why. The crate's features already leave out garbage collection, threads
/// and the asynchronous component model; naming them here keeps them out when some other crate of a build asks for them.
///
/// What stays: what compilers emit by default (multi-value, bulk memory, SIMD, sign extension, saturating conversions, the
/// encodings of reference types, extended constants for position-independent code), and several memories in a module: the
/// engine itself makes such modules, between the parts of a component that has an interpreter and its stubs in it. Wide arithmetic (128-bit products)
/// is on as well: it is exact on every machine, and it is what decimals spend their time on.
const REFUSED: &[WasmFeatures] = &[
    WasmFeatures::THREADS,
    WasmFeatures::SHARED_EVERYTHING_THREADS,
    WasmFeatures::MEMORY64,
    WasmFeatures::RELAXED_SIMD,
    WasmFeatures::GC,
    WasmFeatures::GC_TYPES,
    WasmFeatures::FUNCTION_REFERENCES,
    WasmFeatures::EXCEPTIONS,
    WasmFeatures::LEGACY_EXCEPTIONS,
    WasmFeatures::TAIL_CALL,
    WasmFeatures::STACK_SWITCHING,
    WasmFeatures::CUSTOM_PAGE_SIZES,
    WasmFeatures::MEMORY_CONTROL,
    WasmFeatures::CM_ASYNC,
    WasmFeatures::CM_ASYNC_STACKFUL,
    WasmFeatures::CM_MORE_ASYNC_BUILTINS,
    WasmFeatures::CM_THREADING,
    WasmFeatures::CM_ERROR_CONTEXT,
    WasmFeatures::CM_VALUES,
    WasmFeatures::CM_GC,
    WasmFeatures::CM_MAP,
    WasmFeatures::CM64,
    WasmFeatures::CM_FIXED_LENGTH_LISTS,
    WasmFeatures::CM_IMPLEMENTS,
];

/// An engine, with the thread that moves its epoch for as long as the engine lives.
pub fn new() -> wasmtime::Result<Engine> {
    let engine = compiling()?;
    let ticking = engine.weak();
    std::thread::Builder::new().name("sandbox-epoch".into()).spawn(move || {
        while let Some(engine) = ticking.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })?;
    Ok(engine)
}

/// An engine that compiles what the other runs, and runs nothing itself.
pub fn compiling() -> wasmtime::Result<Engine> {
    Engine::new(&config()?)
}

fn config() -> wasmtime::Result<Config> {
    let mut config = Config::new();

    // What a plugin may be written with.
    for feature in REFUSED {
        config.wasm_features(*feature, false);
    }
    config.wasm_wide_arithmetic(true);

    // The same answer on every machine: no features of the processor at hand, one bit pattern for what is not a number.
    config.target(&format!("{}-{SYSTEM}", std::env::consts::ARCH))?;
    config.cranelift_nan_canonicalization(true);
    config.relaxed_simd_deterministic(true);

    // What a call may use: fuel decides, the epoch protects the host.
    config.consume_fuel(true).operator_cost(prices::operators());
    config.epoch_interruption(true);
    config.max_wasm_stack(STACK_BYTES);

    // Many small instances, made and dropped for every call: the whole address space of a memory is reserved (which costs
    // nothing until it is touched), so that accesses need no bounds checks and growth never moves it; its first contents
    // are mapped, not copied.
    config.memory_reservation(4 << 30).memory_may_move(false).memory_init_cow(true);

    // Compiled once, run often. Nothing that only debuggers need; a few frames name the function that trapped.
    config.cranelift_opt_level(OptLevel::Speed).compiler_inlining(Inlining::No);
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(4));
    config.generate_address_map(false).debug_info(false).debug_symbols(false).native_unwind_info(false);
    Ok(config)
}

/// Name and version of the engine and of its prices, which together decide what a plugin gives and whether it ends.
pub fn name() -> String {
    format!("wasmtime {VERSION}, fuel {}", prices::VERSION)
}

/// What compiled code depends on: engine version, target, settings. Two engines with the same can share compiled code.
pub fn compatibility(engine: &Engine) -> [u8; 32] {
    let mut hasher = Blake3Hasher(blake3::Hasher::new());
    std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut hasher);
    *hasher.0.finalize().as_bytes()
}

/// `std::hash::Hasher` over BLAKE3: the standard library's own hashers promise no stable result, nor enough bits.
struct Blake3Hasher(blake3::Hasher);

// === impl Blake3Hasher ===

impl Hasher for Blake3Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash = self.0.finalize();
        u64::from_le_bytes(std::array::from_fn(|index| hash.as_bytes()[index]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_in_the_lock_file() {
        let locked = format!("name = \"wasmtime\"\nversion = \"{VERSION}\"");
        assert!(include_str!("../../Cargo.lock").contains(&locked), "{locked}");
    }

    #[test]
    fn engines_of_the_same_settings_can_share_compiled_code() {
        let hash = || compatibility(&new().expect("an engine"));
        assert_eq!(hash(), hash());
    }
}
