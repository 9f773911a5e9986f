//! Lists: every record once and in order, pages that fit a message, and what a list takes.

use proptest::prelude::*;
use prost::Message;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};

use super::*;
use crate::{
    model::caller::Caller,
    proto::{descriptors, v1},
    resource::{Resources, pack},
};

fn caller() -> Caller {
    Caller { author: "anna@example.com".into(), method: "test".into() }
}

fn method(service: &str, name: &str) -> MethodDescriptor {
    let service = descriptors().get_service_by_name(&format!("merit.v1.{service}")).unwrap();
    service.methods().find(|method| method.name() == name).unwrap()
}

/// A team with customers: `c0`, `c1`, ….
async fn with_customers(customers: impl Iterator<Item = v1::Customer>) -> Resources {
    let resources = Resources::new(Database::in_memory());
    let team = v1::Team { display_name: "A".into(), currency: "EUR".into(), ..Default::default() };
    let request = v1::CreateTeamRequest { team: Some(team), team_id: "a".into(), ..Default::default() };
    let create = method("OrganisationService", "CreateTeam");
    resources.call(&caller(), &create, request.encode_to_vec().into()).await.unwrap();
    let items = customers.enumerate().map(|(index, customer)| pack(&format!("c{index}"), &customer));
    let request =
        v1::ImportResourcesRequest { parent: "teams/a".into(), items: items.collect(), validate_only: false };
    resources.import(&caller(), request).await.unwrap();
    resources
}

fn sized(employees: i64) -> v1::Customer {
    v1::Customer { display_name: "C".into(), employees: Some(employees), ..Default::default() }
}

fn asked(size: i32, filter: &str, order_by: &str) -> v1::ListCustomersRequest {
    v1::ListCustomersRequest {
        parent: "teams/a".into(),
        page_size: size,
        filter: filter.into(),
        order_by: order_by.into(),
        ..Default::default()
    }
}

/// All pages of a list.
async fn pages(resources: &Resources, mut request: v1::ListCustomersRequest) -> Vec<Vec<v1::Customer>> {
    let list = method("CrmService", "ListCustomers");
    let mut pages = Vec::new();
    loop {
        let answer = resources.call(&caller(), &list, request.encode_to_vec().into()).await.unwrap();
        let page = v1::ListCustomersResponse::decode(answer).unwrap();
        pages.push(page.customers);
        if page.next_page_token.is_empty() {
            return pages;
        }
        request.page_token = page.next_page_token;
    }
}

/// Customers of 64 KiB each: as many as fit a page, by bytes, whatever is asked for.
#[tokio::test]
async fn a_page_has_no_more_bytes_than_a_message() {
    let labels: BTreeMap<String, String> =
        (0..64).map(|index| (format!("l{index}"), "x".repeat(1000))).collect();
    let large = (0..70).map(|employees| v1::Customer { labels: labels.clone(), ..sized(employees) });
    let resources = with_customers(large).await;
    for (filter, order_by) in [("", ""), ("employees >= 0", ""), ("", "employees desc")] {
        let pages = pages(&resources, asked(1000, filter, order_by)).await;
        let bytes = |page: &Vec<v1::Customer>| page.iter().map(Message::encoded_len).sum::<usize>();
        assert!(pages.iter().all(|page| bytes(page) <= PAGE_BYTES), "{filter} {order_by}");
        assert_eq!(pages.iter().map(Vec::len).sum::<usize>(), 70);
        assert!(pages.len() <= 4, "they are as full as that allows: {}", pages.len());
    }
}

#[tokio::test]
async fn a_record_is_listed_however_large() {
    let resources = with_customers([1, 2].map(sized).into_iter()).await;
    // Larger than a page: what the service keeps on its own account may be.
    let large = |record: &mut DynamicMessage| {
        record.set_field_by_name("sector", Value::String("x".repeat(PAGE_BYTES)));
        Ok(())
    };
    for id in ["c0", "c1"] {
        let name = Name::parse(&format!("teams/a/customers/{id}")).unwrap();
        resources.put(&caller(), &name, large).await.unwrap();
    }
    for order_by in ["", "employees"] {
        let pages = pages(&resources, asked(10, "", order_by)).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1], "{order_by}");
    }
}

#[tokio::test]
async fn what_a_list_takes() {
    let resources = with_customers([1, 2, 3].map(sized).into_iter()).await;
    let read = |filter: &str, order_by: &str| {
        let request = asked(10, filter, order_by).encode_to_vec().into();
        resources.list(&method("CrmService", "ListCustomers"), &request).unwrap().unwrap()
    };
    let check = |filter: &str, order_by: &str, light: bool| {
        assert_eq!(read(filter, order_by).is_light(), light, "{filter} {order_by}");
    };
    check("", "", true);
    check("employees > 1", "", false);
    check("", "employees", false);
    // One that nobody waits for is given up.
    for (filter, order_by) in [("employees > 1", ""), ("", "employees")] {
        assert!(resources.answer_list(&read(filter, order_by), &|| false).is_err());
    }
    let ordered = |most| read("", "employees").ordered(&resources.database, most, &|| true);
    assert_eq!(ordered(3).ok().unwrap().items.len(), 3);
    let Err(WriteError::Rejected(refused)) = ordered(2) else { panic!("three are more than two") };
    assert_eq!(refused.reason.code(), "TOO_MANY_RECORDS");
}

/// Times are ordered to the instant, not to the day.
#[tokio::test]
async fn times_have_an_order_within_a_day() {
    let resources = with_customers((1..20).map(sized)).await;
    let update = method("CrmService", "UpdateCustomer");
    let order = [3, 17, 0, 8, 11, 5];
    for place in order {
        let name = format!("teams/a/customers/c{place}");
        let customer = v1::Customer { name, sector: "retail".into(), ..Default::default() };
        let request = v1::UpdateCustomerRequest { customer: Some(customer), ..Default::default() };
        resources.call(&caller(), &update, request.encode_to_vec().into()).await.unwrap();
    }
    let newest = pages(&resources, asked(3, "", "update_time desc")).await.concat();
    let newest: Vec<&str> =
        newest.iter().take(6).map(|customer| customer.name.rsplit('/').next().unwrap()).collect();
    let expected: Vec<String> = order.iter().rev().map(|place| format!("c{place}")).collect();
    assert_eq!(newest, expected);
}

#[test]
fn large_records_are_read_few_at_a_time() {
    let check = |sizes: &[usize], expected: usize| {
        let entry = |size: &usize| Entry { key: Key("k".into()), value: vec![0; *size].into() };
        let mut appetite = Appetite::new();
        assert_eq!(appetite.next(), BATCH_FIRST);
        appetite.saw(&sizes.iter().map(entry).collect::<Vec<_>>());
        assert_eq!(appetite.next(), expected, "{sizes:?}");
    };
    check(&[], BATCH_FIRST);
    check(&[100; 16], BATCH);
    check(&[BATCH_BYTES / 10; 16], 10);
    check(&[4 << 20], 1);
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
            let resources = with_customers(sizes.iter().copied().map(sized)).await;
            let pages = pages(&resources, asked(size, &format!("employees >= {least}"), order)).await;
            assert!(pages.iter().all(|page| page.len() <= usize::try_from(size).unwrap()));
            pages.concat()
        });
        let found: Vec<(i64, String)> =
            found.into_iter().map(|customer| (customer.employees.unwrap_or_default(), customer.name)).collect();
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
