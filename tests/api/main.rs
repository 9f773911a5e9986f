//! Through gRPC: a real server on port 0, a real client.

mod rules;
