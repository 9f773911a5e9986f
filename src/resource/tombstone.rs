//! Ids that are given once: results of runs name people by theirs, and whoever got the id of somebody who was deleted would
//! get the results as well. An id leaves a stone behind when its record goes, where there is evidence that may name it.

use bytes::Bytes;

use super::{kept::internal, keys, plan::CollectionPlan, plans::plans, reference::is_evidence};
use crate::{
    model::{
        name::Name,
        rejection::{Rejection, ResourceReason},
    },
    store::{KeyRange, Transaction},
};

/// Marks the id of a record that is deleted, where it may not be given again.
pub(crate) fn leave(
    transaction: &mut Transaction<'_>,
    collection: &CollectionPlan,
    name: &Name,
) -> Result<(), Rejection> {
    if !collection.schema.id_once {
        return Ok(());
    }
    for evidence in plans().collections.keys().filter(|collection| is_evidence(collection)) {
        let range = KeyRange::collection(name.team(), evidence);
        if !transaction.scan(&range, 1).map_err(internal)?.is_empty() {
            transaction.put(keys::tombstone(name), Bytes::new());
            return Ok(());
        }
    }
    Ok(())
}

/// Refuses an id that was another record's.
pub(crate) fn check(
    transaction: &Transaction<'_>,
    collection: &CollectionPlan,
    name: &Name,
) -> Result<(), Rejection> {
    if !collection.schema.id_once || transaction.get(&keys::tombstone(name)).map_err(internal)?.is_none() {
        return Ok(());
    }
    let message = format!(
        "{name} was deleted, and its id is not given again: results of runs may be of who had it. Take another id"
    );
    Err(Rejection::resource(ResourceReason::AlreadyExists, message).with("resource", name.to_string()))
}
