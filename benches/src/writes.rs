//! Acknowledged writes: single creates from 64 clients, each on disk before it is answered, and records by import; with
//! the disk's own fsyncs a second as the baseline.

use std::{
    fs::File,
    io::Write,
    time::{Duration, Instant},
};

use merit::proto::v1::{
    AccountManager, CreateProductRequest, Opportunity, OpportunityStage, Product,
    crm_service_client::CrmServiceClient,
};

use crate::{
    load::Service,
    timing::{rate, short},
};

const CLIENTS: usize = 64;
const WINDOW: Duration = Duration::from_secs(4);
const IMPORTED: usize = 200_000;

/// Prints creates and imported records a second.
pub async fn bench() {
    let syncs = syncs();
    let service = Service::start().await;
    let creates = creates(&service).await;
    let imported = imported(&service).await;
    service.stop().await;
    println!("\nwrites: a second, over loopback, on disk before they are answered");
    println!("  fdatasync of the disk, one after the other    {:>9}", short(syncs));
    println!(
        "  single creates, {CLIENTS} clients                    {:>9}   goal 3 k, {:.1} × the disk's syncs",
        short(creates),
        creates / syncs
    );
    println!("  records by import, one client                 {:>9}   goal 30 k", short(imported));
}

fn syncs() -> f64 {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut file = File::create(directory.path().join("sync")).expect("a file");
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < Duration::from_secs(1) {
        file.write_all(&[7; 300]).expect("room");
        file.sync_data().expect("a sync");
        count += 1;
    }
    rate(count, start.elapsed())
}

async fn creates(service: &Service) -> f64 {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for client in 0..CLIENTS {
        let mut crm = CrmServiceClient::new(service.connect().await);
        tasks.push(tokio::spawn(async move {
            let mut count = 0;
            while start.elapsed() < WINDOW {
                let product =
                    Product { display_name: format!("Product {count} of {client}"), ..Default::default() };
                let request = CreateProductRequest {
                    parent: "teams/bench".into(),
                    product: Some(product),
                    product_id: format!("p-{client}-{count}"),
                    ..Default::default()
                };
                crm.create_product(request).await.expect("it is created");
                count += 1;
            }
            count
        }));
    }
    let mut count = 0;
    for task in tasks {
        count += task.await.expect("no panic");
    }
    rate(count, start.elapsed())
}

async fn imported(service: &Service) -> f64 {
    let manager = |i: usize| {
        (format!("am-{i}"), AccountManager { display_name: format!("Manager {i}"), ..Default::default() })
    };
    service.import((0..1_000).map(manager)).await;
    let start = Instant::now();
    service.import((0..IMPORTED).map(move |i| (format!("deal-{i}"), deal(i, i % 1_000)))).await;
    rate(IMPORTED, start.elapsed())
}

/// A deal closed in the first quarter of 2026.
pub fn deal(index: usize, owner: usize) -> Opportunity {
    Opportunity {
        display_name: format!("Deal {index}"),
        owner: format!("teams/bench/accountManagers/am-{owner}"),
        stage: if index.is_multiple_of(3) { OpportunityStage::Lost } else { OpportunityStage::Won } as i32,
        amount: format!("{}.{:02}", 100 + index % 9_000, index % 100),
        engage_date: "2025-11-03".into(),
        close_date: format!("2026-0{}-{:02}", 1 + index % 3, 1 + index % 28),
        ..Default::default()
    }
}
