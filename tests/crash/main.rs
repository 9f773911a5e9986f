//! The real binary, killed at random moments.

#[allow(dead_code)]
#[path = "../sandbox/guest.rs"]
mod guest;
#[allow(dead_code)]
#[path = "../sandbox/image.rs"]
mod image;
mod killed_run;
mod killed_service;
mod killed_writer;
mod service;
