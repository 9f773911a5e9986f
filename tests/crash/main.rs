//! The real binary, killed at random moments.

mod killed_writer;
