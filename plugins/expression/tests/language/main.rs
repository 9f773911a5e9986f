//! The language as tables: a text, and what it gives.

mod expressions;
mod problems;
mod sheets;
mod table;
