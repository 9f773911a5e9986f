//! An item of an import: a record, checked by itself, and what it makes of one that is there.

use super::{
    check,
    kept::load,
    mask::Mask,
    method::Action,
    path::Path,
    plan::CollectionPlan,
    plans::plans,
    record::{Record, Value},
    state,
    unreadable::Unreadable,
    write::{Draft, Outcome, check_etag, check_new},
};
use crate::{
    model::{
        finding::Findings,
        format::quoted,
        name::{Id, Name},
        rejection::{Rejection, ResourceReason},
        schema::is_imported,
    },
    proto::v1::ImportItem,
    store::Transaction,
};

/// An item, checked by itself.
pub(super) struct Item {
    collection: &'static CollectionPlan,
    pub(super) name: Name,
    record: Record,
    /// The version that may be changed; empty: any.
    etag: String,
    /// What it changes of a record that is there.
    mask: Mask,
    /// The paths that it was asked for with.
    asked: Vec<String>,
    /// What is wrong with it, whatever is there.
    findings: Findings,
    /// What is wrong with it as a new record.
    as_new: Findings,
}

// === impl Item ===

impl Item {
    /// Reads an item into a team.
    pub(super) fn read(item: &ImportItem, team: &Id) -> Result<Self, Rejection> {
        let Some(resource) = &item.resource else {
            return Err(Rejection::field("resource", "is required: a record of merit.v1"));
        };
        let collection = collection(&resource.type_url)?;
        let id =
            Id::parse(&item.id).map_err(|rejection| rejection.clone().violation("id", rejection.message))?;
        collection.check_id(&id).map_err(|what| Rejection::field("id", what))?;
        let name = Name::new(team.clone(), &collection.schema.collection, id);
        let (mut findings, path) = (Findings::default(), Path::new(""));
        let mut record = Record::decode(collection.message, &resource.value, path, &mut findings).map_err(
            |Unreadable { path, what }| {
                Rejection::field(if path.is_empty() { "resource".to_owned() } else { path }, what)
            },
        )?;
        check::ignore_output_only(&mut record);
        let etag = record.take(collection.etag).map(|etag| etag.text().to_owned()).unwrap_or_default();
        let asked = item.update_mask.as_ref().map(|mask| mask.paths.clone()).unwrap_or_default();
        let mask = Mask::of_item(&asked, &record, collection, &mut findings);
        let mut as_new = Findings::default();
        check::check(&mut record, Some(team), &[], path, &mut as_new);
        Ok(Self { collection, name, record, etag, mask, asked, findings, as_new })
    }

    /// Keeps it.
    pub(super) fn import(
        mut self,
        transaction: &mut Transaction<'_>,
        author: &str,
    ) -> Result<Outcome, Rejection> {
        let before = load(transaction, self.collection, &self.name)?;
        let after = match &before {
            None => {
                check_new(&self.name, &self.etag)?;
                self.findings.append("", self.as_new);
                state::begin(&mut self.record, self.collection, Path::new(""), &mut self.findings);
                self.record
            }
            Some(before) => {
                check_etag(self.collection, &self.name, before, &self.etag)?;
                self.changed(before)?
            }
        };
        let Self { collection, name, findings, .. } = self;
        let draft = Draft { collection, name, before, after, own: false, author: author.to_owned() };
        Ok(draft.keep(transaction, "", findings)?.0)
    }

    /// The record that is kept, with what the item changes of it.
    fn changed(&mut self, before: &Record) -> Result<Record, Rejection> {
        let path = Path::new("");
        let mut after = before.clone();
        for field in self.collection.message.plan().fields.iter().filter(|field| field.rule.immutable) {
            let (given, kept) = (self.record.get(field.number), before.get(field.number));
            let named = given.is_some() || self.asked.iter().any(|name| name == "*" || *name == field.name);
            if named && given != kept {
                self.findings.field(&field.name, "is given at creation and does not change");
            }
        }
        self.change_state(before, &mut after)?;
        self.mask.apply(&mut after, &self.record, self.collection, path, &mut self.findings);
        check::check(&mut after, Some(self.name.team()), &[], path, &mut self.findings);
        Ok(after)
    }

    /// Takes the way to the state that the item gives, if one of the methods goes it.
    fn change_state(&self, before: &Record, after: &mut Record) -> Result<(), Rejection> {
        let Some(state) = self.collection.state.as_ref().filter(|state| state.given) else { return Ok(()) };
        let (now, wanted) = (state::current(before, state), state::current(&self.record, state));
        if wanted == 0 || wanted == now {
            return Ok(());
        }
        let collection = &self.collection.schema.collection;
        let methods = plans().methods.values().filter(|method| method.collection == *collection);
        let ways = methods.filter_map(|method| match &method.action {
            Action::Transition(plan) if plan.to.contains(&wanted) => Some(plan),
            _ => None,
        });
        let ways: Vec<_> = ways.collect();
        let Some(way) = ways.iter().find(|plan| plan.from.contains(&now)) else {
            let mut allowed: Vec<i32> = ways.iter().flat_map(|plan| plan.from.clone()).collect();
            allowed.sort_unstable();
            allowed.dedup();
            return Err(state::forbids(&self.name, state, now, state.short(wanted), &allowed));
        };
        after.set(state.number, Value::Number(i64::from(wanted) as u64));
        // What the change empties is empty, unless the item gives it anew.
        for field in way.cleared.iter().filter_map(|name| self.collection.message.plan().by_name(name)) {
            after.take(field.number);
        }
        Ok(())
    }
}

/// The collection of a packed record, if an import takes records of it.
pub(super) fn collection(type_url: &str) -> Result<&'static CollectionPlan, Rejection> {
    let full_name = type_url.rsplit('/').next().unwrap_or_default();
    let mut collections = plans().collections.values();
    let found = collections.find(|collection| collection.schema.message.full_name() == full_name);
    let Some(found) = found else {
        let known: Vec<&str> = plans()
            .collections
            .values()
            .filter(|collection| is_imported(collection.schema))
            .map(|collection| collection.schema.message.full_name())
            .collect();
        let description = format!("{} is no resource: accepted are {}", quoted(type_url), known.join(", "));
        return Err(Rejection::field("resource", description));
    };
    if is_imported(found.schema) {
        return Ok(found);
    }
    let what = if found.schema.computed {
        "they are computed"
    } else if found.schema.collection == Name::TEAMS {
        "an import is into a team"
    } else {
        "they have a method of their own, and no update"
    };
    let description = format!("{} are not imported: {what}", found.schema.collection);
    Err(Rejection::resource(ResourceReason::InvalidField, description.clone())
        .violation("resource", description))
}
