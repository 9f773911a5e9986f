//! Lists: pages over a collection, filtered and ordered. A page goes on after the last item of the one before, so that
//! nothing is listed twice or left out because of what others write meanwhile.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    filter::Filter,
    keys,
    order::Order,
    page::{self, Binding, Position},
    plan::CollectionPlan,
    record::{Record, put_bytes},
    write::not_found,
};
use crate::{
    model::name::{Id, Name},
    store::{Database, Entry, Key, StoreError, WriteError},
};

/// Records read at a time; between two batches others get their turn.
const BATCH: usize = 512;

/// Records that a page by name looks through at most: one that finds little ends early, and the next goes on.
const EXAMINED_MAX: usize = 100_000;

/// Bytes of items after which a page ends, so that an answer fits a message.
const PAGE_BYTES: usize = 2 << 20;

/// A list that was asked for.
pub(crate) struct List {
    collection: &'static CollectionPlan,
    /// Whose records; nothing for teams.
    team: Option<Id>,
    size: usize,
    filter: Option<Filter>,
    order: Order,
    binding: Binding,
    after: Option<Position>,
}

/// The items of a page, and where it ended if more may follow.
#[derive(Default)]
struct Page {
    items: Vec<(Position, Bytes)>,
    next: Option<Position>,
}

// === impl List ===

impl List {
    /// Reads a request.
    pub(crate) fn read(
        request: &Record,
        collection: &'static CollectionPlan,
        team: Option<Id>,
    ) -> Result<Self, WriteError> {
        let (filter, order) = (request.text("filter"), request.text("order_by"));
        let schema = collection.schema;
        let binding = Binding::new(&[&schema.collection, request.text("parent"), filter, order]);
        Ok(Self {
            collection,
            team,
            size: page::size(request.number("page_size"))?,
            filter: Filter::compile(filter, schema)?,
            order: Order::read(order, schema)?,
            binding,
            after: Position::read(request.text("page_token"), binding)?,
        })
    }

    /// The encoded answer; `items` and `token` are the numbers of its fields.
    pub(crate) async fn answer(
        &self,
        database: &Database,
        items: u32,
        token: u32,
    ) -> Result<Bytes, WriteError> {
        if let Some(team) = &self.team {
            let name = Name::of_team(team.clone());
            if database.get(&Key::of(&name))?.is_none() {
                let description = format!("{name} does not exist");
                return Err(not_found(&name).violation("parent", description).into());
            }
        }
        let page = if self.order.is_by_name() {
            self.by_name(database).await?
        } else {
            self.ordered(database).await?
        };
        let mut answer = Vec::with_capacity(page.items.iter().map(|(_, value)| value.len() + 8).sum());
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
    async fn by_name(&self, database: &Database) -> Result<Page, WriteError> {
        let mut after = self.after.as_ref().map(|position| position.id.clone()).unwrap_or_default();
        let (mut page, mut bytes, mut examined) = (Page::default(), 0, 0);
        loop {
            let wanted =
                if self.filter.is_some() { BATCH } else { BATCH.min(self.size + 1 - page.items.len()) };
            let (entries, last) = self.batch(database, &after, wanted)?;
            examined += entries.len();
            for entry in self.passing(entries) {
                if page.items.len() == self.size || bytes > PAGE_BYTES {
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
            tokio::task::yield_now().await;
        }
    }

    /// A page in the order of fields: looks through everything, and keeps no more than a page.
    async fn ordered(&self, database: &Database) -> Result<Page, WriteError> {
        let mut kept: BTreeMap<Position, Bytes> = BTreeMap::new();
        let mut more = false;
        let mut after = Some(String::new());
        while let Some(start) = after {
            let (entries, last) = self.batch(database, &start, BATCH)?;
            after = last;
            for entry in self.passing(entries) {
                let id = keys::id_of(&entry.key).to_owned();
                let position = Position { key: self.order.key(&entry.value), id };
                if self.after.as_ref().is_some_and(|after| position <= *after) {
                    continue;
                }
                kept.insert(position, entry.value);
                if kept.len() > self.size {
                    kept.pop_last();
                    more = true;
                }
            }
            tokio::task::yield_now().await;
        }
        let mut page = Page::default();
        let mut bytes = 0;
        for (position, value) in kept {
            if bytes > PAGE_BYTES {
                more = true;
                break;
            }
            bytes += value.len();
            page.items.push((position, value));
        }
        page.next = page.items.last().filter(|_| more).map(|(position, _)| position.clone());
        Ok(page)
    }
}
