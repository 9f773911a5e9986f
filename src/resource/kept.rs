//! What is kept, as a write under way reads it: records and teams, and what is said where there is none, where one cannot
//! be read, and where the store fails.

use super::{plan::CollectionPlan, record::Record};
use crate::{
    model::{
        name::Name,
        rejection::{Reason, Rejection, ResourceReason, ServiceReason},
    },
    store::{Key, StoreError, Transaction},
};

/// A failure of the store, while a write is under way.
pub(crate) fn internal(error: StoreError) -> Rejection {
    tracing::error!(%error, "the store failed within a write");
    Rejection::new(Reason::Service(ServiceReason::Internal), "the store failed; the log has the cause")
}

/// A record that is kept and cannot be read.
pub(crate) fn damaged(name: &Name) -> Rejection {
    Rejection::new(Reason::Service(ServiceReason::Internal), format!("{name} cannot be read"))
}

/// There is no such resource.
pub(crate) fn not_found(name: &Name) -> Rejection {
    Rejection::resource(ResourceReason::NotFound, format!("{name} does not exist"))
        .with("resource", name.to_string())
}

/// The record that is kept under a name.
pub(crate) fn load(
    transaction: &Transaction<'_>,
    collection: &CollectionPlan,
    name: &Name,
) -> Result<Option<Record>, Rejection> {
    let kept = transaction.get(&Key::of(name)).map_err(internal)?;
    kept.map(|kept| Record::kept(collection.message, &kept).map_err(|_| damaged(name))).transpose()
}

/// Refuses what belongs to a team that does not exist.
pub(crate) fn check_team(transaction: &Transaction<'_>, name: &Name, field: &str) -> Result<(), Rejection> {
    if name.collection() == Name::TEAMS {
        return Ok(());
    }
    let team = Name::of_team(name.team().clone());
    match transaction.get(&Key::of(&team)).map_err(internal)? {
        Some(_) => Ok(()),
        None => Err(not_found(&team).violation(field, format!("{team} does not exist"))),
    }
}
