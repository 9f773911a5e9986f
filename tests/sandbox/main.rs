//! Hostile and well-behaved guests, each with the verdict it must get.

mod guest;
mod hostile;
mod image;
