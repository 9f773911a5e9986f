//! From text to a tree: the lexer, the parser, the check of kinds and the table of functions.

pub(crate) mod check;
pub(crate) mod elsewhere;
pub(crate) mod functions;
pub(crate) mod lexer;
mod operators;
mod parentheses;
pub(crate) mod parser;
