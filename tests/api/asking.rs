//! Requests as clients make them.

use merit::proto::v1;
use tonic::Request;

/// A request of an author.
pub fn by<T>(author: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("merit-author", author.parse().unwrap());
    request
}

/// The events of the team `acme`.
pub fn events(filter: &str, page_size: i32) -> v1::ListEventsRequest {
    v1::ListEventsRequest {
        parent: "teams/acme".to_owned(),
        filter: filter.to_owned(),
        page_size,
        ..Default::default()
    }
}
