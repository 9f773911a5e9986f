//! Request ids: a repeat gets the first answer, and the same id with another content is refused.
//!
//! The first answer is kept in the commit that it answers, for at least a week: weeks are counted from 1970, and one goes
//! when the second after it begins. An id belongs to who gave it and to the team it was given for.

use bytes::Bytes;
use jiff::Timestamp;

use super::{kept::internal, keys, record::Record};
use crate::{
    model::{
        name::Id,
        rejection::{Rejection, ResourceReason},
    },
    store::Transaction,
};

/// Seconds of a week.
const WEEK: i64 = 7 * 24 * 60 * 60;

/// How many answers that are too old go with a write that keeps one.
const PRUNED: usize = 8;

/// A request id, and what it was given for.
#[derive(Clone, Debug)]
pub(crate) struct Once {
    id: String,
    hash: String,
    content: [u8; 32],
}

// === impl Once ===

impl Once {
    /// The request id of a request of a standard method; nothing where it has none.
    pub(crate) fn read(author: &str, team: Option<&Id>, method: &str, request: &Record) -> Option<Self> {
        let id = request.text("request_id");
        let team = team.map_or("", Id::as_str);
        (!id.is_empty()).then(|| Self::new(author, team, id, method, &request.encode()))
    }

    /// The request id of any request.
    pub(crate) fn new(author: &str, team: &str, id: &str, method: &str, content: &[u8]) -> Self {
        let mut scope = blake3::Hasher::new_derive_key("merit request id");
        // None of them has a line break in it, so that they cannot be taken for each other.
        for part in [author, "\n", team, "\n", id] {
            scope.update(part.as_bytes());
        }
        let mut hasher = blake3::Hasher::new_derive_key("merit request content");
        hasher.update(method.as_bytes()).update(b"\n").update(content);
        Self {
            id: id.to_owned(),
            hash: scope.finalize().to_hex()[..32].to_owned(),
            content: *hasher.finalize().as_bytes(),
        }
    }

    /// The first answer, if there was one.
    pub(crate) fn recall(&self, transaction: &Transaction<'_>) -> Result<Option<Bytes>, Rejection> {
        let Some(kept) = self.kept(transaction)? else { return Ok(None) };
        if kept.len() < self.content.len() || kept[..self.content.len()] != self.content {
            return Err(Rejection::resource(
                ResourceReason::RequestIdReused,
                format!(
                    "the request id {:?} was used for another request: take a new one, or repeat the first as it was",
                    self.id
                ),
            )
            .violation("request_id", "was used for another request")
            .with("request_id", self.id.clone()));
        }
        Ok(Some(kept.slice(self.content.len()..)))
    }

    /// Whether the id was answered before, whatever it was given for.
    pub(crate) fn is_answered(&self, transaction: &Transaction<'_>) -> Result<bool, Rejection> {
        Ok(self.kept(transaction)?.is_some())
    }

    fn kept(&self, transaction: &Transaction<'_>) -> Result<Option<Bytes>, Rejection> {
        let week = week(transaction.time());
        for week in [week, week.saturating_sub(1)] {
            if let Some(kept) = transaction.get(&keys::request(week, &self.hash)).map_err(internal)? {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }

    /// Keeps the first answer, and lets go of some that are too old.
    pub(crate) fn remember(&self, transaction: &mut Transaction<'_>, answer: &[u8]) -> Result<(), Rejection> {
        let week = week(transaction.time());
        let mut kept = Vec::with_capacity(self.content.len() + answer.len());
        kept.extend_from_slice(&self.content);
        kept.extend_from_slice(answer);
        transaction.put(keys::request(week, &self.hash), Bytes::from(kept));
        let old = keys::requests_before(week.saturating_sub(1));
        for entry in transaction.scan(&old, PRUNED).map_err(internal)? {
            transaction.delete(entry.key);
        }
        Ok(())
    }
}

/// Weeks since 1970.
fn week(time: Timestamp) -> u32 {
    u32::try_from(time.as_second().div_euclid(WEEK)).unwrap_or(0)
}
