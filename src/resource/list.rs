//! Lists: pages over a collection, filtered and ordered. A page goes on after the last item of the one before, so that
//! nothing is listed twice or left out because of what others write meanwhile.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    filter::Filter,
    kept::not_found,
    keys,
    order::Order,
    page::{self, Binding, Position},
    plan::CollectionPlan,
    record::Record,
};
use crate::{
    model::{
        name::{Id, Name},
        wire::put_bytes,
        zone::Zone,
    },
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
    /// Reads a request. Days are those of the zone.
    pub(crate) fn read(
        request: &Record,
        collection: &'static CollectionPlan,
        team: Option<Id>,
        zone: &Zone,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use crate::{
        model::caller::Caller,
        proto::{descriptors, v1},
        resource::{Resources, pack},
        store::Database,
    };

    fn caller() -> Caller {
        Caller { author: "anna@example.com".into(), method: "test".into() }
    }

    /// A team with customers of these sizes.
    async fn with_customers(sizes: &[i64]) -> Resources {
        let resources = Resources::new(Database::in_memory());
        let team = v1::Team { display_name: "A".into(), currency: "EUR".into(), ..Default::default() };
        let request = v1::CreateTeamRequest { team: Some(team), team_id: "a".into(), ..Default::default() };
        let service = descriptors().get_service_by_name("merit.v1.OrganisationService").unwrap();
        let method = service.methods().find(|method| method.name() == "CreateTeam").unwrap();
        resources.call(&caller(), &method, request.encode_to_vec().into()).await.unwrap();
        let items = sizes.iter().enumerate().map(|(index, &employees)| {
            let employees = Some(employees);
            let customer = v1::Customer { display_name: "C".into(), employees, ..Default::default() };
            pack(&format!("c{index}"), &customer)
        });
        let request = v1::ImportResourcesRequest {
            parent: "teams/a".into(),
            items: items.collect(),
            validate_only: false,
        };
        resources.import(&caller(), request).await.unwrap();
        resources
    }

    /// All that is listed, page by page.
    async fn pages(resources: &Resources, size: i32, filter: &str, order_by: &str) -> Vec<v1::Customer> {
        let service = descriptors().get_service_by_name("merit.v1.CrmService").unwrap();
        let method = service.methods().find(|method| method.name() == "ListCustomers").unwrap();
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let request = v1::ListCustomersRequest {
                parent: "teams/a".into(),
                page_size: size,
                page_token: token,
                filter: filter.into(),
                order_by: order_by.into(),
            };
            let answer = resources.call(&caller(), &method, request.encode_to_vec().into()).await.unwrap();
            let page = v1::ListCustomersResponse::decode(answer).unwrap();
            assert!(page.customers.len() <= usize::try_from(size).unwrap());
            all.extend(page.customers);
            if page.next_page_token.is_empty() {
                return all;
            }
            token = page.next_page_token;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_item_once_and_in_order(
            sizes in prop::collection::vec(0i64..6, 0..40),
            size in 1i32..12,
            least in 0i64..6,
            order in 0usize..4,
        ) {
            let order = ["", "employees", "employees desc", "employees desc, name desc"][order];
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let found = runtime.block_on(async {
                let resources = with_customers(&sizes).await;
                pages(&resources, size, &format!("employees >= {least}"), order).await
            });
            let found: Vec<(i64, String)> =
                found.into_iter().map(|customer| (customer.employees.unwrap(), customer.name)).collect();
            let mut expected: Vec<(i64, String)> = sizes
                .iter()
                .enumerate()
                .filter(|(_, employees)| **employees >= least)
                .map(|(index, &employees)| (employees, format!("teams/a/customers/c{index}")))
                .collect();
            expected.sort_by(|a, b| match order {
                "" => a.1.cmp(&b.1),
                "employees" => a.cmp(b),
                "employees desc" => b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)),
                _ => b.cmp(a),
            });
            prop_assert_eq!(found, expected);
        }
    }
}
