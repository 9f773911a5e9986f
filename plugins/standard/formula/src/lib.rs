//! Formulas as people know them from spreadsheets.
#![cfg_attr(target_family = "wasm", no_std)]
