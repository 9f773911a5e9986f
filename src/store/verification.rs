//! What verifying finds: how far the chain is good, whether it is the history that somebody wrote down, and whether every
//! blob is there that records rest on.

use std::collections::BTreeMap;

use super::{BlobHash, Blobs, Key, Mark, Record, Sequence, StoreError};

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Records walked.
    pub records: u64,
    /// The last good record: whoever writes it down can ask later whether the history still has it.
    pub mark: Mark,
    /// Blobs that records rest on, each once, up to the first that is damaged.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// The first damage, in words that name the file and the place; of the journal, if there is any in it.
    pub damage: Option<String>,
}

/// Says which blobs the value under a key names.
pub type Naming<'a> = &'a dyn Fn(&Key, &[u8]) -> Vec<BlobHash>;

/// What is gathered on a walk through the journal.
pub(super) struct Inspection<'a> {
    naming: Naming<'a>,
    /// What the history has to have.
    expected: Option<Mark>,
    /// What it has at that sequence.
    met: Option<Mark>,
    /// The blobs that the values named, as of the records seen.
    by_key: BTreeMap<Key, Vec<BlobHash>>,
}

// === impl Verification ===

impl Verification {
    /// Sequences count from 1 without gaps: the last good one is the number of records.
    pub(super) fn new(mark: Mark, damage: Option<StoreError>) -> Self {
        let damage = damage.map(|damage| damage.to_string());
        Self { records: mark.sequence, mark, damage, ..Self::default() }
    }
}

// === impl Inspection ===

impl<'a> Inspection<'a> {
    pub fn new(naming: Naming<'a>, expected: Option<Mark>) -> Self {
        Self { naming, expected, met: None, by_key: BTreeMap::new() }
    }

    /// Takes in a record. Records that are seen again, from the first on, change nothing.
    pub fn see(&mut self, record: &Record) {
        if self.expected.is_some_and(|expected| expected.sequence == record.sequence) {
            self.met = Some(record.mark());
        }
        for effect in &record.effects {
            match effect.value.as_ref().map(|value| (self.naming)(&effect.key, value)) {
                Some(hashes) if !hashes.is_empty() => drop(self.by_key.insert(effect.key.clone(), hashes)),
                _ => drop(self.by_key.remove(&effect.key)),
            }
        }
    }

    /// The blobs that records rest on, each with a key of one that does.
    pub fn blobs(&self) -> BTreeMap<BlobHash, &Key> {
        let mut by_hash = BTreeMap::new();
        for (key, hashes) in &self.by_key {
            for hash in hashes {
                by_hash.entry(*hash).or_insert(key);
            }
        }
        by_hash
    }

    /// Holds the history against what was expected of it, reads every blob that is named, and adds what it finds to what
    /// was found of the journal.
    pub fn check(&self, blobs: &Blobs, mut found: Verification) -> Result<Verification, StoreError> {
        found.damage = found.damage.or_else(|| self.contradiction(found.mark.sequence));
        for (hash, key) in self.blobs() {
            match check_blob(blobs, hash, key) {
                Ok(bytes) => {
                    found.blobs += 1;
                    found.blob_bytes += bytes;
                }
                Err(damage @ StoreError::Damaged { .. }) => {
                    found.damage.get_or_insert(damage.to_string());
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// How the history is another than the one that was expected, which ends with `last`.
    fn contradiction(&self, last: Sequence) -> Option<String> {
        let expected = self.expected.filter(|expected| expected.sequence > 0)?;
        match self.met {
            Some(met) if met == expected => None,
            Some(met) => Some(format!(
                "sequence {} has the hash {}, and is expected to have {}: this is another history",
                met.sequence,
                BlobHash(met.hash),
                BlobHash(expected.hash)
            )),
            None => Some(format!(
                "the journal ends with sequence {last}, and is expected to have {}: what was behind it is lost",
                expected.sequence
            )),
        }
    }
}

/// Reads a blob that a record rests on, and answers its bytes.
///
/// # Errors
/// `Damaged` where it is missing or not what was kept.
pub(super) fn check_blob(blobs: &Blobs, hash: BlobHash, key: &Key) -> Result<u64, StoreError> {
    match blobs.check(hash) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => {
            let what = format!("the blob is missing, and teams/{key} rests on it");
            Err(StoreError::unsound(&blobs.path_of(hash), what))
        }
        Err(StoreError::Damaged { file, offset, what }) => {
            Err(StoreError::Damaged { file, offset, what: format!("{what}, and teams/{key} rests on it") })
        }
        Err(error) => Err(error),
    }
}
