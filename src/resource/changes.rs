//! Several records, changed in one write, on the service's own account. Fields that only the service sets are its to set;
//! references, versions and the audit trail are as for everybody.

use bytes::Bytes;
use prost::Message;
use prost_reflect::DynamicMessage;

use super::{
    kept::{check_team, damaged, internal, load},
    plan::CollectionPlan,
    plans::plans,
    record::{Record, Value},
    state,
    write::{Draft, Reader},
};
use crate::{
    model::{
        finding::Findings,
        name::Name,
        records::{self, Records},
        rejection::{Reason, Rejection, ServiceReason},
    },
    store::{Key, Transaction},
};

/// Several records, changed in one write.
pub struct Changes<'w, 't> {
    transaction: &'w mut Transaction<'t>,
}

// === impl Changes ===

impl<'w, 't> Changes<'w, 't> {
    /// Changes within a write under way.
    pub(crate) fn within(transaction: &'w mut Transaction<'t>) -> Self {
        Self { transaction }
    }
}

impl Changes<'_, '_> {
    /// When the write is made.
    #[must_use]
    pub fn time(&self) -> jiff::Timestamp {
        self.transaction.time()
    }

    /// The record as it is, with what was changed before in this write; nothing where there is none.
    ///
    /// # Errors
    /// `INTERNAL` where the store failed.
    pub fn get<T: Message + Default>(&self, name: &Name) -> Result<Option<T>, Rejection> {
        let kept = self.transaction.get(&Key::of(name)).map_err(internal)?;
        kept.map(|kept| records::decode(&kept)).transpose()
    }

    /// Puts a record, and answers it as it is kept: with name, times and version.
    ///
    /// # Errors
    /// A reference to what does not exist; `NOT_FOUND` for the team.
    pub fn put<T: Message + Default>(&mut self, name: &Name, record: &T) -> Result<T, Rejection> {
        let collection = collection(name)?;
        let before = load(self.transaction, collection, name)?;
        records::decode(&self.keep(collection, name, before, &record.encode_to_vec())?)
    }

    /// Puts a record that is encoded already.
    pub(crate) fn put_encoded(&mut self, name: &Name, encoded: &[u8]) -> Result<Bytes, Rejection> {
        let collection = collection(name)?;
        let before = load(self.transaction, collection, name)?;
        self.keep(collection, name, before, encoded)
    }

    /// Puts a record as `change` makes it of the one that is kept, or of an empty one.
    pub(crate) fn alter(
        &mut self,
        name: &Name,
        change: impl FnOnce(&mut DynamicMessage) -> Result<(), Rejection>,
    ) -> Result<Bytes, Rejection> {
        let collection = collection(name)?;
        let before = load(self.transaction, collection, name)?;
        let kept = before.as_ref().map(Record::encode).unwrap_or_default();
        let descriptor = collection.schema.message.clone();
        let mut message = DynamicMessage::decode(descriptor, kept.as_slice()).map_err(|_| damaged(name))?;
        change(&mut message)?;
        self.keep(collection, name, before, &message.encode_to_vec())
    }

    fn keep(
        &mut self,
        collection: &'static CollectionPlan,
        name: &Name,
        before: Option<Record>,
        encoded: &[u8],
    ) -> Result<Bytes, Rejection> {
        check_team(self.transaction, name, "name")?;
        let mut after = Record::kept(collection.message, encoded).map_err(|_| damaged(name))?;
        if before.is_none()
            && let Some(state) = &collection.state
            && state::current(&after, state) == 0
            && let Some(&first) = state.initial.first()
        {
            after.set(state.number, Value::Number(i64::from(first) as u64));
        }
        if let Some(before) = &before {
            // What identifies it is not the change's to change.
            for number in [collection.name, collection.create_time] {
                match before.get(number) {
                    Some(value) => after.set(number, value.clone()),
                    None => drop(after.take(number)),
                }
            }
        }
        let draft = Draft { collection, name: name.clone(), before, after, own: true, author: String::new() };
        Ok(draft.keep(self.transaction, "", Findings::default())?.1)
    }
}

impl Records for Changes<'_, '_> {
    fn record(&self, name: &str) -> Result<Option<Bytes>, Rejection> {
        Reader(self.transaction).record(name)
    }

    fn referrers(&self, name: &str, collection: &str) -> Result<u64, Rejection> {
        Reader(self.transaction).referrers(name, collection)
    }
}

/// The plan of the collection that a record is kept in.
fn collection(name: &Name) -> Result<&'static CollectionPlan, Rejection> {
    plans().collections.get(name.collection()).filter(|plan| !plan.schema.computed).ok_or_else(|| {
        let message = format!("{name} is not kept here: there is no collection {}", name.collection());
        Rejection::new(Reason::Service(ServiceReason::Internal), message)
    })
}
