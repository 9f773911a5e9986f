//! The language as tables: a text, and what it gives.

mod arithmetic;
mod expressions;
mod manual;
mod problems;
mod referee;
mod sheets;
mod table;
