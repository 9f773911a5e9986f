//! What verifying finds: how far the chain is good, and whether every blob is there that records rest on.

use std::collections::BTreeMap;

use super::{BlobHash, Blobs, Effect, Key, Sequence, StoreError, journal::Head};

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Records walked.
    pub records: u64,
    /// The last good sequence and its hash.
    pub sequence: Sequence,
    /// See `sequence`.
    pub hash: [u8; 32],
    /// Blobs that records rest on, each once, up to the first that is damaged.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// The first damage, in words that name the file and the place; of the journal, if there is any in it.
    pub damage: Option<String>,
}

/// Says which blobs the value under a key names.
pub type Naming<'a> = &'a dyn Fn(&Key, &[u8]) -> Vec<BlobHash>;

/// The blobs that records name, as of the records seen.
pub(super) struct Named<'a> {
    naming: Naming<'a>,
    by_key: BTreeMap<Key, Vec<BlobHash>>,
}

// === impl Verification ===

impl Verification {
    /// Sequences count from 1 without gaps: the last good one is the number of records.
    pub(super) fn new(head: Head, damage: Option<StoreError>) -> Self {
        let damage = damage.map(|damage| damage.to_string());
        Self { records: head.sequence, sequence: head.sequence, hash: head.hash, damage, ..Self::default() }
    }
}

// === impl Named ===

impl<'a> Named<'a> {
    pub fn new(naming: Naming<'a>) -> Self {
        Self { naming, by_key: BTreeMap::new() }
    }

    /// Takes in a record. Records that are seen again, from the first on, change nothing.
    pub fn see(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect.value.as_ref().map(|value| (self.naming)(&effect.key, value)) {
                Some(hashes) if !hashes.is_empty() => drop(self.by_key.insert(effect.key.clone(), hashes)),
                _ => drop(self.by_key.remove(&effect.key)),
            }
        }
    }

    /// Reads every blob that is named, and adds what it finds to what was found of the journal.
    pub fn check(self, blobs: &Blobs, mut found: Verification) -> Result<Verification, StoreError> {
        let mut by_hash: BTreeMap<BlobHash, Key> = BTreeMap::new();
        for (key, hashes) in self.by_key {
            for hash in hashes {
                by_hash.entry(hash).or_insert_with(|| key.clone());
            }
        }
        for (hash, key) in by_hash {
            let what = match blobs.check(hash) {
                Ok(Some(bytes)) => {
                    found.blobs += 1;
                    found.blob_bytes += bytes;
                    continue;
                }
                Ok(None) => format!("the blob {hash} is missing"),
                Err(damage @ StoreError::Damaged { .. }) => damage.to_string(),
                Err(error) => return Err(error),
            };
            found.damage.get_or_insert(format!("{what}; teams/{key} rests on it"));
            break;
        }
        Ok(found)
    }
}
