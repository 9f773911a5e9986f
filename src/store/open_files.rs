//! How many files and connections this process may have open. Systems begin with few, and let a process have more if it
//! asks; a store that finds none left can neither write nor read.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Asks for as many as the system allows, and answers how many that are.
#[must_use]
pub fn allow_open_files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the system does not let this process open more files than it begins with");
        }
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
