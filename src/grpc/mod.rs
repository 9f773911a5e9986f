//! The only room that knows tonic: connections, the front that every call passes, one thin file per service, and the
//! one file that turns what went wrong into a status. What the calls do is in the rooms below.

mod audit;
mod author;
mod awaited;
mod body;
mod calls;
pub mod codec;
mod connection;
mod deadline;
mod evaluation;
mod event_filter;
mod events;
mod front;
mod gate;
mod health;
mod limits;
mod method;
mod panic;
mod phase;
mod places;
mod plugin;
mod reflection;
mod server;
mod services;
mod standard;
pub mod status;
mod transfer;
mod unread;
mod upload;
mod weighed;

pub use author::{AUTHOR, AUTHOR_BIN};
pub use limits::Limits;
pub use phase::{Phase, Phases};
pub use services::{Opening, Services, serve};
