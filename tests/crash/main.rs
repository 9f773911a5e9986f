//! The real binary, killed at random moments.
