//! Hostile and well-behaved guests, each with the verdict it must get.

mod answers;
mod bombs;
mod cache;
mod calls;
mod enclosed;
mod examples;
mod generated;
mod guest;
mod hostile;
mod image;
mod mistakes;
mod official;
#[path = "../referee/mod.rs"]
mod referee;
mod rows;
mod space;
mod standard;
mod uploads;
mod weight;
