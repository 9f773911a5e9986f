//! Files in and out: rows of CSV and JSON lines become records by a mapping, records become columns. Nothing is sent
//! from here: `cli` carries the records to the server and brings what has to be looked up there.

mod columns;
mod convert;
mod csv_records;
mod directory;
mod encoding;
mod lines;
mod mapping;
mod mistakes;
mod path;
mod rejected;
mod rows;
mod seen;
mod slug;
mod template;
mod value;

pub use columns::Columns;
pub use convert::{Converter, Prepared, Record};
pub use directory::{Directory, Lookup};
pub use mapping::Mapping;
pub use mistakes::Mistakes;
pub use path::set_field;
pub use rejected::RejectedFile;
pub use rows::{Form, Row, Rows};
pub use slug::slug;
