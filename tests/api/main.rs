//! Through gRPC: a real server on port 0, a real client.

mod asking;
mod author;
mod cold;
mod command_line;
mod commands;
mod computing;
mod connections;
#[path = "../crm/mod.rs"]
mod crm;
mod demo;
mod errors;
mod evaluation;
mod examples;
#[allow(dead_code)]
#[path = "../sandbox/guest.rs"]
mod guest;
mod harness;
#[allow(dead_code)]
#[path = "../sandbox/image.rs"]
mod image;
mod importing;
mod imports;
mod network;
mod opening;
mod patience;
mod publishing;
mod rules;
mod runs;
mod services;
mod shutdown;
mod tls;
