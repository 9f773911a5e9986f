//! The service killed under load, through its API: single creates, updates, deletes and imports from several clients, then a look at what
//! is there when it is started again. Some are killed while they open what the one before has left.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    thread,
    time::Duration,
};

use merit::{
    proto::v1::{
        CreateProductRequest, CreateTeamRequest, DeleteProductRequest, ImportItem, ImportOutcome,
        ImportResourcesRequest, ListProductsRequest, Product, Team, UpdateProductRequest,
        crm_service_client::CrmServiceClient, organisation_service_client::OrganisationServiceClient,
        transfer_service_client::TransferServiceClient,
    },
    resource::blobs_named,
    store::{Database, Options, verify_directory},
};
use prost::Message;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use crate::service::{Service, spawn};

const KILLS: u32 = 50;
const CREATORS: u32 = 2;
const IMPORTERS: u32 = 2;
/// Records of one message of an import: they are there together, or not at all.
const ITEMS: usize = 5;
/// What a product is called after it was updated.
const UPDATED: &str = "Updated";
/// About as long as opening takes.
const OPENING_MS: u64 = 150;

/// So that a new segment is often under way.
const SETTINGS: [(&str, &str); 1] = [("MERIT_STORE__SEGMENT_BYTES", "8192")];

/// What the clients of one round were told, and what they asked last.
#[derive(Default)]
struct Told {
    /// Names of products and of messages that were acknowledged.
    acknowledged: BTreeSet<String>,
    /// Names of products whose update was acknowledged, or has no answer.
    updated: BTreeMap<String, bool>,
    /// Names of products whose delete was acknowledged, or has no answer.
    deleted: BTreeMap<String, bool>,
    /// Creates without an answer.
    unanswered: Vec<CreateProductRequest>,
}

/// Starts the service and kills it before it says that it listens, or soon after.
fn kill_while_opening(directory: &Path, random: &mut StdRng) {
    let mut process = spawn(directory, &SETTINGS);
    thread::sleep(Duration::from_millis(random.random_range(0..OPENING_MS)));
    process.kill().unwrap();
    process.wait().unwrap();
}

fn team(round: u32) -> String {
    format!("teams/round-{round}")
}

fn product(name: &str) -> Product {
    Product { display_name: format!("Product {name}"), ..Product::default() }
}

fn create(parent: &str, name: &str) -> CreateProductRequest {
    CreateProductRequest {
        parent: parent.to_owned(),
        product: Some(product(name)),
        product_id: name.to_owned(),
        request_id: format!("{parent} {name}"),
        ..CreateProductRequest::default()
    }
}

async fn create_team(channel: Channel, round: u32) {
    let request = CreateTeamRequest {
        team: Some(Team { display_name: "Crash".into(), currency: "EUR".into(), ..Team::default() }),
        team_id: format!("round-{round}"),
        ..CreateTeamRequest::default()
    };
    OrganisationServiceClient::new(channel).create_team(request).await.unwrap();
}

fn update(name: &str) -> UpdateProductRequest {
    let product = Product { name: name.to_owned(), display_name: UPDATED.to_owned(), ..Product::default() };
    let mask = prost_types::FieldMask { paths: vec!["display_name".to_owned()] };
    UpdateProductRequest {
        product: Some(product),
        update_mask: Some(mask),
        ..UpdateProductRequest::default()
    }
}

/// Creates one product after the other, updates a third of them and deletes another, until the service is gone.
async fn create_until_killed(channel: Channel, parent: String, client: u32, first: mpsc::Sender<()>) -> Told {
    let mut crm = CrmServiceClient::new(channel);
    let mut told = Told::default();
    for number in 0.. {
        let name = format!("c{client}-{number}");
        let request = create(&parent, &name);
        if crm.create_product(request.clone()).await.is_err() {
            told.unanswered.push(request);
            break;
        }
        told.acknowledged.insert(name.clone());
        let _ = first.try_send(());
        let name = format!("{parent}/products/{name}");
        let (changes, done) = match number % 3 {
            0 => continue,
            1 => (&mut told.updated, crm.update_product(update(&name)).await.is_ok()),
            _ => {
                let request = DeleteProductRequest { name: name.clone(), ..DeleteProductRequest::default() };
                (&mut told.deleted, crm.delete_product(request).await.is_ok())
            }
        };
        changes.insert(name, done);
        if !done {
            break;
        }
    }
    told
}

/// Imports one message after the other until the service is gone.
async fn import_until_killed(channel: Channel, parent: String, client: u32, first: mpsc::Sender<()>) -> Told {
    let mut told = Told::default();
    let (sender, requests) = mpsc::channel(1);
    let message = |number: u32| {
        let item = |item: usize| {
            let id = format!("i{client}-{number}-{item}");
            let value = product(&id).encode_to_vec();
            let type_url = "type.googleapis.com/merit.v1.Product".to_owned();
            ImportItem { id, resource: Some(prost_types::Any { type_url, value }), update_mask: None }
        };
        let items = (0..ITEMS).map(item).collect();
        ImportResourcesRequest { parent: parent.clone(), items, validate_only: false }
    };
    sender.send(message(0)).await.unwrap();
    let call = TransferServiceClient::new(channel).import_resources(ReceiverStream::new(requests)).await;
    let Ok(mut answers) = call.map(tonic::Response::into_inner) else { return told };
    for number in 0.. {
        let Ok(Some(answer)) = answers.message().await else { break };
        assert_eq!(answer.results.len(), ITEMS);
        for result in answer.results {
            assert_eq!(result.outcome(), ImportOutcome::Created, "{result:?}");
        }
        told.acknowledged.insert(format!("i{client}-{number}"));
        let _ = first.try_send(());
        if sender.send(message(number + 1)).await.is_err() {
            break;
        }
    }
    told
}

/// Lets the clients work on a team of their own, kills the service at some moment, and answers what they were told.
async fn work_until_killed(mut service: Service, round: u32, random: &mut StdRng) -> Told {
    create_team(service.channel.clone(), round).await;
    let (first, mut begun) = mpsc::channel(1);
    let mut clients = JoinSet::new();
    for client in 0..CREATORS {
        clients.spawn(create_until_killed(service.channel.clone(), team(round), client, first.clone()));
    }
    for client in 0..IMPORTERS {
        clients.spawn(import_until_killed(service.channel.clone(), team(round), client, first.clone()));
    }
    if random.random_ratio(9, 10) {
        // However slow the disk is, something was acknowledged.
        for _ in 0..random.random_range(2..6) {
            begun.recv().await.unwrap();
        }
    }
    tokio::time::sleep(Duration::from_micros(random.random_range(0..150_000))).await;
    service.kill();
    let mut told = Told::default();
    for client in clients.join_all().await {
        told.acknowledged.extend(client.acknowledged);
        told.unanswered.extend(client.unanswered);
        told.updated.extend(client.updated);
        told.deleted.extend(client.deleted);
    }
    told
}

async fn list(channel: Channel, round: u32) -> BTreeMap<String, Product> {
    let mut crm = CrmServiceClient::new(channel);
    let mut request =
        ListProductsRequest { parent: team(round), page_size: 1000, ..ListProductsRequest::default() };
    let mut products = BTreeMap::new();
    loop {
        let page = crm.list_products(request.clone()).await.unwrap().into_inner();
        for product in page.products {
            let id = product.name.rsplit('/').next().unwrap().to_owned();
            assert!(products.insert(id, product).is_none(), "listed twice");
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return products;
        }
    }
}

/// Expects every acknowledged write of a round, and no half of any other.
async fn check(channel: Channel, round: u32, told: &Told) {
    let mut writes = BTreeMap::<String, usize>::new();
    for (id, found) in list(channel, round).await {
        let name = format!("{}/products/{id}", team(round));
        match told.updated.get(&name) {
            Some(true) => assert_eq!(found.display_name, UPDATED, "an acknowledged update is lost"),
            Some(false) if found.display_name == UPDATED => {}
            _ => assert_eq!(found.display_name, product(&id).display_name),
        }
        assert_ne!(told.deleted.get(&name), Some(&true), "{name} was deleted, and is there");
        let write = if id.starts_with('c') { &id[..] } else { id.rsplit_once('-').unwrap().0 };
        *writes.entry(write.to_owned()).or_default() += 1;
    }
    for (write, count) in &writes {
        let whole = if write.starts_with('c') { 1 } else { ITEMS };
        assert_eq!(*count, whole, "half of {write} in round {round}");
    }
    let is_lost = |write: &&String| {
        let name = format!("{}/products/{write}", team(round));
        !writes.contains_key(*write) && !told.deleted.contains_key(&name)
    };
    let lost: Vec<_> = told.acknowledged.iter().filter(is_lost).collect();
    assert!(lost.is_empty(), "acknowledged and lost in round {round}: {lost:?}");
}

/// Repeats what had no answer: whether or not it was done, it is there once afterwards.
async fn repeat(channel: Channel, told: &mut Told) {
    let mut crm = CrmServiceClient::new(channel);
    for request in told.unanswered.drain(..) {
        let name = request.product_id.clone();
        crm.create_product(request).await.unwrap_or_else(|status| panic!("repeating {name}: {status}"));
        told.acknowledged.insert(name);
    }
}

/// Expects that the journal created everything that was acknowledged once.
fn check_journal(directory: &Path, rounds: &[Told]) {
    assert_eq!(verify_directory(directory, &blobs_named, None).unwrap().damage, None);
    let database = Database::open(directory, Options::default()).unwrap();
    let mut created = BTreeMap::<String, usize>::new();
    let mut records = Vec::new();
    loop {
        let more = database.records(records.len() as u64, usize::MAX).unwrap();
        if more.is_empty() {
            break;
        }
        records.extend(more);
    }
    let changes = ["UpdateProduct", "DeleteProduct"];
    for record in
        records.iter().filter(|record| !changes.iter().any(|end| record.origin.method.ends_with(end)))
    {
        for effect in &record.effects {
            *created.entry(effect.key.to_string()).or_default() += 1;
        }
    }
    for (round, told) in rounds.iter().enumerate() {
        for write in &told.acknowledged {
            let last = if write.starts_with('c') { String::new() } else { format!("-{}", ITEMS - 1) };
            let key = format!("round-{round}/products/{write}{last}");
            assert_eq!(created.get(&key), Some(&1), "{key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_call_survives_kills() {
    let seed =
        std::env::var("MERIT_CRASH_SEED").map_or_else(|_| rand::rng().random(), |seed| seed.parse().unwrap());
    println!("MERIT_CRASH_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().unwrap();
    let mut rounds: Vec<Told> = Vec::new();
    for round in 0..KILLS {
        if round > 0 && random.random_bool(0.5) {
            kill_while_opening(directory.path(), &mut random);
        }
        let service = Service::start(directory.path(), &SETTINGS).await;
        if let Some((told, before)) = rounds.last_mut().zip(round.checked_sub(1)) {
            check(service.channel.clone(), before, told).await;
            repeat(service.channel.clone(), told).await;
        }
        rounds.push(work_until_killed(service, round, &mut random).await);
    }
    let service = Service::start(directory.path(), &SETTINGS).await;
    for (round, told) in (0..).zip(&rounds) {
        check(service.channel.clone(), round, told).await;
    }
    drop(service);
    check_journal(directory.path(), &rounds);
    let writes: usize = rounds.iter().map(|told| told.acknowledged.len()).sum();
    println!("{KILLS} kills, {writes} acknowledged writes");
    assert!(writes > KILLS as usize, "too little was written between the kills");
}
