//! What other rooms read, and the way in for what the service changes on its own account: states of runs, revisions of
//! plugins.

use bytes::Bytes;
use prost::Message;
use prost_reflect::DynamicMessage;

use super::{
    Resources,
    changes::Changes,
    kept::{damaged, not_found},
    keys,
    once::Once,
    service::origin,
    write,
};
use crate::{
    model::{
        caller::Caller,
        name::{Id, Name},
        records,
        rejection::{Rejection, ResourceReason},
    },
    store::{Key, WriteError},
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

// === impl OwnRequest ===

impl OwnRequest {
    fn once(&self, caller: &Caller) -> Option<Once> {
        let new = || Once::new(&caller.author, &self.team, &self.request_id, &caller.method, &self.content);
        (!self.request_id.is_empty()).then(new)
    }
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
        let command = move |changes: &mut Changes<'_, '_>| changes.alter(&name, change);
        self.change(caller, OwnRequest::default(), command).await?;
        Ok(())
    }

    /// What such a change would be answered, without making it: nothing where it would be made, and the first answer where its
    /// request id repeats a request.
    ///
    /// # Errors
    /// As `change`.
    pub async fn foretell(
        &self,
        caller: &Caller,
        request: &OwnRequest,
        command: impl FnOnce(&mut Changes<'_, '_>) -> Result<Bytes, Rejection> + Send + 'static,
    ) -> Result<Option<Bytes>, WriteError> {
        let (origin, once) = (origin(caller, &request.request_id), request.once(caller));
        self.database
            .write(origin, move |transaction| {
                let answered = once.map_or(Ok(None), |once| once.recall(transaction))?;
                if answered.is_none() {
                    write::rehearse(transaction, |transaction| command(&mut Changes::within(transaction)))?;
                }
                Ok(answered)
            })
            .await
    }

    /// Whether a request id of the caller was answered before, whatever the request.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_answered(
        &self,
        caller: &Caller,
        team: &Id,
        request_id: &str,
    ) -> Result<bool, WriteError> {
        let once = Once::new(&caller.author, team.as_str(), request_id, &caller.method, &[]);
        self.database
            .write(origin(caller, request_id), move |transaction| once.is_answered(transaction))
            .await
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
        let (origin, once) = (origin(caller, &request.request_id), request.once(caller));
        self.database
            .write(origin, move |transaction| {
                write::run(transaction, request.validate_only, once.as_ref(), |transaction| {
                    command(&mut Changes::within(transaction))
                })
            })
            .await
    }
}
