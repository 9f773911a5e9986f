//! Hostile and well-behaved guests, each with the verdict it must get.

mod answers;
mod cache;
mod calls;
mod guest;
mod hostile;
mod image;
mod rows;
mod uploads;
