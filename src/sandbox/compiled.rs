//! The one place where bytes become machine code without the compiler: loading what the compiled cache has kept. Nothing
//! else in Merit is unsafe. Whether the bytes can be trusted is settled in `disk`, before they come here.
#![allow(unsafe_code)]

use wasmtime::{Engine, component::Component};

/// Bytes that this service itself wrote: `disk` makes them after their keyed hash was found right, and the sandbox of what
/// its own compiler has just given.
pub struct Authenticated<'a>(&'a [u8]);

// === impl Authenticated ===

impl<'a> Authenticated<'a> {
    /// Vouches for the bytes. They must be exactly what [`wasmtime::Engine::precompile_component`] gave: to a process that
    /// holds the cache's key, or just now, to this one or to the process that this one started to compile.
    pub fn vouch(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

/// Loads a compiled component. The engine itself refuses what another version or other settings have compiled.
pub fn load(engine: &Engine, bytes: &Authenticated<'_>) -> wasmtime::Result<Component> {
    // SAFETY: `Component::deserialize` demands that the bytes come from a compilation of this version of wasmtime and
    // were not changed since, because they hold machine code that will run outside of any sandbox.
    // - They come from a compilation: `Authenticated` is made in two places. In `disk`, after the keyed BLAKE3 hash over
    //   component hash, engine compatibility hash, length and bytes was compared with the stored one. The key is random,
    //   made by the service and readable by its account alone, so whoever can forge the hash can act as the service
    //   anyway. In the sandbox, of what the compiler gave: in this process, or through a pipe from an executable that the
    //   operator named and that is trusted as this one is; nobody else holds the pipe's other end.
    // - They were not changed since: hash and code are read from one buffer in memory, not from the file twice.
    // - They fit this engine: its compatibility hash (version, target, settings) is part of what is authenticated, and
    //   wasmtime compares its own version and settings again.
    unsafe { Component::deserialize(engine, bytes.0) }
}
