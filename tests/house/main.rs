//! Holds the code to the map in ARCHITECTURE.md.
