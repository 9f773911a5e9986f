//! What the index knows of itself: how far it is in which history, and the sum of all that it should have. And the form of a
//! value in it.

use super::{Mark, mark::MARK_BYTES};

/// Changes whenever what is kept has another form: an index of another version is built anew.
const VERSION: u8 = 2;
const CHECKED_BYTES: usize = 1 + MARK_BYTES + 8 + 16;
const STATE_BYTES: usize = CHECKED_BYTES + 4;

/// What a value begins with: what follows is the value itself, or a pointer to it.
pub(super) const INLINE: u8 = 0;
/// See `INLINE`.
pub(super) const POINTER: u8 = 1;
const DIGEST_BYTES: usize = 16;
const HEADER_BYTES: usize = 1 + DIGEST_BYTES;

/// What is known of all entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The last record applied.
    pub applied: Mark,
    entries: u64,
    /// The sum of their digests.
    digests: u128,
}

// === impl State ===

impl State {
    /// No entries, at this place of the history.
    pub fn at(applied: Mark) -> Self {
        Self { applied, ..Self::default() }
    }

    /// Counts an entry.
    pub fn add(&mut self, digest: u128) {
        self.entries += 1;
        self.digests = self.digests.wrapping_add(digest);
    }

    /// Counts an entry no more.
    pub fn remove(&mut self, digest: u128) {
        self.entries = self.entries.wrapping_sub(1);
        self.digests = self.digests.wrapping_sub(digest);
    }

    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// As it is kept, little-endian.
    pub fn encode(&self) -> [u8; STATE_BYTES] {
        let mut bytes = [0; STATE_BYTES];
        bytes[0] = VERSION;
        bytes[1..41].copy_from_slice(&self.applied.encode());
        bytes[41..49].copy_from_slice(&self.entries.to_le_bytes());
        bytes[49..CHECKED_BYTES].copy_from_slice(&self.digests.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..CHECKED_BYTES]);
        bytes[CHECKED_BYTES..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what was kept by this version.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; STATE_BYTES] = bytes.try_into().ok()?;
        let state = Self {
            applied: Mark::decode(bytes[1..41].try_into().ok()?),
            entries: u64::from_le_bytes(bytes[41..49].try_into().ok()?),
            digests: u128::from_le_bytes(bytes[49..CHECKED_BYTES].try_into().ok()?),
        };
        (state.encode() == *bytes).then_some(state)
    }
}

/// The form of a value in the index, and its digest.
pub(super) fn seal(key: &[u8], kind: u8, payload: &[u8]) -> (Vec<u8>, u128) {
    let digest = digest(key, kind, payload);
    ([&[kind][..], &digest.to_le_bytes(), payload].concat(), digest)
}

/// The digest that a value says it has, checked, what it is, and the value; nothing where it is not what was sealed.
pub(super) fn unseal<'a>(key: &[u8], sealed: &'a [u8]) -> Option<(u128, u8, &'a [u8])> {
    let (header, payload) = sealed.split_first_chunk::<HEADER_BYTES>()?;
    let (&kind, stated) = header.split_first()?;
    let actual = digest(key, kind, payload);
    (stated == actual.to_le_bytes()).then_some((actual, kind, payload))
}

/// Half of a BLAKE3 hash: nobody attacks the index, and chance does not find a second one.
fn digest(key: &[u8], kind: u8, payload: &[u8]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes()).update(key).update(&[kind]).update(payload);
    let hash = hasher.finalize();
    u128::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has more than sixteen bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_other_byte_is_noticed() {
        let mut state = State::at(Mark { sequence: 9, hash: [7; 32] });
        state.add(u128::MAX);
        assert_eq!(State::decode(&state.encode()), Some(state));
        let (sealed, digest) = seal(b"key", INLINE, b"value");
        assert_eq!(unseal(b"key", &sealed), Some((digest, INLINE, &b"value"[..])));
        assert_eq!(unseal(b"kez", &sealed), None);
        for place in 0..sealed.len() {
            let mut other = sealed.clone();
            other[place] ^= 1;
            assert_eq!(unseal(b"key", &other), None, "byte {place}");
        }
        for place in 0..STATE_BYTES {
            let mut other = state.encode();
            other[place] ^= 1;
            assert_eq!(State::decode(&other), None, "byte {place}");
        }
    }
}
