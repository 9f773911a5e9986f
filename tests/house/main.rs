//! Holds the code to the map in ARCHITECTURE.md: who may know whom, how long things are, what is not written.
//! The tables are read from the document, so that it and the test cannot part.

mod circles;
mod imports;
mod manners;
mod shipped;
mod sources;
