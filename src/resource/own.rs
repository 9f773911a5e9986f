//! What other rooms read, and what the service changes on its own account: states of runs, revisions of plugins. Fields
//! that only the service sets are its to set; references, versions and the audit trail are as for everybody.

use bytes::Bytes;
use prost::Message;
use prost_reflect::DynamicMessage;

use super::{
    Resources, command, keys,
    once::Once,
    plan::{CollectionPlan, plans},
    record::{Record, Value},
    service::origin,
    state,
    write::{self, Draft, Reader, damaged, load, not_found},
};
use crate::{
    model::{
        caller::Caller,
        finding::Findings,
        name::{Id, Name},
        records::{self, Records},
        rejection::{Reason, Rejection, ResourceReason, ServiceReason},
    },
    store::{Key, Transaction, WriteError},
};

/// The most records that `list_all` takes into memory.
pub const LIST_ALL_MAX: usize = 100_000;

/// Records read at a time.
const BATCH: usize = 1_000;

/// A request that the service answers by changing records itself.
#[derive(Clone, Debug, Default)]
pub struct OwnRequest {
    /// The team concerned: request ids of different teams are different.
    pub team: String,
    /// The request id, empty where none was given.
    pub request_id: String,
    /// What the request asks for: tells a repeat from another request of the same id.
    pub content: Bytes,
    /// Whether to keep nothing.
    pub validate_only: bool,
}

/// Several records, changed in one write.
pub struct Changes<'w, 't> {
    transaction: &'w mut Transaction<'t>,
}

// === impl Resources ===

impl Resources {
    /// Gets a resource as its generated type.
    ///
    /// # Errors
    /// `NOT_FOUND` where there is none.
    pub fn get<T: Message + Default>(&self, name: &Name) -> Result<T, WriteError> {
        let kept = self.database.get(&Key::of(name))?.ok_or_else(|| not_found(name))?;
        Ok(T::decode(kept).map_err(|_| damaged(name))?)
    }

    /// Every record of a collection of a team, by name: for collections that people keep by hand, like measures.
    ///
    /// # Errors
    /// `TOO_MANY_RECORDS` where there are more than `LIST_ALL_MAX`.
    pub fn list_all<T: Message + Default>(&self, team: &Id, collection: &str) -> Result<Vec<T>, WriteError> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let range = keys::collection_after(team, collection, &after);
            let entries = self.database.scan(&range, BATCH)?;
            let done = entries.len() < BATCH;
            if let Some(last) = entries.last() {
                after = keys::id_of(&last.key).to_owned();
            }
            for entry in entries {
                all.push(records::decode(&entry.value)?);
            }
            if all.len() > LIST_ALL_MAX {
                let message = format!("teams/{team} has more than {LIST_ALL_MAX} {collection}");
                return Err(Rejection::resource(ResourceReason::TooManyRecords, message).into());
            }
            if done {
                return Ok(all);
            }
        }
    }

    /// Changes a resource on the service's own account: output-only fields and states included. Creates it where there is
    /// none; the change then begins with an empty message. The chapter's rules are not asked.
    ///
    /// # Errors
    /// What `change` refuses; a reference to what does not exist.
    pub async fn put(
        &self,
        caller: &Caller,
        name: &Name,
        change: impl FnOnce(&mut DynamicMessage) -> Result<(), Rejection> + Send + 'static,
    ) -> Result<(), WriteError> {
        let name = name.clone();
        let command = move |changes: &mut Changes<'_, '_>| {
            let collection = collection(&name)?;
            let before = load(changes.transaction, collection, &name)?;
            let kept = before.as_ref().map(Record::encode).unwrap_or_default();
            let descriptor = collection.schema.message.clone();
            let mut message =
                DynamicMessage::decode(descriptor, kept.as_slice()).map_err(|_| damaged(&name))?;
            change(&mut message)?;
            changes.keep(collection, &name, before, &message.encode_to_vec())
        };
        self.change(caller, OwnRequest::default(), command).await?;
        Ok(())
    }

    /// Changes several records in one write, on the service's own account, and answers bytes that a repeat of the
    /// request id gets again.
    ///
    /// # Errors
    /// What the command refuses; `REQUEST_ID_REUSED`.
    pub async fn change(
        &self,
        caller: &Caller,
        request: OwnRequest,
        command: impl FnOnce(&mut Changes<'_, '_>) -> Result<Bytes, Rejection> + Send + 'static,
    ) -> Result<Bytes, WriteError> {
        let origin = origin(caller, &request.request_id);
        let once = (!request.request_id.is_empty()).then(|| {
            Once::new(&caller.author, &request.team, &request.request_id, &caller.method, &request.content)
        });
        self.database
            .write(origin, move |transaction| {
                write::run(transaction, request.validate_only, once.as_ref(), |transaction| {
                    command(&mut Changes { transaction })
                })
            })
            .await
    }
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
        let kept = self.transaction.get(&Key::of(name)).map_err(write::internal)?;
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

    fn keep(
        &mut self,
        collection: &'static CollectionPlan,
        name: &Name,
        before: Option<Record>,
        encoded: &[u8],
    ) -> Result<Bytes, Rejection> {
        command::check_team(self.transaction, name, "name")?;
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

fn collection(name: &Name) -> Result<&'static CollectionPlan, Rejection> {
    plans().collections.get(name.collection()).filter(|plan| !plan.schema.computed).ok_or_else(|| {
        let message = format!("{name} is not kept here: there is no collection {}", name.collection());
        Rejection::new(Reason::Service(ServiceReason::Internal), message)
    })
}
