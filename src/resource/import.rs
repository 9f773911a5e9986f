//! Imports: many records in one write, each created, updated, left alone or rejected by itself.

use bytes::Bytes;
use prost::Message;

use super::{
    Resources, command,
    item::Item,
    kept::{load, not_found},
    plans::plans,
    service::origin,
    write::{Outcome, rehearse},
};
use crate::{
    model::{caller::Caller, finding::Findings, name::Name, rejection::Rejection},
    proto::v1::{
        FieldViolation, ImportItem, ImportOutcome, ImportResourcesRequest, ImportResourcesResponse,
        ImportResult,
    },
    store::{Transaction, WriteError},
};

/// The most items of one message.
const ITEMS_MAX: usize = 1000;

/// Bytes of an answer, shared by the items of its message: clients take no more than 4 MiB unless they are told to.
const ANSWER_BYTES: usize = 2 << 20;

/// The most bytes of the words about an item.
const WORDS_BYTES: usize = 640;

impl Resources {
    /// Imports the items of one message, in one write. Later items see the earlier ones. Of a record that is there, what the
    /// item's mask does not name stays as it is.
    ///
    /// # Errors
    /// `INVALID_NAME` and `NOT_FOUND` for the team, `INVALID_FIELD` for more than 1,000 items. What is wrong with an item
    /// is in its result.
    pub async fn import(
        &self,
        caller: &Caller,
        request: ImportResourcesRequest,
    ) -> Result<ImportResourcesResponse, WriteError> {
        let mut findings = Findings::default();
        let parent =
            command::read_name(&request.parent, &plans().collections[Name::TEAMS], "parent", &mut findings);
        if request.items.len() > ITEMS_MAX {
            let description = format!("has {} items: at most {ITEMS_MAX} are accepted", request.items.len());
            findings.field("items", description);
        }
        findings.refuse()?;
        let Some(team) = parent else { return Ok(ImportResourcesResponse::default()) };
        // What can be told of an item by itself does not wait for the writer.
        let items: Vec<Result<Item, Rejection>> =
            request.items.iter().map(|item| Item::read(item, team.team())).collect();
        let (validate_only, author) = (request.validate_only, caller.author.clone());
        self.database
            .write(origin(caller, ""), move |transaction| {
                let import =
                    |transaction: &mut Transaction<'_>| import_all(transaction, &author, &team, items);
                if validate_only { rehearse(transaction, import) } else { import(transaction) }
            })
            .await
    }
}

fn import_all(
    transaction: &mut Transaction<'_>,
    author: &str,
    team: &Name,
    items: Vec<Result<Item, Rejection>>,
) -> Result<ImportResourcesResponse, Rejection> {
    if load(transaction, &plans().collections[Name::TEAMS], team)?.is_none() {
        let description = format!("{team} does not exist");
        return Err(not_found(team).violation("parent", description));
    }
    let room = ANSWER_BYTES / items.len().max(1);
    let results = items.into_iter().map(|item| match item {
        Ok(item) => {
            let name = item.name.to_string();
            result(name, transaction.part(|transaction| item.import(transaction, author)), room)
        }
        Err(rejection) => result(String::new(), Err(rejection), room),
    });
    Ok(ImportResourcesResponse { results: results.collect() })
}

/// What is said of an item, in so many bytes: violations that find no room are left out, and the words say how many.
fn result(name: String, outcome: Result<Outcome, Rejection>, room: usize) -> ImportResult {
    let mut result = ImportResult { name, ..ImportResult::default() };
    match outcome {
        Ok(Outcome::Created) => result.set_outcome(ImportOutcome::Created),
        Ok(Outcome::Updated) => result.set_outcome(ImportOutcome::Updated),
        Ok(Outcome::Unchanged) => result.set_outcome(ImportOutcome::Unchanged),
        Err(rejection) => {
            result.set_outcome(ImportOutcome::Rejected);
            result.reason = rejection.reason.code().to_owned();
            cut(rejection.message, WORDS_BYTES).clone_into(&mut result.message);
            let mut room = room.saturating_sub(result.encoded_len());
            let all = rejection.violations.len();
            for violation in rejection.violations {
                let description = cut(violation.description, WORDS_BYTES);
                let violation = FieldViolation { field: cut(violation.field, WORDS_BYTES), description };
                // Tags and lengths take a few bytes besides.
                let Some(left) = room.checked_sub(violation.encoded_len() + 8) else { break };
                room = left;
                result.violations.push(violation);
            }
            if result.violations.len() < all {
                result
                    .message
                    .push_str(&format!(" ({} of {all} violations are told)", result.violations.len()));
            }
        }
    }
    result
}

/// As much of the text as fits the bytes, whole characters.
fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// A record as an item of an import.
#[must_use]
pub fn pack<T: prost::Message + prost::Name>(id: &str, record: &T) -> ImportItem {
    let resource =
        prost_types::Any { type_url: T::type_url(), value: Bytes::from(record.encode_to_vec()).into() };
    ImportItem { id: id.to_owned(), resource: Some(resource), update_mask: None }
}

#[cfg(test)]
mod tests {
    use crate::resource::item::collection;

    #[test]
    fn what_is_not_imported_is_told() {
        let refused = collection("merit.v1.Run").map(drop).unwrap_err();
        assert!(
            refused.message.ends_with("they have a method of their own, and no update"),
            "{}",
            refused.message
        );
        let unknown = collection("merit.v1.Nothing").map(drop).unwrap_err();
        assert!(!unknown.message.contains("v1.Run"), "names what is taken: {}", unknown.message);
    }
}
