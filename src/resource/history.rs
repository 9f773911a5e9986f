//! What is told of a record as it was once written.

use std::{collections::BTreeMap, sync::LazyLock};

use bytes::Bytes;

use crate::model::{
    cell::CellReader,
    schema::{Schema, schemas},
    zone::Zone,
};

/// Reads when a record was created and when it was changed, by collection.
static TIMES: LazyLock<BTreeMap<&str, [CellReader; 2]>> = LazyLock::new(|| {
    let times = |schema: &'static Schema| {
        let reader = |name: &str| Some(CellReader::new(schema.field(name)?, name, &Zone::UTC));
        Some((schema.collection.as_str(), [reader("create_time")?, reader("update_time")?]))
    };
    schemas().values().filter_map(times).collect()
});

/// Whether a record of the collection came to be when it was written like this: every change after that is later.
#[must_use]
pub fn came_to_be(collection: &str, encoded: &[u8]) -> bool {
    let times = TIMES.get(collection);
    times.is_some_and(|[created, changed]| created.read(encoded) == changed.read(encoded))
}

/// An encoded record, packed with what it is. Nothing for a collection that there is not.
#[must_use]
pub fn pack_encoded(collection: &str, encoded: Bytes) -> Option<prost_types::Any> {
    let type_url = format!("type.googleapis.com/{}", schemas().get(collection)?.message.full_name());
    Some(prost_types::Any { type_url, value: encoded.into() })
}
