//! Imports: many records in one write, each created, updated, left alone or rejected by itself.

use bytes::Bytes;

use super::{
    Resources, check, command,
    plan::{CollectionPlan, plans},
    record::{Path, Record, Value},
    service::origin,
    state,
    write::{Draft, Outcome, load, rehearse},
};
use crate::{
    model::{
        caller::Caller,
        finding::Findings,
        format::quoted,
        name::{Id, Name},
        rejection::{Rejection, ResourceReason},
    },
    proto::v1::{
        FieldViolation, ImportItem, ImportOutcome, ImportResourcesRequest, ImportResourcesResponse,
        ImportResult,
    },
    store::{Transaction, WriteError},
};

/// The most items of one message.
const ITEMS_MAX: usize = 1000;

/// An item, checked by itself.
struct Item {
    collection: &'static CollectionPlan,
    name: Name,
    record: Record,
    findings: Findings,
}

impl Resources {
    /// Imports the items of one message, in one write. Later items see the earlier ones. What an item leaves out is
    /// emptied, a state apart: that stays as it is.
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
        let validate_only = request.validate_only;
        self.database
            .write(origin(caller, ""), move |transaction| {
                let import = |transaction: &mut Transaction<'_>| import_all(transaction, &team, items);
                if validate_only { rehearse(transaction, import) } else { import(transaction) }
            })
            .await
    }
}

fn import_all(
    transaction: &mut Transaction<'_>,
    team: &Name,
    items: Vec<Result<Item, Rejection>>,
) -> Result<ImportResourcesResponse, Rejection> {
    if load(transaction, &plans().collections[Name::TEAMS], team)?.is_none() {
        let description = format!("{team} does not exist");
        return Err(super::write::not_found(team).violation("parent", description));
    }
    let results = items.into_iter().map(|item| match item {
        Ok(item) => {
            let name = item.name.to_string();
            result(name, transaction.part(|transaction| item.import(transaction)))
        }
        Err(rejection) => result(String::new(), Err(rejection)),
    });
    Ok(ImportResourcesResponse { results: results.collect() })
}

fn result(name: String, outcome: Result<Outcome, Rejection>) -> ImportResult {
    let mut result = ImportResult { name, ..ImportResult::default() };
    match outcome {
        Ok(Outcome::Created) => result.set_outcome(ImportOutcome::Created),
        Ok(Outcome::Updated) => result.set_outcome(ImportOutcome::Updated),
        Ok(Outcome::Unchanged) => result.set_outcome(ImportOutcome::Unchanged),
        Err(rejection) => {
            result.set_outcome(ImportOutcome::Rejected);
            result.reason = rejection.reason.code().to_owned();
            result.message = rejection.message;
            let violations = rejection.violations.into_iter();
            result.violations = violations
                .map(|violation| FieldViolation {
                    field: violation.field,
                    description: violation.description,
                })
                .collect();
        }
    }
    result
}

// === impl Item ===

impl Item {
    fn read(item: &ImportItem, team: &Id) -> Result<Self, Rejection> {
        let Some(resource) = &item.resource else {
            return Err(Rejection::field("resource", "is required: a record of merit.v1"));
        };
        let collection = collection(&resource.type_url)?;
        let id =
            Id::parse(&item.id).map_err(|rejection| rejection.clone().violation("id", rejection.message))?;
        let name = Name::new(team.clone(), &collection.schema.collection, id);
        let (mut findings, path) = (Findings::default(), Path::new(""));
        let mut record = Record::decode(collection.message, &resource.value, path, &mut findings)
            .map_err(|malformed| Rejection::field("resource", malformed.to_string()))?;
        check::ignore_output_only(&mut record);
        record.take(collection.etag);
        check::check(&mut record, Some(team), &[], path, &mut findings);
        Ok(Self { collection, name, record, findings })
    }

    fn import(mut self, transaction: &mut Transaction<'_>) -> Result<Outcome, Rejection> {
        let before = load(transaction, self.collection, &self.name)?;
        match &before {
            None => state::begin(&mut self.record, self.collection, Path::new(""), &mut self.findings),
            Some(before) => self.complete(before)?,
        }
        let Self { collection, name, record, findings } = self;
        let draft = Draft { collection, name, before, after: record, own: false };
        Ok(draft.keep(transaction, "", findings)?.0)
    }

    /// Takes over from the record that is kept what an import does not change.
    fn complete(&mut self, before: &Record) -> Result<(), Rejection> {
        let plan = self.collection.message.plan();
        for field in plan.fields.iter().filter(|field| field.rule.output_only) {
            if let Some(value) = before.get(field.number) {
                self.record.set(field.number, value.clone());
            }
        }
        for field in plan.fields.iter().filter(|field| field.rule.immutable) {
            if self.record.get(field.number) != before.get(field.number) {
                self.findings.field(&field.name, "is given at creation and does not change");
            }
        }
        let Some(state) = self.collection.state.as_ref().filter(|state| state.given) else { return Ok(()) };
        let (now, wanted) = (state::current(before, state), state::current(&self.record, state));
        if wanted == 0 {
            self.record.set(state.number, Value::Number(i64::from(now) as u64));
        } else if wanted != now {
            let transitions = &self.collection.transitions;
            if !transitions.iter().any(|(from, to, _)| (*from, *to) == (now, wanted)) {
                let allowed: Vec<i32> =
                    transitions.iter().filter(|(_, to, _)| *to == wanted).map(|(from, _, _)| *from).collect();
                return Err(state::forbids(&self.name, state, now, state.short(wanted), &allowed));
            }
        }
        Ok(())
    }
}

/// The collection of a packed record, if clients create records of it.
fn collection(type_url: &str) -> Result<&'static CollectionPlan, Rejection> {
    let full_name = type_url.rsplit('/').next().unwrap_or_default();
    let mut collections = plans().collections.values();
    let found = collections.find(|collection| collection.schema.message.full_name() == full_name);
    let Some(found) = found else {
        let known: Vec<&str> = plans()
            .collections
            .values()
            .filter(|collection| is_imported(collection))
            .map(|collection| collection.schema.message.full_name())
            .collect();
        let description = format!("{} is no resource: accepted are {}", quoted(type_url), known.join(", "));
        return Err(Rejection::field("resource", description));
    };
    if is_imported(found) {
        return Ok(found);
    }
    let what = if found.schema.computed { "are computed" } else { "have a method of their own" };
    let description = format!("{} are not imported: they {what}", found.schema.collection);
    Err(Rejection::resource(ResourceReason::InvalidField, description.clone())
        .violation("resource", description))
}

fn is_imported(collection: &CollectionPlan) -> bool {
    collection.created_by_clients
        && !collection.schema.computed
        && collection.schema.collection != Name::TEAMS
}

/// A record as an item of an import.
#[must_use]
pub fn pack<T: prost::Message + prost::Name>(id: &str, record: &T) -> ImportItem {
    let resource =
        prost_types::Any { type_url: T::type_url(), value: Bytes::from(record.encode_to_vec()).into() };
    ImportItem { id: id.to_owned(), resource: Some(resource) }
}
