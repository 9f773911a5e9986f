//! Through gRPC: a real server on port 0, a real client.

#[path = "../crm/mod.rs"]
mod crm;
mod errors;
mod harness;
mod network;
mod rules;
mod runs;
mod services;
mod shutdown;
