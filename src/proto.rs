//! The public contract, as generated from `proto/`: messages, clients, server traits and descriptors.
//! Rules about the messages are in `model`.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

/// Messages, and clients for every method.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod v1 {
    tonic::include_proto!("merit.v1");
}

/// Server traits of the methods that are rules of their own; the standard methods have one
/// implementation for all resources.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod server {
    include!(concat!(env!("OUT_DIR"), "/servers/merit.v1.rs"));
}

/// Every file of the contract, encoded, with the options on it.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Every file of the contract, to look things up in.
pub fn descriptors() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).expect("the build checked the descriptors"));
    &POOL
}
