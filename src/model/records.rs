//! What the rules of a chapter may ask about other records. Who answers is in `resource`.

use bytes::Bytes;

use super::rejection::{Reason, Rejection, ServiceReason};

/// Other records, as they are when the rule is applied.
pub trait Records {
    /// The encoded record of a name; nothing where there is none.
    ///
    /// # Errors
    /// `INTERNAL` where the store failed.
    fn record(&self, name: &str) -> Result<Option<Bytes>, Rejection>;

    /// How many records of a collection refer to this one.
    ///
    /// # Errors
    /// `INTERNAL` where the store failed.
    fn referrers(&self, name: &str, collection: &str) -> Result<u64, Rejection>;
}

/// The record of a name; nothing where there is none.
///
/// # Errors
/// `INTERNAL` where the store failed.
pub fn find<T: prost::Message + Default>(records: &dyn Records, name: &str) -> Result<Option<T>, Rejection> {
    records.record(name)?.map(|encoded| decode(&encoded)).transpose()
}

/// Decodes a record that is kept.
///
/// # Errors
/// `INTERNAL` where it is not of that kind.
pub fn decode<T: prost::Message + Default>(encoded: &[u8]) -> Result<T, Rejection> {
    T::decode(encoded).map_err(|_| {
        Rejection::new(Reason::Service(ServiceReason::Internal), "a record that is kept cannot be read")
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Records in a map, for the tables of the chapters.
    #[derive(Default)]
    pub(crate) struct Kept {
        records: BTreeMap<String, Bytes>,
        /// By name and collection.
        pub(crate) referrers: BTreeMap<(String, String), u64>,
    }

    impl Kept {
        pub(crate) fn put(&mut self, name: &str, record: &impl prost::Message) {
            self.records.insert(name.to_owned(), record.encode_to_vec().into());
        }
    }

    impl Records for Kept {
        fn record(&self, name: &str) -> Result<Option<Bytes>, Rejection> {
            Ok(self.records.get(name).cloned())
        }

        fn referrers(&self, name: &str, collection: &str) -> Result<u64, Rejection> {
            Ok(self.referrers.get(&(name.to_owned(), collection.to_owned())).copied().unwrap_or(0))
        }
    }
}
