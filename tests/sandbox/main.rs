//! Hostile and well-behaved guests, each with the verdict it must get.
