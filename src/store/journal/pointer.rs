//! Where the journal has a value that is too large for the index: read back from there, checked against its hash. The
//! journal keeps every value anyway, and is never cut.

use bytes::Bytes;

use crate::store::{Sequence, StoreError};

/// Where the journal has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// The record that put it.
    pub sequence: Sequence,
    /// Where it begins in the segment of that record.
    pub offset: u64,
    /// Its length.
    pub bytes: u32,
    /// Half of its BLAKE3 hash: nobody attacks it, and chance does not find a second one.
    pub hash: [u8; 16],
}

/// Whoever has the values that pointers point to.
pub trait Values: Send + Sync {
    /// The value.
    ///
    /// # Errors
    /// `Damaged` where what is there is not what was written.
    fn read(&self, pointer: &Pointer) -> Result<Bytes, StoreError>;
}

/// Bytes of a pointer in the index.
const BYTES: usize = 36;

// === impl Pointer ===

impl Pointer {
    /// A pointer to a value that a record has at an offset of its segment.
    #[must_use]
    pub fn to(value: &[u8], sequence: Sequence, offset: u64) -> Self {
        let bytes = u32::try_from(value.len()).expect("a value is shorter than the record that it is in");
        Self { sequence, offset, bytes, hash: hash(value) }
    }

    /// Whether these bytes are the value.
    #[must_use]
    pub fn is_of(&self, value: &[u8]) -> bool {
        value.len() == self.bytes as usize && hash(value) == self.hash
    }

    /// As it is kept, little-endian.
    pub(in crate::store) fn encode(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[0..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[20..].copy_from_slice(&self.hash);
        bytes
    }

    /// Reads what was kept.
    pub(in crate::store) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; BYTES] = bytes.try_into().ok()?;
        Some(Self {
            sequence: u64::from_le_bytes(bytes[0..8].try_into().ok()?),
            offset: u64::from_le_bytes(bytes[8..16].try_into().ok()?),
            bytes: u32::from_le_bytes(bytes[16..20].try_into().ok()?),
            hash: bytes[20..].try_into().ok()?,
        })
    }
}

fn hash(value: &[u8]) -> [u8; 16] {
    *blake3::hash(value).as_bytes().first_chunk().expect("a hash has more than sixteen bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_comes_back_and_knows_its_value() {
        let pointer = Pointer::to(b"a value", 7, 1 << 40);
        assert_eq!(Pointer::decode(&pointer.encode()), Some(pointer));
        assert_eq!(Pointer::decode(&pointer.encode()[1..]), None);
        assert!(pointer.is_of(b"a value"));
        assert!(!pointer.is_of(b"b value") && !pointer.is_of(b"a valu") && !pointer.is_of(b""));
    }
}
