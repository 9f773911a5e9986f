//! Nouns and rules: names, periods, the schema of each collection, what may be rejected and why, and one file of
//! rules per chapter. Pure functions: no clock, no I/O, no async. Time and ids arrive as values.

pub mod caller;
pub mod cell;
pub mod crm;
pub mod currency;
pub mod decimal;
pub mod evaluation;
pub mod finding;
pub mod format;
pub mod goal;
pub mod name;
pub mod nearest;
pub mod organisation;
pub mod period;
pub mod plugin;
pub mod records;
pub mod rejection;
pub mod schema;
pub mod signature;
pub mod text;
pub mod wire;
pub mod zone;
