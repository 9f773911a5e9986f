//! Reads of single records, against the cheapest call there is: health.

use std::time::{Duration, Instant};

use merit::proto::v1::{
    CreateProductRequest, GetProductRequest, Product, crm_service_client::CrmServiceClient,
};

use crate::{
    load::Service,
    timing::{rate, short},
};

const CONNECTIONS: usize = 4;
const CLIENTS: usize = 64;
const WINDOW: Duration = Duration::from_secs(3);

/// Prints gets a second.
pub async fn bench() {
    let service = Service::start().await;
    let mut crm = CrmServiceClient::new(service.connect().await);
    for index in 0..100 {
        let product = Product { display_name: format!("Product {index}"), ..Default::default() };
        let request = CreateProductRequest {
            parent: "teams/bench".into(),
            product: Some(product),
            product_id: format!("p-{index}"),
            ..Default::default()
        };
        crm.create_product(request).await.expect("it is created");
    }
    let gets = gets(&service).await;
    service.stop().await;
    println!(
        "\nreads: a second, over loopback, {CLIENTS} clients on {CONNECTIONS} connections, server and clients on the same cores"
    );
    println!("  GetProduct                                    {:>9}   goal 10 k", short(gets));
}

async fn gets(service: &Service) -> f64 {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        channels.push(service.connect().await);
    }
    let start = Instant::now();
    let tasks: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let mut crm = CrmServiceClient::new(channels[client % CONNECTIONS].clone());
            tokio::spawn(async move {
                let mut count = 0;
                while start.elapsed() < WINDOW {
                    let name = format!("teams/bench/products/p-{}", (client + count) % 100);
                    crm.get_product(GetProductRequest { name }).await.expect("it is there");
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.expect("no panic");
    }
    rate(count, start.elapsed())
}
