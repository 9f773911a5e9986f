//! Lists: pages over a collection, filtered and ordered. A page goes on after the last item of the one before, so that
//! nothing is listed twice or left out because of what others write meanwhile.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    filter::Filter,
    kept::not_found,
    keys,
    order::Order,
    page::{self, Binding, PAGE_BYTES, Position},
    plan::CollectionPlan,
    record::Record,
};
use crate::{
    model::{
        name::{Id, Name},
        rejection::{Reason, Rejection, ResourceReason, ServiceReason},
        wire::put_bytes,
        zone::Zone,
    },
    store::{Database, Entry, Key, StoreError, WriteError},
};

/// Records read at a time, at most.
const BATCH: usize = 512;

/// Records read first, when it is not known how large they are.
const BATCH_FIRST: usize = 16;

/// Bytes of records read at a time, as far as those before tell.
const BATCH_BYTES: usize = 1 << 20;

/// Records that a page by name looks through at most: one that finds little ends early, and the next goes on.
const EXAMINED_MAX: usize = 100_000;

/// Records that can be put in an order. Each page looks at all of them.
const ORDERED_MAX: usize = 1_000_000;

/// A list that was asked for.
pub struct List {
    collection: &'static CollectionPlan,
    /// Whose records; nothing for teams.
    team: Option<Id>,
    size: usize,
    filter: Option<Filter>,
    order: Order,
    binding: Binding,
    after: Option<Position>,
    /// The numbers of the answer's fields for the items and the token of the next page.
    answer: (u32, u32),
}

/// The items of a page, and where it ended if more may follow.
#[derive(Default)]
struct Page {
    items: Vec<(Position, Bytes)>,
    next: Option<Position>,
}

/// How many records to read next, so that memory is bounded however large they are.
struct Appetite {
    records: usize,
    bytes: usize,
}

// === impl Appetite ===

impl Appetite {
    fn new() -> Self {
        Self { records: 0, bytes: 0 }
    }

    fn next(&self) -> usize {
        match (self.records * BATCH_BYTES).checked_div(self.bytes) {
            Some(fitting) => fitting.clamp(1, BATCH),
            None => BATCH_FIRST,
        }
    }

    fn saw(&mut self, entries: &[Entry]) {
        let bytes: usize = entries.iter().map(|entry| entry.value.len()).sum();
        (self.records, self.bytes) = (entries.len(), bytes);
    }
}

// === impl List ===

impl List {
    /// Reads a request. Days are those of the zone; `answer` has the numbers of the response's fields for the items and the
    /// token.
    pub(crate) fn read(
        request: &Record,
        collection: &'static CollectionPlan,
        team: Option<Id>,
        zone: &Zone,
        answer: (u32, u32),
    ) -> Result<Self, WriteError> {
        let (filter, order) = (request.text("filter"), request.text("order_by"));
        let schema = collection.schema;
        let binding = Binding::new(&[&schema.collection, request.text("parent"), filter, order]);
        Ok(Self {
            collection,
            team,
            size: page::size(request.number("page_size"))?,
            filter: Filter::compile(filter, schema, zone)?,
            order: Order::read(order, schema)?,
            binding,
            after: Position::read(request.text("page_token"), binding)?,
            answer,
        })
    }

    /// Whether it takes no longer than to read a page: it has neither a filter nor an order to go through everything for.
    #[must_use]
    pub fn is_light(&self) -> bool {
        self.filter.is_none() && self.order.is_by_name()
    }

    /// The team whose records are listed, or the name of none where it is the teams.
    #[must_use]
    pub fn team(&self) -> String {
        self.team.clone().map(|team| Name::of_team(team).to_string()).unwrap_or_default()
    }

    /// The encoded answer. Given up when nobody wants it any more.
    ///
    /// # Errors
    /// `NOT_FOUND` for the team, `TOO_MANY_RECORDS` for more than can be put in an order, or the store's.
    pub(crate) fn answer(&self, database: &Database, wanted: &dyn Fn() -> bool) -> Result<Bytes, WriteError> {
        if let Some(team) = &self.team {
            let name = Name::of_team(team.clone());
            if database.get(&Key::of(&name))?.is_none() {
                let description = format!("{name} does not exist");
                return Err(not_found(&name).violation("parent", description).into());
            }
        }
        let page = if self.order.is_by_name() {
            self.by_name(database, wanted)?
        } else {
            self.ordered(database, ORDERED_MAX, wanted)?
        };
        let mut answer = Vec::with_capacity(page.items.iter().map(|(_, value)| value.len() + 8).sum());
        let (items, token) = self.answer;
        for (_, value) in &page.items {
            put_bytes(items, value, &mut answer);
        }
        if let Some(next) = page.next {
            put_bytes(token, next.token(self.binding).as_bytes(), &mut answer);
        }
        Ok(Bytes::from(answer))
    }

    /// The next records by name, and after which id to go on; nothing where these were the last.
    fn batch(
        &self,
        database: &Database,
        after: &str,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<String>), StoreError> {
        let Some(team) = &self.team else { return keys::teams_after(database, after, limit) };
        let range = keys::collection_after(team, &self.collection.schema.collection, after);
        let entries = database.scan(&range, limit)?;
        let last = entries.last().filter(|_| entries.len() == limit);
        let last = last.map(|entry| keys::id_of(&entry.key).to_owned());
        Ok((entries, last))
    }

    /// The entries that pass the filter.
    fn passing(&self, entries: Vec<Entry>) -> Vec<Entry> {
        let Some(filter) = &self.filter else { return entries };
        let records: Vec<&[u8]> = entries.iter().map(|entry| entry.value.as_ref()).collect();
        let passes = filter.passes(&records);
        entries.into_iter().zip(passes).filter(|(_, passes)| *passes).map(|(entry, _)| entry).collect()
    }

    /// A page in the order of names, which is that of keys: reads on until it is full.
    fn by_name(&self, database: &Database, wanted: &dyn Fn() -> bool) -> Result<Page, WriteError> {
        let mut after = self.after.as_ref().map(|position| position.id.clone()).unwrap_or_default();
        let (mut page, mut bytes, mut examined) = (Page::default(), 0, 0);
        let mut appetite = Appetite::new();
        while wanted() {
            let room = self.size + 1 - page.items.len();
            let limit = if self.filter.is_some() { appetite.next() } else { appetite.next().min(room) };
            let (entries, last) = self.batch(database, &after, limit)?;
            examined += entries.len();
            appetite.saw(&entries);
            for entry in self.passing(entries) {
                let full = !page.items.is_empty() && bytes + entry.value.len() > PAGE_BYTES;
                if full || page.items.len() == self.size {
                    page.next = page.items.last().map(|(position, _)| position.clone());
                    return Ok(page);
                }
                bytes += entry.value.len();
                let position = Position { key: Vec::new(), id: keys::id_of(&entry.key).to_owned() };
                page.items.push((position, entry.value));
            }
            let Some(last) = last else { return Ok(page) };
            after = last;
            if examined >= EXAMINED_MAX {
                page.next = Some(Position { key: Vec::new(), id: after });
                return Ok(page);
            }
        }
        Err(not_wanted())
    }

    /// A page in the order of fields: looks through everything, which has to be no more than `most` records, and keeps no more
    /// than a page.
    fn ordered(
        &self,
        database: &Database,
        most: usize,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Page, WriteError> {
        let mut kept: BTreeMap<Position, Bytes> = BTreeMap::new();
        let (mut bytes, mut examined, mut more) = (0, 0, false);
        let mut appetite = Appetite::new();
        let mut after = Some(String::new());
        while let Some(start) = after {
            if !wanted() {
                return Err(not_wanted());
            }
            let (entries, last) = self.batch(database, &start, appetite.next())?;
            examined += entries.len();
            if examined > most {
                return Err(self.too_many(most).into());
            }
            appetite.saw(&entries);
            after = last;
            for entry in self.passing(entries) {
                let id = keys::id_of(&entry.key).to_owned();
                let position = Position { key: self.order.key(&entry.value), id };
                if self.after.as_ref().is_some_and(|after| position <= *after) {
                    continue;
                }
                bytes += entry.value.len();
                kept.insert(position, entry.value);
                while kept.len() > self.size || (kept.len() > 1 && bytes > PAGE_BYTES) {
                    bytes -= kept.pop_last().map_or(0, |(_, value)| value.len());
                    more = true;
                }
            }
        }
        let items: Vec<(Position, Bytes)> = kept.into_iter().collect();
        let next = items.last().filter(|_| more).map(|(position, _)| position.clone());
        Ok(Page { items, next })
    }

    fn too_many(&self, most: usize) -> Rejection {
        let collection = &self.collection.schema.collection;
        let description = format!(
            "there are more than {most} {collection}, which is the most that are put in an order: list them by \
             name, with a filter"
        );
        Rejection::resource(ResourceReason::TooManyRecords, description.clone())
            .violation("order_by", description)
    }
}

/// What an answer is that nobody gets to see.
fn not_wanted() -> WriteError {
    Rejection::new(Reason::Service(ServiceReason::Unavailable), "nobody waits for the list any more").into()
}
