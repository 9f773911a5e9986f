//! The real binary, killed at random moments.

mod killed_service;
mod killed_writer;
