//! Hostile and well-behaved guests, each with the verdict it must get.

mod answers;
mod bombs;
mod cache;
mod calls;
mod examples;
mod guest;
mod hostile;
mod image;
#[path = "../referee/mod.rs"]
mod referee;
mod rows;
mod standard;
mod uploads;
