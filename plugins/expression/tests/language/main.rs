//! The language as tables: a text, and what it gives.

mod agreement;
mod arithmetic;
mod batches;
mod expressions;
mod manual;
mod powers;
mod problems;
mod referee;
mod reference;
mod sheet_problems;
mod sheets;
mod steps;
mod table;
