//! Files in and out: rows of CSV and JSON lines become records by a mapping, records become columns. Nothing is sent
//! from here: `cli` carries the records to the server and brings what has to be looked up there.

mod columns;
mod convert;
mod csv_records;
mod directory;
mod encoding;
mod foreign;
mod json;
mod lines;
mod mapping;
mod marks;
mod mistakes;
mod number;
mod path;
mod rejected;
mod row;
mod rows;
mod scalar;
mod seen;
mod slug;
mod template;
mod value;

pub use columns::Columns;
pub use convert::{Converter, Prepared, Record};
pub use directory::{Directory, Lookup};
pub use json::{parse_json, parse_json_object, read_message};
pub use mapping::Mapping;
pub use mistakes::Mistakes;
pub use path::{clear_field, referred_collection, set_field};
pub use rejected::RejectedFile;
pub use row::Row;
pub use rows::{Form, Layout, Rows};
pub use slug::slug;
