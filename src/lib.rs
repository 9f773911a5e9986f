//! Merit: a gRPC service with which a company manages its account managers by merit.
//!
//! ARCHITECTURE.md has the map; a test holds the rooms to it.

pub mod cli;
pub mod config;
pub mod evaluate;
pub mod grpc;
pub mod model;
pub mod proto;
pub mod resource;
pub mod sandbox;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod transfer;
pub mod view;
