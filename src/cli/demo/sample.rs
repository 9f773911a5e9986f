//! The sample organisation: a head of sales, eight sales managers, sixty account managers, 400 customers, 5,000 deals over
//! the year 2025, quotas and satisfaction for every quarter. The same every time.

use jiff::civil::{Date, date};
use prost::Message;

use super::{
    names::{BUSINESS, COMPANY, FAMILY, GIVEN, PRODUCTS, REGIONS},
    random::Random,
};
use crate::{
    proto::v1::{self, GoalState, OpportunityStage},
    transfer::slug,
};

/// Account managers, customers and deals.
pub(super) const ACCOUNT_MANAGERS: usize = 60;
const MANAGERS: usize = 8;
const CUSTOMERS: usize = 400;
const DEALS: usize = 5_000;

/// Where chance begins.
const SEED: u64 = 2025;

/// The first days of the quarters, and the day after the last.
const QUARTERS: [Date; 5] =
    [date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1)];

/// Experience, and what is expected of it, in percent.
const LEVELS: [(&str, i64); 3] = [("junior", 60), ("senior", 100), ("principal", 150)];

/// Records of a collection: ids and encoded messages.
pub(super) struct Records {
    /// The collection.
    pub(super) collection: &'static str,
    /// In an order in which each refers to those before it only.
    pub(super) records: Vec<(String, Vec<u8>)>,
}

/// An account manager, as far as the deals need to know.
struct Seller {
    name: String,
    region: &'static str,
    level: usize,
    /// How good, in percent of what is expected.
    skill: i64,
}

/// The organisation of a team, `teams/{team}`, collection by collection.
pub(super) fn organisation(team: &str) -> Vec<Records> {
    let mut random = Random::new(SEED);
    let (people, sellers) = people(team, &mut random);
    let products = products();
    let (customers, owners) = customers(team, &sellers, &mut random);
    let (deals, won) = deals(team, &sellers, &owners, &mut random);
    vec![
        people,
        products,
        customers,
        deals,
        measures(team),
        goals(team, &sellers, &won),
        satisfaction(team, &sellers, &mut random),
    ]
}

/// Everybody: the head of sales, the sales managers, the account managers.
fn people(team: &str, random: &mut Random) -> (Records, Vec<Seller>) {
    let (mut records, mut sellers) = (Vec::new(), Vec::new());
    let mut managers: Vec<String> = Vec::new();
    for number in 0..=MANAGERS + ACCOUNT_MANAGERS {
        let display_name = format!("{} {}", GIVEN[number % GIVEN.len()], FAMILY[(number * 7) % FAMILY.len()]);
        let id = slug(&display_name);
        let name = format!("{team}/accountManagers/{id}");
        let (region, places) = REGIONS[number % REGIONS.len()];
        let (role, manager) = match number {
            0 => ("head of sales", None),
            _ if number <= MANAGERS => ("sales manager", Some(&managers[0])),
            _ => ("account manager", Some(&managers[1 + (number - 1) % MANAGERS])),
        };
        let mut labels = vec![("role".to_owned(), role.to_owned())];
        if role == "account manager" {
            let level = usize::try_from(random.between(0, 2)).unwrap_or_default();
            labels.push(("level".to_owned(), LEVELS[level].0.to_owned()));
            sellers.push(Seller { name: name.clone(), region, level, skill: random.between(60, 140) });
        }
        let reporting_line =
            manager.map(|manager| v1::ReportingLine { manager: manager.clone(), ..Default::default() });
        let person = v1::AccountManager {
            email: format!("{id}@example.com"),
            display_name,
            region: region.to_owned(),
            office: places[number / REGIONS.len() % places.len()].to_owned(),
            labels: labels.into_iter().collect(),
            hire_date: date(2015, 1, 1)
                .saturating_add(jiff::Span::new().days(random.between(0, 3_000)))
                .to_string(),
            reporting_line: reporting_line.into_iter().collect(),
            ..Default::default()
        };
        if number <= MANAGERS {
            managers.push(name);
        }
        records.push((id, person.encode_to_vec()));
    }
    (Records { collection: "accountManagers", records }, sellers)
}

fn products() -> Records {
    let product = |(name, series, price): &(&str, &str, i64)| {
        let product = v1::Product {
            display_name: (*name).to_owned(),
            series: (*series).to_owned(),
            list_price: price.to_string(),
            ..Default::default()
        };
        (slug(name), product.encode_to_vec())
    };
    Records { collection: "products", records: PRODUCTS.iter().map(product).collect() }
}

/// Customers, and for each its name and the place of its owner among the sellers.
fn customers(team: &str, sellers: &[Seller], random: &mut Random) -> (Records, Vec<(String, usize)>) {
    let (mut records, mut owners) = (Vec::new(), Vec::new());
    for number in 0..CUSTOMERS {
        let (business, sector) = BUSINESS[number % BUSINESS.len()];
        let display_name = format!("{} {business}", COMPANY[number % COMPANY.len()]);
        let owner = number % sellers.len();
        let seller = &sellers[owner];
        let id = slug(&display_name);
        let customer = v1::Customer {
            display_name,
            owner: seller.name.clone(),
            sector: sector.to_owned(),
            location: seller.region.to_owned(),
            annual_revenue: random.between(5, 4_000).to_string(),
            employees: Some(random.between(20, 9_000)),
            founded_year: i32::try_from(random.between(1950, 2020)).ok(),
            ..Default::default()
        };
        owners.push((format!("{team}/customers/{id}"), owner));
        records.push((id, customer.encode_to_vec()));
    }
    (Records { collection: "customers", records }, owners)
}

/// Deals, and what each seller won in each quarter, in cents.
fn deals(
    team: &str,
    sellers: &[Seller],
    owners: &[(String, usize)],
    random: &mut Random,
) -> (Records, Vec<[i64; 4]>) {
    let (mut records, mut won) = (Vec::new(), vec![[0; 4]; sellers.len()]);
    for number in 0..DEALS {
        let (customer, owner) = random.pick(owners);
        let seller = &sellers[*owner];
        let (product, _, price) = random.pick(PRODUCTS);
        let engaged = QUARTERS[0].saturating_add(jiff::Span::new().days(random.between(0, 360)));
        let closed = engaged.saturating_add(jiff::Span::new().days(random.between(5, 90)));
        let pieces = random.between(1, 6) * LEVELS[seller.level].1;
        // Pieces are hundredths because of the level: the price times them is cents, then comes the discount.
        let cents = price * pieces * random.between(80, 105) / 100;
        let stage = match closed {
            _ if closed >= QUARTERS[4] && engaged >= QUARTERS[3] => OpportunityStage::Prospecting,
            _ if closed >= QUARTERS[4] => OpportunityStage::Engaging,
            _ if random.percent(seller.skill * 55 / 100) => OpportunityStage::Won,
            _ => OpportunityStage::Lost,
        };
        let is_closed = matches!(stage, OpportunityStage::Won | OpportunityStage::Lost);
        if stage == OpportunityStage::Won
            && let Some(quarter) = QUARTERS.iter().rposition(|first| *first <= closed)
        {
            won[*owner][quarter] += cents;
        }
        let deal = v1::Opportunity {
            display_name: format!("{product} for {}", customer.rsplit('/').next().unwrap_or_default()),
            owner: seller.name.clone(),
            customer: customer.clone(),
            product: format!("{team}/products/{}", slug(product)),
            stage: stage.into(),
            amount: money(cents),
            engage_date: engaged.to_string(),
            expected_close_date: if is_closed { String::new() } else { closed.to_string() },
            close_date: if is_closed { closed.to_string() } else { String::new() },
            ..Default::default()
        };
        records.push((format!("d-{:04}", number + 1), deal.encode_to_vec()));
    }
    (Records { collection: "opportunities", records }, won)
}

fn measures(team: &str) -> Records {
    use v1::{AggregateFunction as Function, measure::Definition};
    let aggregate = |condition: &str, value: &str, function: Function| {
        Definition::Aggregate(v1::Aggregate {
            collection: "opportunities".to_owned(),
            condition: condition.to_owned(),
            value: value.to_owned(),
            function: function.into(),
            owner_field: "owner".to_owned(),
            time_field: "close_date".to_owned(),
        })
    };
    let name = |id: &str| format!("{team}/measures/{id}");
    let ratio =
        Definition::Ratio(v1::Ratio { numerator: name("deals-won"), denominator: name("deals-closed") });
    let supplied = Definition::Supplied(v1::Supplied { function: Function::Average.into() });
    let measures = [
        ("won-revenue", "Won revenue", "EUR", 2, aggregate("stage = \"WON\"", "amount", Function::Sum)),
        ("deals-won", "Deals won", "deals", 0, aggregate("stage = \"WON\"", "", Function::Count)),
        ("deals-closed", "Deals closed", "deals", 0, aggregate("", "", Function::Count)),
        ("win-rate", "Win rate", "", 4, ratio),
        ("satisfaction", "Customer satisfaction", "points of 5", 2, supplied),
    ];
    let records = measures.into_iter().map(|(id, display_name, unit, scale, definition)| {
        let measure = v1::Measure {
            display_name: display_name.to_owned(),
            unit: unit.to_owned(),
            direction: v1::Direction::Up.into(),
            scale,
            money: id == "won-revenue",
            definition: Some(definition),
            ..Default::default()
        };
        (id.to_owned(), measure.encode_to_vec())
    });
    Records { collection: "measures", records: records.collect() }
}

/// A quota for everybody and every quarter: what a seller of that level wins on average, in whole thousands.
fn goals(team: &str, sellers: &[Seller], won: &[[i64; 4]]) -> Records {
    let mut records = Vec::new();
    for quarter in 0..4 {
        for (seller, (level, _)) in sellers.iter().map(|seller| (seller, LEVELS[seller.level])) {
            let peers = sellers.iter().zip(won).filter(|(peer, _)| peer.level == seller.level);
            let (sum, count) = peers.fold((0, 0), |(sum, count), (_, won)| (sum + won[quarter], count + 1));
            let thousands = (sum / count.max(1) / 100_000).max(1);
            let goal = v1::Goal {
                display_name: format!("Quota 2025-Q{}", quarter + 1),
                description: format!("What a {level} account manager is to win in the quarter."),
                measure: format!("{team}/measures/won-revenue"),
                target: format!("{thousands}000"),
                period_start: QUARTERS[quarter].to_string(),
                period_end: QUARTERS[quarter + 1].to_string(),
                owner: seller.name.clone(),
                state: GoalState::Active.into(),
                ..Default::default()
            };
            let who = seller.name.rsplit('/').next().unwrap_or_default();
            records.push((format!("quota-2025-q{}-{who}", quarter + 1), goal.encode_to_vec()));
        }
    }
    Records { collection: "goals", records }
}

fn satisfaction(team: &str, sellers: &[Seller], random: &mut Random) -> Records {
    let mut records = Vec::new();
    for quarter in 0..4 {
        for seller in sellers {
            let tenths = (30 + seller.skill / 10 + random.between(-5, 5)).clamp(10, 50);
            let value = v1::MeasureValue {
                measure: format!("{team}/measures/satisfaction"),
                account_manager: seller.name.clone(),
                period_start: QUARTERS[quarter].to_string(),
                period_end: QUARTERS[quarter + 1].to_string(),
                value: format!("{}.{}", tenths / 10, tenths % 10),
                note: "survey of the quarter".to_owned(),
                ..Default::default()
            };
            let who = seller.name.rsplit('/').next().unwrap_or_default();
            records.push((format!("satisfaction-2025-q{}-{who}", quarter + 1), value.encode_to_vec()));
        }
    }
    Records { collection: "measureValues", records }
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::organisation;
    use crate::{model::name::Id, transfer::slug};

    #[test]
    fn the_organisation_is_the_same_every_time_and_has_ids_of_its_own() {
        let (once, again) = (organisation("teams/demo"), organisation("teams/demo"));
        let counts: Vec<_> = once.iter().map(|records| (records.collection, records.records.len())).collect();
        let expected = [
            ("accountManagers", 69),
            ("products", 8),
            ("customers", 400),
            ("opportunities", 5000),
            ("measures", 5),
            ("goals", 240),
            ("measureValues", 240),
        ];
        assert_eq!(counts, expected);
        for (one, other) in once.iter().zip(&again) {
            assert!(one.records == other.records, "{}", one.collection);
            let ids: BTreeSet<_> = one.records.iter().map(|(id, _)| id).collect();
            assert_eq!(ids.len(), one.records.len(), "{}", one.collection);
            assert!(ids.iter().all(|id| Id::parse(id).is_ok()), "{}", one.collection);
        }
        assert_eq!(slug("Anna Abel"), "anna-abel");
    }
}
