//! Through gRPC: a real server on port 0, a real client.

mod errors;
mod harness;
mod network;
mod rules;
mod services;
mod shutdown;
