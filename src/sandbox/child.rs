//! The process that compiles one component, given on standard input, and ends: it takes limits upon itself before it reads
//! anything. Who starts it is `compiler`.

use std::io::{self, Read, Write};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::engine;

/// The command of `merit` that comes here.
pub const COMMAND: &str = "compile-plugin";

/// The exit code for a component that the compiler does not take; why is on standard error.
pub const REFUSED: u8 = 65;

/// The signal that ends a process which has used up its processor time, and the one by which others end it, such as a system
/// that is short of memory.
pub const SIGNAL_CPU: i32 = 24;
pub const SIGNAL_KILL: i32 = 9;

/// Reads a component from standard input and writes what the compiler makes of it to standard output, with so many seconds
/// of processor time and bytes of address space. What is beyond them ends the process.
///
/// # Errors
/// In words: what is wrong with the component, or with the limits.
pub fn compile_standard_input(cpu_seconds: u64, memory_bytes: u64) -> Result<(), String> {
    limit(cpu_seconds, memory_bytes).map_err(|error| format!("the limits cannot be set: {error}"))?;
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component).map_err(|error| format!("standard input: {error}"))?;
    let engine = engine::compiling().map_err(|error| format!("the Wasm engine: {error:#}"))?;
    let code = engine.precompile_component(&component).map_err(|error| format!("{error:#}"))?;
    let mut out = io::stdout().lock();
    out.write_all(&code).and_then(|()| out.flush()).map_err(|error| format!("standard output: {error}"))
}

fn limit(cpu_seconds: u64, memory_bytes: u64) -> rustix::io::Result<()> {
    let most = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    // At the first the process is told, by a signal that ends it; at the second it is killed whatever it does.
    let cpu = Rlimit { current: Some(cpu_seconds), maximum: Some(cpu_seconds.saturating_add(1)) };
    setrlimit(Resource::Cpu, cpu)?;
    setrlimit(Resource::As, most(memory_bytes))?;
    // It has nothing to write but to its standard output, which is a pipe, and leaves nothing when it breaks down.
    setrlimit(Resource::Fsize, most(0))?;
    setrlimit(Resource::Core, most(0))?;
    setrlimit(Resource::Nofile, most(16))?;
    Ok(())
}
