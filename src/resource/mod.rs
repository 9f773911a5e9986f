//! The standard methods, written once for every resource: create, get, list, update, delete, transitions; field masks,
//! etags, paging, filters, request ids, references, imports. Rules of a kind of resource are in `model`.

mod blobs;
mod changes;
mod check;
mod command;
mod filter;
mod history;
mod import;
mod item;
mod kept;
mod keys;
mod list;
mod made_id;
mod mask;
mod method;
mod money;
mod once;
mod order;
mod own;
pub(crate) mod page;
mod path;
mod plan;
mod plans;
mod record;
mod reference;
mod rules;
pub mod scope;
mod service;
mod state;
#[cfg(test)]
mod tests;
mod tombstone;
mod unreadable;
mod write;

pub use blobs::{blobs_named, sweep_blobs};
pub use changes::Changes;
pub use history::{came_to_be, pack_encoded};
pub use import::pack;
pub use list::List;
pub use own::{LIST_ALL_MAX, OwnRequest};
pub use service::{Resources, check_request};
